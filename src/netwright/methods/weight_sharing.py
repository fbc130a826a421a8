"""What the recipes have in common: one place where a paper's settings meet the data and the epochs at hand."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from netwright.core.configuration import constructor
from netwright.core.errors import ConfigurationError
from netwright.training import TrainingSettings
from netwright.training.batches import usual_batch

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.core.strategy import RoundStrategy, Strategy
    from netwright.engine.search import Search
    from netwright.estimators.shared_weights import SharedWeights
    from netwright.tasks.task import Task

DEFAULTS: Mapping[str, Any] = {"split": 0.5, "batch_size": 64, "learning_rate": 0.025}  # of `SharedWeights`


@dataclass(frozen=True, slots=True)
class Scale:
    """How much there is to learn from, and for how long: what a setting may depend on.

    examples: all but those for the final test.
    side: of the images in pixels, 0 for vectors.
    epochs: of the weight training.
    wanted: the settings that are plain values, the paper's or those given in their place.
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
    def held_out(self) -> int:
        """Examples on which architectures are scored."""
        return max(1, self.examples - self.training_examples)

    @property
    def steps(self) -> int:
        """Training steps of an epoch."""
        return max(1, self.training_examples // self["batch_size"])

    @property
    def total_steps(self) -> int:
        return self.steps * self.epochs


def training_steps(estimator: SharedWeights) -> int:
    """How many steps the weights of an estimator are trained for."""
    settings = estimator.settings
    known = {"split": estimator.validation, "batch_size": settings.batch_size}
    return Scale(len(estimator.task.train), 0, settings.epochs, known).total_steps


Setting = Callable[[Scale], Any]  # a setting that depends on the data and the epochs


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings of `SharedWeights` for one task and so many epochs, and what they were made for."""

    task: Task
    scale: Scale
    settings: Mapping[str, Any]
    architecture_rate: float | None = None

    def search(
        self, strategy: Strategy, *, seed: int, device: str, objective: str | tuple[str, ...] | None = None
    ) -> Search:
        """A search by the strategy on shared weights with these settings."""
        strategy = self._paced(strategy)
        from netwright.engine.search import Search
        from netwright.estimators.shared_weights import SharedWeights

        estimator = SharedWeights(strategy.space, self.task, device=device, **self.settings)
        return Search(strategy, estimator, objective=objective, seed=seed)

    def _paced(self, strategy: Strategy) -> Strategy:
        """The strategy with logits that move as fast as was asked for, or as the steps at hand need."""
        from netwright.strategies.differentiable import Adam, Differentiable

        if not isinstance(strategy, Differentiable) or not isinstance(strategy.optimiser, Adam):
            if self.architecture_rate is None:
                return strategy
            raise ConfigurationError(
                f"architecture_rate = {self.architecture_rate!r}: expected a recipe whose logits follow Adam"
            )
        rate, own = self.architecture_rate, strategy.optimiser.learning_rate
        if rate is None:
            rate = logit_rate(own, self.scale.total_steps)
        return strategy if rate == own else strategy.replace(optimiser=strategy.optimiser.replace(learning_rate=rate))


def resolved(task: Task, epochs: int, published: Mapping[str, Any], given: Mapping[str, Any]) -> Resolved:
    """What a paper trains with, for this data and these epochs.

    published: the paper's settings, of which those that depend on the data or the epochs are functions of a `Scale`.
    given: the user's, which replace the paper's; `architecture_rate` is that of the Adam of the logits.
    """
    usual = usual_batch(task.shape, len(task.train))
    wanted = {**published, **({} if usual is None else {"batch_size": usual}), **given}
    architecture_rate = wanted.pop("architecture_rate", None)
    side = min(task.shape.input[1:]) if task.shape.is_image else 0
    scale = Scale(len(task.train), side, epochs, _plain(wanted))
    for name in ("split", "batch_size"):  # on which others depend
        if callable(wanted.get(name)):
            wanted[name] = wanted[name](scale)
            scale = replace(scale, wanted=_plain(wanted))
    settings = {name: each(scale) if callable(each) else each for name, each in wanted.items()}
    return Resolved(task, scale, {**settings, "epochs": epochs}, architecture_rate)


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


def searching(method: type[RoundStrategy]) -> Callable[..., Search]:
    """A function of a space and a task, as published methods are, of a strategy that trains shared weights.

    method: its class, of a space and options of its own; other options are those of `SharedWeights`.
    """
    own = list(constructor(method).parameters.values())[1:]
    names = {each.name for each in own}

    def search(
        space: Space, task: Task, *, epochs: int = 50, seed: int = 0, device: str = "auto", **options: Any
    ) -> Search:
        given = {name: value for name, value in options.items() if name in names}
        settings = {name: value for name, value in options.items() if name not in names}
        return resolved(task, epochs, {}, settings).search(method(space, **given), seed=seed, device=device)

    first, second, *others = inspect.signature(search).parameters.values()
    by_name = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    vars(search)["__signature__"] = inspect.Signature([first, second, *by_name, *others])
    search.__name__, search.__doc__ = method.__name__, method.__doc__
    search.__module__ = method.__module__
    return search


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


# What a short search needs in place of a paper's settings.

PUBLISHED_STEPS = 19_500
"""Steps of the search of DARTS on CIFAR-10: 50 epochs of 390. What has as many or more is left as its paper has it."""
FASTEST = 0.01  # learning rate of logits that is not exceeded


def logit_rate(published: float, steps: int) -> float:
    """A learning rate of Adam with which logits can move as far in so many steps as in those of a paper."""
    return max(published, min(FASTEST, published * PUBLISHED_STEPS / steps))


PASSES = 3  # of a minibatch in a training step: forward, and about two for the way back
FEWEST_STATISTICS = 256  # images
FEWEST_EVALUATIONS = 50


def statistics_from(images: int, evaluations: int) -> Setting:
    """Minibatches for the statistics of an architecture that is scored, of at most so many training images.

    Fewer in a short search: for all of a paper's evaluations together they take no longer than the weight training.
    """

    def minibatches(scale: Scale) -> int:
        least = math.ceil(FEWEST_STATISTICS / scale["batch_size"])
        return min(max(least, PASSES * scale.total_steps // evaluations), batches_of(images)(scale))

    return minibatches


def affordable(most: int, scale: Scale, statistics: int = 0, looks: float | None = None) -> int:
    """How many architectures to score: those of a paper, but no more than take as long as the weight training.

    statistics: minibatches that each is shown before.
    looks: minibatches that it is scored on, None for all held out.
    """
    every = scale.held_out / scale["batch_size"]
    minibatches = statistics + (every if looks is None else looks)
    return min(most, max(FEWEST_EVALUATIONS, round(PASSES * scale.total_steps / minibatches)))


# Settings that several papers share.

DARTS_CODE: Mapping[str, Any] = {"normalise_pooling": True}
"""The supernet of the authors of DARTS, and of those who started from their code; its training is the default."""
ONE_LEVEL: Mapping[str, Any] = {"split": 0.1}
"""One loss for weights and logits: the papers train on all examples, here a tenth is held out to score the result."""
