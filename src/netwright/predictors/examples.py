"""What a predictor learns from: architectures with their values, checked and brought to a common scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.errors import ConfigurationError, shown

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space


class Examples:
    """What a predictor learns from.

    architectures: of one space.
    values: float64 (n,) as given.
    scores: the values less their mean, over their deviation.

    Where all values are the same, all scores and the scale are 0. Raises ConfigurationError for no examples,
    unequal numbers of both and values that are no finite numbers, InvalidArchitecture for those of another space.
    """

    def __init__(self, space: Space, architectures: Sequence[Architecture], values: Sequence[float]) -> None:
        self.architectures = list(architectures)
        self.values = _numbers(values)
        if len(self.architectures) != len(self.values):
            raise ConfigurationError(
                f"expected one value for each architecture, found {len(self.architectures)} architectures and "
                f"{len(self.values)} values"
            )
        if not self.architectures:
            raise ConfigurationError("a predictor needs at least one example, found none")
        for each in self.architectures:
            space.require_own(each)
        _require_finite(self.values, self.architectures)
        self._scale()

    def _scale(self) -> None:
        self.mean = float(self.values.mean())
        deviation = float(self.values.std())
        self.scale = deviation if deviation > 1e-12 * abs(self.mean) else 0.0
        self.scores = (self.values - self.mean) / (self.scale or 1.0) * (self.scale > 0)

    def __len__(self) -> int:
        return len(self.values)

    def joined(self, later: Examples) -> Examples:
        """These and later ones, neither of which is checked again."""
        found = object.__new__(Examples)
        found.architectures = [*self.architectures, *later.architectures]
        found.values = np.concatenate((self.values, later.values))
        found._scale()
        return found

    def unscaled(self, score: np.ndarray) -> np.ndarray:
        """Scores in the units of the values, as float64."""
        return np.asarray(score, dtype=np.float64) * self.scale + self.mean


def best_and_others(values: np.ndarray, most: int | None, rng: np.random.Generator) -> np.ndarray:
    """Ascending places of the examples that stand for all: of more than `most` the best half, and a draw of others."""
    if most is None or len(values) <= most:
        return np.arange(len(values))
    ranked = np.argsort(-values, kind="stable")
    best, rest = np.split(ranked, [most // 2])
    return np.sort(np.concatenate((best, rng.permutation(rest)[: most - len(best)])))


def _numbers(values: Sequence[float]) -> np.ndarray:
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigurationError(f"expected numbers as values, found {shown(values)}") from None
    if found.ndim != 1:
        raise ConfigurationError(f"expected a flat sequence of values, found an array of shape {found.shape}")
    return found


def _require_finite(values: np.ndarray, architectures: Sequence[Architecture]) -> None:
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise ConfigurationError(
            f"expected finite values; example {bad[0]}, {architectures[int(bad[0])]}, has {values[bad[0]]}"
            f" ({len(bad)} of {len(values)} are not finite)"
        )
