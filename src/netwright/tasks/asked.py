"""What a task asks for, understood from its targets: a class, several labels, or numbers."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import ConfigurationError, DataError, UserError, nearest
from netwright.core.problem import Problem
from netwright.core.spelling import option
from netwright.core.wording import listed
from netwright.problems.classification import Classification
from netwright.problems.regression import LEVELS, Loss, Regression
from netwright.problems.several_labels import SeveralLabels
from netwright.tasks import class_labels
from netwright.tasks.label_sets import label_names, label_rows, separator_of
from netwright.tasks.plain_numbers import as_array

Kind = Literal["classification", "labels", "regression"]
_MANY_VALUES = 50  # different numbers, from which they may be measured and not counted
_FEW_EACH = 20  # examples of each, below which they are
LEAST_OF_A_CLASS = 3  # examples: one each to train, to validate and to test on
_FEW_OTHERS = 0.05  # share of numbers that are neither 0 nor 1, up to which labels may have been meant
_TOLD = 20  # whole numbers from which it is said that they were taken for classes


@dataclass(frozen=True)
class Wish:
    """What the user says of the problem; None where it is found out.

    problem: its kind.
    loss: of a regression: one of its losses, of "quantile" also as "quantile:0.05,0.5,0.95".
    class_weights: "balanced" for classes, or labels, that count alike however many examples they have; or a number
        each, as "1,5".
    separator: what stands between several labels in one text.

    Raises ConfigurationError for what is not known, and for options that do not belong to one kind of problem.
    """

    problem: str | None = None
    loss: str | None = None
    class_weights: str | Sequence[float] | None = None
    separator: str | None = None

    def __post_init__(self) -> None:
        if self.problem is not None and self.problem not in get_args(Kind):
            raise ConfigurationError(
                f"{option('problem')} is one of {', '.join(get_args(Kind))}, found {self.problem!r}"
                f"{nearest(self.problem, get_args(Kind))}"
            )
        weights_of(self.class_weights)
        if self.separator == "":
            raise ConfigurationError(f"{option('separator')} is what stands between labels, found an empty text")
        self.losses()
        needs = {"regression": self.loss, "labels": self.separator}
        for kind, given in needs.items():
            if given is not None and self.problem not in (None, kind):
                name = "loss" if kind == "regression" else "separator"
                raise ConfigurationError(f"{option(name)} is of {kind}, and the problem is {self.problem}")
        if self.loss is not None and (self.class_weights or self.separator):
            raise ConfigurationError(f"{option('loss')} is of a regression, which has neither classes nor labels")

    @property
    def kind(self) -> Kind | None:
        """What is asked for, as far as the options say."""
        if self.problem is not None:
            return cast("Kind", self.problem)
        if self.loss is not None:
            return "regression"
        return "labels" if self.separator is not None else None

    def losses(self) -> dict[str, Any]:
        """The arguments of `Regression` that the loss stands for."""
        name, _, levels = (self.loss or "squared").partition(":")
        if name not in get_args(Loss) or (levels and name != "quantile"):
            raise ConfigurationError(
                f"{option('loss')} is one of {', '.join(get_args(Loss))}, or as 'quantile:0.05,0.5,0.95'; found "
                f"{self.loss!r}{nearest(name, get_args(Loss))}"
            )
        try:
            return {"loss": name, "levels": tuple(map(float, levels.split(","))) if levels else LEVELS}
        except ValueError:
            raise ConfigurationError(f"{option('loss')} has levels that are no numbers: {self.loss!r}") from None


def weights_of(given: str | Sequence[float] | None) -> Any:
    """Weights of classes as a problem takes them; UserError for text that is none."""
    if not isinstance(given, str) or given == "balanced":
        return given
    try:
        return tuple(float(each) for each in given.split(","))
    except ValueError:
        raise UserError(f"{option('class_weights')} is balanced or a number a class (1,5), found {given!r}") from None


@dataclass(frozen=True, eq=False)
class Asked:
    """What was understood.

    values: of each example, in the user's units: int64 (n,) classes, uint8 (n, labels) or float64 (n, numbers).
    problem: what is asked for.
    notes: what was decided, a sentence each.
    labels: of classes: what each number stands for.
    separator: of several labels in one text.
    """

    values: NDArray[Any]
    problem: Problem
    notes: tuple[str, ...] = ()
    labels: class_labels.Labels | None = None
    separator: str | None = None

    def strata(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """By what a choice of examples is drawn: see `Problem.strata`."""
        return self.problem.strata(values)


def understood(
    y: Any,
    wish: Wish = Wish(),
    names: Sequence[str] | None = None,
    what: str = "labels",
) -> Asked:
    """What targets ask for, by what they hold unless the wish says it.

    y: of n examples: whole numbers, text, booleans or one-hot rows of classes; a 0/1 column a label, or texts with
        several; fractions, or many different whole numbers, (n,) or (n, numbers).
    names: of classes, in the order of their sorted values, of labels or of numbers.
    what: y in words.

    Raises DataError for what is none of these, and for NaN, infinite and missing values, with the row.
    """
    array = as_array(y, what)
    kind = wish.kind or _kind_of(array, names)
    if kind == "regression":
        return numbers(array, wish, names, what)
    if kind == "labels":
        return labels(array, wish, names, what)
    found = class_labels.encode(array, names, what)
    return replace(of_classes(found, wish), notes=found.notes + _said_of_classes(array, found, wish, what))


def understood_as(y: Any, known: Asked, what: str) -> NDArray[Any]:
    """More targets as `known` holds its own; DataError for another kind, and for classes that were not there."""
    array = as_array(y, what)
    if known.labels is not None:
        return class_labels.encode_as(array, known.labels, what)
    if known.separator is not None:
        names = cast("SeveralLabels", known.problem).label_names
        return label_rows(class_labels.texts(array, what), known.separator, names, what)
    found = _zero_one(array, what) if isinstance(known.problem, SeveralLabels) else _measured(array, what)
    if found.shape[1] != known.values.shape[1]:
        raise DataError(
            f"{what} have {found.shape[1]} numbers an example, the training examples {known.values.shape[1]}"
        )
    return found


def of_classes(found: class_labels.Labels, wish: Wish) -> Asked:
    """A class for each example."""
    problem = Classification(found.names, class_weights=weights_of(wish.class_weights))
    return Asked(found.codes, problem, found.notes, found)


def numbers(y: NDArray[Any], wish: Wish, names: Sequence[str] | None, what: str) -> Asked:
    """One or several numbers for each example."""
    if wish.class_weights is not None:
        raise ConfigurationError(
            f"{option('class_weights')} is for classes and labels, but the {what} are numbers: a regression"
        )
    values = _measured(y, what)
    count = values.shape[1]
    names = names or (["target"] if count == 1 else [f"target {i + 1}" for i in range(count)])
    if len(names) != count:
        raise DataError(f"{len(names)} names were given, but the {what} are {count} numbers an example")
    even = [name for name, column in zip(names, values.T, strict=True) if column.min() == column.max()]
    if even:
        raise DataError(f"the {what} are always {values[0, list(names).index(even[0])]:g}: there is nothing to learn")
    return Asked(values, Regression(names, **wish.losses()), _said_of_numbers(values, wish, what))


def labels(y: NDArray[Any], wish: Wish, names: Sequence[str] | None, what: str) -> Asked:
    """Any number of labels for each example."""
    separator = None
    if y.ndim == 1:
        texts = class_labels.texts(y, what)
        separator = wish.separator or separator_of(sorted(set(texts))) or ","
        names = names or label_names(texts, separator, what)
        values = label_rows(texts, separator, names, what)
    else:
        values = _zero_one(y, what)
        names = names or [f"label {i + 1}" for i in range(values.shape[1])]
    if len(names) != values.shape[1]:
        raise DataError(f"{len(names)} names of labels were given, but the {what} have {values.shape[1]} columns")
    require_different(values, names, what)
    problem = SeveralLabels(names, positive_weights=weights_of(wish.class_weights))
    return Asked(values, problem, said_of_labels(separator, wish), separator=separator)


def require_different(values: NDArray[np.uint8], names: Sequence[str], what: str) -> None:
    """DataError where every example has the same labels. values: uint8 (n, labels)."""
    if len(values) and bool((values == values[0]).all()):
        there = [repr(name) for name, each in zip(names, values[0].tolist(), strict=True) if each]
        have = f"every example has {listed(there, 5)}" if there else "no example has any label"
        raise DataError(f"the {what} are the same in all examples ({have}): there is nothing to learn")


def said_of_labels(separator: str | None, wish: Wish) -> tuple[str, ...]:
    """How several labels were found where nobody said it."""
    if wish.kind == "labels" and wish.separator is not None:
        return ()
    how = "columns of 0 and 1" if separator is None else f"separated by {separator!r}"
    otherwise = (
        "" if separator is None or wish.kind else f"; {option('problem', 'classification')} takes each text as a class"
    )
    return (f"several labels an example, {how}{otherwise}",)


def _kind_of(array: NDArray[Any], names: Sequence[str] | None) -> Kind:
    """What targets hold, by their shape and values."""
    if array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in "biuf":
        if not bool(((array == 0) | (array == 1)).all()):
            return "regression"
        return "classification" if bool((array.sum(axis=1) == 1).all()) else "labels"
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if flat.ndim == 1 and flat.dtype.kind in "iuf" and len(flat) and names is None:
        return "regression" if looks_measured(flat) else "classification"
    if (
        flat.ndim == 1
        and flat.dtype.kind in "UO"
        and names is None
        and all(isinstance(each, str) for each in flat.tolist())
    ):
        return "labels" if separator_of(sorted(set(flat.tolist()))) else "classification"
    return "classification"


def looks_measured(values: NDArray[Any]) -> bool:
    """Whether numbers are measured and not counted: fractions, or many different ones with few examples each."""
    if values.dtype.kind == "f" and bool((values[np.isfinite(values)] % 1 != 0).any()):
        return True
    distinct, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    if len(distinct) <= _MANY_VALUES or len(values) >= _FEW_EACH * len(distinct):
        return False
    return values.dtype.kind == "f" or int(counts.min()) < LEAST_OF_A_CLASS


def _measured(array: NDArray[Any], what: str) -> NDArray[np.float64]:
    """Numbers as float64 (n, numbers); DataError for text, for more axes, and for NaN and infinite ones."""
    if array.dtype.kind == "O":
        with contextlib.suppress(TypeError, ValueError):
            array = array.astype(np.float64)
    if array.dtype.kind not in "biuf":
        raise DataError(f"the {what} of a regression are numbers, found {class_labels.shown_kind(array)}")
    if array.ndim not in (1, 2) or 0 in array.shape:
        raise DataError(f"{what} have shape {array.shape}; expected (n,), or (n, numbers) of several for each example")
    values = array.astype(np.float64).reshape(len(array), -1)
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        raise DataError(f"{len(bad)} of the {what} are NaN or infinite, the first at row {bad[0]} (from 0)")
    return values


def _zero_one(array: NDArray[Any], what: str) -> NDArray[np.uint8]:
    """A 0/1 column a label, uint8 (n, labels); DataError with the row for anything else."""
    if array.ndim != 2 or array.dtype.kind not in "biuf" or not array.size:
        raise DataError(
            f"{what} of several labels are columns of 0 and 1, (n, labels), found {array.dtype} {array.shape}"
        )
    bad = np.flatnonzero(~((array == 0) | (array == 1)).all(axis=1))
    if len(bad):
        value = next(each for each in array[bad[0]].tolist() if each not in (0, 1))
        raise DataError(f"{what} of several labels are 0 or 1, found {value:g} in row {bad[0]} (from 0)")
    return array.astype(np.uint8)


def _said_of_numbers(values: NDArray[np.float64], wish: Wish, what: str) -> tuple[str, ...]:
    if wish.kind is not None:
        return ()
    if values.shape[1] > 1:
        return (f"the {what} are {values.shape[1]} numbers an example: a regression{_unlike_labels(values)}",)
    distinct = len(np.unique(values))
    return (
        f"the {what} are {distinct:,} different numbers in {len(values):,} examples: a regression; "
        f"{option('problem', 'classification')} takes each as a class",
    )


def _unlike_labels(values: NDArray[np.float64]) -> str:
    """Which numbers stood against labels, where nearly all are 0 or 1."""
    other = np.argwhere((values != 0) & (values != 1))
    if len(other) > _FEW_OTHERS * values.size:
        return ""
    row, column = other[0].tolist()
    return (
        f"; not labels, since {len(other):,} are neither 0 nor 1, the first {values[row, column]:g} in row {row} "
        "(from 0)"
    )


def _said_of_classes(array: NDArray[Any], found: class_labels.Labels, wish: Wish, what: str) -> tuple[str, ...]:
    """That many whole numbers were taken for classes, where nobody said so."""
    plain = found.values.dtype.kind in "iu" and len(found.names) > _TOLD
    in_turn = plain and bool((found.values == np.arange(len(found.values))).all())
    if wish.kind is not None or not plain or in_turn:
        return ()
    return (
        f"the {what} are {len(found.names)} different whole numbers, taken as classes; "
        f"{option('problem', 'regression')} asks for the number",
    )
