"""A strategy that searches what is predicted in place of what is measured, inside of another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.errors import StopSearch
from netwright.core.trial import Measurement, Trial

if TYPE_CHECKING:
    from netwright.core.strategy import Strategy
    from netwright.core.trial import Proposal

Judged = Callable[[Sequence[Architecture]], np.ndarray]
"""Scores (n, objectives) of architectures, larger is better; those that are not finite count as infeasible."""


def searched(strategy: Strategy, judged: Judged, most: int, rng: np.random.Generator) -> dict[Architecture, np.ndarray]:
    """All that a fresh strategy asks, with the scores (objectives,) of each, in the order of asking.

    strategy: whose proposals are judged as many at once as it asks without waiting.
    judged: what they score.
    most: proposals, those that are infeasible included.
    rng: what the strategy draws from.
    """
    found: dict[Architecture, np.ndarray] = {}
    count, ended = 0, False
    while count < most and not ended:
        batch: list[Proposal] = []
        while count + len(batch) < most:
            try:
                proposal = strategy.ask(rng)
            except StopSearch:
                ended = True
                break
            if proposal is None:
                break
            batch.append(proposal)
        if not batch:
            break
        for trial in _told(batch, judged, count):
            strategy.tell(trial)
            if trial.completed:
                found[trial.architecture] = np.array(trial.scores)
        count += len(batch)
    return found


def _told(batch: Sequence[Proposal], judged: Judged, first: int) -> list[Trial]:
    architectures = [each.candidate for each in batch]
    scores = judged([each for each in architectures if isinstance(each, Architecture)])
    return [_trial(first + k, proposal, row) for k, (proposal, row) in enumerate(zip(batch, scores, strict=True))]


def _trial(number: int, proposal: Proposal, scores: np.ndarray) -> Trial:
    if not np.isfinite(scores).all():
        return Trial(number, proposal, "infeasible", Measurement({}))
    return Trial(number, proposal, "completed", Measurement({}), tuple(scores.tolist()))
