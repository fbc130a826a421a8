"""What a watcher of a search is told from time to time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from netwright.core.objective import rank
from netwright.core.trial import Trial
from netwright.engine.stops import Limits

EVERY = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class Progress:
    """A search on its way. finished, counts and best speak of trials that are stored; seconds of the whole run.

    shared: share of the training of shared weights that is done; 0 without any. notices: what the user should know of
    the places where trials run.
    """

    finished: int
    running: int
    counts: Mapping[str, int]
    best: Trial | None
    seconds: float
    limits: Limits
    shared: float = 0.0
    notices: Sequence[str] = ()

    @property
    def tried(self) -> int:
        """Trials so far but for the networks that broke a limit."""
        return self.finished - self.counts.get("infeasible", 0)

    @property
    def failed(self) -> int:
        """Trials that ended without a measurement for another reason than a limit."""
        return self.tried - self.counts.get("completed", 0)


class Watch:
    """Calls `on_progress` at most ten times a second, and whenever it is made to."""

    def __init__(self, on_progress: Callable[[Progress], object], limits: Limits) -> None:
        self._tell = on_progress
        self._limits = limits
        self._counts: Counter[str] = Counter()
        self._best: Trial | None = None
        self._last = -EVERY

    def note(self, trial: Trial) -> None:
        if trial.proposal.is_round:
            return
        self._counts[trial.state] += 1
        if trial.scores and (self._best is None or rank(trial) > rank(self._best)):
            self._best = trial

    def show(
        self,
        running: int,
        seconds: float,
        *,
        now: bool = False,
        progress: float = 0.0,
        notices: Sequence[str] = (),
    ) -> None:
        moment = monotonic()
        if now or moment - self._last >= EVERY:
            self._last = moment
            counts = dict(self._counts)
            self._tell(
                Progress(
                    sum(counts.values()), running, counts, self._best, seconds, self._limits, progress, tuple(notices)
                )
            )
