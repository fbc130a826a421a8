"""References for texts: how often a token follows on those before it, and which tokens a text has."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from netwright.core.problem import length
from netwright.results.figures import Contender
from netwright.results.plain_references import ITERATIONS, each_label, fixed, of_all_classes, ridge, spread_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from scipy.sparse import csr_matrix

    from netwright.tasks.task import Task

MOST_TOKENS = 4096  # of a vocabulary whose pairs are counted
MOST_KEPT = 1 << 22  # numbers of the answers that are kept
MOST_FOR_THREE = 128  # of one whose triples are counted, too
STRENGTH = 10.0  # inverse, of the regularisation of a logistic regression of words
_PART = 64  # texts that are judged at a time


def follows(task: Task) -> Contender:
    """How often each token follows on the two before it, or on the one before where the vocabulary is large.

    Counts are smoothed as Witten and Bell (1991) do: as many observations as different tokens were seen go to what
    fewer tokens before say.

    task: of the next token, with the test split.
    """
    began = time.monotonic()
    counts = _Counts(task.train.inputs.long(), task.train.targets.long(), task.problem.outputs)
    tally, kept = task.problem.tally(), list[Tensor]()
    for start in range(0, len(task.test), _PART):
        outputs = counts.logarithms(task.test.batch(start, start + _PART).long())
        tally.add(outputs, task.test.batch_targets(start, start + _PART))
        if sum(each.numel() for each in kept) < MOST_KEPT:
            kept.append(outputs)
    more: dict[str, Any] = {"params": counts.params, "macs": 0, "seconds": time.monotonic() - began}
    return fixed(name_of(task), task.problem, tally.figures(), **more, outputs=torch.cat(kept))


def name_of(task: Task) -> str:
    """How reports call the counts that a vocabulary allows."""
    return f"{'trigram' if task.problem.outputs <= MOST_FOR_THREE else 'bigram'} frequencies"


class _Counts:
    """inputs, targets: int64 (n, length) each, of tokens below `size`."""

    def __init__(self, inputs: Tensor, targets: Tensor, size: int) -> None:
        self._size = size
        one = torch.bincount(targets.flatten(), minlength=size).double() + 1e-3
        pairs = _counted(inputs, targets, size, size)
        self._after_one = _backed(pairs, one / one.sum())
        self._after_two: Tensor | None = None
        self.params = int((pairs > 0).sum())
        if size <= MOST_FOR_THREE:
            triples = _counted(inputs[:, :-1] * size + inputs[:, 1:], targets[:, 1:], size * size, size)
            self._after_two = _backed(triples, self._after_one.repeat(size, 1))
            self.params += int((triples > 0).sum())

    def logarithms(self, inputs: Tensor) -> Tensor:
        """Logarithms of probabilities of what follows at each place, float32 (n, size, length)."""
        found = self._after_one[inputs]
        if self._after_two is not None:
            found[:, 1:] = self._after_two[inputs[:, :-1] * self._size + inputs[:, 1:]]
        return found.log().movedim(2, 1).float()


def _counted(before: Tensor, after: Tensor, rows: int, size: int) -> Tensor:
    """How often each token comes after each context, float64 (rows, size)."""
    places = (before * size + after).flatten()
    return torch.bincount(places, minlength=rows * size).view(rows, size).double()


def _backed(counts: Tensor, fewer: Tensor) -> Tensor:
    """Probabilities after each context, backed by those of a shorter one."""
    different = (counts > 0).sum(1, keepdim=True).clamp(min=1)
    return (counts + different * fewer) / (counts.sum(1, keepdim=True) + different)


def by_its_tokens(task: Task, name: str, seconds: float | None = None) -> Contender:
    """A linear model on how often each token is in a text, in whatever order: a logistic regression of classes, one of
    each label, a ridge regression of numbers.

    task: of classes, labels or numbers of texts, with the test split.
    name: as reports call it.
    seconds: that fitting may take; None for no limit.
    """
    from sklearn.feature_extraction.text import TfidfTransformer

    began, size = time.monotonic(), task.shape.vocabulary
    most = len(task.train) if seconds is None else min(len(task.train), max(200, int(4000 * seconds)))
    places = torch.from_numpy(np.sort(np.random.default_rng(0).permutation(len(task.train))[:most]))
    fitted = task.train.choose(places)
    weighing = TfidfTransformer(sublinear_tf=True)
    inputs = weighing.fit_transform(_bags(fitted.inputs, size))
    targets = fitted.targets.numpy()
    classes = task.problem.kind == "classification"
    answered = (_of_classes if classes else _of)(inputs, targets, task)
    outputs = torch.from_numpy(answered(weighing.transform(_bags(task.test.inputs, size)))).float()
    tally, asked = task.problem.tally(), task.test.targets
    assert len(outputs) == length(asked)
    tally.add(outputs, asked)
    note = "" if most == len(task.train) else f"fitted to {most / len(task.train):.0%} of the examples"
    rows = task.problem.outputs if classes and task.problem.outputs > 2 else targets.reshape(len(targets), -1).shape[1]
    cost = {"params": (size + 1) * rows, "macs": size * rows}
    more: dict[str, Any] = {"seconds": time.monotonic() - began, "note": note, **cost, "outputs": outputs}
    return fixed(name, task.problem, tally.figures(), **more)


def _of_classes(inputs: csr_matrix, targets: np.ndarray, task: Task) -> Callable[[Any], np.ndarray]:
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LogisticRegression(max_iter=ITERATIONS, C=STRENGTH).fit(inputs, targets)
    return lambda inputs: of_all_classes(model.predict_log_proba(inputs), model.classes_, task.problem.outputs)


def _of(inputs: csr_matrix, targets: np.ndarray, task: Task) -> Callable[[Any], np.ndarray]:
    """Of numbers, or of several labels."""
    columns = targets.reshape(len(targets), -1)
    if task.problem.kind == "regression":
        return spread_out(ridge(inputs, columns), task.problem)
    return spread_out(each_label(inputs, columns, STRENGTH), task.problem)


def _bags(tokens: Tensor, size: int) -> csr_matrix:
    """How often each token is in each text, (n, size). tokens: (n, length)."""
    from scipy.sparse import csr_matrix

    count, places = tokens.shape
    rows = np.repeat(np.arange(count), places)
    return csr_matrix((np.ones(count * places), (rows, tokens.numpy().reshape(-1))), shape=(count, size))
