"""NetAdapt (Yang et al. 2018, "NetAdapt: Platform-Aware Neural Network Adaptation for Mobile Applications")."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from netwright.core.amounts import parse_amount_of
from netwright.core.checks import one_of, part, whole_number
from netwright.core.closest import largest
from netwright.core.combination import combination
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, StopSearch
from netwright.core.objective import fittest
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

PROVIDES = ("search.local_greedy",)


class NetAdapt(Strategy):
    """Cuts a network down to a target, a step of cost at a time, each the one that loses the least.

    It begins at the largest network of the space, or at the best that another strategy has found. In each round one
    proposal is made for each decision: the costliest other option that saves at least the round's step. All are
    trained, from the weights of the network that they come from; where the best of them stands, the next round begins.
    It ends when the target is reached, or nothing saves enough any more. `ask` gives None while a round is pending.

    Of networks that break a limit of the search nothing is known but their cost, and of them the costliest is taken:
    give a `target` in place of a limit.

    space: the one to search.
    metric: the cost, which must be known without training, as "macs" or "latency_predicted_ms".
    target: of the cost, as "30M"; None to go on as far as it goes.
    step: what a round saves, as a share of what the first network costs; 0.01 in Howard et al. (2019).
    decay: by which the step is multiplied after each round; the original's falls a little, Howard et al. have 1.
    choose: "ratio" takes the highest of (change of the score) / (cost that is saved) (Howard et al. 2019), "score" the
        highest score, as in the original.
    most: proposals of a round at most, the costliest ones where there are more; None for all.
    inherit: whether a proposal begins from the weights of the network that it comes from.
    child_share: of the full training that it then takes.
    first: the strategy whose best network it begins at; None for the largest of the space.
    trials: of that strategy.
    reward: by which its best is chosen, a combination of metrics and of `score`.

    Raises StopSearch at its end.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    bounded: ClassVar[bool] = True

    def __init__(
        self,
        space: DecisionSpace,
        metric: str = "macs",
        target: str | float | None = None,
        step: float = 0.01,
        decay: float = 1.0,
        choose: Literal["ratio", "score"] = "ratio",
        most: int | None = None,
        inherit: bool = True,
        child_share: float = 1.0,
        first: Strategy | None = None,
        trials: int = 0,
        reward: str = "score",
    ) -> None:
        one_of(self, "choose", choose, ("ratio", "score"))
        if (first is None) != (trials == 0):
            raise ConfigurationError(f"NetAdapt: trials is {trials}, first is {first!r}; expected both, or neither")
        self.space, self.metric = space, metric
        self.target = parse_amount_of(metric, target) if isinstance(target, str) else target
        self.step = part(self, "step", step)
        self.decay = decay
        self.choose: Literal["ratio", "score"] = choose
        self.most = None if most is None else whole_number(self, "most", most)
        self.inherits = inherited_share(self, inherit, child_share)
        self.first, self.trials = first, whole_number(self, "trials", trials, 0)
        self.reward = combination(reward)
        self._costs = KnownCosts(self, space, metric)
        self._here: Trial | None = None
        self._queue: list[Architecture] = []
        self._found: list[Trial] = []  # of the round, or of the first strategy
        self._asked = self._pending = self._rounds = 0
        self._saving = 0.0  # what the next round is to save

    def know(self, figures: Figures, limits: Sequence[Constraint] = ()) -> None:
        self._costs.know(figures)
        if self.first is not None:
            self.first.know(figures, limits)

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        if self.first is not None and self._asked < self.trials:
            proposal = self.first.ask(rng)
            self._asked += proposal is not None
            self._pending += proposal is not None
            return proposal
        if not self._queue:
            if self._pending:
                return None
            self._plan()
        self._asked += 1
        self._pending += 1
        return Proposal(self._queue.pop(0), parent=None if self._here is None else self._here.number)

    def tell(self, trial: Trial) -> None:
        self._pending -= 1
        if self.first is not None and self._here is None:
            self.first.tell(trial)
        self._found.append(trial)

    def _plan(self) -> None:
        """Go to the best of the last round, and propose what may follow. Raises StopSearch where nothing does."""
        if not self._asked:
            self._queue = [largest(self.space)]
            return
        self._here, self._found = self._chosen(), []
        cost = self._costs.of(self._here.architecture)
        if self.target is not None and cost <= self.target:
            raise StopSearch(f"{self.metric} {cost:,.6g} keeps the target")
        self._saving = self.step * cost if not self._rounds else self._saving * self.decay
        self._rounds += 1
        self._queue = self._proposed(self._here.architecture, cost - self._saving)
        if not self._queue:
            raise StopSearch(f"no single change saves {self._saving:,.4g} {self.metric} any more")

    def _proposed(self, here: Architecture, most: float) -> list[Architecture]:
        """Of each decision the costliest option that costs at most so much, the costliest first."""
        found: dict[int, Architecture] = {}
        for place, other in self._costs.changes(here):
            if self._costs.of(other) <= most:
                found[place] = max(found.get(place, other), other, key=self._costs.of)
        return sorted(dict.fromkeys(found.values()), key=self._costs.of, reverse=True)[: self.most]

    def _chosen(self) -> Trial:
        completed = [each for each in self._found if each.completed]
        if not completed:
            return max(self._found, key=lambda each: self._costs.of(each.architecture))
        if self._here is None:
            return max(completed, key=lambda each: self.reward.value({**each.metrics, "score": each.scores[0]}))
        if self.choose == "score" or not self._here.completed:
            return fittest(completed)
        return max(completed, key=self._gain)

    def _gain(self, trial: Trial) -> float:
        """What the score changes by for each unit of cost that is saved."""
        assert self._here is not None
        saved = self._costs.of(self._here.architecture) - self._costs.of(trial.architecture)
        gained = trial.scores[0] - self._here.scores[0]
        return gained / max(saved, 1e-12) if math.isfinite(gained) else -math.inf

    def recommend(self, trials: Sequence[Trial]) -> Architecture:
        """The best of those that keep the target; where none does, the one of the least cost."""
        completed = [each for each in trials if each.completed]
        if self.target is None or not completed:
            return super().recommend(trials)
        target = self.target
        keeping = [each for each in completed if self._costs.of(each.architecture) <= target]
        if keeping:
            return fittest(keeping).architecture
        return min(completed, key=lambda each: self._costs.of(each.architecture)).architecture

    def may_continue(self, number: int) -> bool:
        """Whether a proposal may yet begin from this one's weights."""
        if not self.inherits:
            return False
        here = () if self._here is None else (self._here,)
        return any(each.number == number for each in (*here, *self._found))

    def may_recommend(self, number: int) -> bool:
        return self._here is not None and self._here.number == number
