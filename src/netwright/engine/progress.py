"""What a watcher of a search is told from time to time, and the line in which Python shows it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from netwright.core.display import ChangingLine, Place
from netwright.core.objective import rank
from netwright.core.trial import Trial
from netwright.core.wording import duration
from netwright.engine.stops import Stops, cost_nothing
from netwright.results.metric_words import metrics_text

if TYPE_CHECKING:
    from netwright.core.objective import Objective

EVERY = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class Progress:
    """A search on its way. finished, counts and best speak of trials that are stored.

    finished: how many have ended.
    running: how many are under way.
    counts: how many ended in each state.
    best: the best trial so far; None where none completed.
    seconds: of the whole run, all sessions together.
    stops: what ends the search.
    shared: share of the training of shared weights that is done; 0 without any.
    notices: what the user should know of the places where trials run.
    steered: what a person has asked of it while it ran, and what came of that, a line each.
    refused: how many broke a limit before they were measured, which cost nothing.
    """

    finished: int
    running: int
    counts: Mapping[str, int]
    best: Trial | None
    seconds: float
    stops: Stops
    shared: float = 0.0
    notices: Sequence[str] = ()
    steered: Sequence[str] = ()
    refused: int = 0

    @property
    def limits(self) -> Stops:
        """The same as `stops`, by the name that it had before."""
        return self.stops

    @property
    def tried(self) -> int:
        """Trials so far but for the networks that broke a limit before they were measured."""
        return self.finished - self.refused

    @property
    def failed(self) -> int:
        """Trials that ended without a measurement for another reason than a limit."""
        return self.finished - self.counts.get("infeasible", 0) - self.counts.get("completed", 0)


class Watch:
    """Calls `on_progress` at most ten times a second, and whenever it is made to."""

    def __init__(self, on_progress: Callable[[Progress], object], stops: Stops, first: Objective) -> None:
        self._first, self._refused = first, 0
        self._tell = on_progress
        self.stops = stops
        self._counts: Counter[str] = Counter()
        self._numbers: set[int] = set()
        self._best: Trial | None = None
        self._last = -EVERY

    def note(self, trial: Trial) -> None:
        if trial.proposal.is_round:
            return
        self._counts[trial.state] += 1
        self._numbers.add(trial.number)
        self._refused += cost_nothing(trial, self._first)
        if trial.scores and (self._best is None or rank(trial) > rank(self._best)):
            self._best = trial

    def judge_anew(self, trials: Sequence[Trial]) -> None:
        """Take note of trials as other limits judge them, as far as they were noted."""
        noted, self._numbers = self._numbers, set()
        self._counts.clear()
        self._best, self._refused = None, 0
        for trial in trials:
            if trial.number in noted:
                self.note(trial)

    def show(
        self,
        running: int,
        seconds: float,
        *,
        now: bool = False,
        progress: float = 0.0,
        notices: Sequence[str] = (),
        steered: Sequence[str] = (),
    ) -> None:
        moment = monotonic()
        if now or moment - self._last >= EVERY:
            self._last = moment
            counts = dict(self._counts)
            told = tuple(notices), tuple(steered), self._refused
            self._tell(
                Progress(sum(counts.values()), running, counts, self._best, seconds, self.stops, progress, *told)
            )


Hear = Callable[["Progress"], object]


@contextmanager
def shown(place: Place | None, objectives: Sequence[Objective], hear: Hear | None) -> Generator[Watching]:
    """What hears of the progress of one search.

    place: None shows nothing.
    hear: what the caller gave to hear of it.
    """
    watching = Watching([each.metric for each in objectives], hear)
    if place is None:
        yield watching
        return
    watching.line = ChangingLine(place, watching.text)
    with watching.line:
        yield watching


class Watching:
    """Hears of a search's progress, and says it in one line. line: where that is shown, None for nowhere."""

    def __init__(self, metrics: Sequence[str], hear: Hear | None) -> None:
        self.line: ChangingLine | None = None
        self._metrics, self._hear = metrics, hear
        self._began = time.monotonic()
        self._progress: Progress | None = None

    @property
    def heard(self) -> Hear | None:
        """What the engine tells of progress; None where nobody listens."""
        return self._hear if self.line is None else self._note

    def _note(self, progress: Progress) -> None:
        if self._progress is None:
            self._began -= progress.seconds  # those of earlier sessions count
        self._progress = progress
        if self._hear is not None:
            self._hear(progress)
        if self.line is not None:
            self.line.show()

    def text(self) -> str:
        """How far the search is; empty before it has begun."""
        progress = self._progress
        if progress is None:
            return ""
        best, stops = progress.best, progress.stops
        of = "" if stops.trials is None else f"/{stops.trials}"
        took = duration(max(progress.seconds, time.monotonic() - self._began))  # some seconds are simulated
        parts = [f"{progress.tried}{of} {'trial' if progress.tried == 1 and not of else 'trials'}"]
        parts += [f"weight training {progress.shared:.0%}"] if 0 < progress.shared < 1 else []
        parts += [] if best is None else [f"best {metrics_text(best.metrics, self._metrics)} (trial {best.number})"]
        parts += [f"{progress.failed} failed"] if progress.failed else []
        return "  ".join([*parts, took if stops.seconds is None else f"{took} of {duration(stops.seconds)}"])

    def end(self, stopped: str, further: str) -> None:
        """Say why the search stopped, and the call that goes on with it."""
        if self.line is None or self._progress is None:
            return
        self.line.add(*[f"warning: {each}" for each in self._progress.notices])
        if further:
            self.line.add(f"{stopped}; for more: {further}")
