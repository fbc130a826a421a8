"""95 % intervals of what was measured once on so many test examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwright.results.figures import Figures

LEVEL = 0.95
USUAL = 1.959964  # standard errors of a normal distribution, to either side


def share_interval(share: float, n: int) -> tuple[float, float]:
    """95 % interval of a share of n examples (Wilson 1927)."""
    from scipy.stats import binomtest

    found = binomtest(round(share * n), n).proportion_ci(LEVEL, method="wilson")
    return float(found.low), float(found.high)


def difference_interval(one: float, other: float, n: int) -> tuple[float, float]:
    """95 % interval of the difference of two shares of n examples, taken as independent (Newcombe 1998, method 10).

    That both are of the same examples makes it wider than need be.
    """
    (low, high), (other_low, other_high) = share_interval(one, n), share_interval(other, n)
    difference = one - other
    below = ((one - low) ** 2 + (other_high - other) ** 2) ** 0.5
    above = ((high - one) ** 2 + (other - other_low) ** 2) ** 0.5
    return difference - below, difference + above


def winner_interval(figures: Figures) -> tuple[float, float] | None:
    """95 % interval of the winner's mean by the choice of the test examples; None where that is not known.

    figures: of the finished network.
    """
    mean, error = figures.winner.mean, figures.standard_error
    if figures.main.of_examples:
        return share_interval(mean, max(1, figures.test_examples))
    return None if error is None else (mean - USUAL * error, mean + USUAL * error)
