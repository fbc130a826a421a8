"""What a worker prints during one attempt: a file that keeps its beginning and its end where it grows too long."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from netwright.core.errors import UserError
from netwright.core.inside import open_inside

LARGEST = 10_000_000  # bytes
HEAD = TAIL = 2_500_000
SHOWN = 10_000  # bytes of the end that go into an outcome
_CUT = b"\n[... the middle of this log was left out ...]\n"


class Log:
    """The file of one attempt. The worker writes to it; the driver keeps it short and reads its end."""

    def __init__(self, folder: Path, number: int, attempt: int) -> None:
        self.path = folder / f"trial-{number:06d}-attempt-{attempt}.log"
        self.size = 0

    def open(self) -> int:
        """A descriptor to append to the file, which only the user may read. Raises OSError."""
        return open_log(self.path)

    def look(self) -> int:
        """Keep the file short; by how many bytes it has grown since the last look."""
        before = self.size
        with contextlib.suppress(OSError):
            self.size = self.path.stat().st_size
            if self.size > LARGEST:
                with contextlib.suppress(UserError):  # it was replaced by something else
                    self._cut()
        return max(0, self.size - before)

    def _cut(self) -> None:
        """Put the end behind the beginning; writers append, so they go on behind it."""
        with os.fdopen(open_inside(self.path, os.O_RDWR), "r+b") as file:
            file.seek(-TAIL, os.SEEK_END)
            tail = file.read(TAIL)
            file.seek(HEAD)
            file.write(_CUT + tail)
            self.size = file.truncate()

    def end(self) -> str:
        """The last that was printed. An empty file is removed."""
        self.look()
        with contextlib.suppress(OSError):
            if self.size == 0:
                self.path.unlink(missing_ok=True)
                return ""
            with open(self.path, "rb") as file:
                file.seek(max(0, self.size - SHOWN))
                return file.read(SHOWN).decode("utf-8", "ignore")
        return ""


def open_log(path: Path) -> int:
    """A descriptor to append to a log. Raises OSError, also where something else lies there."""
    try:
        return open_inside(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    except UserError as problem:
        raise OSError(str(problem)) from problem
