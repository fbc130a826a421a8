"""A class for every place of an example: each pixel of an image, each time of a series, each token of a text."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from netwright.core.errors import ConfigurationError, DataError
from netwright.core.problem import Breakdown, Metric, Problem, Tally
from netwright.core.spelling import option
from netwright.core.wording import listed
from netwright.problems.portable import pixels

__all__ = ["DenseClassification"]

VOID = 255
"""What stands in targets for a place that is not asked for."""
FEWEST_IN_A_STRATUM = 10
_RARE = 0.2  # of an even share, below which a class is rare
ACCURACY = {
    "pixel": Metric("pixel_accuracy", percent=True),
    "token": Metric("token_accuracy", percent=True),
    "time": Metric("time_accuracy", percent=True),
}


class DenseClassification(Problem):
    """One of several classes for each place of an example, such as the pixels of an image.

    class_names: one a class, in the order of the targets' numbers; at most 255.
    class_weights: what a place of each class counts in the loss, one number a class; "balanced" to have each class
        count alike, by the training places; None for 1 each.
    dice: share of the loss that is 1 - Dice, between the probabilities and the classes (Milletari et al. 2016), from 0
        to 1; the rest is cross entropy.
    place: what a place is called.
    values: of the masks that people have, one a class; None where they are the classes' numbers.

    Targets are uint8 (n, *places), each a class's number, or 255 where a place is not asked for; outputs are logits
    (n, classes, *places). The loss of an example is the mean over its places that are asked for. Metrics are those of
    all places of all examples together, not means over examples, in which a class that is rare in one would count as
    much as where it is frequent: IoU and Dice of a class are hits / (hits + misses + false alarms) and 2 hits / (2 hits
    + misses + false alarms), and the means are over the classes that occur, in targets or answers.
    Raises ConfigurationError for fewer than two classes or more than 255, and for weights and shares that cannot be;
    DataError for a name that occurs twice.
    """

    kind: ClassVar[str] = "segmentation"
    network_of: ClassVar[str] = "A segmentation of"
    answered: ClassVar[str] = "masks"
    smooths: ClassVar[bool] = True
    score_name: ClassVar[str] = "mean_iou"
    dense = True

    def __init__(
        self,
        class_names: Sequence[str],
        *,
        class_weights: Literal["balanced"] | Sequence[float] | None = None,
        dice: float = 0.0,
        place: str = "pixel",
        values: Sequence[int] | None = None,
    ) -> None:
        self.class_names = tuple(map(str, class_names))
        self.class_weights = class_weights if class_weights in (None, "balanced") else tuple(map(float, class_weights))
        self.dice, self.place = float(dice), place
        self.values = None if values is None else tuple(map(int, values))
        self._check_classes()
        if not 0 <= self.dice <= 1:
            raise ConfigurationError(f"dice is a share of the loss from 0 to 1, found {dice!r}")

    def _check_classes(self) -> None:
        names, weights = self.class_names, self.class_weights
        if not 2 <= len(names) <= VOID:
            raise ConfigurationError(f"there are 2 to {VOID} classes of {self.place}s, found {len(names)}")
        if len(set(names)) < len(names):
            raise DataError(f"class names must differ, found {listed(names, 20)}")
        if isinstance(weights, tuple) and (len(weights) != len(names) or not all(each > 0 for each in weights)):
            raise ConfigurationError(
                f"class_weights must be {len(names)} numbers above 0, one a class, found {weights}"
            )
        if self.values is not None and len(set(self.values)) != len(names):
            raise ConfigurationError(f"values must be {len(names)} different numbers, one a class, found {self.values}")

    @property
    def outputs(self) -> int:
        return len(self.class_names)

    @property
    def void(self) -> int:
        """What stands in targets for a place that is not asked for."""
        return VOID

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (
            Metric("mean_iou", percent=True, label="mean IoU"),
            Metric("dice", percent=True, label="Dice"),
            ACCURACY.get(self.place, Metric(f"{self.place}_accuracy", percent=True)),
        )

    # The loss.

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return self._loss(outputs, targets, 0.0)

    def mean_loss(self, outputs: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
        return self._loss(outputs, targets, smoothing).mean()

    def _loss(self, outputs: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        asked = targets != VOID
        found = self._cross_entropy(outputs, targets, asked, smoothing) if self.dice < 1 else 0.0
        if not self.dice:
            return found  # pyright: ignore[reportReturnType]
        return (1 - self.dice) * found + self.dice * self._missing_dice(outputs, targets, asked)

    def _cross_entropy(self, outputs: Tensor, targets: Tensor, asked: Tensor, smoothing: float) -> Tensor:
        each = F.cross_entropy(
            outputs,
            targets.long(),
            outputs.new_tensor(self.class_weights) if isinstance(self.class_weights, tuple) else None,
            ignore_index=VOID,
            reduction="none",
            label_smoothing=smoothing,
        )
        return each.flatten(1).sum(1) / asked.flatten(1).sum(1).clamp(min=1)

    def _missing_dice(self, outputs: Tensor, targets: Tensor, asked: Tensor) -> Tensor:
        """1 - Dice of each example, the mean over the classes, with one place more so that an absent class has one."""
        shares = outputs.softmax(1) * asked[:, None]
        classes = torch.arange(self.outputs, device=targets.device).view(1, -1, *[1] * (targets.dim() - 1))
        true = (targets[:, None] == classes).to(shares.dtype)
        both, total = (each.flatten(2).sum(2) for each in (shares * true, shares + true))
        return 1 - ((2 * both + 1) / (total + 1)).mean(1)

    def breakdown(self, outputs: Tensor, targets: Tensor) -> Breakdown:
        """IoU and Dice of each class."""
        matrix = confusion(outputs.max(1).indices, targets, self.outputs).double()
        iou, dice = (each.tolist() for each in iou_and_dice(matrix))
        shares = (matrix.sum(1) / matrix.sum().clamp(min=1)).tolist()
        rows = tuple(
            (name, f"{100 * share:.1f} %", f"{100 * over:.2f} %", f"{100 * twice:.2f} %")
            for name, share, over, twice in zip(self.class_names, shares, iou, dice, strict=True)
        )
        text = f"Over the {self.place}s of all test examples together."
        return Breakdown("Each class", text, ("class", f"share of the {self.place}s", "IoU", "Dice"), rows)

    def in_words(self, outputs: Tensor, targets: Tensor) -> tuple[str, str]:
        asked = targets[0] != VOID
        right = (outputs[0].argmax(0) == targets[0])[asked].double().mean()
        return "", f"{100 * float(right):.1f} % of the {self.place}s right"

    def score(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return figures_of(confusion(outputs.max(1).indices, targets, self.outputs).double())[0]

    def tally(self) -> Tally:
        return Confusion(self)

    # Data.

    def fitted(self, targets: Any) -> Self:
        """With weights by which each class counts alike, 1 in the mean over these places, where they are "balanced"."""
        if self.class_weights != "balanced":
            return self
        counts = _counts(targets, self.outputs).double().clamp(min=1)
        weights: list[float] = (counts.sum() / (self.outputs * counts)).tolist()
        return self.replace(class_weights=weights)

    def check(self, targets: Tensor, which: str) -> None:
        if targets.dtype != torch.uint8 or targets.dim() < 2:
            raise DataError(
                f"{which} targets must be torch.uint8 of the shape (n, *places), found {targets.dtype} "
                f"{tuple(targets.shape)}"
            )
        found = torch.bincount(targets.flatten(), minlength=VOID + 1)
        if int(found[self.outputs : VOID].sum()):
            raise DataError(
                f"{which} targets lie outside 0..{self.outputs - 1}, the numbers of the {self.outputs} classes, and "
                f"{VOID}, which stands for what is not asked for"
            )
        if not int(found[: self.outputs].sum()):
            raise DataError(f"nothing is asked for in the {which} targets: every {self.place} is left out")

    def strata(self, targets: Any) -> NDArray[np.int64]:
        """Whether an example holds the rarest class, where enough do and enough don't."""
        targets = np.asarray(targets)
        rarest = int(_counts(targets, self.outputs).clamp(min=1).argmin())
        holds = (targets == rarest).reshape(len(targets), -1).any(axis=1).astype(np.int64)
        fewest = min(int(holds.sum()), len(holds) - int(holds.sum()))
        return holds if fewest >= FEWEST_IN_A_STRATUM else np.zeros_like(holds)

    def describe(self, targets: Tensor) -> Sequence[str]:
        counts = _counts(targets, self.outputs)
        shares = (counts / max(1, int(counts.sum()))).tolist()
        of_each = listed([f"{name!r} {share:.1%}" for name, share in zip(self.class_names, shares, strict=True)], 8)
        first = f"a class for each {self.place}, {self.outputs} classes: {of_each} of the training {self.place}s"
        return first, *self._said_of_rare(shares)

    def _said_of_rare(self, shares: Sequence[float]) -> list[str]:
        rare = [name for name, share in zip(self.class_names, shares, strict=True) if share * self.outputs < _RARE]
        if not rare or self.class_weights is not None:
            return []
        said = f"{listed([repr(each) for each in rare], 5)} {'is' if len(rare) == 1 else 'are'} rare"
        return [f"{said}; {option('class_weights', 'balanced')} has each class count alike in the loss"]

    def constant(self, targets: Tensor) -> tuple[str, Tensor]:
        counts = _counts(targets, self.outputs).double() + 1e-12
        answer = (counts / counts.sum()).log().float().view(-1, *[1] * (targets.dim() - 1))
        return "always the most frequent class", answer.expand(-1, *targets.shape[1:])

    # Answers.

    def constants(self) -> Mapping[str, Any]:
        return {"CLASS_NAMES": self.class_names, "MASK_VALUES": self.values or tuple(range(self.outputs))}

    def code(self) -> str:
        return inspect.getsource(pixels) if self.place == "pixel" else super().code()


class Confusion(Tally):
    """Counts the places of each class by the class they were given: a matrix, which never leaves the device."""

    def __init__(self, problem: DenseClassification) -> None:
        self.problem = problem
        self.losses: list[Tensor] = []
        self.matrix: Tensor | None = None
        self.count = 0

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        self.losses.append(self.problem.loss(outputs, targets).double().sum())
        found = confusion(outputs.max(1).indices, targets, self.problem.outputs)
        self.matrix = found if self.matrix is None else self.matrix + found
        self.count += len(outputs)

    def figures(self) -> dict[str, float]:
        assert self.matrix is not None
        matrix = self.matrix.double()
        loss = torch.stack(self.losses).sum() / self.count
        numbers: list[float] = torch.stack([loss, *figures_of(matrix)]).tolist()
        return dict(zip(["loss", *(each.name for each in self.problem.metrics)], numbers, strict=True))


def confusion(answers: Tensor, targets: Tensor, classes: int) -> Tensor:
    """How many places of each class (row) were given each class (column), int64; places with 255 are left out.

    answers, targets: of one shape, each a class's number.
    """
    pairs = torch.where(targets == VOID, classes * classes, targets.long() * classes + answers).flatten()
    if pairs.device.type == "cpu":
        counts = torch.bincount(pairs, minlength=classes * classes + 1)
    else:  # which would wait for the largest number
        counts = pairs.new_zeros(classes * classes + 1).index_add_(0, pairs, torch.ones_like(pairs))
    return counts[:-1].view(classes, classes)


def figures_of(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean IoU, mean Dice and the share of right places, of a matrix as `confusion` gives it, in float64."""
    hits, true, given = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    count = (true + given > 0).sum().clamp(min=1)
    iou, dice = iou_and_dice(matrix)
    return iou.sum() / count, dice.sum() / count, hits.sum() / matrix.sum().clamp(min=1)


def iou_and_dice(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and Dice of each class, 0 of one that does not occur."""
    hits, true, given = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    return hits / (true + given - hits).clamp(min=1), 2 * hits / (true + given).clamp(min=1)


def _counts(targets: Any, classes: int) -> Tensor:
    """How many places there are of each class. targets: a tensor on the CPU, or an array."""
    return torch.bincount(torch.as_tensor(targets).flatten(), minlength=VOID + 1)[:classes]
