"""Labels of any kind as the numbers 0..classes-1, with the name of each class kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, closest
from netwright.core.wording import listed
from netwright.tasks.plain_numbers import as_array

SHOWN = 8  # names in one line


@dataclass(frozen=True, eq=False)
class Labels:
    """codes: int64 (n,), each in 0..len(names)-1.
    values: what each code stood for, sorted.
    """

    codes: NDArray[np.int64]
    names: tuple[str, ...]
    values: NDArray[Any]
    notes: tuple[str, ...] = ()


def encode(y: Any, classes: Sequence[str] | None = None, what: str = "labels") -> Labels:
    """Number the labels; `classes` names them, in the order of their sorted values.

    y: whole numbers with or without gaps, text, booleans or one-hot rows, for n examples.

    Fractions are classes as whole numbers are. Raises DataError for missing labels, and fewer than two classes.
    """
    array = as_array(y, what)
    plain, notes = _plain(array, what)
    if not len(plain):
        raise DataError(f"the {what} are empty; expected one class an example")
    values, codes = np.unique(plain, return_inverse=True)
    names = tuple(str(value) for value in values) if classes is None else _named(values, classes)
    if len(values) < 2:
        raise DataError(f"a classification task needs at least 2 classes, but the {what} hold only {names[0]!r}")
    if plain.dtype.kind in "iu" and not np.array_equal(values, np.arange(len(values))) and classes is None:
        notes += (f"labels {listed(names, SHOWN)} were numbered 0 to {len(values) - 1}",)
    return Labels(codes.reshape(-1).astype(np.int64), names, values, notes)


def encode_as(
    y: Any, known: Labels, what: str = "test labels", where: Callable[[int], str] | None = None
) -> NDArray[np.int64]:
    """Number more labels as `known` numbers them; DataError names a class that was not there.

    where: what is said of the place of a label, by its number.
    """
    plain, _ = _plain(y, what)
    if plain.dtype.kind != known.values.dtype.kind and "U" in (plain.dtype.kind, known.values.dtype.kind):
        raise DataError(
            f"the {what} are {_kind(plain)} such as {plain[0].item()!r}, but the training labels are "
            f"{_kind(known.values)} such as {known.values[0].item()!r}; use the same names in both"
        )
    place = np.searchsorted(known.values, plain).clip(0, len(known.values) - 1)
    unknown = np.flatnonzero(known.values[place] != plain)
    if len(unknown):
        names = [str(value) for value in np.unique(plain[unknown])]
        at = "" if where is None else f" (first in {where(int(unknown[0]))})"
        raise DataError(
            f"the {what} hold classes that the training examples do not: {listed(names, SHOWN)}{at}; "
            f"the training classes are {listed(known.names, SHOWN)}{_meant(names[0], known.names)}"
        )
    return place.astype(np.int64)


def _meant(name: str, known: Sequence[str]) -> str:
    close = closest(name, known)
    return "" if close is None else f"; did you mean {close!r}?"


def alike(names: Sequence[str]) -> str:
    """What is said of names that differ in upper and lower case only; nothing where none do."""
    same: dict[str, list[str]] = {}
    for name in sorted(names):
        same.setdefault(name.casefold(), []).append(name)
    found = [" and ".join(map(repr, each)) for each in same.values() if len(each) > 1]
    return f"{listed(found, 3)} differ in upper and lower case only, and are told apart" if found else ""


def texts(y: Any, what: str) -> list[str]:
    """Labels that are text, as a list; DataError for anything else, and for missing ones."""
    plain, _ = _plain(y, what)
    if plain.dtype.kind != "U":
        raise DataError(f"{what} that are separated in one text are text, found {shown_kind(plain)}")
    return plain.tolist()


def shown_kind(array: NDArray[Any]) -> str:
    """What an array holds, in words, with its first value."""
    shown = f" such as {array.reshape(-1)[0]!s:.60}" if array.size else ""
    return f"{'text' if array.dtype.kind in 'OUS' else array.dtype.name}{shown}"


def _plain(y: Any, what: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Labels as a one-dimensional array of numbers or text."""
    array = as_array(y, what)
    array, notes = _flat(array, what)
    if array.dtype.kind == "f":
        return _counted(array, what), notes
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8", "replace"), notes
    if array.dtype.kind == "O":
        return _from_objects(array, what), notes
    if array.dtype.kind not in "biuU":
        raise DataError(f"{what} must be whole numbers or text, found {array.dtype}")
    return array, notes


def _flat(array: NDArray[Any], what: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    if array.ndim == 1:
        return array, ()
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0], ()
    if array.ndim == 2 and array.dtype.kind in "biuf":
        if bool(((array == 0) | (array == 1)).all()) and bool((array.sum(axis=1) == 1).all()):
            return array.argmax(axis=1), (f"one-hot {what} of {array.shape[1]} columns were numbered",)
        raise DataError(
            f"{what} of shape {array.shape} hold more than one number an example and are not one-hot; "
            "expected shape (n,): one class an example"
        )
    raise DataError(f"{what} have shape {array.shape}; expected (n,): one class an example")


def _counted(array: NDArray[Any], what: str) -> NDArray[Any]:
    """Finite numbers, as whole ones where all are whole."""
    missing = np.flatnonzero(~np.isfinite(array))
    if len(missing):
        raise DataError(f"{len(missing)} of the {what} are NaN or infinite, the first at row {missing[0]}")
    if bool((array != np.round(array)).any()):
        return array
    if bool((np.abs(array) >= 2**63).any()):
        raise DataError(f"the {what} hold numbers beyond 2^63, such as {array[np.abs(array).argmax()]:.6g}")
    return array.astype(np.int64)


def _from_objects(array: NDArray[Any], what: str) -> NDArray[Any]:
    kinds = {type(each).__name__ for each in array.tolist()}
    missing = [i for i, each in enumerate(array.tolist()) if each is None or each != each]
    if missing:
        raise DataError(f"{len(missing)} of the {what} are missing, the first at row {missing[0]}")
    if kinds <= {"str"}:
        return array.astype(str)
    if kinds <= {"int", "bool"}:
        return array.astype(np.int64)
    raise DataError(f"{what} mix {' and '.join(sorted(kinds))}; expected whole numbers only, or text only")


def _named(values: NDArray[Any], classes: Sequence[str]) -> tuple[str, ...]:
    names = tuple(str(each) for each in classes)
    if len(set(names)) < len(names):
        raise DataError(f"class names must differ, found {', '.join(names)}")
    if values.dtype.kind in "iu" and len(values) and values.min() >= 0 and values.max() < len(names):
        absent = sorted(set(range(len(names))) - set(values.tolist()))
        if absent:
            raise DataError(f"class {names[absent[0]]!r} has no examples; leave its name out, or add examples")
        return names
    if len(values) == len(names):
        return names
    raise DataError(f"{len(names)} class names were given, but the labels hold {len(values)} classes")


def _kind(array: NDArray[Any]) -> str:
    return "text" if array.dtype.kind == "U" else "numbers"
