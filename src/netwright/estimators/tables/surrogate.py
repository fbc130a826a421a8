"""Predictors made of a table, which answer for the architectures that the table lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import ConfigurationError, DataError, nearest
from netwright.core.trial import Measurement
from netwright.predictors import Boosting, Forest, Linear, Predictor, best
from netwright.predictors.encodings import Flow
from netwright.predictors.quality import correlations

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Point

SURROGATES: Mapping[str, Callable[[DecisionSpace], Predictor]] = {
    "forest": lambda space: Forest(space, Flow(space)),
    "boosting": lambda space: Boosting(space, Flow(space)),
    "gp": best,
    "linear": lambda space: Linear(space, Flow(space)),
}
"""Predictors by the name that `Table(surrogate=...)` takes."""
FOLDS = 5
LEAST = 2 * FOLDS  # architectures that a surrogate is made of
MOST_GP = 2000  # whose Gaussian process takes minutes


def check_surrogate(name: str | None) -> None:
    """ConfigurationError for a name that is none of these."""
    if name is not None and name not in SURROGATES:
        raise ConfigurationError(f"Table: there is no surrogate {name!r}{nearest(name, SURROGATES)}")


class Surrogate:
    """One metric at one budget: fitted to all architectures that have it, and judged on those held out in turn.

    Raises DataError for too few architectures, and for more than a Gaussian process can take.
    """

    def __init__(
        self,
        name: str,
        space: DecisionSpace,
        architectures: Sequence[Architecture],
        values: NDArray[np.float64],
        where: str,
    ) -> None:
        known = [int(k) for k in np.flatnonzero(np.isfinite(values))]
        if len(known) < LEAST:
            raise DataError(f"{where}: a surrogate is made of at least {LEAST} architectures, found {len(known)}")
        if name == "gp" and len(known) > MOST_GP:
            raise DataError(
                f"{where}: a Gaussian process takes at most {MOST_GP:,} architectures, found {len(known):,}; "
                "surrogate='forest' or 'boosting' takes any number"
            )
        self._make = lambda: SURROGATES[name](space)
        self._architectures = [architectures[k] for k in known]
        self._values = values[known]
        self._predictor = self._make()
        self._predictor.fit(self._architectures, self._values.tolist(), 0)

    def predicted(self, architecture: Architecture) -> float:
        return float(self._predictor.predict([architecture]).mean[0])

    @cached_property
    def rank_correlation(self) -> float:
        """Kendall's tau of predictions for architectures that were held out, a fifth of them at a time."""
        order = np.random.default_rng(0).permutation(len(self._values))
        found = np.zeros(len(order))
        for fold in range(FOLDS):
            held = order[fold::FOLDS]
            rest = np.setdiff1d(order, held)
            predictor = self._make()
            predictor.fit([self._architectures[k] for k in rest], self._values[rest].tolist(), 0)
            found[held] = predictor.predict([self._architectures[k] for k in held]).mean
        return correlations(found, self._values)[0]


class Surrogates:
    """The surrogates of one table, a metric and a share of the full budget each, made when they are first asked.

    name: of the predictor, see `SURROGATES`.
    space: the space whose architectures are meant.
    metrics: what a measurement holds.
    where: what the table is called.
    known: gives the architectures that the table has rows of.
    values: gives a metric of each of these at a share, NaN without a row.
    """

    def __init__(
        self,
        name: str,
        space: DecisionSpace,
        metrics: Sequence[str],
        where: str,
        known: Callable[[], Sequence[Architecture]],
        values: Callable[[str, float], NDArray[np.float64]],
    ) -> None:
        self._name, self._space, self._metrics, self._where = name, space, metrics, where
        self._known, self._values = known, values
        self._made: dict[tuple[str, float], Surrogate] = {}
        self._answers: dict[tuple[Point, float], Measurement] = {}

    def of(self, metric: str, share: float) -> Surrogate:
        """That of one metric at a share of the full budget."""
        if (metric, share) not in self._made:
            values = self._values(metric, share)
            self._made[metric, share] = Surrogate(self._name, self._space, self._known(), values, self._where)
        return self._made[metric, share]

    def answer(self, candidate: Architecture, share: float, taken: float) -> Measurement:
        """What they say of an architecture without a row; "is_predicted" tells it from a measured one.

        taken: the share of the row or the epoch that `share` takes.
        """
        key = candidate.content, share
        if key not in self._answers:
            values = {metric: self.of(metric, taken).predicted(candidate) for metric in self._metrics}
            self._answers[key] = Measurement({**values, "is_predicted": 1.0})
        return self._answers[key]

    def lines(self, metrics: Sequence[str]) -> list[str]:
        """Which predictor answers, and how well it ranks architectures that were held out."""
        taus = [f"{metric} {self.of(metric, 1.0).rank_correlation:.2f}" for metric in metrics or self._metrics]
        return [
            f"architectures without a row are predicted ({self._name}, made of the {len(self._known()):,} of "
            f"the table); Kendall's tau on held-out ones: {', '.join(taus)}"
        ]
