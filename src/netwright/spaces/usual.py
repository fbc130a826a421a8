"""The space in which a search looks for networks where nobody named one, by the kind of data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.core.task import TaskShape

if TYPE_CHECKING:
    from netwright.core.problem import Problem
    from netwright.core.space import Space


def usual_space(shape: TaskShape, problem: Problem | None = None) -> Space:
    """The space that suits such data, as it is by default.

    shape: of the task.
    problem: what is asked for; the shape says enough of those that are shipped.

    Raises UserError where no space is for such examples.
    """
    from netwright import spaces

    if shape.is_tokens:
        return spaces.Texts() if shape.dense else spaces.TextClasses()
    if shape.is_series:
        return spaces.TimeSeries()
    if shape.is_image:
        return spaces.UNet() if shape.dense else spaces.Residual()
    shape.require("a search without --space", "vectors", "volumes")
    return spaces.Tables() if shape.is_vector else spaces.Mlp()
