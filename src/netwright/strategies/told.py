"""Trials as arrays and back, for what a strategy remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.trial import STATES, Proposal, Trial
from netwright.strategies.unseen import contents_of, points_of

if TYPE_CHECKING:
    from netwright.core.architecture import Content
    from netwright.core.space import Space


def noted(trials: Sequence[Trial], space: Space) -> dict[str, Any]:
    """Numbers, architectures, states and scores of trials, in their order."""
    width = max((len(trial.scores) for trial in trials), default=1)
    rows = [trial.scores or (np.nan,) * width for trial in trials]
    return {
        "numbers": np.array([trial.number for trial in trials], dtype=np.int64),
        "points": points_of([trial.architecture.content for trial in trials], space),
        "states": np.array([STATES.index(trial.state) for trial in trials], dtype=np.uint8),
        "scores": np.array(rows, dtype=np.float64).reshape(len(trials), width),
    }


def recalled(memory: Mapping[str, Any], space: Space) -> list[Trial]:
    """The trials that were noted, with nothing else of what was measured."""
    numbers, states, scores = (memory[name].tolist() for name in ("numbers", "states", "scores"))
    rows = zip(numbers, contents_of(memory["points"]), states, scores, strict=True)
    return [_trial(space, *row) for row in rows]


def _trial(space: Space, number: int, content: Content, state: int, scores: Sequence[float]) -> Trial:
    proposal = Proposal(space.from_content(content, check=False))
    completed = STATES[state] == "completed"
    return Trial(number, proposal, STATES[state], scores=tuple(scores) if completed else ())
