"""Rounds of weight sharing: steps that a strategy asks for between trials, carried out at once, recorded by epoch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.checkpoints import Checkpoints
from netwright.core.errors import SearchFailed, TrialFailed, UserError, marked
from netwright.core.estimator import RoundEstimator
from netwright.core.strategy import RoundStrategy, Strategy, in_role
from netwright.core.trial import Measurement, Proposal, Trial

if TYPE_CHECKING:
    from netwright.core.estimator import Estimator

FOLDER = "shared"


def round_estimator(estimator: Estimator) -> RoundEstimator | None:
    """The part of an estimator whose weights candidates share, if it has one."""
    for each in (estimator, *estimator.stages()):
        if isinstance(each, RoundEstimator):
            return each
    return None


class Rounds:
    """Carries out a strategy's rounds on its estimator.

    folder: where the shared weights are kept after each epoch; None keeps nothing.

    count: the rounds since the last trial or epoch.
    cut: whether the time ended the training early.
    lost: whether the state of the last epoch of a finished run is not there any more.
    unkept: whether an epoch has ended whose state is still to be kept.
    """

    def __init__(self, strategy: Strategy, estimator: RoundEstimator | None, seed: int, folder: Path | None) -> None:
        self._strategy, self._name = in_role(strategy, RoundStrategy), type(strategy).__name__
        self._estimator, self._seed, self._folder = estimator, seed, folder
        self._begun = self.cut = self._cleaned = self.unkept = self.lost = False
        if estimator is not None:
            estimator.forget()
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
        strategy, estimator = self._both()
        self._make_ready(estimator)
        try:
            found = estimator.advance(proposal)
            self.progress = float(found.metrics["progress"])
            self.count += 1
            strategy.tell(Trial(number, proposal, "completed", found, device=self._device))
            return self._epoch(strategy, estimator, number, proposal) if estimator.epoch_ended else None
        except TrialFailed as problem:
            raise SearchFailed(f"the training of the shared weights failed: {marked(problem)}") from problem

    def end_soon(self) -> None:
        """Have the weights trained for one step more at most, for their time is up."""
        if self._estimator is not None and self._begun and self.progress < 1.0:
            self._estimator.end_soon()
            self.cut = True

    def _both(self) -> tuple[RoundStrategy, RoundEstimator]:
        """Who asks for rounds, and who carries them out; UserError where one of them cannot."""
        if self._estimator is None:
            raise UserError(
                f"{self._name} trains shared weights, which this search's estimator does not have; "
                "use netwright.estimators.SharedWeights"
            )
        if self._strategy is None:
            raise UserError(
                f"{self._name} asks for a round of weight sharing, but is no RoundStrategy, whose state is kept each "
                "epoch; derive it from netwright.Rounds, or from netwright.RoundStrategy"
            )
        return self._strategy, self._estimator

    def _epoch(self, strategy: RoundStrategy, estimator: RoundEstimator, number: int, last: Proposal) -> Trial:
        mixture = strategy.mixture()
        found = estimator.epoch(mixture)
        metrics = {**found.metrics, **strategy.figures()}
        now = time.monotonic()
        seconds, self._since, self.count = now - self._since, now, 0
        proposal = Proposal(last.candidate if mixture is None else mixture, "train")
        self.unkept = True
        self.settle(number)
        return Trial(number, proposal, "completed", Measurement(metrics), (), seconds, self._device)

    def settle(self, number: int) -> None:
        """Keep the state after an epoch, as soon as the strategy is where it can go on from.

        number: the last trial's.
        """
        strategy, estimator = self._strategy, self._estimator
        if not self.unkept or strategy is None or estimator is None or not strategy.is_between:
            return
        self.unkept = False
        if self._folder is not None:
            kept = {"strategy": dict(strategy.state_dict()), "progress": self.progress, "count": self.count}
            estimator.save(self._folder, number, kept)

    def _make_ready(self, estimator: RoundEstimator) -> None:
        if self._folder is not None and not self._cleaned:
            Checkpoints(self._folder).clean()  # of what a driver that was killed has left half written
            self._cleaned = True
        if not self._begun:
            estimator.begin(self._seed)
            self._begun, self._since = True, time.monotonic()

    @property
    def _device(self) -> str:
        return "" if self._estimator is None else str(self._estimator.device)

    def restore(self, highest: int) -> int | None:
        """Go on from the last state that was kept, of a number up to `highest`; its number, None without one."""
        if self._strategy is None or self._estimator is None or self._folder is None or highest < 0:
            return None
        found = self._estimator.load(self._folder, highest)
        if found is None:
            return None
        number, kept = found
        state: Any = kept["strategy"]
        self._strategy.load_state_dict(state)
        self.count = int(kept.get("count", 0))
        self.progress, self._begun, self._since = float(kept["progress"]), True, time.monotonic()
        return number
