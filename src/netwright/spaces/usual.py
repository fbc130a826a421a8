"""The space in which a search looks for networks where nobody named one, by the kind of data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.core.task import TaskShape
from netwright.spaces.mlp import Mlp
from netwright.spaces.residual import Residual
from netwright.spaces.tables import Tables
from netwright.spaces.text_classes import TextClasses
from netwright.spaces.texts import Texts
from netwright.spaces.time_series import TimeSeries
from netwright.spaces.unet import UNet

if TYPE_CHECKING:
    from netwright.core.problem import Problem
    from netwright.core.space import Space

PROVIDES = ("space.chain",)


def usual_space(shape: TaskShape, problem: Problem | None = None) -> Space:
    """The space that suits such data, as it is by default.

    shape: of the task.
    problem: what is asked for; the shape says enough of those that are shipped.

    Raises UserError where no space is for such examples.
    """
    if shape.is_tokens:
        return Texts() if shape.dense else TextClasses()
    if shape.is_series:
        asks_numbers = problem is not None and problem.kind == "regression"
        return TimeSeries(lines=(False, True)) if asks_numbers and not shape.dense else TimeSeries()
    if shape.is_image:
        return UNet() if shape.dense else Residual()
    shape.require("a search without --space", "vectors", "volumes")
    return Tables() if shape.is_vector else Mlp()
