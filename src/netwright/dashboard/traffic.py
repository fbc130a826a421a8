"""Whether somebody waits for an answer of the server."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

QUIET = 0.7  # seconds without a request, after which nobody is thought to wait for the rest of a page
LONGEST = 20.0  # seconds that anything waits for quiet


class Traffic:
    """Whether requests are being answered now. Safe to use from several threads."""

    def __init__(self) -> None:
        self.under_way = 0
        self._last = time.monotonic()

    @contextmanager
    def answering(self) -> Generator[int]:
        """Inside, one more request is answered; gives how many are."""
        self.under_way += 1
        try:
            yield self.under_way
        finally:
            self.under_way -= 1
            self._last = time.monotonic()

    def wait_for_quiet(self) -> None:
        """Return when nothing was asked for a moment; some time later where that does not come."""
        end = time.monotonic() + LONGEST
        while time.monotonic() < end and (self.under_way or time.monotonic() - self._last < QUIET):
            time.sleep(0.05)
