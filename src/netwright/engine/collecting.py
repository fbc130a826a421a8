"""Garbage collection while a search runs: full collections between trials, for a hundredth of the time at most.

Python's collector walks through all objects whenever a quarter more of them has gathered. The trials that a search
keeps do gather, and are no garbage: on a table, walking through them took a quarter of the time.
"""

from __future__ import annotations

import gc
import threading
import time
from typing import Self

SHARE = 0.01  # of the time, for full collections
_FIRST = 10.0  # seconds before the first
_NEVER = 1_000_000  # collections of the middle generation before a full one

_lock = threading.Lock()
_entered = 0
_before = (0, 0, 0)


class FullCollections:
    """While entered, full collections happen in `look` only; those of young objects go on as ever.

    Several searches may be in it at once, in threads or one inside another. Where the user has turned the collector
    off, it stays off.
    """

    def __init__(self) -> None:
        self._due = time.perf_counter() + _FIRST

    def __enter__(self) -> Self:
        global _entered, _before
        with _lock:
            if not _entered:
                _before = gc.get_threshold()
                gc.set_threshold(*_before[:2], _NEVER)
            _entered += 1
        return self

    def __exit__(self, *_: object) -> None:
        global _entered
        with _lock:
            _entered -= 1
            if not _entered:
                gc.set_threshold(*_before)

    def look(self) -> None:
        """Collect if it is time to."""
        began = time.perf_counter()
        if began >= self._due and gc.isenabled():
            gc.collect()
            ended = time.perf_counter()
            self._due = ended + (ended - began) / SHARE
