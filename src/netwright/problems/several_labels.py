"""Several labels at once for each example: a sigmoid for each, and how well what is there is found."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from netwright.core.errors import ConfigurationError, DataError
from netwright.core.problem import Metric, Problem
from netwright.core.wording import listed
from netwright.problems.portable import labels as answering
from netwright.problems.ranking import area_under_roc, average_precision

__all__ = ["SeveralLabels"]

MEAN_AVERAGE_PRECISION = Metric("mean_average_precision", percent=True, label="mAP")
F1_MACRO = Metric("f1_macro", percent=True, label="macro F1")
F1_MICRO = Metric("f1_micro", percent=True, label="micro F1")
SUBSET_ACCURACY = Metric("subset_accuracy", percent=True)
HAMMING_LOSS = Metric("hamming_loss", "minimize", percent=True)
AUROC = Metric("auroc", percent=True, label="AUROC")
AUROC_MICRO = Metric("auroc_micro", percent=True, label="micro AUROC")
BALANCED = "balanced"
_MOST_STRATA = 32
_LEAST_EACH = 5  # examples of one combination of labels, to be a stratum of its own
_SHOWN = 5


class SeveralLabels(Problem):
    """Any number of labels for each example, none included.

    label_names: one a label, in the order of the targets' columns.
    positive_weights: what an example with the label counts in the loss of that label; "balanced" for as much as all
        those without it (see `fitted`), None for 1.
    measured: names of `further` metrics that are measured, too.

    Targets are uint8 (n, labels), 1 where the label is there; outputs are logits of the same shape. A label counts as
    found where its logit is above 0. The mean average precision comes first: it asks for no threshold, so that it tells
    networks apart that were trained for so short a time that none finds a rare label yet.

    Raises ConfigurationError for no labels, and for weights that are not one a label and above 0; DataError for a name
    that occurs twice.
    """

    kind: ClassVar[str] = "several labels"
    network_of: ClassVar[str] = "A network that labels"
    answered: ClassVar[str] = "labels"

    def __init__(
        self,
        label_names: Sequence[str],
        *,
        positive_weights: Sequence[float] | str | None = None,
        measured: Sequence[str] = (),
    ) -> None:
        self.label_names = tuple(map(str, label_names))
        self.positive_weights, self.measured = positive_weights, tuple(measured)
        if not self.label_names:
            raise ConfigurationError("several labels need the name of at least one label")
        if len(set(self.label_names)) < len(self.label_names):
            raise DataError(f"label names must differ, found {', '.join(self.label_names)}")
        if positive_weights is not None and not self._are_weights(positive_weights):
            raise ConfigurationError(
                f"positive_weights must be {BALANCED!r}, or {self.outputs} numbers above 0, one a label, found "
                f"{positive_weights!r}"
            )

    def _are_weights(self, weights: Sequence[float] | str) -> bool:
        if isinstance(weights, str):
            return weights == BALANCED
        return len(weights) == self.outputs and all(each > 0 for each in weights)

    @property
    def outputs(self) -> int:
        return len(self.label_names)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        own = MEAN_AVERAGE_PRECISION, F1_MACRO, F1_MICRO, SUBSET_ACCURACY, HAMMING_LOSS
        return (*own, *(self.further[name] for name in self.measured))

    @property
    def further(self) -> Mapping[str, Metric]:
        """The area under the ROC curve: the mean over the labels that some examples have and some lack, or of all
        labels of all examples together.
        """
        return {each.name: each for each in (AUROC, AUROC_MICRO)}

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        given = self.positive_weights
        weights = None if given is None or isinstance(given, str) else outputs.new_tensor(given)
        there = targets.to(outputs.dtype)
        return F.binary_cross_entropy_with_logits(outputs, there, pos_weight=weights, reduction="none").mean(1)

    def judge(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        there, found = targets.bool(), outputs > 0
        both, either = (there & found).sum(0).double(), (there.sum(0) + found.sum(0)).double()
        right = there == found
        return {
            **{name: _AREAS[name](outputs, there) for name in self.measured},
            MEAN_AVERAGE_PRECISION.name: average_precision(outputs, there).mean(),
            F1_MACRO.name: (2 * both / either.clamp(min=1)).mean(),
            F1_MICRO.name: 2 * both.sum() / either.sum().clamp(min=1),
            SUBSET_ACCURACY.name: right.all(1).double().mean(),
            HAMMING_LOSS.name: 1 - right.double().mean(),
        }

    def in_words(self, outputs: Tensor, targets: Tensor) -> tuple[str, str]:
        return self._said(targets[0].bool()), self._said(outputs[0] > 0)

    def _said(self, there: Tensor) -> str:
        names = [name for name, own in zip(self.label_names, there.tolist(), strict=True) if own]
        return listed(names, 6) if names else "none"

    # Data.

    def fitted(self, targets: NDArray[Any]) -> Self:
        if self.positive_weights != BALANCED:
            return self
        there = np.asarray(targets).sum(axis=0)
        weights = (len(targets) - there) / np.maximum(there, 1)
        return self.replace(positive_weights=np.where((there == 0) | (weights == 0), 1.0, weights).tolist())

    def stored(self, targets: NDArray[Any]) -> NDArray[np.uint8]:
        return np.ascontiguousarray(targets, dtype=np.uint8)

    def check(self, targets: Tensor, which: str) -> None:
        if targets.dtype != torch.uint8 or targets.dim() != 2 or targets.shape[1] != self.outputs:
            raise DataError(
                f"{which} labels must be torch.uint8 of the shape (n, {self.outputs}), found {targets.dtype} "
                f"{tuple(targets.shape)}"
            )
        if int(targets.max()) > 1:
            raise DataError(f"{which} labels must be 0 or 1, found {int(targets.max())}")

    def strata(self, targets: Any) -> NDArray[np.int64]:
        _, codes, counts = np.unique(np.asarray(targets), axis=0, return_inverse=True, return_counts=True)
        usual = np.argsort(-counts, kind="stable")[:_MOST_STRATA]
        usual = usual[counts[usual] >= _LEAST_EACH]
        number = np.full(len(counts), len(usual))
        number[usual] = np.arange(len(usual))
        found = number[codes.reshape(-1)]
        rest = found == len(usual)
        return np.where(rest, max(0, len(usual) - 1), found) if rest.sum() < _LEAST_EACH else found

    def describe(self, targets: Tensor) -> Sequence[str]:
        counts = targets.sum(0, dtype=torch.int64)
        low, high = int(counts.argmin()), int(counts.argmax())
        names, mean = self.label_names, float(counts.sum()) / len(targets)
        line = (
            f"labels: {self.outputs}, from {int(counts[low]):,} training examples ({names[low]!r}) to "
            f"{int(counts[high]):,} ({names[high]!r}); {mean:.3g} an example"
        )
        empty = [repr(names[i]) for i in (counts == 0).nonzero().flatten().tolist()]
        return (line, f"no training example has the label {listed(empty, _SHOWN)}") if empty else (line,)

    def constant(self, targets: Tensor) -> tuple[str, Tensor]:
        share = targets.double().mean(0).clamp(1e-6, 1 - 1e-6)
        return "each label as often as it is there", (share / (1 - share)).log().float()

    # Answers.

    def constants(self) -> Mapping[str, Any]:
        return {"LABEL_NAMES": self.label_names}

    def code(self) -> str:
        return inspect.getsource(answering)


def _area_of_each(outputs: Tensor, there: Tensor) -> Tensor:
    return area_under_roc(outputs, there).nanmean()


def _area_of_all(outputs: Tensor, there: Tensor) -> Tensor:
    return area_under_roc(outputs.reshape(-1, 1), there.reshape(-1, 1)).squeeze(0)


_AREAS = {AUROC.name: _area_of_each, AUROC_MICRO.name: _area_of_all}
