"""The time limit of a command: what is left of it, and what the search leaves for the final training and the export."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from netwright.cli import clock

if TYPE_CHECKING:
    from netwright.cli.fitting import Fitted
    from netwright.cli.plan import Plan
    from netwright.core.trial import Trial

SHARE_OF_FINALS = 0.4  # of the time limit at most, for the final training and the evidence
SHARE_OF_EXPORT = 0.33  # of the time limit at most, on a machine that is busy with other things
EXPORT = 2.5  # seconds beside what the start of a process takes, which loads what is exported
FORMATS = 2.5  # seconds more for other formats than plain PyTorch
ALL_EXAMPLES = 1.12  # of a candidate's training examples has a final training, which takes the validation ones too


class Timetable:
    """When what has to be done. total: seconds of the command; None without a limit."""

    def __init__(self, plan: Plan, export: bool) -> None:
        self.began = clock.began()
        self._startup = max(0.5, time.monotonic() - self.began)
        self.plan = plan
        self.total = plan.seconds
        self.fitted: Fitted | None = None
        self._exports = export

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.began

    @property
    def left(self) -> float | None:
        """Seconds until the limit."""
        return None if self.total is None else self.total - self.elapsed

    @property
    def export(self) -> float:
        """Seconds that an export takes, by how long this process took to start; 0 where none is asked for."""
        if not self._exports:
            return 0.0
        seconds = EXPORT + self._startup + (FORMATS if self.plan.formats != "torch" else 0.0)
        return seconds if self.total is None else min(seconds, SHARE_OF_EXPORT * self.total)

    def search(self) -> float | None:
        """Seconds for the search and what follows it, from now on."""
        return None if self.left is None else max(self.left, 0.1 * (self.total or 0.0))

    def reserved(self, best: Trial, trainings: int) -> float:
        """Seconds of the limit to leave for what follows: at least for the winner to be trained on for a while.

        best: the best trial so far. trainings: how many networks are finally trained where all of them fit.
        """
        total, plan = self.total, self.plan
        if plan.decisions is not None:
            return plan.decisions.after
        if total is None or not plan.epochs_finally:
            return self.export
        epoch = ALL_EXAMPLES * self._epoch_seconds(best)
        begun = len(best.measurement.curve)
        winner = epoch * plan.epochs_finally
        evidence = epoch * (begun + plan.epochs_finally) * (trainings - 1) / plan.workers
        return self.export + min(winner + evidence, SHARE_OF_FINALS * total)

    def _epoch_seconds(self, best: Trial) -> float:
        """Of the best network, warm: the first epoch pays for what is done once."""
        seconds = [entry["seconds"] for entry in best.measurement.curve if "seconds" in entry]
        if len(seconds) > 1:
            return median(seconds[1:])
        found = seconds[0] if seconds else best.seconds / self.plan.candidate_epochs
        typical = None if self.fitted is None else self.fitted.pace.epoch
        return found if typical is None else min(found, 4 * typical)
