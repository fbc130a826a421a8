"""One class for each example: cross entropy, and accuracy over all examples and over the classes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from netwright.core.errors import ConfigurationError, DataError
from netwright.core.problem import Metric, Problem, Tally, Watch
from netwright.core.spelling import option
from netwright.core.wording import listed
from netwright.problems import class_metrics
from netwright.problems.portable import classes as answering

if TYPE_CHECKING:
    from netwright.core.task import TaskShape

__all__ = ["Classification"]

ACCURACY = Metric("accuracy", percent=True, of_examples=True)
BALANCED = Metric("balanced_accuracy", percent=True)
BALANCED_WEIGHTS = "balanced"
_MOST = 0.6  # share of the examples that makes one class the usual answer
_RARE = 0.2  # of an even share, below which a class is rare


class Classification(Problem):
    """One of several classes for each example.

    class_names: one a class, in the order of the targets' numbers.
    class_weights: what an example of each class counts in the loss; "balanced" for as much as makes all classes of the
        training examples count alike (see `fitted`), None for 1 each.
    measured: names of `further` metrics that are measured, too, such as "auroc".

    Targets are int64 (n,), each in 0..classes-1; outputs are logits (n, classes). Raises ConfigurationError for fewer
    than two classes, for a name that occurs twice, and for weights that are not one a class and above 0.
    """

    kind: ClassVar[str] = "classification"
    network_of: ClassVar[str] = "A classifier of"
    answered: ClassVar[str] = "classes"
    smooths: ClassVar[bool] = True
    score_name: ClassVar[str] = "accuracy"
    watched: ClassVar[tuple[str, ...]] = ("accuracy",)

    def __init__(
        self,
        class_names: Sequence[str],
        *,
        class_weights: Sequence[float] | str | None = None,
        measured: Sequence[str] = (),
    ) -> None:
        self.class_names = tuple(map(str, class_names))
        self.measured = tuple(measured)
        self.balanced = class_weights == BALANCED_WEIGHTS
        given = None if self.balanced or class_weights is None else class_weights
        self.class_weights = None if given is None else tuple(map(float, given))
        if len(self.class_names) < 2:
            raise ConfigurationError(f"a classification needs at least 2 classes, found {len(self.class_names)}")
        if len(set(self.class_names)) < len(self.class_names):
            raise DataError(f"class names must differ, found {', '.join(self.class_names)}")
        weights = self.class_weights
        if weights is not None and (len(weights) != len(self.class_names) or not all(each > 0 for each in weights)):
            raise ConfigurationError(
                f"class_weights must be {BALANCED_WEIGHTS!r}, or {len(self.class_names)} numbers above 0, one a class, "
                f"found {weights}"
            )

    @property
    def outputs(self) -> int:
        return len(self.class_names)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (ACCURACY, BALANCED, *(self.further[name] for name in self.measured))

    @property
    def further(self) -> Mapping[str, Metric]:
        return class_metrics.metrics_of(self.outputs)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs, targets, self._weights(outputs), reduction="none")

    def mean_loss(self, outputs: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
        weights = self._weights(outputs)
        if weights is None:
            return F.cross_entropy(outputs, targets, label_smoothing=smoothing)
        return F.cross_entropy(outputs, targets, weights, reduction="none", label_smoothing=smoothing).mean()

    def weighted_loss(self, outputs: Tensor, targets: Tensor, weights: Tensor, smoothing: float = 0.0) -> Tensor:
        own = self._weights(outputs)
        return (F.cross_entropy(outputs, targets, own, reduction="none", label_smoothing=smoothing) * weights).mean()

    def _weights(self, outputs: Tensor) -> Tensor | None:
        return None if self.class_weights is None else outputs.new_tensor(self.class_weights)

    def score(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs.argmax(1) == targets).float().mean()

    def tally(self) -> Tally:
        return Hits(self)

    def watch(self, targets: Tensor) -> Watch:
        return _Following(targets)

    # Data.

    def fitted(self, targets: Any) -> Self:
        if not self.balanced:
            return self
        counts = np.bincount(np.asarray(targets), minlength=self.outputs).clip(min=1)
        return self.replace(class_weights=(len(targets) / (self.outputs * counts)).tolist())

    def check(self, targets: Tensor, which: str) -> None:
        if targets.dtype != torch.int64 or targets.dim() != 1:
            raise DataError(
                f"{which} labels must be torch.int64 of the shape (n,), found {targets.dtype} {tuple(targets.shape)}"
            )
        if int(targets.min()) < 0 or int(targets.max()) >= self.outputs:
            raise DataError(
                f"{which} labels lie outside 0..{self.outputs - 1}, the numbers of the {self.outputs} classes"
            )

    def require(self, targets: Any, least: int, why: str) -> None:
        require_each(np.asarray(targets), self.class_names, least, why)

    def strata(self, targets: Any) -> NDArray[np.int64]:
        return np.asarray(targets)

    def describe(self, targets: Tensor) -> Sequence[str]:
        counts = np.bincount(np.asarray(targets), minlength=self.outputs)
        low, high = int(counts.argmin()), int(counts.argmax())
        balance = f"classes: {self.outputs}, each with {counts[low]:,} training examples"
        if counts[low] != counts[high]:
            balance = (
                f"classes: {self.outputs}, from {counts[low]:,} training examples ({self.class_names[low]!r}) "
                f"to {counts[high]:,} ({self.class_names[high]!r})"
            )
        return balance, *uneven(counts, self.class_names)

    def in_words(self, outputs: Tensor, targets: Tensor) -> tuple[str, str]:
        share, found = outputs[0].softmax(0).max(0)
        return self.class_names[int(targets[0])], f"{self.class_names[int(found)]} ({100 * float(share):.0f} %)"

    def constant(self, targets: Tensor) -> tuple[str, Tensor]:
        counts = torch.bincount(targets, minlength=self.outputs).double() + 1e-12
        return "always the most frequent class", (counts / counts.sum()).log().float()

    def signature(self, shape: TaskShape) -> str:
        if self.class_weights is not None or shape.is_tokens:
            return super().signature(shape)
        return f"(TaskShape(input={shape.input!r}, classes={self.outputs}), {self.class_names!r})"  # as it always was

    # Answers.

    def constants(self) -> Mapping[str, Any]:
        return {"CLASS_NAMES": self.class_names}

    def code(self) -> str:
        return inspect.getsource(answering)


class Hits(Tally):
    """Counts right answers, of all examples and of each class. What is measured beyond these counts all alike."""

    weighs = True

    def __init__(self, problem: Classification) -> None:
        self.problem = problem
        self.losses: list[Tensor] = []
        self.hits: list[Tensor] = []
        self.labels: list[Tensor] = []
        self.weights: list[Tensor] = []
        self.outputs: list[Tensor] = []  # where more is measured than right answers

    def add(self, outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> None:
        own = self.problem._weights(outputs)
        plain = own is None and weights is None
        losses = F.cross_entropy(outputs, targets, own, reduction="sum" if plain else "none")
        self.losses.append((losses if weights is None else losses * weights).sum())
        if weights is not None:
            self.weights.append(weights)
        self.hits.append(outputs.argmax(1) == targets)
        self.labels.append(targets)
        if self.problem.measured:
            self.outputs.append(outputs)

    def figures(self) -> dict[str, float]:
        hits, labels = torch.cat(self.hits).double(), torch.cat(self.labels)
        weights = torch.cat(self.weights).double() if self.weights else torch.ones_like(hits)
        hits = hits * weights if self.weights else hits
        recall = _recall(hits, labels, weights, self.problem.outputs)
        summed = [torch.stack(self.losses).double().sum(), hits.sum(), recall, weights.sum()]
        further = self.problem.measured
        more = class_metrics.measured(further, torch.cat(self.outputs), labels) if further else {}
        total, right, recall, count, *found = torch.stack([*summed, *more.values()]).tolist()
        own = {"loss": total / count, "accuracy": right / count, "balanced_accuracy": recall}
        return {**own, **dict(zip(more, found, strict=True))}


def _recall(hits: Tensor, labels: Tensor, weights: Tensor, classes: int) -> Tensor:
    """The mean, over the classes that occur, of the share of each class's examples that are right.

    hits: the weight of an example that is right, else 0.
    """
    right, counts = hits.new_zeros(2, classes)
    counts.index_add_(0, labels, weights)
    right.index_add_(0, labels, hits)
    return (right / counts.where(counts > 0, 1.0)).sum() / (counts > 0).sum()


class _Following(Watch):
    """The share of training examples that were right as their batch was trained on."""

    def __init__(self, targets: Tensor) -> None:
        self.targets = targets
        self.predicted = torch.empty_like(targets)

    def add(self, start: int, stop: int, outputs: Tensor) -> None:
        torch.argmax(outputs, 1, out=self.predicted[start:stop])

    def totals(self, seen: int) -> dict[str, Tensor]:
        return {"accuracy": (self.predicted[:seen] == self.targets[:seen]).sum().double()}


def require_each(labels: NDArray[np.int64], names: Sequence[str], least: int, why: str) -> None:
    """Raise DataError naming the classes with fewer than `least` examples."""
    counts = np.bincount(labels, minlength=len(names))
    few = [f"{names[i]!r} has {counts[i]}" for i in np.flatnonzero(counts < least).tolist()]
    if few:
        raise DataError(
            f"every class needs at least {least} examples ({why}), but class {listed(few, 5)}; "
            "add examples, or leave the class out"
        )


def uneven(counts: NDArray[np.int64], names: Sequence[str]) -> list[str]:
    """What is said where one class has most examples, or another very few.

    counts: examples of each class.
    """
    total, most = int(counts.sum()), int(counts.argmax())
    if counts[most] <= _MOST * total and counts.min() >= _RARE * total / len(counts):
        return []
    return [
        f"the classes are uneven: always naming {names[most]!r} is right in {counts[most] / total:.1%} of the training "
        f"examples; {option('objective', 'val_balanced_accuracy')} counts each class alike"
    ]
