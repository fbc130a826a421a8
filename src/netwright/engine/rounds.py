"""Rounds of weight sharing: steps that a strategy asks for between trials, carried out at once, recorded by epoch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.checkpoints import Checkpoints
from netwright.core.errors import SearchFailed, TrialFailed, UserError, marked
from netwright.core.estimator import RoundEstimator
from netwright.core.trial import Measurement, Proposal, Trial

if TYPE_CHECKING:
    from netwright.core.estimator import Estimator
    from netwright.core.strategy import Strategy

FOLDER = "shared"


def round_estimator(estimator: Estimator) -> RoundEstimator | None:
    """The part of an estimator whose weights candidates share, if it has one."""
    for each in (estimator, *estimator.stages()):
        if isinstance(each, RoundEstimator):
            return each
    return None


class Rounds:
    """Carries out a strategy's rounds on its estimator. count: those since the last trial or epoch.

    folder: where the shared weights are kept after each epoch; None keeps nothing.
    """

    def __init__(self, strategy: Strategy, estimator: RoundEstimator | None, seed: int, folder: Path | None) -> None:
        self._strategy, self._estimator, self._seed, self._folder = strategy, estimator, seed, folder
        self._begun = self._cleaned = False
        if estimator is not None:
            estimator.forget()
        self.lost = False  # whether the state of the last epoch of a finished run is not there any more
        self._since = time.monotonic()
        self.count = 0
        self.progress = 0.0

    @property
    def none(self) -> bool:
        """Whether there are none, for no weights are shared."""
        return self._estimator is None

    def carry_out(self, number: int, proposal: Proposal) -> Trial | None:
        """One round before trial `number`; the epoch that it ended, as a trial of that number, if it ended one.

        Raises SearchFailed where the round fails, for everything later would rest on it.
        """
        if self._estimator is None:
            raise UserError(
                f"{type(self._strategy).__name__} trains shared weights, which this search's estimator does not have; "
                "use netwright.estimators.SharedWeights"
            )
        estimator = self._ready(self._estimator)
        try:
            found = estimator.advance(proposal)
            self.progress = float(found.metrics["progress"])
            self.count += 1
            self._strategy.tell(Trial(number, proposal, "completed", found, device=self._device))
            return self._epoch(estimator, number, proposal) if estimator.epoch_ended else None
        except TrialFailed as problem:
            raise SearchFailed(f"the training of the shared weights failed: {marked(problem)}") from problem

    def _epoch(self, estimator: RoundEstimator, number: int, last: Proposal) -> Trial:
        mixture = self._strategy.mixture()
        found = estimator.epoch(mixture)
        metrics = {**found.metrics, **self._strategy.figures()}
        now = time.monotonic()
        seconds, self._since, self.count = now - self._since, now, 0
        proposal = Proposal(last.candidate if mixture is None else mixture, "train")
        trial = Trial(number, proposal, "completed", Measurement(metrics), (), seconds, self._device)
        self._save(estimator, number)
        return trial

    def _save(self, estimator: RoundEstimator, number: int) -> None:
        state = self._strategy.state_dict()
        if self._folder is not None and state is not None:
            estimator.save(self._folder, number, {"strategy": dict(state), "progress": self.progress})

    def _ready(self, estimator: RoundEstimator) -> RoundEstimator:
        if self._folder is not None and not self._cleaned:
            Checkpoints(self._folder).clean()  # of what a driver that was killed has left half written
            self._cleaned = True
        if not self._begun:
            estimator.begin(self._seed)
            self._begun, self._since = True, time.monotonic()
        return estimator

    @property
    def _device(self) -> str:
        return str(getattr(self._estimator, "device", ""))

    def restore(self, highest: int) -> int | None:
        """Go on from the last epoch that was kept, of a number up to `highest`; its number, None without one."""
        if self._estimator is None or self._folder is None or highest < 0:
            return None
        found = self._estimator.load(self._folder, highest)
        if found is None:
            return None
        number, kept = found
        state: Any = kept["strategy"]
        self._strategy.load_state_dict(state)
        self.progress, self._begun, self._since = float(kept["progress"]), True, time.monotonic()
        return number
