"""Regularized evolution (Real et al. 2019, "Regularized Evolution for Image Classifier Architecture Search")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.core.checks import probability, whole_number
from netwright.core.errors import ConfigurationError
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.strategies.evolution.ranking import Population, still_completed
from netwright.strategies.inheritance import inherited_share, without_inheritance
from netwright.strategies.unseen import Unseen, end_after_the_only_one

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.trial import Trial

MOST_REDRAWS = 20


class RegularizedEvolution(Strategy):
    """Aging evolution: mutate the best of a random sample of the population; the oldest member dies, however good.

    Without repeats, a mutation that was asked already is drawn anew, up to 20 times; then a random new architecture
    takes its place.

    Where the paper says nothing: a trial that did not complete counts among the first P but does not enter the
    population, and evolution starts after the first P were asked with as many as completed, so that a limit which most
    random architectures break does not keep it from mutating the few that hold it. With several objectives the sample
    is compared by front, then by crowding distance (Deb et al. 2002).

    space: the one to search.
    population: how many live; P = 100 in the paper.
    tournament: the sample of which the best is the parent; S = 25 in the paper.
    identity: probability of asking the parent again, which tells luck from quality under noise; 0.05 in the paper.
    repeats: False never asks an architecture twice, and raises SpaceExhausted when there is none left.
    inherit: whether a child begins from its parent's trained weights, which the population then keeps on disk.
    child_share: of the full training that a child takes which inherits, above 0 and at most 1.
    """

    called = "evolution"
    adopts = True

    def __init__(
        self,
        space: Space,
        population: int = 100,
        tournament: int = 25,
        identity: float = 0.0,
        repeats: bool = True,
        inherit: bool = False,
        child_share: float = 1.0,
    ) -> None:
        self.space = space
        self.population = whole_number(self, "population", population)
        self.tournament = whole_number(self, "tournament", tournament)
        self.identity = probability(self, "identity", identity)
        if identity and not repeats:
            raise ConfigurationError(
                f"RegularizedEvolution: identity={identity} asks parents once more, which repeats=False forbids"
            )
        self.inherits = inherited_share(self, inherit, child_share)
        self._unseen = None if repeats else Unseen(space)
        self._alive = Population()
        self._oldest = 0  # the place of the oldest member once the population is full
        self._asked = 0

    def ask(self, rng: np.random.Generator) -> Proposal:
        end_after_the_only_one(self.space, self._asked)
        # Algorithm 1, first loop: P random architectures.
        if self._asked < self.population or not self._alive.members:
            proposal = Proposal(self.space.sample(rng) if self._unseen is None else self._unseen.draw(rng))
        else:
            # Algorithm 1, second loop: S members drawn with replacement, the best is the parent.
            parent = self._alive.tournament(self.tournament, rng)
            proposal = Proposal(self._child(parent.architecture, rng), parent=parent.number)
        self._asked += 1
        return proposal

    def _child(self, parent: Architecture, rng: np.random.Generator) -> Architecture:
        if self._unseen is None:
            return parent if self.identity and rng.random() < self.identity else self.space.mutate(parent, rng)
        for _ in range(MOST_REDRAWS):
            child = self.space.mutate(parent, rng)
            if self._unseen.add(child):
                return child
        return self._unseen.draw(rng)

    def configuration(self) -> dict[str, Any]:
        return without_inheritance(super().configuration())

    def may_continue(self, number: int) -> bool:
        """Whether a child may yet begin from this member's weights."""
        return self.inherits > 0 and any(each.number == number for each in self._alive.members)

    def judge_anew(self, trials: Mapping[int, Trial]) -> None:
        members = [*self._alive.members[self._oldest :], *self._alive.members[: self._oldest]]
        self._alive, self._oldest = Population(still_completed(members, trials)), 0

    def tell(self, trial: Trial) -> None:
        if self._unseen is not None:
            self._unseen.note(trial)
        if not trial.completed:
            return
        # Algorithm 1: the child is added to the right of the population, the oldest removed from the left.
        if len(self._alive.members) < self.population:
            self._alive.put(trial)
        else:
            self._alive.put(trial, self._oldest)
            self._oldest = (self._oldest + 1) % self.population
