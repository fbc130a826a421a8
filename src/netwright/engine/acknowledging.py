"""Acknowledging: callbacks and progress hear of trials in the order of tells, and only of what is on disk."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwright.core.trial import Trial
    from netwright.engine.folders import Folders
    from netwright.engine.progress import Watch
    from netwright.store.rows import Told
    from netwright.store.writer import TrialWriter

SLOW = 0.002  # seconds; a trial that takes longer is worth waiting for its commit
_STALE = 0.25  # seconds after which even fast trials wait for theirs


class Acknowledgements:
    """Hands trials on once they are on disk. journal: writes them there; None where nothing is kept."""

    def __init__(self, folders: Folders, watch: Watch | None, on_trial: Callable[[Trial], object] | None) -> None:
        self.journal: TrialWriter | None = None
        self._folders, self._watch, self._on_trial = folders, watch, on_trial
        self._waiting: deque[tuple[int, Trial, bool]] = deque()
        self._oldest = 0.0

    def add(self, written: Told, *, slow: bool) -> None:
        """Write a trial down. slow: whether waiting for its commit costs little beside it."""
        assert self.journal is not None
        if not self._waiting:
            self._oldest = written.ended
        self._waiting.append((self.journal.add(written), written.trial, slow))

    def add_at_once(self, written: Told) -> None:
        """Write a trial down in one record with its question, and wait until it is on disk."""
        if self.journal is not None:
            self.journal.add(written)
            self.journal.wait()

    def look(self) -> None:
        """Acknowledge what is on disk; wait for it where that costs little beside the trials."""
        waiting = self._waiting
        if not waiting:
            return
        if waiting[-1][2] or time.time() - self._oldest > _STALE:
            self.settle()
        else:
            self._acknowledge_written()

    def settle(self) -> None:
        """Wait until all is on disk, and acknowledge it."""
        if self.journal is not None:
            self.journal.wait()
            self._acknowledge_written()

    def clear_written(self) -> None:
        """Remove the checkpoints of trials whose end is on disk, though it may not be acknowledged yet."""
        assert self.journal is not None
        for count, trial, _ in self._waiting:
            if count <= self.journal.written and not trial.proposal.is_round:
                self._folders.clear(trial.number)

    def _acknowledge_written(self) -> None:
        assert self.journal is not None
        waiting, written = self._waiting, self.journal.committed
        while waiting and waiting[0][0] <= written:
            self.acknowledge(waiting.popleft()[1])
            self._oldest = time.time()

    def acknowledge(self, trial: Trial) -> None:
        """Hand on one trial."""
        if not trial.proposal.is_round:
            self._folders.clear(trial.number)
        if self._watch is not None:
            self._watch.note(trial)
        if self._on_trial is not None:
            self._on_trial(trial)
