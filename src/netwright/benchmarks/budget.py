"""What each search of a comparison may spend, and how spending is counted."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netwright.core.errors import ConfigurationError, StopSearch
from netwright.core.strategy import Strategy, Wrapper
from netwright.engine.duration import format_duration, parse_duration
from netwright.engine.folders import Continuations

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.trial import Proposal, Trial

_ROUNDING = 1e-9  # so that 0.1 + 0.2 + 0.7 fits into 1


@dataclass(frozen=True)
class Budget:
    """Full evaluations, or seconds: simulated ones on a table with costs, real ones where networks are trained.

    evaluations: an evaluation at a part of the full fidelity counts as that part, so that 300 evaluations are 300
    full trainings however they are divided; one that continues an earlier one counts as what it adds to it.
    """

    evaluations: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if (self.evaluations is None) == (self.seconds is None):
            raise ConfigurationError("a comparison needs one budget: evaluations, or seconds")
        if self.evaluations is not None and not self.evaluations >= 1:
            raise ConfigurationError(f"evaluations = {self.evaluations!r}: expected at least 1")
        if self.seconds is not None:
            object.__setattr__(self, "seconds", parse_duration(self.seconds))

    @property
    def amount(self) -> float:
        found = self.seconds if self.evaluations is None else self.evaluations
        assert found is not None
        return float(found)

    @property
    def trials(self) -> int | None:
        """How many full evaluations it holds; None for seconds."""
        return None if self.evaluations is None else max(1, int(self.evaluations + _ROUNDING))

    def __str__(self) -> str:
        if self.seconds is not None:
            return format_duration(self.seconds)
        return f"{self.evaluations:g} evaluations"

    def to_json(self) -> dict[str, float]:
        return {"seconds": self.seconds} if self.evaluations is None else {"evaluations": self.evaluations}  # type: ignore[dict-item]


class Counting:
    """What each evaluation counts, in full ones.

    part: what a fidelity is of a full evaluation, by default itself.
    continues: whether a trial that goes on from an earlier one of the same architecture takes only what is missing.
    """

    def __init__(self, part: Callable[[float], float] | None = None, continues: bool = False) -> None:
        self._part, self._continues = part, continues
        self._chains = Continuations()

    def of(self, proposal: Proposal) -> float:
        """What a proposal counts; those that came before it were noted."""
        if proposal.fidelity is None and proposal.parent is None:
            return 1.0
        before = self._chains.before(proposal) if self._continues else 0.0
        share = 1.0 if proposal.fidelity is None else self._share(proposal.fidelity)
        return share - self._share(before) if before else share

    def _share(self, fidelity: float) -> float:
        return fidelity if self._part is None else self._part(fidelity)

    def note(self, trial: Trial) -> float:
        """Take note of a trial that later ones may go on from; what it counted, nothing where it was infeasible."""
        if trial.state == "infeasible":
            return 0.0
        counted = self.of(trial.proposal)
        if self._continues:
            self._chains.note(trial.number, trial.proposal)
        return counted


class Rationed(Wrapper):
    """Another strategy, until what it asked for is worth so many full evaluations; None for as long as it likes.

    Proposals of shared weights' rounds are not counted, nor are networks that turn out to be infeasible. It ends at the
    first proposal that no longer fits.
    whole: ask for full evaluations alone, and let the strategy believe that it was answered as it asked.
    counting: what each counts; by default its fidelity.
    """

    def __init__(
        self,
        strategy: Strategy,
        evaluations: float | None = None,
        whole: bool = False,
        counting: Counting | None = None,
    ) -> None:
        super().__init__(strategy)
        self.evaluations, self.whole = evaluations, whole
        self._counting = counting or Counting()
        self.bounded = evaluations is not None or strategy.bounded
        self._left = math.inf if evaluations is None else evaluations + _ROUNDING
        self._pending = 0
        self._meant: dict[int, tuple[Proposal, Proposal]] = {}  # by the id of what was asked in its place

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        if self._left < 2 * _ROUNDING:
            if self._pending:  # some of them may cost nothing
                return None
            raise StopSearch(f"{self.evaluations:g} evaluations done")
        proposal = self.strategy.ask(rng)
        if proposal is None or proposal.is_round:
            return proposal
        if proposal.fidelity is not None and self.whole:
            proposal = self._made_whole(proposal)
        self._left -= self._counting.of(proposal)
        if self._left < 0:
            raise StopSearch(f"what is left of {self.evaluations:g} evaluations is less than the next one takes")
        self._pending += 1
        return proposal

    def _made_whole(self, meant: Proposal) -> Proposal:
        asked = replace(meant, fidelity=None)
        self._meant[id(asked)] = asked, meant
        return asked

    def tell(self, trial: Trial) -> None:
        self._pending -= not trial.proposal.is_round
        if trial.state == "infeasible":
            self._left += self._counting.of(trial.proposal)
        self._counting.note(trial)
        if self._meant and id(trial.proposal) in self._meant:
            trial = replace(trial, proposal=self._meant.pop(id(trial.proposal))[1])
        self.strategy.tell(trial)
