"""What is tried where a search would end with nothing: a network that keeps its limits without the margin of a clock.

A clock differs from one time to the next, so that a network which comes nearer to a limit than a margin is passed over
before it is trained. Near the quickest network of a space all do. Then the quickest of them is tried after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from netwright.core.architecture import Architecture
from netwright.core.roles import MeasuresAgain
from netwright.core.trial import Proposal, Trial

if TYPE_CHECKING:
    from netwright.core.estimator import Estimator
    from netwright.core.objective import Constraint
    from netwright.store.rows import StoredTrial

LAST_RESORT = {"asked by": "last resort"}  # the memo of a trial that no strategy asked for
WAITED = 0.35  # of the time of a search, after which it is tried, so that there is time to train it
REFUSED = 150  # networks that broke a limit, after which it is tried in any case


class LastResort:
    """Watches the trials for one to try where none completes.

    stages: of the search; those that measure by a clock have margins. limits: of the search.
    """

    def __init__(self, stages: Sequence[Estimator], limits: Sequence[Constraint]) -> None:
        self._clocks = [each for each in stages if isinstance(each, MeasuresAgain)]
        self._tried = self.under_way = False  # whether it was begun, and has not ended yet
        self.judge_anew(limits, ())

    def judge_anew(self, limits: Sequence[Constraint], trials: Sequence[Trial]) -> None:
        """Go by these limits, which the trials of before are judged by now."""
        self._limits, self._timed = limits, self._by_the_clock(limits)
        self._completed, self._refused = False, 0
        self._best: tuple[float, Trial] | None = None
        for trial in trials:
            self.note(trial)

    def _by_the_clock(self, limits: Sequence[Constraint]) -> list[Constraint]:
        upper = [each for each in limits if each.relation == "<="]
        return [each for each in upper if any(each.metric in clock.metrics for clock in self._clocks)]

    def note(self, trial: Trial) -> None:
        """Take note of how a trial ended."""
        self._completed = self._completed or trial.completed
        if is_last_resort(trial.proposal):
            self._tried, self.under_way = True, False
        self._refused += trial.state == "infeasible"
        if trial.state != "infeasible" or not isinstance(trial.proposal.candidate, Architecture):
            return
        value = self._nearness(trial)
        if value is not None and (self._best is None or value < self._best[0]):
            self._best = value, trial

    def _nearness(self, trial: Trial) -> float | None:
        """Which share of its limits a network takes that keeps all which are known; None for others."""
        known = [each for each in self._limits if each.metric in trial.metrics]
        timed = [each for each in self._timed if each in known]
        if not timed or not all(each.holds(trial.metrics) for each in known):
            return None
        return max(trial.metrics[each.metric] / each.limit for each in timed)

    def due(self, share: float) -> Proposal | None:
        """What is to be tried now, once; None where nothing is. share: of the time of the search that has passed."""
        if self._completed or self._tried or self._best is None or (share < WAITED and self._refused < REFUSED):
            return None
        asked = self._best[1].proposal
        return replace(asked, parent=None, memo=LAST_RESORT, instead_of=None)

    def limits_of(self, proposal: Proposal, limits: Sequence[Constraint]) -> Sequence[Constraint]:
        """Those of the limits that are checked while a proposal is tried: of this one none that a clock leaves a margin
        to."""
        if not is_last_resort(proposal):
            return limits
        self._tried = self.under_way = True
        timed = self._by_the_clock(limits)
        return [each for each in limits if each not in timed]

    def broken(self, trial: Trial) -> str:
        """The limit that it breaks after all, in one line; empty where it keeps them."""
        if not trial.completed or not is_last_resort(trial.proposal):
            return ""
        return next((each.violation(trial.metrics) for each in self._limits if not each.holds(trial.metrics)), "")


def is_last_resort(asked: Proposal | StoredTrial) -> bool:
    """Whether it is tried since a search would otherwise end with nothing."""
    return asked.memo == LAST_RESORT
