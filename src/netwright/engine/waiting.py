"""Waiting for outcomes: until the time is up, another attempt is due, or there is a place to run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.core.errors import NetwrightError

if TYPE_CHECKING:
    from netwright.core.executor import Executor, Outcome
    from netwright.engine.attempts import Attempts
    from netwright.engine.clock import Clock
    from netwright.engine.signals import Signals

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
