"""A predictor made of a table, which answers for the architectures that the table lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import ConfigurationError, DataError, nearest
from netwright.predictors import Boosting, Forest, Linear, Predictor, best
from netwright.predictors.encodings import Flow
from netwright.predictors.quality import correlations

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace

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
