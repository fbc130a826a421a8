"""How a network is trained: every choice of the training loop, as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from netwright.core.checks import is_number, is_whole
from netwright.core.configuration import Configured
from netwright.core.errors import ConfigurationError, nearest

Check = tuple[Callable[[Any], bool], str]


@dataclass(frozen=True, repr=False)
class TrainingSettings(Configured):
    """Optimiser, schedule, regularisation and arithmetic of one training; the defaults suit short training.

    epochs: passes over the training examples; counts for nothing where `seconds` says how long.
    batch_size: examples in one step, at least 2 (batch normalisation).
    optimiser: "sgd" is SGD with momentum, "adamw" is Adam with decoupled weight decay.
    momentum: of SGD; with "adamw" the decay of its first moment.
    nesterov: whether SGD's momentum is Nesterov's.
    weight_decay: not applied to biases and to the scales and shifts of normalisation.
    schedule: how the learning rate moves, step by step; "one_cycle" has its rise built in and knows no warm-up.
        "stable" keeps it until the last `decay` share and then lets it fall along a line (Hu et al. 2024, "warm-up,
        stable, decay"), so that a training can be stopped and made longer at any time before.
    warm_up: share of the steps in which the learning rate rises linearly to `learning_rate`.
    decay: share of the steps, at the end, in which a "stable" schedule falls. Between 0.1 and 0.5 little depends on it:
        98.4 to 98.8 % on breast cancer, 95.6 to 95.8 % on digits, 89.4 to 89.7 % on 3,000 images of MNIST (an `Mlp`, 12
        epochs, 3 seeds), with 0.3 the best or second to it on two.
    minimum_learning_rate: where all schedules but "constant" end.
    label_smoothing: probability mass moved from the true class to all classes alike.
    gradient_clip: largest global L2 norm of the gradient; None does not clip.
    auxiliary_weight: weight of the loss of an auxiliary head, where the network has one.
    drop_path: probability of dropping a path in the last epoch, reached linearly from 0 (Zoph et al. 2018).
    augment: whether the task's augmentation is used.
    cutout: side in pixels, in place of the task's.
    augmentation: how strongly training examples are changed: as their task says, not at all, lightly or strongly; what
        that is for images, series and texts is in `netwright.training.strength`. "auto" is strongly for images with
        masks that are gone through at least 20 times, and else as their task says.
    flip: whether images are mirrored, in place of what the task says.
    balance: how far rare classes count as much as frequent ones: from 0, each example alike, to 1, each class alike.
    mixup: of the Beta distribution by which pairs of examples are mixed (Zhang et al. 2018); 0 mixes none. Not for
        tokens.
    repeats: how often an example comes in a row, changed in another way each time (Hoffer et al. 2020); an epoch is as
        long, and takes a part of the examples.
    precision: "auto" takes bfloat16 where `netwright.training.precision` has a rule that says it is faster; "tf32" lets
        a GPU round the factors of products to 10 bits, "float32" nowhere.
    deterministic: on CUDA, only computations that give the same bits each time, as far as there are such
        (`netwright.training.arithmetic`); false takes the fastest. On CPU they always do.
    channels_last: memory order of images and convolutions; "auto" takes channels last for images.
    threads: to compute with on CPU; "auto" takes one for small networks, by the rule of `netwright.training.threads`,
        and PyTorch's number for others.
    compile: use `torch.compile`; pays off only in long training.
    average: decay of the exponential moving average of the weights. The average is then what is judged and returned.
    fresh_statistics: whether the average gets statistics of batch normalisation of its own whenever it is measured,
        from at most 16 batches, in place of averaged ones: see `netwright.training.fresh_statistics`.
    evaluate_every: epochs between two measurements on the held-out examples; the last epoch is always measured.
    learning_rate: the highest of the schedule.
    steps_per_epoch: at most; an epoch with fewer than its examples make takes other ones each time, at random. None
        takes all examples. With `seconds`, steps between two measurements at most.
    seconds: how long, in place of `epochs`: training and measuring together, the schedule by the clock (see
        `netwright.training.pacing`). Points of the curve are a twentieth of it apart, or so far that measuring takes
        less than a tenth of the time, and the examples are gone through pass after pass.
    patience: measurements without a better one (see `netwright.training.best`) after which a "stable" schedule goes on
        to its decay, for the same share of what it then comes to; with another schedule the training ends. None waits
        until the end.
    keep_best: whether the weights of the best measurement are what is judged and returned. A training that is continued
        goes on from the newest in any case.
    part_decay: whether a training by the clock with a "stable" schedule that ends after a part of its `seconds` goes
        through a decay of its own, in the last `decay` share of that part; a continuation goes on from before it. Needs
        `keep_best`.

    Raises ConfigurationError for an unknown option, and for a value outside what is allowed.
    """

    epochs: int = 10
    batch_size: int = 64
    optimiser: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    schedule: Literal["cosine", "linear", "one_cycle", "constant", "stable"] = "cosine"
    warm_up: float = 0.1
    minimum_learning_rate: float = 0.0
    label_smoothing: float = 0.0
    gradient_clip: float | None = 5.0
    auxiliary_weight: float = 0.4
    drop_path: float = 0.0
    augment: bool = True
    cutout: int | None = None
    augmentation: Literal["task", "auto", "none", "light", "strong"] = "task"
    flip: bool | Literal["task"] = "task"
    balance: float = 0.0
    mixup: float = 0.0
    repeats: int = 1
    precision: Literal["auto", "float32", "tf32", "bfloat16"] = "auto"
    channels_last: bool | Literal["auto"] = "auto"
    threads: int | Literal["auto"] = "auto"
    compile: bool = False
    average: float | None = None
    evaluate_every: int = 1
    steps_per_epoch: int | None = None
    deterministic: bool = True
    decay: float = 0.3
    seconds: float | None = None
    patience: int | None = None
    keep_best: bool = False
    part_decay: bool = False
    fresh_statistics: bool = False

    DARTS_FINAL: ClassVar[TrainingSettings]
    """The final training on CIFAR-10 of Liu et al. (2019): 600 epochs, cutout 16, auxiliary head, drop path 0.2."""

    def __post_init__(self) -> None:
        for name, (allowed, form) in _CHECKS.items():
            value = getattr(self, name)
            if not allowed(value):
                raise ConfigurationError(f"training option {name} = {value!r}: expected {form}{_hint(name, value)}")
        if self.minimum_learning_rate > self.learning_rate:
            raise ConfigurationError(
                f"training option minimum_learning_rate = {self.minimum_learning_rate!r}: expected at most "
                f"learning_rate = {self.learning_rate!r}"
            )
        if self.schedule == "stable" and self.warm_up + self.decay > 1:
            raise ConfigurationError(
                f"training option decay = {self.decay!r}: expected at most {1 - self.warm_up:.4g}, what warm_up = "
                f"{self.warm_up!r} leaves of a stable schedule"
            )
        if self.part_decay and not self.keep_best:
            raise ConfigurationError(
                "training option part_decay = True: expected false without keep_best, as what the decay of a part "
                "comes to is only kept as the best measurement"
            )
        if self.compile and self.drop_path:
            raise ConfigurationError(
                "training option compile = True: expected false with drop_path above 0, because a probability that "
                "moves in each epoch would compile the network again in each epoch"
            )

    @property
    def varies(self) -> bool:
        """Whether it is known only afterwards how long the network that is returned was trained."""
        return self.seconds is not None or self.patience is not None or self.keep_best


def _integer(least: int) -> Check:
    return lambda value: is_whole(value, least), f"an integer of at least {least}"


def _positive() -> Check:
    return lambda value: is_number(value) and value > 0, "a number above 0"


def _not_negative() -> Check:
    return lambda value: is_number(value) and value >= 0, "a number of at least 0"


def _fraction() -> Check:
    return lambda value: is_number(value) and 0 <= value < 1, "a number from 0 to below 1"


def _share() -> Check:
    return lambda value: is_number(value) and 0 <= value <= 1, "a number from 0 to 1"


def _flag() -> Check:
    return lambda value: isinstance(value, bool), "true or false"


def _or_none(check: Check) -> Check:
    allowed, form = check
    return lambda value: value is None or allowed(value), f"{form}, or none"


def _or_auto(check: Check) -> Check:
    allowed, form = check
    return lambda value: (isinstance(value, str) and value == "auto") or allowed(value), f"{form}, or 'auto'"


def _one_of(*names: object) -> Check:
    listed = ", ".join(repr(name) for name in names)
    return lambda value: any(type(value) is type(name) and value == name for name in names), f"one of {listed}"


def _hint(name: str, value: object) -> str:
    if isinstance(value, str) and name in _NAMES:
        return nearest(value, _NAMES[name]).partition(" Known:")[0].rstrip(".")
    return ""


_NAMES: dict[str, tuple[object, ...]] = {
    "optimiser": ("sgd", "adamw"),
    "schedule": ("cosine", "linear", "one_cycle", "constant", "stable"),
    "precision": ("auto", "float32", "tf32", "bfloat16"),
    "channels_last": ("auto", True, False),
    "augmentation": ("task", "auto", "none", "light", "strong"),
    "flip": ("task", True, False),
}

_CHECKS: dict[str, Check] = {
    "epochs": _integer(1),
    "batch_size": _integer(2),
    "learning_rate": _positive(),
    "momentum": _fraction(),
    "nesterov": _flag(),
    "weight_decay": _not_negative(),
    "warm_up": _fraction(),
    "minimum_learning_rate": _not_negative(),
    "label_smoothing": _fraction(),
    "gradient_clip": _or_none(_positive()),
    "auxiliary_weight": _not_negative(),
    "drop_path": _fraction(),
    "augment": _flag(),
    "cutout": _or_none(_integer(0)),
    "balance": _share(),
    "mixup": _not_negative(),
    "repeats": _integer(1),
    "threads": _or_auto(_integer(1)),
    "compile": _flag(),
    "deterministic": _flag(),
    "average": _or_none(_fraction()),
    "evaluate_every": _integer(1),
    "steps_per_epoch": _or_none(_integer(1)),
    "decay": _share(),
    "seconds": _or_none(_positive()),
    "patience": _or_none(_integer(1)),
    "keep_best": _flag(),
    "part_decay": _flag(),
    "fresh_statistics": _flag(),
    **{name: _one_of(*names) for name, names in _NAMES.items()},
}

TrainingSettings.DARTS_FINAL = TrainingSettings(
    epochs=600,
    batch_size=96,
    learning_rate=0.025,
    nesterov=False,
    weight_decay=3e-4,
    warm_up=0.0,
    cutout=16,
    auxiliary_weight=0.4,
    drop_path=0.2,
    gradient_clip=5.0,
)
