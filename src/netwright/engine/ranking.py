"""Which trials can be compared, and which is best: those at the highest fidelity that was measured."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.core.trial import Trial


def share(trial: Trial) -> float:
    """The share of the full budget that the trial was given."""
    fidelity = trial.proposal.fidelity
    return 1.0 if fidelity is None else fidelity


def rank(trial: Trial) -> tuple[float, tuple[float, ...], int]:
    """Sort key, larger is better: fidelity, scores, and of equal ones the earlier."""
    return share(trial), trial.scores, -trial.number


def comparable(trials: Sequence[Trial]) -> list[Trial]:
    """The completed evaluations at the highest fidelity that any of them has."""
    scored = [trial for trial in trials if trial.completed and trial.scores]
    highest = max(map(share, scored), default=1.0)
    return [trial for trial in scored if share(trial) == highest]
