"""What the recipes have in common: one place where a paper's settings meet the data and the epochs at hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from netwright.training import TrainingSettings

if TYPE_CHECKING:
    from netwright.core.strategy import Strategy
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

DEFAULTS: Mapping[str, Any] = {"split": 0.5, "batch_size": 64, "learning_rate": 0.025}  # of `SharedWeights`


@dataclass(frozen=True, slots=True)
class Scale:
    """How much there is to learn from, and for how long: what a setting may depend on.

    examples: all but those for the final test. side: of the images in pixels, 0 for vectors. epochs: of the weight
    training. wanted: the settings that are plain values, the paper's or those given in their place.
    """

    examples: int
    side: int
    epochs: int
    wanted: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __getitem__(self, name: str) -> Any:
        return self.wanted.get(name, DEFAULTS.get(name))

    @property
    def training_examples(self) -> int:
        """Examples that train the weights; the others are held out."""
        return max(1, round(self.examples * (1 - self["split"])))

    @property
    def steps(self) -> int:
        """Training steps of an epoch."""
        return max(1, self.training_examples // self["batch_size"])

    @property
    def total_steps(self) -> int:
        return self.steps * self.epochs


Setting = Callable[[Scale], Any]  # a setting that depends on the data and the epochs


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings of `SharedWeights` for one task and so many epochs, and what they were made for."""

    task: Task
    scale: Scale
    settings: Mapping[str, Any]

    def search(
        self, strategy: Strategy, *, seed: int, device: str, objective: str | tuple[str, ...] = "val_accuracy"
    ) -> Search:
        """A search by the strategy on shared weights with these settings."""
        from netwright.engine.search import Search
        from netwright.estimators.shared_weights import SharedWeights

        estimator = SharedWeights(strategy.space, self.task, device=device, **self.settings)
        return Search(strategy, estimator, objective=objective, seed=seed)


def resolved(task: Task, epochs: int, published: Mapping[str, Any], given: Mapping[str, Any]) -> Resolved:
    """What a paper trains with, for this data and these epochs.

    published: the paper's settings, of which those that depend on the data or the epochs are functions of a `Scale`.
    given: the user's, which replace the paper's.
    """
    wanted = {**published, **given}
    side = min(task.shape.input[1:]) if task.shape.is_image else 0
    scale = Scale(len(task.train), side, epochs, _plain(wanted))
    for name in ("split", "batch_size"):  # on which others depend
        if callable(wanted.get(name)):
            wanted[name] = wanted[name](scale)
            scale = replace(scale, wanted=_plain(wanted))
    settings = {name: each(scale) if callable(each) else each for name, each in wanted.items()}
    return Resolved(task, scale, {**settings, "epochs": epochs})


def _plain(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings that are known; of those that others depend on, only what a training can take."""
    plain = {name: each for name, each in wanted.items() if not callable(each)}
    given = plain.get("settings")  # a TrainingSettings beside which some are given by name
    inside = dict(given.arguments) if isinstance(given, TrainingSettings) else {}
    found = {**inside, **plain}
    for name, sound in (("split", _is_share), ("batch_size", _is_count), ("learning_rate", _is_positive)):
        if name in found and not sound(found[name]):
            del found[name]  # refused where it is used
    return MappingProxyType(found)


def _is_share(value: object) -> bool:
    return isinstance(value, float) and 0 < value < 1


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value > 0


def _is_positive(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and value > 0


# Settings that depend on the data or the epochs.

OF_IMAGENET = 50_000 / 1_281_167
FEWEST_HELD_OUT, MOST_HELD_OUT = 1000, 0.2


def nearly_all(scale: Scale) -> float:
    """Held out: 50,000 of ImageNet's 1,281,167 images, as a share; of smaller data up to a fifth, for 1,000 of them."""
    return max(OF_IMAGENET, min(MOST_HELD_OUT, FEWEST_HELD_OUT / scale.examples))


def half_a_side(scale: Scale) -> int | None:
    """Cutout of half the side of the images, which is 16 pixels for CIFAR-10; None for vectors."""
    return scale.side // 2 or None


def batches_of(images: int) -> Setting:
    """Minibatches of so many training images, at most of all there are."""
    return lambda scale: math.ceil(min(images, scale.training_examples) / scale["batch_size"])


# Settings that several papers share.

DARTS_CODE: Mapping[str, Any] = {"normalise_pooling": True}
"""The supernet of the authors of DARTS, and of those who started from their code; its training is the default."""
ONE_LEVEL: Mapping[str, Any] = {"split": 0.1}
"""One loss for weights and logits: the papers train on all examples, here a tenth is held out to score the result."""
