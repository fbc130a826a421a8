"""Greedy growth under a budget (Xiong et al. 2019, "Resource Constrained Neural Network Architecture Search")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from netwright.core.amounts import parse_amount_of
from netwright.core.checks import one_of, whole_number
from netwright.core.closest import smallest
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import StopSearch
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.strategies.inheritance import inherited_share
from netwright.strategies.stepwise.costs import KnownCosts

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.objective import Constraint
    from netwright.core.strategy import Figures
    from netwright.core.trial import Trial

PROVIDES = ("search.local_greedy", "search.dp_decode")

Rule = Literal["ratio", "gain"]


class CostBenefit(Strategy):
    """Grows the smallest network by the change that gains most for what it costs, as long as the budget lasts.

    Were the score a monotone submodular function of what a network is made of, the better of two such greedy searches
    would be worth at least (1 - 1/e) / 2 of the best within the budget (Leskovec et al. 2007): one takes the highest
    gain for each unit of cost, the other the highest gain. Both are gone through here, the first one first. As gains
    then only fall, they are evaluated lazily: those changes first that gained most when they were last looked at, and
    in a round no more of them once the best that was measured beats all that is left (CELF).

    A change is a neighbour that costs more. A gain that was measured at an earlier network stands for the change of the
    same decision to the same option at a later one, until it is measured there. `ask` gives None while the answer that
    a round needs is pending.

    space: the one to search.
    metric: the cost, which must be known without training.
    budget: that a network may cost, as "30M"; None for no bound but the space's.
    rules: "ratio", "gain", or both in their order.
    first: changes that each round evaluates of those that were never evaluated; None for all, as lazy evaluation needs.
    inherit: whether a change begins from the weights of the network that it changes.
    child_share: of the full training that it then takes.

    Raises StopSearch where nothing gains, or fits into the budget, any more.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    bounded: ClassVar[bool] = True

    def __init__(
        self,
        space: DecisionSpace,
        metric: str = "macs",
        budget: str | float | None = None,
        rules: Sequence[Rule] = ("ratio", "gain"),
        first: int | None = None,
        inherit: bool = False,
        child_share: float = 1.0,
    ) -> None:
        for each in rules:
            one_of(self, "rules", each, ("ratio", "gain"))
        self.space, self.metric = space, metric
        self.budget = parse_amount_of(metric, budget) if isinstance(budget, str) else budget
        self.rules: tuple[Rule, ...] = tuple(rules)
        self.first = None if first is None else whole_number(self, "first", first)
        self.inherits = inherited_share(self, inherit, child_share)
        self._costs = KnownCosts(self, space, metric)
        self._known: dict[Architecture, Trial] = {}  # all that was measured, once for both rules
        self._turn = 0  # the rule under way
        self._here: Trial | None = None
        self._gains: dict[tuple[int, object], float] = {}  # by decision and option, as last measured under this rule
        self._pending: Architecture | None = None

    def know(self, figures: Figures, limits: Sequence[Constraint] = ()) -> None:
        self._costs.know(figures)

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        if self._pending is not None:
            return None
        wanted = self._wanted(rng)
        self._pending = wanted
        return Proposal(wanted, parent=None if self._here is None else self._here.number)

    def tell(self, trial: Trial) -> None:
        self._known[trial.architecture] = trial
        self._pending = None

    def _wanted(self, rng: np.random.Generator) -> Architecture:
        """What must be measured next; on the way it goes on to whatever the known measurements lead to."""
        start = smallest(self.space)
        if start not in self._known:
            return start
        while self._turn < len(self.rules):
            if self._here is None:
                self._here, self._gains = self._known[start], {}
            found = self._of_round(self._here, rng)
            if found is not None:
                return found
        raise StopSearch("no change gains anything within the budget any more")

    def _of_round(self, here: Trial, rng: np.random.Generator) -> Architecture | None:
        """The change to measure next; None where the round has ended, and with it perhaps the rule."""
        changes = self._changes(here, rng)
        best: tuple[float, Trial] | None = None
        for bound, key, other in changes:
            if best is not None and best[0] >= bound:
                break
            if other not in self._known:
                return other
            trial = self._known[other]
            value = self._value(here, trial)
            self._gains[key] = value
            if value > 0 and (best is None or value > best[0]):
                best = value, trial
        if best is None:
            self._turn += 1
            self._here = None
        else:
            self._here = best[1]
        return None

    def _changes(self, here: Trial, rng: np.random.Generator) -> list[tuple[float, tuple[int, object], Architecture]]:
        """Costlier neighbours within the budget: bound of the gain (infinite where never measured), key, and itself."""
        found: list[tuple[float, tuple[int, object], Architecture]] = []
        cost = self._costs.of(here.architecture)
        for place, other in self._costs.changes(here.architecture):
            if cost < self._costs.of(other) <= (self.budget or float("inf")):
                key = place, self.space.indices(other)[place]
                found.append((self._gains.get(key, float("inf")), key, other))
        found.sort(key=lambda each: (-each[0], self._costs.of(each[2])))
        fresh = [each for each in found if each[0] == float("inf")]
        if self.first is None or len(fresh) <= self.first:
            return found
        known = [each for each in fresh if each[2] in self._known]
        others = [each for each in fresh if each[2] not in self._known][: max(0, self.first - len(known))]
        return [*known, *others, *found[len(fresh) :]]

    def _value(self, here: Trial, trial: Trial) -> float:
        """What a change gains, or gains for each unit of cost."""
        if not (trial.completed and here.completed):
            return float(trial.completed)
        gain = trial.scores[0] - here.scores[0]
        if self.rules[self._turn] == "gain":
            return gain
        return gain / (self._costs.of(trial.architecture) - self._costs.of(here.architecture))

    def may_continue(self, number: int) -> bool:
        """Whether a change may yet begin from this one's weights."""
        return self.inherits > 0 and any(each.number == number for each in self._known.values())
