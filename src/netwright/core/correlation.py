"""How alike two scores order the same networks: rank correlations, and the interval of a statistic of pairs.

One convention for all: equal values share the mean of their ranks, NaN ranks with minus infinity below all numbers, and
a correlation is NaN where all of one side are equal. Scores are float64 (n,), or (m, n) for m correlations at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Scores = Sequence[float] | np.ndarray
Statistic = Callable[[np.ndarray, np.ndarray], np.ndarray]  # float64 (m, n) twice -> (m,)
RESAMPLES = 2000
MOST_PAIRWISE = 200  # values up to which comparing each with each is quicker than sorting


def ranks(values: Scores) -> np.ndarray:
    """Ranks along the last axis, from 1 for the smallest."""
    numbers = np.asarray(values, dtype=np.float64)
    return _stats().rankdata(np.where(np.isnan(numbers), -np.inf, numbers), axis=-1)


def spearman(first: Scores, second: Scores) -> Any:
    """The correlation of ranks (Spearman 1904)."""
    a, b = (each - each.mean(-1, keepdims=True) for each in (ranks(first), ranks(second)))
    return _ratio((a * b).sum(-1), (a * a).sum(-1) * (b * b).sum(-1))


def kendall(first: Scores, second: Scores) -> Any:
    """Kendall's tau-b, which allows for ties (Kendall 1945)."""
    a, b = ranks(first), ranks(second)
    if a.ndim == 1:
        return _tau(a, b)
    return np.array([_tau(ours, theirs) for ours, theirs in zip(a, b, strict=True)])


def bootstrap(statistic: Statistic, first: Scores, second: Scores, seed: int = 0) -> tuple[float, float]:
    """95 % interval of a statistic of pairs: percentiles over 2,000 resamples of them (Efron 1979).

    Resamples in which it is not defined are left out; NaN where it never is.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    places = np.random.default_rng(seed).integers(len(a), size=(RESAMPLES, len(a)))
    found = statistic(a[places], b[places])
    found = found[np.isfinite(found)]
    if not len(found):
        return float("nan"), float("nan")
    low, high = np.percentile(found, (2.5, 97.5)).tolist()
    return low, high


def _tau(first: np.ndarray, second: np.ndarray) -> float:
    if len(first) > MOST_PAIRWISE:
        return float(_stats().kendalltau(first, second)[0])
    a, b = (np.sign(each[:, None] - each[None, :]) for each in (first, second))
    return float(_ratio((a * b).sum(), (a * a).sum() * (b * b).sum()))


def _stats() -> Any:
    """scipy.stats, which takes long to import."""
    from importlib import import_module

    return import_module("scipy.stats")


def _ratio(product: Any, squares: Any) -> Any:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(squares > 0, product / np.sqrt(squares), np.nan)[()]
