"""A stage that looks at all data of a task, for tests of what worker processes share."""

from __future__ import annotations

import time
from pathlib import Path

from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal
from netwright.tasks import Task


class Reads(Estimator):
    """Reads every example of a search split, says so by a file in the folder, and waits for the file "go" there.

    writes: whether it overwrites the first example, as no stage should.
    """

    def __init__(self, task: Task, folder: str, writes: bool = False) -> None:
        self.task, self.folder, self.writes = task, folder, writes

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        total, first = 0, int(self.task.train.stored[0, 0, 0, 0])
        data = self.task.search_data(0)
        for examples in (data.train, data.held_out):
            for start in range(0, len(examples), 32):
                total += int(examples.batch(start, start + 32).sum())
        if self.writes:
            self.task.train.stored[0] = 99
        Path(self.folder, str(seed)).touch()
        end = time.monotonic() + 20
        while not Path(self.folder, "go").exists() and time.monotonic() < end:
            time.sleep(0.01)
        return Measurement({"sum": total, "first": first})
