"""The training that the authors of published cells gave their final networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.training.settings import TrainingSettings
from netwright.training.usual import usual

if TYPE_CHECKING:
    from netwright.core.problem import Problem
    from netwright.core.task import TaskShape


def as_published(shape: TaskShape, problem: Problem, examples: int) -> TrainingSettings:
    """The final training of Liu et al. (2019) for images; of anything else the usual one.

    The published cutout, 16 of 32 pixels, is half the side of the images here. Left out: the authors' weight decay of
    biases and normalisations, and for texts their averaged SGD of 3,600 epochs.

    shape: of the task.
    problem: what is asked for.
    examples: to train on.
    """
    if not shape.is_image or shape.dense:
        return TrainingSettings(**usual(shape, problem, examples))
    own = TrainingSettings.DARTS_FINAL
    batch = max(2, min(own.batch_size, examples))
    return own.replace(cutout=min(shape.height, shape.width) // 2, batch_size=batch)
