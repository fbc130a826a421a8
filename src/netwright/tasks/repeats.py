"""Rows that training and test examples share."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 4096

Digests = NDArray[np.uint64]
Indices = NDArray[np.int64]


class Split(Protocol):
    """Inputs (n, features) and what they ask for, one a row."""

    @property
    def inputs(self) -> Any: ...

    @property
    def codes(self) -> Any: ...


def notes_on(
    train: Split,
    test: Split | None,
    held_out: Indices | None,
    validation: Indices | None,
) -> tuple[str, ...]:
    """What is said of rows that are on two sides of a split, with what they ask for.

    train: the training examples, those to validate on among them.
    test: the test examples, where they came with the data.
    held_out: places of the test examples in the former, where they did not.
    validation: places of those to validate on, where these came with the data.
    """
    own = digests(train.inputs, train.codes)
    aside = np.zeros(len(own), dtype=np.bool_)
    aside[[] if held_out is None else held_out] = True
    tested = own[aside] if test is None else digests(test.inputs, test.codes)
    notes = _note(own[~aside], tested, "test", drawn=held_out is not None)
    if validation is None:
        return notes
    aside[validation] = True
    return notes + _note(own[~aside], own[validation], "validation", drawn=False)


def _note(train: Digests, others: Digests, which: str, *, drawn: bool) -> tuple[str, ...]:
    same = int(np.isin(others, train).sum())
    if not same:
        return ()
    why = "the table repeats rows, and the split is drawn at random" if drawn else "they are in both files"
    ends = "test is too easy" if which == "test" else "search looks better than it is"
    return (
        f"{same:,} of {len(others):,} {which} rows equal a training row in all columns ({why}): where these are copies "
        f"of one case, the {ends}; remove the copies",
    )


def digests(inputs: NDArray[Any], targets: NDArray[Any]) -> Digests:
    """A number for each example that others with the same features and targets have, and hardly any other: (n,)."""
    rows = np.ascontiguousarray(inputs.reshape(len(targets), -1)).view(np.uint32)
    asked = _as_numbers(targets)
    factors = np.random.Generator(np.random.Philox(key=7)).integers(
        1, 2**63, rows.shape[1] + asked.shape[1], dtype=np.uint64
    ) | np.uint64(1)
    found = (asked * factors[rows.shape[1] :]).sum(axis=1, dtype=np.uint64)
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        found[part] += (rows[part] * factors[: rows.shape[1]]).sum(axis=1, dtype=np.uint64)
    return found


def _as_numbers(targets: NDArray[Any]) -> Digests:
    """Targets as whole numbers without a sign, (n, targets)."""
    flat = targets.reshape(len(targets), -1)
    return np.ascontiguousarray(flat).view(np.uint64) if flat.dtype == np.float64 else flat.astype(np.uint64)
