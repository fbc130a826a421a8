"""The record of a trial that has ended: the scores it is judged by, its row on disk, and who hears of it."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from netwright.core.combination import is_combination
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.executor import Outcome
from netwright.core.objective import Constraint, Objective
from netwright.core.trial import Measurement, Proposal, State, Trial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwright.engine.folders import Folders
    from netwright.engine.progress import Watch
    from netwright.store.rows import Told
    from netwright.store.writer import TrialWriter


class Judge:
    """Gives completed trials their scores; one whose objective is not finite has diverged.

    Raises ConfigurationError where the first trial to complete lacks an objective or a limited metric: no trial of
    this estimator would have it. Later such trials end in state "error".
    """

    def __init__(self, objectives: Sequence[Objective], constraints: Sequence[Constraint]) -> None:
        self._objectives = tuple(objectives)
        self._constrained = tuple(each.metric for each in constraints)
        self._combined = tuple(each for each in objectives if is_combination(each.metric))
        needed = [name for each in objectives for name in _needs(each)]
        self._needed = tuple(dict.fromkeys((*needed, *self._constrained)))
        self._any_complete = False

    def trial(self, proposal: Proposal, outcome: Outcome) -> Trial:
        """The trial of this proposal."""
        state, reason, scores = outcome.state, outcome.reason, ()
        if state == "completed" and proposal.purpose == "evaluate":
            state, reason, scores = self._judged(outcome.measurement.metrics)
        found = outcome.measurement if not self._combined or state != "completed" else self._with_values(outcome)
        return Trial(outcome.number, proposal, state, found, scores, outcome.seconds, outcome.device, reason)

    def _with_values(self, outcome: Outcome) -> Measurement:
        """The measurement with what the combinations of metrics come to, each under its own text."""
        found, metrics = outcome.measurement, dict(outcome.measurement.metrics)
        if not outcome.measurement.metrics.keys() >= set(self._needed):
            return found
        values = {each.metric: each.value(metrics) for each in self._combined}
        return Measurement({**metrics, **values}, found.gradient, found.curve)

    def note(self, trial: Trial) -> None:
        """Take note of a trial that was judged in an earlier session."""
        self._any_complete = self._any_complete or bool(trial.scores)

    def _judged(self, metrics: Mapping[str, float]) -> tuple[State, str, tuple[float, ...]]:
        for name in self._needed:
            if name not in metrics:
                problem = self._missing(metrics)
                if not self._any_complete:
                    raise ConfigurationError(problem)
                return "error", problem, ()
        self._any_complete = True
        scores: list[float] = []
        for objective in self._objectives:
            score = objective.score(metrics)
            if not math.isfinite(score):
                return "diverged", f"{objective.metric} is {objective.value(metrics)}", ()
            scores.append(score)
        return "completed", "", tuple(scores)

    def _missing(self, metrics: Mapping[str, float]) -> str:
        for objective in self._objectives:
            for name in _needs(objective):
                if name not in metrics:
                    needs = "" if name == objective.metric else f" needs {name!r}, which"
                    return f"the objective {objective.metric!r}{needs} was not measured{nearest(name, metrics)}"
        for metric in self._constrained:
            if metric not in metrics:
                return f"a limit is on {metric!r}, which was not measured{nearest(metric, metrics)}"
        return ""


def _needs(objective: Objective) -> tuple[str, ...]:
    return objective.needs() if is_combination(objective.metric) else (objective.metric,)


SLOW = 0.002  # seconds; a trial that takes longer is worth waiting for its commit
_STALE = 0.25  # seconds after which even fast trials wait for theirs


class Acknowledgements:
    """Hands trials on once they are on disk. journal: writes them there; None where nothing is kept."""

    def __init__(self, folders: Folders, watch: Watch | None, on_trial: Callable[[Trial], object] | None) -> None:
        self.journal: TrialWriter | None = None
        self._folders, self._watch, self._on_trial = folders, watch, on_trial
        self._waiting: deque[tuple[int, Trial, bool]] = deque()
        self._oldest = 0.0

    def add(self, written: Told, *, slow: bool) -> None:
        """Write a trial down. slow: whether waiting for its commit costs little beside it."""
        assert self.journal is not None
        if not self._waiting:
            self._oldest = written.ended
        self._waiting.append((self.journal.add(written), written.trial, slow))

    def add_at_once(self, written: Told) -> None:
        """Write a trial down in one record with its question, and wait until it is on disk."""
        if self.journal is not None:
            self.journal.add(written)
            self.journal.wait()

    def look(self) -> None:
        """Acknowledge what is on disk; wait for it where that costs little beside the trials."""
        waiting = self._waiting
        if not waiting:
            return
        if waiting[-1][2] or time.time() - self._oldest > _STALE:
            self.settle()
        else:
            self._acknowledge_written()

    def settle(self) -> None:
        """Wait until all is on disk, and acknowledge it."""
        if self.journal is not None:
            self.journal.wait()
            self._acknowledge_written()

    def clear_written(self) -> None:
        """Remove the checkpoints of trials whose end is on disk, though it may not be acknowledged yet."""
        assert self.journal is not None
        for count, trial, _ in self._waiting:
            if count <= self.journal.written and not trial.proposal.is_round:
                self._folders.clear(trial.number)

    def _acknowledge_written(self) -> None:
        assert self.journal is not None
        waiting, written = self._waiting, self.journal.committed
        while waiting and waiting[0][0] <= written:
            self.acknowledge(waiting.popleft()[1])
            self._oldest = time.time()

    def acknowledge(self, trial: Trial) -> None:
        """Hand on one trial."""
        if not trial.proposal.is_round:
            self._folders.clear(trial.number)
        if self._watch is not None:
            self._watch.note(trial)
        if self._on_trial is not None:
            self._on_trial(trial)
