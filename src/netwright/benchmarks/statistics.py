"""The statistics of comparisons, by scipy: intervals, paired tests, corrections, effect sizes.

Values are arrays over seeds, larger is better; the n-th value of each strategy belongs to the same seed.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

RESAMPLES = 9_999  # of an interval for one number
BAND_RESAMPLES = 2_000  # of an interval for each point of a curve
LEVEL = 0.05  # what counts as told apart, after correction
_USUAL = 1.959963984540054  # standard errors of a normal distribution, 95 % to both sides

Interval = tuple[float, float]
UNKNOWN: Interval = (float("nan"), float("nan"))


def mean_interval(values: np.ndarray, seed: int = 0) -> Interval:
    """95 % interval of a mean by the bootstrap, bias-corrected and accelerated (Efron 1987); NaN below two values."""
    from scipy import stats

    if len(values) < 2:
        return UNKNOWN
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    rng = np.random.default_rng(seed)
    found = stats.bootstrap((values,), np.mean, n_resamples=RESAMPLES, rng=rng, batch=1000).confidence_interval
    return float(found.low), float(found.high)


def mean_band(values: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of the mean at each column of (seeds, points): percentiles over resamples of whole rows.

    How often each row is drawn is multinomial, so that all resamples of all points are one product of matrices.
    """
    n = len(values)
    means = _drawn(n, seed) @ values / n
    low, high = np.percentile(means, (2.5, 97.5), axis=0)
    return low, high


@lru_cache(4)  # that of one number of rows is the same for all strategies and problems
def _drawn(n: int, seed: int) -> np.ndarray:
    """float64 (resamples, n): how often each row is drawn."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=BAND_RESAMPLES).astype(np.float64)


def signed_rank_p(first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided p of Wilcoxon's signed-rank test (1945) on the pairs that differ; 1.0 where none does.

    Pairs that are equal (both searches ended at the same network) are left out, which keeps the level whatever their
    number: given the sizes of the differences, each sign is a fair coin under the null hypothesis. Of few pairs the
    distribution is exact; of more than 50, or more than 13 with equal sizes, it is the normal approximation.
    """
    from scipy import stats

    differences = first - second
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    tested: Any = stats.wilcoxon(differences, zero_method="wilcox", method="auto")
    return float(tested.pvalue)


def leaning(first: np.ndarray, second: np.ndarray) -> float:
    """Rank-biserial correlation of the pairs that differ, -1 to 1: above 0 where the first tends to be better."""
    from scipy import stats

    differences = first - second
    differences = differences[differences != 0]
    if not len(differences):
        return 0.0
    ranks = stats.rankdata(np.abs(differences))
    return float(ranks @ np.sign(differences) / ranks.sum())


def holm(p_values: Sequence[float]) -> list[float]:
    """p values corrected for their number (Holm 1979)."""
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values)
    left = np.arange(len(values), 0, -1)  # hypotheses that have not been rejected before this one
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(left * values[order]))
    return corrected.tolist()


def superiority(first: np.ndarray, second: np.ndarray) -> float:
    """A12 (Vargha and Delaney 2000): how probably a run of the first beats one of the second, ties counting half.

    Over all pairs of runs, whatever their seeds. 0.5 is no difference; 2 A12 - 1 is Cliff's delta.
    """
    from scipy import stats

    return float(stats.mannwhitneyu(first, second).statistic) / (len(first) * len(second))


def win_share(first: np.ndarray, second: np.ndarray) -> tuple[float, Interval]:
    """The share of seeds on which the first is better, ties counting half, with Wilson's 95 % interval (1927)."""
    share = float((first > second).mean() + 0.5 * (first == second).mean())
    weight = _USUAL**2 / len(first)
    middle = share + weight / 2
    half = float(np.sqrt(weight * (share * (1 - share) + weight / 4)))
    return share, (max(0.0, middle - half) / (1 + weight), min(1.0, (middle + half) / (1 + weight)))


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """Mean rank over seeds of (strategies, seeds, ...), 1 is best; equal ones share a rank, NaN comes last."""
    from scipy import stats

    ranks = stats.rankdata(-np.where(np.isnan(values), -np.inf, values), axis=0)
    return ranks.mean(axis=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two strategies on the seeds that both finished.

    means: of either.
    difference, interval: how much better the first is on average, and its 95 % interval (bootstrap over seeds).
    wins, ties, losses: seeds.
    p: of Wilcoxon's signed-rank test.
    corrected: after Holm among `tests`.
    leaning, superiority: effect sizes.
    """

    first: str
    second: str
    means: tuple[float, float]
    difference: float
    interval: Interval
    wins: int
    ties: int
    losses: int
    p: float
    corrected: float
    tests: int
    leaning: float
    superiority: float

    @property
    def better(self) -> str:
        """The better strategy's name; empty where they are not told apart.

        That takes both: a corrected p below 0.05, and an interval of the mean difference on the same side of zero. So
        none is called better that is worse on average, and the null hypothesis is rejected less often than the level.
        """
        low, high = self.interval
        if not self.corrected < LEVEL:
            return ""
        return self.first if self.leaning > 0 and low > 0 else self.second if self.leaning < 0 and high < 0 else ""


def pairwise(values: dict[str, np.ndarray], seed: int = 0) -> list[Pair]:
    """Every pair of strategies, before correction.

    values: (seeds,) of each, larger is better.
    """
    names = list(values)
    return [
        _pair(one, other, values[one], values[other], seed)
        for place, one in enumerate(names)
        for other in names[place + 1 :]
    ]


def _pair(one: str, other: str, first: np.ndarray, second: np.ndarray, seed: int) -> Pair:
    p = signed_rank_p(first, second)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = mean_interval(first - second, seed)
    return Pair(
        *(one, other, (float(first.mean()), float(second.mean())), float((first - second).mean()), interval),
        *(int((first > second).sum()), int((first == second).sum()), int((first < second).sum())),
        *(p, p, 1, leaning(first, second), superiority(first, second)),
    )
