"""Garbage collection while a search runs: full collections between trials, for a hundredth of the time at most.

Python's collector walks through all objects whenever a quarter more of them has gathered. The trials that a search
keeps do gather, and are no garbage: on a table, walking through them took a quarter of the time. Trials that take
longer have Python's own full collections, for what they leave behind may be large.
"""

from __future__ import annotations

import gc
import math
import threading
import time
from typing import Self

SHARE = 0.01  # of the time, for full collections
_FIRST = 10.0  # seconds before the first
_NEVER = 1_000_000  # collections of the middle generation before a full one
_QUICK = 0.1  # seconds from one look to the next, at most
_OFTEN = 20  # quick trials in a row, after which they wait

_lock = threading.Lock()
_searches = 0  # that let full collections wait
_before = (0, 0, 0)


class FullCollections:
    """While trials are quick, full collections happen in `look` only; those of young objects go on as ever.

    Several searches may be in it at once, in threads or one inside another. Where the user has turned the collector
    off, it stays off.
    """

    def __init__(self) -> None:
        self._due = time.perf_counter() + _FIRST
        self._looked, self._quick = -math.inf, 0
        self._waiting = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._go_on()

    def look(self) -> None:
        """Collect if it is time to; to be called between trials."""
        began = time.perf_counter()
        if began - self._looked > _QUICK:
            self._quick = 0
            self._go_on()
        elif not self._waiting:
            self._quick += 1
            if self._quick >= _OFTEN:
                self._wait()
        self._looked = began
        if began >= self._due and gc.isenabled() and gc.get_threshold()[0]:  # 0 turns it off too
            gc.collect()
            ended = self._looked = time.perf_counter()
            self._due = ended + (ended - began) / SHARE

    def _wait(self) -> None:
        """Python's own full collections wait while any search wants them to."""
        global _searches, _before
        with _lock:
            if not _searches:
                _before = gc.get_threshold()
                gc.set_threshold(*_before[:2], _NEVER)
            _searches += 1
            self._waiting = True

    def _go_on(self) -> None:
        global _searches
        if not self._waiting:
            return
        with _lock:
            self._waiting = False
            _searches -= 1
            if not _searches:
                gc.set_threshold(*_before)
