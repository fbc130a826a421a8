"""Room on the disk: how much must stay free, and what is said when it does not."""

from __future__ import annotations

import os
from pathlib import Path

from netwright.core.warning import warn

RESERVE = 10**9  # bytes
POLL = 0.5  # seconds between two looks whether there is room again
PATIENCE = 600.0  # seconds of a pause, after which a search ends


class Room:
    """The disk that a project lies on.

    least: bytes that must stay free.

    By default that is 1 GB, or half of what is free now where that is less, which is then said once: a small disk can
    be searched on too. With 0, only a disk that is full pauses a search.
    """

    def __init__(self, directory: Path, least: int | None = None) -> None:
        self.directory = directory
        free = self.free()
        if least is None:
            least = RESERVE if free is None else min(RESERVE, free // 2)
            if least < RESERVE:
                warn(
                    f"only {megabytes(free)} free for {directory}; a search there pauses when less than "
                    f"{megabytes(least)} are left"
                )
        self.least = least

    def free(self) -> int | None:
        """Bytes that this process may still use; None where the system does not say."""
        try:
            found = os.statvfs(self.directory)
        except (OSError, AttributeError):
            return None
        return found.f_bavail * found.f_frsize

    def holds(self, count: int) -> bool:
        """Whether so many more bytes leave what is kept in reserve; True where the system does not say."""
        free = self.free()
        return free is None or free - count >= self.least

    def shortage(self) -> str:
        """Why a search should not go on now; empty where it should."""
        free = self.free() if self.least else None
        if free is None or free >= self.least:
            return ""
        return (
            f"the search is paused: {self.directory} has {megabytes(free)} free, less than the {megabytes(self.least)} "
            "that are kept in reserve. All results are on the disk. Free some space and it goes on by itself, or "
            "interrupt it and resume the run later"
        )

    def full(self) -> str:
        """What is said when results cannot be written."""
        return (
            f"the search is paused: there is no room left to write in {self.directory} "
            f"({megabytes(self.free())} free). Nothing that was reported is lost. Free some space and it goes on by "
            "itself, or interrupt it and resume the run later"
        )

    def ended(self, seconds: float) -> str:
        """What is said when a pause has lasted for so long."""
        return (
            f"the search was paused for {seconds / 60:.0f} min, because {self.directory} has {megabytes(self.free())} "
            "free, and has ended. All results are on the disk. Free some space and resume the run"
        )


def megabytes(count: int | None) -> str:
    """Bytes for a message."""
    if count is None:
        return "an unknown amount"
    return f"{count / 1e6:,.1f} MB" if count < RESERVE else f"{count / 1e9:,.1f} GB"
