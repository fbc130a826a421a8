"""How strongly training examples are changed: what a task does by itself, and what the settings make of it.

What may be done follows from what examples are. Images are shifted and mirrored, and in strong form cut and resized,
their colours changed and a square of them covered; series are scaled and made noisy, in strong form stretched; words of
a text are left out. Vectors are changed by mixing alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from netwright.core.errors import ConfigurationError
from netwright.core.task import Augmentation, Data
from netwright.core.trees import first
from netwright.training.settings import TrainingSettings

SHIFTED = 8  # an image is shifted by at most one part of so many of its shorter side
LEAST_SHIFTED = 4  # pixels of that side, below which a shift by one would leave too little of the image
LONG = 20  # passes over images with masks, from which on networks learn them by heart (benchmarks/RESULTS.md)
COVERED = 4  # and the side of the square that is covered is one part of so many


@dataclass(frozen=True, slots=True)
class Changes(Augmentation):
    """What is done to training examples; the defaults do nothing.

    flip, padding, cutout: as of `Augmentation`.
    zoom: share of an image's area, or of a series' length, that is cut out at most before it is resized (Szegedy et al.
        2015).
    colour: by which share contrast, brightness and saturation of an image, or the scale of a series, change at most.
    noise: standard deviation of what is added to each number of a series.
    words: share of the tokens of a text that are left out (Iyyer et al. 2015).
    mixup: of the Beta distribution by which pairs of examples are mixed (Zhang et al. 2018).
    """

    zoom: float = 0.0
    colour: float = 0.0
    noise: float = 0.0
    words: float = 0.0
    mixup: float = 0.0

    @property
    def is_further(self) -> bool:
        """Whether anything is done beyond what `Augmentation` has."""
        return any((self.zoom, self.colour, self.noise, self.words, self.mixup))


LIGHT: dict[str, dict[str, float]] = {
    "series": {"colour": 0.1, "noise": 0.05},
    "tokens": {"words": 0.1},
}
STRONG: dict[str, dict[str, float]] = {
    "images": {"zoom": 0.5, "colour": 0.3},
    "series": {"zoom": 0.3, "colour": 0.2, "noise": 0.1},
    "tokens": {"words": 0.25},
}


def changes(data: Data, settings: TrainingSettings) -> Augmentation:
    """What is done to the training examples of these data.

    data: with what their task does.
    settings: which may say otherwise.

    Raises ConfigurationError where examples are to be mixed that are no numbers.
    """
    task = data.augmentation
    if settings.mixup:
        _require_numbers(data)
    kind = _kind(data)
    strength = _strength(data, settings)
    found: dict[str, Any] = {"mixup": settings.mixup}
    if strength == "task":
        found |= {"flip": task.flip, "padding": task.padding, "cutout": task.cutout}
    elif strength != "none" and kind == "images":
        shorter = min(first(data.train.stored).shape[2:])
        found |= {"flip": task.flip, "padding": max(1, shorter // SHIFTED) if shorter >= LEAST_SHIFTED else 0}
    if strength in ("light", "strong"):
        found |= (LIGHT if strength == "light" else STRONG).get(kind, {})
    if strength == "strong" and kind == "images":
        found["cutout"] = min(first(data.train.stored).shape[2:]) // COVERED
    if settings.augment and kind == "images":
        found |= {"cutout": settings.cutout} if settings.cutout is not None else {}
        found |= {"flip": settings.flip} if settings.flip != "task" and strength != "none" else {}
    elif settings.augment and settings.cutout is not None:
        found["cutout"] = settings.cutout  # which is refused where the examples are none
    return Changes(**found)


def _strength(data: Data, settings: TrainingSettings) -> str:
    """The name of a strength; that of "auto", too."""
    if not settings.augment:
        return "none"
    if settings.augmentation != "auto":
        return settings.augmentation
    is_long = settings.seconds is None and settings.epochs >= LONG
    return "strong" if is_long and data.problem.dense and _kind(data) == "images" else "task"


def _kind(data: Data) -> str:
    """What is changed: images, series or tokens; nothing of others, nor of what goes on from example to example."""
    inputs = data.train.stored
    if not isinstance(inputs, Tensor) or data.problem.continues:
        return ""
    if not inputs.is_floating_point() and inputs.dim() == 2:
        return "tokens"
    return {4: "images", 3: "series"}.get(inputs.dim(), "")


def _require_numbers(data: Data) -> None:
    if data.problem.continues or data.mean is None:
        raise ConfigurationError(
            "training option mixup: examples that are tokens, or continue each other, cannot be mixed; expected 0"
        )
