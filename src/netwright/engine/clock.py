"""The time that a search goes by: the machine's, or that of an executor which simulates it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from netwright.core.executor import Executor, Outcome, VirtualClock


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
