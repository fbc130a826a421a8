"""What is measured of classes where it is asked for, as scikit-learn defines it, on the device."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from netwright.core.problem import Metric
from netwright.problems.ranking import area_under_roc, average_precision

_BINS = 15  # of confidence (Guo et al. 2017)
_TOP = 5


class Answers:
    """The answers to a whole split, and what several metrics need of them.

    outputs: logits, (n, classes).
    labels: int64 (n,).
    """

    def __init__(self, outputs: Tensor, labels: Tensor) -> None:
        self.outputs, self.labels = outputs, labels
        self.classes = outputs.shape[1]
        self.predicted = outputs.argmax(1)
        self.logarithms = F.log_softmax(outputs.double(), dim=1)
        self.shares = outputs.double().softmax(1)
        self.there = F.one_hot(labels, self.classes)
        self.confusion = self._confusion()

    def _confusion(self) -> Tensor:
        """How many examples of each class (rows) were taken for each (columns), float64."""
        counts = self.shares.new_zeros(self.classes**2)
        ones = torch.ones_like(self.labels, dtype=torch.float64)
        return counts.index_add_(0, self.labels * self.classes + self.predicted, ones).view(self.classes, self.classes)

    @property
    def scores(self) -> tuple[Tensor, Tensor]:
        """Scores of one class against the rest, and whether it is there: of two classes the second one's only."""
        if self.classes == 2:
            return self.shares[:, 1:], self.there[:, 1:]
        return self.shares, self.there


def f1_macro(answers: Answers) -> Tensor:
    """The mean F1 of the classes that occur, or that some example was taken for."""
    f1, occurs = _f1(answers)
    return f1.sum() / occurs.sum()


def f1_weighted(answers: Answers) -> Tensor:
    """The mean F1 of the classes, each by its number of examples."""
    return (_f1(answers)[0] * answers.confusion.sum(1)).sum() / len(answers.labels)


def precision_macro(answers: Answers) -> Tensor:
    """The mean share of right ones among those taken for a class; 0 for a class that none was taken for."""
    taken, there = answers.confusion.sum(0), answers.confusion.sum(1)
    precision = answers.confusion.diagonal() / taken.clamp(min=1)
    return precision.sum() / ((taken + there) > 0).sum()


def auroc(answers: Answers) -> Tensor:
    """The area under the ROC curve, of more than two classes the mean of each against the rest, where both occur."""
    return area_under_roc(*answers.scores).nanmean()


def mean_average_precision(answers: Answers) -> Tensor:
    """The average precision, of more than two classes the mean of each against the rest."""
    return average_precision(*answers.scores).mean()


def log_loss(answers: Answers) -> Tensor:
    """The mean negative logarithm of what is said of the right class, without weights."""
    return -answers.logarithms.gather(1, answers.labels[:, None]).mean()


def cohen_kappa(answers: Answers) -> Tensor:
    """Agreement beyond chance (Cohen 1960); NaN where all examples are, and are taken for, one class."""
    by_chance = (answers.confusion.sum(0) * answers.confusion.sum(1)).sum() / len(answers.labels) ** 2
    agreed = answers.confusion.diagonal().sum() / len(answers.labels)
    return 1 - (1 - agreed) / (1 - by_chance)


def mcc(answers: Answers) -> Tensor:
    """Matthews' correlation coefficient, of any number of classes (Gorodkin 2004); 0 where it is undefined."""
    count = len(answers.labels)
    taken, there = answers.confusion.sum(0), answers.confusion.sum(1)
    together = answers.confusion.diagonal().sum() * count - (taken * there).sum()
    spread = (count**2 - taken.square().sum()) * (count**2 - there.square().sum())
    return torch.where(spread > 0, together / spread.clamp(min=1e-300).sqrt(), torch.zeros_like(spread))


def ece(answers: Answers) -> Tensor:
    """The expected calibration error: how far confidence and accuracy lie apart, in 15 bins of equal width."""
    confidence = answers.shares.max(1).values
    bins = (confidence * _BINS).ceil().long().clamp(1, _BINS) - 1
    right = (answers.predicted == answers.labels).double()
    apart = confidence.new_zeros(_BINS).index_add_(0, bins, right - confidence)
    return apart.abs().sum() / len(confidence)


def brier(answers: Answers) -> Tensor:
    """The mean squared distance of what is said of all classes from the truth, of two classes half of it."""
    squared = (answers.shares - answers.there).square().sum(1).mean()
    return squared / 2 if answers.classes == 2 else squared


def top5_accuracy(answers: Answers) -> Tensor:
    """The share of examples whose class is among the five best; of equal logits the later class is the better one."""
    own = answers.outputs.gather(1, answers.labels[:, None])
    later = torch.arange(answers.classes, device=own.device) > answers.labels[:, None]
    better = (answers.outputs > own) | ((answers.outputs == own) & later)
    return (better.sum(1) < _TOP).double().mean()


def _f1(answers: Answers) -> tuple[Tensor, Tensor]:
    """F1 of each class, and whether it occurs or some example was taken for it."""
    either = answers.confusion.sum(0) + answers.confusion.sum(1)
    return 2 * answers.confusion.diagonal() / either.clamp(min=1), either > 0


_MEASURES: Mapping[str, tuple[Metric, Callable[[Answers], Tensor]]] = {
    metric.name: (metric, function)
    for metric, function in (
        (Metric("f1_macro", percent=True, label="macro F1"), f1_macro),
        (Metric("f1_weighted", percent=True, label="weighted F1"), f1_weighted),
        (Metric("precision_macro", percent=True, label="macro precision"), precision_macro),
        (Metric("auroc", percent=True, label="AUROC"), auroc),
        (Metric("mean_average_precision", percent=True, label="mAP"), mean_average_precision),
        (Metric("log_loss", "minimize"), log_loss),
        (Metric("cohen_kappa", label="Cohen's kappa"), cohen_kappa),
        (Metric("mcc", label="MCC"), mcc),
        (Metric("ece", "minimize", percent=True, label="calibration error"), ece),
        (Metric("brier", "minimize", label="Brier score"), brier),
        (Metric("top5_accuracy", percent=True, label="top-5 accuracy", of_examples=True), top5_accuracy),
    )
}


def metrics_of(classes: int) -> dict[str, Metric]:
    """What can be measured of so many classes, by name; the best five say something of more than five only."""
    return {name: each for name, (each, _) in _MEASURES.items() if name != "top5_accuracy" or classes > _TOP}


def measured(names: Collection[str], outputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """These metrics of a whole split, tensors of one number, float64.

    outputs: logits, (n, classes).
    labels: int64 (n,).
    """
    answers = Answers(outputs, labels)
    return {name: _MEASURES[name][1](answers) for name in names}
