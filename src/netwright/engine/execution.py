"""The executor's side: its clock, what comes back from it, and places that lose one trial after the other."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from netwright.core.errors import NetwrightError
from netwright.core.executor import Executor, Outcome, Quarantines, VirtualClock

if TYPE_CHECKING:
    from netwright.engine.process import Signals
    from netwright.engine.under_way import Attempts

NOWHERE = 600.0  # seconds without any place to run a trial, after which the search ends
_LOOK = 0.5  # seconds between two looks for a place
_EMPTY = 5  # answers in a row that came early and held nothing, from an executor that has forgotten its jobs


class Waiting:
    """Waits at the executor, where an interruption acts at once. All seconds are those of the clock."""

    def __init__(self, executor: Executor, attempts: Attempts, clock: Clock, signals: Signals) -> None:
        self._executor, self._attempts, self._clock, self._signals = executor, attempts, clock, signals
        self._look = float("inf") if clock.virtual else _LOOK  # the places of a simulation don't change
        self._homeless, self._empty = 0.0, 0

    def outcomes(self, remaining: float | None) -> Sequence[Outcome]:
        """What has come in. remaining: seconds until what runs is to be cancelled; None where time does not matter.

        Raises NetwrightError where the executor has lost its jobs, or has no place for them in a long time.
        """
        signals, attempts, now = self._signals, self._attempts, self._clock.now
        seconds = self._look if remaining is None else min(self._look, remaining)
        delayed = attempts.delayed.numbers
        try:
            signals.waiting = True
            signals.check()
            if len(attempts.pending) == len(delayed):
                return self._pause(seconds)
            self._homeless = 0.0
            began, timeout = now(), self._patience(seconds) if delayed else seconds
            outcomes = self._executor.wait(timeout)
        finally:
            signals.waiting = False
        if outcomes:
            self._empty = 0
        elif now() - began < timeout / 2:
            self._empty += 1
            if self._empty >= _EMPTY:
                name, lost = type(self._executor).__name__, sorted(attempts.pending)
                raise NetwrightError(f"{name} lost the trials {lost}")
        return outcomes

    def _patience(self, seconds: float) -> float:
        """Seconds to wait for an outcome, at most so many: less where another attempt is due and has a slot."""
        attempts = self._attempts
        if attempts.running < self._executor.slots:
            return min(seconds, max(0.0, attempts.delayed.due - self._clock.now()))
        return seconds

    def _pause(self, seconds: float) -> Sequence[Outcome]:
        """Nothing is under way: wait until the next attempt is due, or for a place to run it."""
        now = self._clock.now
        if self._executor.slots > 0:
            return self._clock.pause(min(seconds, self._attempts.delayed.due - now()))
        self._homeless = self._homeless or now()
        if now() - self._homeless > NOWHERE:
            raise NetwrightError(
                f"{type(self._executor).__name__} had no place to run a trial for {NOWHERE:.0f} s; resume the run "
                "where there is one"
            )
        return self._clock.pause(seconds)


class Clock:
    """now: seconds since some moment. virtual: whether they are simulated, by the executor."""

    __slots__ = ("_earlier", "_simulation", "_start", "now", "virtual")

    def __init__(self, executor: Executor, earlier: float = 0.0) -> None:
        """earlier: seconds for which the run was driven in earlier sessions; simulated ones are set by `go_on`."""
        self._simulation = executor if isinstance(executor, VirtualClock) else None
        self.virtual = self._simulation is not None
        self.now = time.monotonic if self._simulation is None else self._simulation.now
        if self._simulation is not None:
            self._simulation.start()
        self._earlier, self._start = (0.0, 0.0) if self.virtual else (earlier, self.now())

    def seconds(self) -> float:
        """How long the run has been driven, over all sessions."""
        return self._earlier + self.now() - self._start

    def go_on(self, seconds: float, began: Mapping[int, float]) -> None:
        """Go on with a simulated run after so many seconds. began: when trials that are under way did, by number."""
        if self._simulation is not None:
            self._simulation.start(seconds, began)

    def pause(self, seconds: float) -> Sequence[Outcome]:
        """Let time pass while nothing runs."""
        if self._simulation is not None:
            return self._simulation.wait(seconds)
        threading.Event().wait(max(0.0, seconds))
        return ()


CURSED = 3  # different trials that are lost at one place, with none ending there in between


class Places:
    """Counts the trials that are lost at each worker or node. notices: what was said of them, one line each."""

    def __init__(self, executor: Executor) -> None:
        self.notices: list[str] = []
        self.on_notice: Callable[[str, Mapping[str, object]], object] = _unheard
        self._executor = executor
        self._lost: defaultdict[str, set[int]] = defaultdict(set)
        self._cursed: set[str] = set()

    def note(self, outcome: Outcome) -> None:
        """Take the place of this outcome out of use where it is now found to be cursed."""
        lost = self._newly_cursed(outcome)
        if not lost:
            return
        place = outcome.place
        text = (
            f"trials {', '.join(map(str, lost))} were lost at {place} and none completed there in between; "
            f"{self._quarantine(place)}, the search goes on (the last one: {outcome.reason or 'no reason given'})"
        )
        self.notices.append(text)
        self.on_notice("quarantine", {"place": place, "trials": list(lost), "text": text})

    def _newly_cursed(self, outcome: Outcome) -> Sequence[int]:
        """The trials that were lost where this one was, if that makes the place a cursed one; else none."""
        place = outcome.place
        if not place or place in self._cursed:
            return ()
        if outcome.state == "completed":
            self._lost.pop(place, None)
        elif outcome.state == "lost":
            lost = self._lost[place]
            lost.add(outcome.number)
            if len(lost) >= CURSED:
                self._cursed.add(place)
                return sorted(lost)
        return ()

    def _quarantine(self, place: str) -> str:
        """Ask the executor to use a place no more; what came of it."""
        if not isinstance(self._executor, Quarantines):
            return "it cannot be taken out of use"
        return (
            "it gets no more trials" if self._executor.quarantine(place) else "it stays in use, for there is no other"
        )


def _unheard(_kind: str, _data: Mapping[str, object]) -> None:
    """What `on_notice` is where nobody listens."""
