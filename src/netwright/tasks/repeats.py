"""Rows that training and test examples share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netwright.tasks.building import Prepared

_AT_ONCE = 4096

Digests = NDArray[np.uint64]


def note(train: Digests, test: Digests, *, drawn: bool) -> tuple[str, ...]:
    """What is said of test examples whose features and class a training example has, too.

    train, test: digests.
    drawn: whether the test split was drawn from one table at random.
    """
    same = int(np.isin(test, train).sum())
    if not same:
        return ()
    why = "the table repeats rows, and the split is drawn at random" if drawn else "they are in both files"
    return (
        f"{same:,} of {len(test):,} test rows equal a training row in all columns ({why}): where these are copies of "
        "one case, the test is too easy; remove the copies",
    )


def digests(split: Prepared) -> Digests:
    """A number for each example that others with the same features and class have, and hardly any other: (n,)."""
    rows = split.inputs.reshape(len(split.codes), -1).view(np.uint32)
    factors = np.random.Generator(np.random.Philox(key=7)).integers(
        1, 2**63, rows.shape[1] + 1, dtype=np.uint64
    ) | np.uint64(1)
    found = split.codes.astype(np.uint64) * factors[-1]
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        found[part] += (rows[part] * factors[:-1]).sum(axis=1, dtype=np.uint64)
    return found
