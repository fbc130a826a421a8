"""What each search of a comparison may spend, and how spending is counted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from netwright.core.errors import ConfigurationError, StopSearch
from netwright.core.strategy import Strategy
from netwright.engine.duration import format_duration, parse_duration

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.trial import Proposal, Trial

_ROUNDING = 1e-9  # so that 0.1 + 0.2 + 0.7 fits into 1


@dataclass(frozen=True)
class Budget:
    """Full evaluations, or seconds: simulated ones on a table with costs, real ones where networks are trained.

    evaluations: an evaluation at a part of the full fidelity counts as that part, so that 300 evaluations are 300
    full trainings however they are divided; an evaluation that continues an earlier one counts in full.
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


class Rationed(Strategy):
    """Another strategy, until what it asked for is worth so many full evaluations; None for as long as it likes.

    Proposals of shared weights' rounds are not counted. It ends at the first proposal that no longer fits.
    whole: ask for full evaluations alone, and let the strategy believe that it was answered as it asked.
    """

    def __init__(self, strategy: Strategy, evaluations: float | None = None, whole: bool = False) -> None:
        self.space = strategy.space
        self.strategy, self.evaluations, self.whole = strategy, evaluations, whole
        self.bounded = evaluations is not None or strategy.bounded  # pyright: ignore[reportAttributeAccessIssue]
        self.continues = strategy.continues  # pyright: ignore[reportAttributeAccessIssue]
        self._left = math.inf if evaluations is None else evaluations + _ROUNDING
        self._meant: dict[int, tuple[Proposal, Proposal]] = {}  # by the id of what was asked in its place

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        if self._left < 2 * _ROUNDING:
            raise StopSearch(f"{self.evaluations:g} evaluations done")
        proposal = self.strategy.ask(rng)
        if proposal is None or proposal.is_round:
            return proposal
        if proposal.fidelity is not None and self.whole:
            proposal = self._made_whole(proposal)
        self._left -= 1.0 if proposal.fidelity is None else proposal.fidelity
        if self._left < 0:
            raise StopSearch(f"what is left of {self.evaluations:g} evaluations is less than the next one takes")
        return proposal

    def _made_whole(self, meant: Proposal) -> Proposal:
        asked = replace(meant, fidelity=None)
        self._meant[id(asked)] = asked, meant
        return asked

    def tell(self, trial: Trial) -> None:
        if self._meant and id(trial.proposal) in self._meant:
            trial = replace(trial, proposal=self._meant.pop(id(trial.proposal))[1])
        self.strategy.tell(trial)

    def may_continue(self, number: int) -> bool:
        return self.strategy.may_continue(number)

    def recommend(self, trials: Sequence[Trial]) -> Architecture:
        return self.strategy.recommend(trials)

    def state_dict(self) -> Mapping[str, Any] | None:
        return self.strategy.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.strategy.load_state_dict(state)

    def mixture(self) -> Mixture | None:
        return self.strategy.mixture()

    def figures(self) -> Mapping[str, float]:
        return self.strategy.figures()
