"""How alike two scores rank networks: Spearman's rank correlation and its bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

RESAMPLES = 2000


def ranks(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Ranks along the last axis, those of equal values averaged; NaN ranks with minus infinity, below all numbers."""
    numbers = np.asarray(values, dtype=np.float64)
    return rankdata(np.where(np.isnan(numbers), -np.inf, numbers), axis=-1)


def spearman(first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray) -> float:
    """The correlation of ranks (Spearman 1904); NaN where all of one are equal."""
    return float(_correlations(ranks(first)[None], ranks(second)[None])[0])


def interval(
    first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray, seed: int = 0
) -> tuple[float, float]:
    """95 % of `spearman`, percentiles over 2,000 resamples of the pairs (Efron 1979); NaN where it is never defined."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    places = np.random.default_rng(seed).integers(len(a), size=(RESAMPLES, len(a)))
    found = _correlations(ranks(a[places]), ranks(b[places]))
    found = found[np.isfinite(found)]
    if not len(found):
        return float("nan"), float("nan")
    low, high = np.percentile(found, (2.5, 97.5)).tolist()
    return low, high


def _correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each row; NaN where a row is constant."""
    a = first - first.mean(1, keepdims=True)
    b = second - second.mean(1, keepdims=True)
    squares = (a * a).sum(1) * (b * b).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(squares > 0, (a * b).sum(1) / np.sqrt(squares), np.nan)
