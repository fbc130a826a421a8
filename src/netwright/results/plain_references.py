"""References that take no network, judged as networks are: scikit-learn's linear models and boosted trees, and values
that stay as they are or come again.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from netwright.core.kinds import kinds_checked
from netwright.core.problem import Problem
from netwright.core.task import Data, Examples
from netwright.problems.forecast import Forecast
from netwright.results.figures import Contender

if TYPE_CHECKING:
    from netwright.core.task import TaskShape
    from netwright.tasks.task import Task

MOST_NUMBERS = 20_000_000
"""Most numbers (examples times features) that a reference is fitted to."""
NUMBERS_A_SECOND = 400_000
"""Of them that one second is enough for, with ten classes on a slow core."""
ITERATIONS = 200  # of a logistic regression
_BOOSTED: dict[str, Any] = {"random_state": 0}  # the rest is as scikit-learn has it
_TREES = 100  # that it grows, by default
_TRIED = 5  # trees that are grown first, to see how long one takes
MOST_CATEGORIES = 255  # of a column, as boosted trees take it
_PART = 4096  # examples that are judged at a time
_NUMBERS = 1 << 22  # of their answers
_NEVER = 1e-12  # probability of a class that the examples fitted to do not have


@kinds_checked
def logistic_regression(task: Task, data: Data | None = None, seconds: float | None = None) -> Contender:
    """scikit-learn's logistic regression on standardised, flattened inputs: what takes no network at all.

    task: with the test split.
    data: to fit to, by default everything but the test split.
    seconds: that fitting may take; None for no limit.

    Fitted to at most 20 million numbers, to fewer where it should not take more than so many seconds; the note says
    which share of the training examples that is.
    """
    from sklearn.linear_model import LogisticRegression

    fitting = _Fitting(task, seconds, data)
    model = LogisticRegression(max_iter=ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether it converged is in the note
        model.fit(fitting.inputs, fitting.targets)
    late = int(max(model.n_iter_)) >= ITERATIONS
    weights, shifts = np.size(model.coef_), np.size(model.intercept_)

    def answered(inputs: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return of_all_classes(model.predict_log_proba(inputs), model.classes_, task.problem.outputs)

    notes = [f"not converged in {ITERATIONS} iterations"] if late else []
    return fitting.contender("logistic regression", answered, weights + shifts, weights, notes)


def of_all_classes(logarithms: np.ndarray, classes: np.ndarray, count: int) -> np.ndarray:
    """Logarithms of probabilities, (n, count), of those of the classes that a model was fitted to."""
    found = np.full((len(logarithms), count), np.log(_NEVER))
    found[:, classes] = np.maximum(logarithms, np.log(_NEVER))
    return found


@kinds_checked
def linear_regression(task: Task, name: str, seconds: float | None = None) -> Contender:
    """A linear model on standardised, flattened inputs: a ridge regression of numbers, a logistic one of each label.

    task: of numbers or of several labels, with the test split.
    name: as reports call it.
    seconds: that fitting may take; None for no limit.
    """
    fitting = _Fitting(task, seconds)
    targets = fitting.targets.reshape(len(fitting.targets), -1)
    if task.problem.kind == "regression":
        answered = ridge(fitting.inputs, targets)
    else:
        answered = each_label(fitting.inputs, targets)
    weights = fitting.inputs.shape[1] * targets.shape[1]
    return fitting.contender(name, spread_out(answered, task.problem), weights + targets.shape[1], weights)


def ridge(inputs: Any, targets: np.ndarray) -> Callable[[Any], np.ndarray]:
    """A linear model of numbers, with scikit-learn's defaults.

    inputs: (n, features), dense or sparse.
    targets: (n, numbers).
    """
    from sklearn.linear_model import Ridge

    model = Ridge().fit(inputs, targets)
    return lambda inputs: model.predict(inputs).reshape(inputs.shape[0], -1)


def each_label(inputs: Any, targets: np.ndarray, strength: float = 1.0) -> Callable[[Any], np.ndarray]:
    """A logit for each label; where all examples fitted to agree on one, the same for all.

    inputs: (n, features), dense or sparse.
    targets: (n, labels).
    strength: inverse, of the regularisation.
    """
    from sklearn.linear_model import LogisticRegression

    weights, shifts = np.zeros((inputs.shape[1], targets.shape[1])), np.zeros(targets.shape[1])
    for place, column in enumerate((targets > 0.5).T):
        if column.all() or not column.any():
            shifts[place] = -np.log(_NEVER) if column.all() else np.log(_NEVER)
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = LogisticRegression(max_iter=ITERATIONS, C=strength).fit(inputs, column)
        weights[:, place], shifts[place] = model.coef_[0], model.intercept_[0]
    return lambda inputs: inputs @ weights + shifts


def spread_out(answered: Callable[[Any], np.ndarray], problem: Problem) -> Callable[[Any], np.ndarray]:
    """One number for each that is asked for, in the place of all that a network gives for it, as for quantiles.

    answered: gives one for each.
    problem: of numbers or labels.
    """

    def spread(inputs: Any) -> np.ndarray:
        found = answered(inputs)
        return np.repeat(found, max(1, problem.outputs // found.shape[1]), axis=1)

    return spread


@kinds_checked
def boosted_trees(task: Task, seconds: float | None = None) -> Contender:
    """scikit-learn's histogram gradient boosting (as LightGBM, Ke et al. 2017) by its defaults, on columns as they are.

    Of several labels or numbers each has trees of its own. Categories are told apart as such, not as 0s and 1s.

    task: of vectors, with the test split.
    seconds: that fitting may take; None for no limit. Fewer trees are grown where it does not suffice; the note says
        how many.
    """
    problem, columns = task.problem, _columns(task.shape)
    dear = problem.outputs * len(columns) / task.shape.features / 4
    fitting = _Fitting(task, seconds, dear=dear)
    inputs, categories = _as_they_are(fitting.inputs, columns)
    asked = fitting.targets.reshape(len(fitting.targets), -1).T
    each = None if seconds is None else max(0.0, seconds - fitting.elapsed) / len(asked)
    grown = [_Trees(inputs, column, problem.kind == "regression", categories, each) for column in asked]

    def answered(inputs: np.ndarray) -> np.ndarray:
        plain, _ = _as_they_are(inputs, columns)
        if problem.kind == "classification":
            return of_all_classes(grown[0].logarithms(plain), grown[0].classes, problem.outputs)
        if problem.kind == "regression":
            return np.stack([trees.numbers(plain) for trees in grown], axis=1)
        of_labels = [of_all_classes(trees.logarithms(plain), trees.classes, 2) for trees in grown]
        return np.stack([found[:, 1] - found[:, 0] for found in of_labels], axis=1)

    fewest = min(trees.count for trees in grown)
    notes = [f"stopped by the time after {fewest} of {_TREES} trees"] if any(trees.stopped for trees in grown) else []
    answers = spread_out(answered, problem) if problem.kind == "regression" else answered
    return fitting.contender("boosted trees", answers, notes=notes)


class _Trees:
    """Boosted trees for one column of targets, grown as long as the time allows.

    classes: whole numbers, of the answers. count: trees, of each class. stopped: whether the time ended it.
    """

    def __init__(
        self, inputs: np.ndarray, targets: np.ndarray, numbers: bool, categories: list[int], seconds: float | None
    ) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        self.classes, self.count, self.stopped = np.unique(targets).astype(np.int64), 0, False
        if not numbers:
            targets = targets.astype(np.int64)
        self._only = len(self.classes) < 2 and not numbers  # nothing to tell apart
        if self._only:
            return
        kind = HistGradientBoostingRegressor if numbers else HistGradientBoostingClassifier
        settings = {**_BOOSTED, "categorical_features": categories or None}
        self._model: Any = kind(**settings, warm_start=True)
        if seconds is not None:
            began = time.monotonic()
            self._model.set_params(max_iter=_TRIED).fit(inputs, targets)
            took = time.monotonic() - began
            fitting = int(max(0.0, seconds - took) / max(took / _TRIED, 1e-6))
            self._model.set_params(max_iter=min(_TREES, _TRIED + fitting))
        self._model.fit(inputs, targets)
        self.count = self._model.n_iter_
        self.stopped = self.count == self._model.max_iter < _TREES

    def logarithms(self, inputs: np.ndarray) -> np.ndarray:
        """Of the probabilities, (n, classes)."""
        if self._only:
            return np.zeros((len(inputs), 1))
        with np.errstate(divide="ignore"):
            return np.log(self._model.predict_proba(inputs))

    def numbers(self, inputs: np.ndarray) -> np.ndarray:
        return self._model.predict(inputs)


def _columns(shape: TaskShape) -> tuple[int, ...]:
    """How many features each column of a table became; each feature by itself where that is not known."""
    return shape.columns or (1,) * shape.features


def _as_they_are(inputs: np.ndarray, columns: Sequence[int]) -> tuple[np.ndarray, list[int]]:
    """A column a column of the table, the number of its text in place of 0s and 1s; and which of them are texts.

    inputs: standardised (n, features), in which the one text of a row has the largest value.
    """
    if max(columns) == 1:
        return inputs, []
    found, start, categories = list[np.ndarray](), 0, list[int]()
    for count in columns:
        part = inputs[:, start : start + count]
        start += count
        if 1 < count <= MOST_CATEGORIES:
            categories.append(len(found))
        if count == 1 or count > MOST_CATEGORIES:
            found += list(part.T)
            continue
        known = part.max(1) >= 0  # a text that the training examples do not have is none of them
        found.append(np.where(known, part.argmax(1), np.nan).astype(np.float32))
    return np.stack(found, axis=1), categories


class _Fitting:
    """Training examples to fit to, standardised and as many as the time allows, and the test of what was fitted.

    dear: by what a fit takes longer than that of a linear model.

    inputs: float32 (n, features).
    targets: as the problem has them.
    """

    def __init__(self, task: Task, seconds: float | None, data: Data | None = None, dear: float = 1.0) -> None:
        self._began = time.monotonic()
        self._problem = task.problem
        data = task.final_data("cpu") if data is None else data
        numbers = MOST_NUMBERS if seconds is None else min(MOST_NUMBERS, int(NUMBERS_A_SECOND * seconds / dear))
        places = _spread(len(data.train), max(task.shape.outputs * 10, numbers // task.shape.features))
        fitted = data.train.choose(torch.from_numpy(places))
        self.inputs, self._mean, self._std = _standardised(fitted.inputs)
        self.targets: np.ndarray = fitted.targets.numpy()
        self._share, self._held_out = len(places) / len(data.train), data.held_out

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def contender(
        self,
        name: str,
        answered: Callable[[np.ndarray], np.ndarray],
        params: float | None = None,
        macs: float | None = None,
        notes: Sequence[str] = (),
    ) -> Contender:
        """The row of the comparison. answered: outputs (n, outputs) of standardised inputs (n, features)."""
        tally, kept = self._problem.tally(), list[Tensor]()
        for outputs, start in self._answers(answered):
            self._held_out.tell(tally, outputs, start, start + len(outputs))
            kept.append(outputs)
        part = [] if self._share == 1 else [f"fitted to {self._share:.0%} of the examples"]
        seconds, note = time.monotonic() - self._began, "; ".join([*part, *notes])
        more: dict[str, Any] = {"params": params, "macs": macs, "seconds": seconds, "note": note}
        return fixed(name, self._problem, tally.figures(), **more, outputs=torch.cat(kept))

    def _answers(self, answered: Callable[[np.ndarray], np.ndarray]) -> Any:
        step = max(1, min(_PART, 1_000_000 // len(self._mean)))
        for start in range(0, len(self._held_out), step):
            inputs = _flat(self._held_out.batch(start, start + step), self._mean, self._std)
            yield torch.from_numpy(answered(inputs)).float(), start


def fixed(name: str, problem: Problem, figures: dict[str, float], **more: Any) -> Contender:
    """A contender in which nothing is random. figures: the loss and each metric of the problem."""
    others = {each: (value,) for each, value in figures.items() if each != problem.main.name}
    return Contender(name, (figures[problem.main.name],), others=others, **more)


def repeated_values(task: Task, name: str, back: int) -> Contender:
    """Says each value again that was there so many times before it.

    task: a forecast.
    name: as reports call it.
    back: 1 for the last value.
    """
    began, problem = time.monotonic(), task.problem
    assert isinstance(problem, Forecast)
    tally = problem.tally()
    outputs = problem.repeated(task.test.inputs, back)
    tally.add(outputs, task.test.targets)
    seconds = time.monotonic() - began
    return fixed(name, problem, tally.figures(), params=0, macs=0, seconds=seconds, outputs=outputs)


def constant(task: Task) -> Contender | None:
    """The best answer that looks at no input, tested; None where the problem has none."""
    found = task.problem.constant(task.train.targets)
    if found is None:
        return None
    name, answer = found
    return fixed(name, task.problem, _tested(answer, task.problem, task.test), params=0, macs=0)


def _tested(answer: Tensor, problem: Problem, examples: Examples) -> dict[str, float]:
    """The figures of one answer to all examples."""
    tally, most = problem.tally(), max(1, min(_PART, _NUMBERS // answer.numel()))
    for start in range(0, len(examples), most):
        stop = min(len(examples), start + most)
        examples.tell(tally, answer.expand(stop - start, *answer.shape), start, stop)
    return tally.figures()


def _spread(count: int, most: int) -> np.ndarray:
    """At most so many places, drawn without repeats by a fixed seed, in order."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def _standardised(inputs: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    flat = inputs.flatten(1).numpy().astype(np.float64)
    mean, std = flat.mean(0), flat.std(0)
    std[std < 1e-12 * np.maximum(1.0, np.abs(mean))] = 1.0
    return ((flat - mean) / std).astype(np.float32), mean, std


def _flat(inputs: Tensor, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return ((inputs.flatten(1).numpy().astype(np.float64) - mean) / std).astype(np.float32)
