"""The sign of life of a driver or a worker: a thread that writes a small file again and again."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netwright.executors.folder import folder_files as files
from netwright.executors.folder.folder_session import BEAT, Pulse


class Beat(threading.Thread):
    """Writes `facts` with a count that goes up, about once a second, until `stop`.

    The files of a session are removed by its driver: a folder that is gone is no reason to make it anew.
    """

    def __init__(self, folder: Path, name: str, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(name=f"netwright-{name}", daemon=True)
        self._folder, self._file = folder, name
        self.facts: Mapping[str, Any] = facts or {}
        self._count = 0
        self._unwritten = Pulse()
        self._over = threading.Event()

    @property
    def silent(self) -> float:
        """Seconds for which no sign of life could be written."""
        return self._unwritten.silent

    def run(self) -> None:
        self.write()
        while not self._over.wait(BEAT):
            self.write()

    def write(self) -> None:
        """Write one sign of life; one that cannot be written is counted."""
        self._count += 1
        done: int | None = None
        with contextlib.suppress(OSError):
            files.write(self._folder, self._file, {**self.facts, "count": self._count})
            done = self._count
        self._unwritten.look(done, time.monotonic())

    def stop(self) -> None:
        """End, and take the file away."""
        self._over.set()
        if self.is_alive() and threading.current_thread() is not self:
            self.join(10 * BEAT)
        files.remove(self._folder / self._file)
