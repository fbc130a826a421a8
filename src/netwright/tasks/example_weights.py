"""What each example counts in the loss and the metrics, as a person gives it and as `Examples` hold it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError
from netwright.tasks.plain_numbers import as_array
from netwright.tasks.splits import Indices

Weights = NDArray[np.float32]


def weights_of(given: Any, count: int, what: str = "weights") -> NDArray[np.float64]:
    """A number of at least 0 for each example; DataError, with the row, for anything else.

    given: numbers, (n,).
    count: of the examples.
    what: given in words.
    """
    array = as_array(given, what)
    if array.dtype.kind not in "biuf" or array.shape != (count,):
        raise DataError(
            f"{what} are numbers, one for each of the {count:,} examples; found {array.dtype} {array.shape}"
        )
    values = array.astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(bad):
        raise DataError(f"{what} are numbers of at least 0, found {values[bad[0]]:g} in row {bad[0]} (from 0)")
    if not values.any():
        raise DataError(f"the {what} are all zero: there is nothing to learn")
    return values


def stored(values: NDArray[np.float64], others: int = 0) -> Weights | None:
    """Weights that are 1 on average; None where all examples count alike.

    values: of the examples that are used.
    others: examples behind them that have no weight of their own, and count 1 each.
    """
    if not values.any():
        raise DataError("no example that is used has a weight above 0")
    if values.min() == values.max():
        return None
    even = (values / values.mean()).astype(np.float32)
    return np.concatenate([even, np.ones(others, dtype=np.float32)]) if others else even


def used_weights(given: Any, count: int, used: Indices | slice, others: int = 0) -> Weights | None:
    """The weights of the examples that are used, as they are stored; None where none were given.

    given, count: as of `weights_of`, of all examples.
    used: places of the used ones.
    others: as of `stored`.
    """
    return None if given is None else stored(weights_of(given, count)[used], others)
