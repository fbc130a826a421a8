"""Who waits for an answer of the server, and what processor time answers take."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

QUIET = 0.7  # seconds without a request, after which nobody is thought to wait for the rest of a page
LONGEST = 20.0  # seconds that anything waits for quiet


class Traffic:
    """The requests that are answered now. Begun and ended by one thread; any may wait for quiet."""

    def __init__(self) -> None:
        self.under_way = 0
        self._last = time.monotonic()
        self._counted, self._share = time.process_time(), 0.0

    @contextmanager
    def answering(self) -> Generator[int]:
        """Inside, one more request is answered; gives how many are."""
        self.share()
        self.under_way += 1
        try:
            yield self.under_way
        finally:
            self.share()
            self.under_way -= 1
            self._last = time.monotonic()

    def share(self) -> float:
        """Processor seconds of one request that began with the server: requests of the same time divide what was used.

        What grows of it between two calls is the cost of a request that was answered meanwhile.
        """
        before, self._counted = self._counted, time.process_time()
        if self.under_way:
            self._share += (self._counted - before) / self.under_way
        return self._share

    def wait_for_quiet(self) -> None:
        """Return when nothing was asked for a moment; some time later where that does not come."""
        end = time.monotonic() + LONGEST
        while time.monotonic() < end and (self.under_way or time.monotonic() - self._last < QUIET):
            time.sleep(0.05)
