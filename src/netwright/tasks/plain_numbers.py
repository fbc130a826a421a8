"""Arrays from whatever holds numbers, and what cannot be used in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError
from netwright.core.spelling import option

NAN_POLICIES = ("error", "impute-median", "drop")
_NUMBERS = 1 << 20
_FLOAT32_MAX = float(np.finfo(np.float32).max)


def as_array(value: Any, what: str) -> NDArray[Any]:
    """A numpy array of a numpy array, tensor (of any device), list or data frame, without a copy where possible."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        return (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    if hasattr(value, "toarray"):
        raise DataError(f"{what} is a sparse matrix; give it as {what}.toarray()")
    try:
        return np.asarray(value)
    except ValueError as problem:
        raise DataError(f"{what} is not an array: its rows have different lengths ({problem})") from None


def numeric(array: NDArray[Any], what: str) -> NDArray[Any]:
    """The array itself, once it is known to hold real numbers; DataError otherwise."""
    if array.dtype.kind == "O":
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError):
            pass
    if array.dtype.kind not in "biuf":
        kind = {"O": "Python objects", "U": "text", "S": "text", "c": "complex numbers", "M": "dates"}
        raise DataError(
            f"{what} holds {kind.get(array.dtype.kind, str(array.dtype))}; expected numbers "
            "(tables with text columns are read by the csv task)"
        )
    return array


def unusable(x: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a feature is NaN or infinite: bool, the shape of x. Nothing is unusable in whole numbers.

    Where nothing is, the answer is one value that is read many times, and takes no memory.
    """
    if x.dtype.kind != "f" or all(bool(np.isfinite(part).all()) for part in _parts(x)):
        return np.broadcast_to(np.False_, x.shape)
    return ~np.isfinite(x)


def check_policy(nan: str, *further: str) -> None:
    """UserError for what is no policy for missing numbers. further: those that such data have beside the usual ones."""
    known = (*NAN_POLICIES, *further)
    if nan not in known:
        raise UserError(f"{option('nan')} must be one of {', '.join(known)}, found {nan!r}")


def refuse_huge(x: NDArray[Any], what: str) -> None:
    """Raise DataError for finite numbers that float32 cannot hold."""
    if x.dtype != np.float64:
        return
    if any(bool(_huge(part).any()) for part in _parts(x)):
        huge = _huge(x)
        raise DataError(
            f"{what} holds {int(huge.sum()):,} values beyond 3.4e38, the largest that networks compute with, at "
            f"{places(huge)}, such as {x[huge][0]:.3g}; scale the column, or mark missing values as NaN"
        )


def _huge(x: NDArray[Any]) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.isfinite(x) & (np.abs(x) > _FLOAT32_MAX)


def _parts(x: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Rows of x, as many at a time as hold about a million numbers."""
    step = max(1, _NUMBERS * len(x) // max(1, x.size))
    return (x[start : start + step] for start in range(0, len(x), step))


def refuse_unusable(bad: NDArray[np.bool_], what: str) -> None:
    """Raise DataError that says how many features are NaN or infinite, and where the first five are."""
    raise DataError(
        f"{what} holds {int(bad.sum()):,} NaN or infinite values in {int(_rows(bad).sum()):,} of {len(bad):,} rows, at "
        f"{places(bad)}; {option('nan', 'impute-median')} fills them with the column's median, "
        f"{option('nan', 'drop')} leaves the rows out"
    )


def places(mask: NDArray[np.bool_]) -> str:
    first = [tuple(int(i) for i in place) for place in np.argwhere(mask)[:5]]
    return "(row, column) " + ", ".join(map(str, first)) + (", ..." if int(mask.sum()) > 5 else "")


def usable_rows(bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return ~_rows(bad)


def medians(x: NDArray[Any]) -> NDArray[np.float64]:
    """The median of each column's finite values: (features,); DataError names a column that has none."""
    if x.dtype.kind != "f":
        return np.median(x, axis=0)
    usable = np.isfinite(x)
    empty = np.flatnonzero(~usable.any(axis=0))
    if len(empty):
        raise DataError(f"column {empty[0]} holds no finite number at all; leave it out")
    return np.nanmedian(np.where(usable, x, np.nan).astype(np.float64), axis=0)


def filled(x: NDArray[Any], bad: NDArray[np.bool_], fill: NDArray[np.float64]) -> NDArray[Any]:
    return np.where(bad, fill, x) if bad.any() else x


def _rows(bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(bad.reshape(len(bad), -1).any(axis=1)) if bad.size else np.zeros(len(bad), dtype=np.bool_)
