"""The kernel of NASBOT (Kandasamy et al. 2018, "Neural Architecture Search with Bayesian Optimisation and Optimal
Transport"): distances by optimal transport, OTMANN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.errors import ConfigurationError
from netwright.predictors.kernels.kernel import Hyperparameter, weighted_sums
from netwright.predictors.kernels.labels import LabelTable, mismatch
from netwright.predictors.kernels.layers import INPUT, OUTPUT
from netwright.predictors.kernels.pairs import PairKernel, padded
from netwright.predictors.kernels.transport import best_saving, best_savings

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.predictors.kernels.layers import LayerGraph

END_MASS = 0.1  # of all inputs together, and of the output: as a share of the mass of all operations (zeta)


@dataclass(frozen=True, slots=True)
class _Profile:
    """labels (n,) and paths (n, 18) of the operations; paths of the inputs, and of the output."""

    labels: np.ndarray
    paths: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray

    @property
    def mass(self) -> float:
        return len(self.labels) * (1 + 2 * END_MASS)


class Otmann(PairKernel):
    """How much of one network's layers must move, and how far, to become the other's.

    Each operation has mass 1, since a space's graph tells no widths. A match costs the mismatch of the labels, and
    `structural` times how far the layers' path lengths to input and output differ; a mass that is not matched costs 1.
    There is one distance d for each of `structural`, 0.1, 0.25, 0.61 and 1.5 in the authors' code, and one normalised
    by both networks' masses. The kernel is w exp(-sum beta d) + (1 - w) exp(-sum beta' d_normalised^2) (section 4); w
    and the betas are learnt. It need not be positive definite, so the Gaussian process may add to its diagonal.

    space: the space whose architectures are meant.
    structural: weights of the path lengths, a distance for each.
    """

    def __init__(self, space: Space, structural: Sequence[float] = (0.1, 0.25, 0.61, 1.5)) -> None:
        super().__init__(space)
        self.structural = tuple(structural)
        if not self.structural or min(self.structural) < 0:
            raise ConfigurationError(f"Otmann: structural is {structural!r}; expected numbers of at least 0")
        self._labels = LabelTable(mismatch)

    def profile(self, graph: LayerGraph) -> Any:
        named = np.array(graph.labels)
        operations = [label for label, known in zip(graph.labels, graph.is_operation, strict=True) if known]
        return _Profile(
            self._labels.numbers(operations),
            graph.paths[graph.is_operation],
            graph.paths[named == INPUT],
            graph.paths[named == OUTPUT],
        )

    def distances(self, first: Sequence[Any], second: Sequence[Any]) -> np.ndarray:
        masses = np.array([a.mass + b.mass for a, b in zip(first, second, strict=True)])
        changes = self._changes(first, second)
        matched = best_savings(changes.reshape(-1, *changes.shape[2:])).reshape(changes.shape[:2])
        found = masses + matched + _ends(first, second, np.array(self.structural))
        return np.concatenate((found, found / np.maximum(masses, 1e-12)))

    def _changes(self, first: Sequence[Any], second: Sequence[Any]) -> np.ndarray:
        """What matching two operations changes in the costs; (structural, pairs, operations, operations)."""
        labels, others = padded([a.labels for a in first]), padded([b.labels for b in second])
        costs = self._labels.matrix()[labels[:, :, None], others[:, None, :]] if labels.size and others.size else 0.0
        paths, theirs = padded([a.paths for a in first]), padded([b.paths for b in second])
        apart = np.abs(paths[:, :, None, :] - theirs[:, None, :, :]).mean(axis=3)
        coefficients = np.array(self.structural)[:, None, None, None]
        there = _there(first, labels.shape[1])[:, :, None] & _there(second, others.shape[1])[:, None]
        return np.minimum(costs + coefficients * apart - 2, 0.0) * there

    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        each = len(self.structural)
        plain = [Hyperparameter(f"beta_{k}", 0.2 / each, 1e-5, 1e1) for k in range(each)]
        normalised = [Hyperparameter(f"beta_normalised_{k}", 4.0 / each, 1e-4, 1e3) for k in range(each)]
        return *plain, *normalised, Hyperparameter("odds_plain", 1.0, 1e-2, 1e2)

    def covariance(self, measures: np.ndarray, logs: np.ndarray) -> np.ndarray:
        share = 1 / (1 + np.exp(-logs[-1]))
        plain, normalised = self._parts(measures, logs)
        return share * plain + (1 - share) * normalised

    def _parts(self, measures: np.ndarray, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        betas, half = np.exp(logs[:-1]), len(self.structural)
        plain = np.exp(-np.tensordot(betas[:half], measures[:half], axes=1))
        return plain, np.exp(-np.tensordot(betas[half:], measures[half:] ** 2, axes=1))

    def own_measures(self, rows: np.ndarray) -> np.ndarray:
        return np.zeros((2 * len(self.structural), len(rows)))

    def gradient(
        self, measures: np.ndarray, covariance: np.ndarray, logs: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        share, half = 1 / (1 + np.exp(-logs[-1])), len(self.structural)
        plain, normalised = self._parts(measures, logs)
        betas = np.exp(logs[:-1])
        by_plain = -share * betas[:half] * weighted_sums(measures[:half], weights * plain)
        by_normalised = -(1 - share) * betas[half:] * weighted_sums(measures[half:] ** 2, weights * normalised)
        by_odds = share * (1 - share) * np.vdot(weights, plain - normalised)
        return np.array([*by_plain, *by_normalised, by_odds])


def _there(profiles: Sequence[Any], longest: int) -> np.ndarray:
    """Which of the rows of padded labels are operations; bool (pairs, longest)."""
    return np.arange(longest) < np.array([len(each.labels) for each in profiles])[:, None]


def _ends(first: Sequence[Any], second: Sequence[Any], coefficients: np.ndarray) -> np.ndarray:
    """What matching inputs with inputs, and the output with the output, changes in the costs; (structural, pairs)."""
    masses = END_MASS * np.array([[len(a.labels), len(b.labels)] for a, b in zip(first, second, strict=True)])
    total = np.zeros((len(coefficients), len(masses)))
    for ours, theirs in (
        ([a.inputs for a in first], [b.inputs for b in second]),
        ([a.outputs for a in first], [b.outputs for b in second]),
    ):
        if {*map(len, ours), *map(len, theirs)} == {1}:
            apart = np.abs(np.concatenate(ours) - np.concatenate(theirs)).mean(axis=1)
            total += np.minimum(coefficients[:, None] * apart - 2, 0.0) * masses.min(axis=1)
            continue
        for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            apart = np.abs(a[:, None] - b[None]).mean(axis=2)
            supply, demand = masses[k, 0] / max(len(a), 1), masses[k, 1] / max(len(b), 1)
            for place, coefficient in enumerate(coefficients):
                total[place, k] += best_saving(np.minimum(coefficient * apart - 2, 0.0), supply, demand)
    return total
