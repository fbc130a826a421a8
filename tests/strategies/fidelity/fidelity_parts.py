"""A toy whose learning curves are known: what a candidate will come to shows more the longer it is trained."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Decision, DecisionTable
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal

EPOCHS = 9


class Cell(DecisionSpace):
    """Five four-way decisions, 1,024 architectures."""

    @cached_property
    def decisions(self) -> DecisionTable:
        return DecisionTable([Decision(f"edge{i}", ("a", "b", "c", "d"), "one") for i in range(5)])

    def network(self, choose, shape):
        raise NotImplementedError


CELL = Cell()


def curves(seed: int = 0, noise: float = 0.02) -> np.ndarray:
    """float64 (1024, EPOCHS): accuracies that rise to an end which depends on the architecture."""
    rng = np.random.default_rng(seed)
    points = np.array([each.point for each in CELL.enumerate()])
    end = 0.3 + 0.6 * (points == 3).mean(axis=1) + 0.02 * rng.normal(size=len(points))
    speed = rng.uniform(0.3, 1.0, len(points))
    t = np.arange(1, EPOCHS + 1)
    return (
        end[:, None]
        - (end[:, None] - 0.1) * np.exp(-speed[:, None] * t)
        + noise * rng.normal(size=(len(points), EPOCHS)) / t
    )


class Known(Estimator):
    """Looks the curves up; the larger the share, the more of the curve."""

    metrics = ("val_accuracy", "cost_seconds")

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._curves = curves(seed)

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        number = int(np.dot(proposal.candidate.point, 4 ** np.arange(4, -1, -1)))
        epochs = max(1, round((proposal.fidelity or 1.0) * EPOCHS))
        values = self._curves[number, :epochs].tolist()
        curve = tuple({"epoch": i + 1.0, "val_accuracy": value} for i, value in enumerate(values))
        return Measurement({"val_accuracy": values[-1], "cost_seconds": epochs * (1.0 + number % 7)}, curve=curve)
