"""The evolution of Guo et al. (2020), "Single Path One-Shot Neural Architecture Search", Algorithm 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netwright.core.checks import probability, whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import StopSearch
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.strategies.evolution.ranking import Population
from netwright.strategies.evolution.variation import EachDecision
from netwright.strategies.unseen import Unseen, end_after_the_only_one

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.trial import Trial

MOST_REDRAWS = 20
MOST_INFEASIBLE = 50  # networks that break a limit for each place in a generation, before they take it


class TopEvolution(Strategy):
    """Generations bred from the best so far: half by crossover of two of them, half by mutation of one.

    No architecture is asked twice: a child that was is bred anew, up to 20 times, then a random new architecture takes
    its place. `ask` gives None while a whole generation is pending. The paper's numbers make 1,000 evaluations in all.
    Networks that break a limit before they are evaluated take no place in a generation, up to 50 for each place.

    space: the one to search.
    population: architectures of a generation; P = 50 in the paper.
    generations: how many; T = 20 in the paper.
    top: how many of the best are bred from; k = 10 in the paper.
    crossovers: children by crossover in each generation; by default half of them.
    mutation: probability of drawing a decision anew.

    Raises StopSearch after the last generation, or SpaceExhausted where no new architecture is left.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    bounded: ClassVar[bool] = True

    def __init__(
        self,
        space: DecisionSpace,
        population: int = 50,
        generations: int = 20,
        top: int = 10,
        crossovers: int | None = None,
        mutation: float = 0.1,
    ) -> None:
        self.space = space
        self.population = whole_number(self, "population", population)
        self.generations = whole_number(self, "generations", generations)
        self.top = whole_number(self, "top", top)
        self.crossovers = population // 2 if crossovers is None else whole_number(self, "crossovers", crossovers, 0)
        self.mutation = probability(self, "mutation", mutation)
        self._mutation = EachDecision(mutation)
        self._unseen = Unseen(space)
        self._best: list[Trial] = []  # at most `top`, best first
        self._arrived: list[Trial] = []
        self._asked = self._pending = self._infeasible = 0

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        end_after_the_only_one(self.space, self._asked)
        place = self._asked % self.population  # in its generation
        if place == 0 and self._pending:
            return None
        if self._asked == self.population * self.generations:
            raise StopSearch(f"all {self.generations} generations of {self.population} were evaluated")
        if place == 0:  # Algorithm 1, UpdateTopk
            self._best = Population((*self._best, *self._arrived)).ordered()[: self.top]
            self._arrived = []
        proposal = self._child(place, rng) if self._best else Proposal(self._unseen.draw(rng))
        self._asked += 1
        self._pending += 1
        return proposal

    def tell(self, trial: Trial) -> None:
        self._pending -= 1
        if trial.state == "infeasible" and self._infeasible < MOST_INFEASIBLE * self.population * self.generations:
            self._infeasible += 1
            self._asked -= 1
        if trial.completed:
            self._arrived.append(trial)

    def _child(self, place: int, rng: np.random.Generator) -> Proposal:
        breed = self._crossed if place < self.crossovers else self._mutated
        for _ in range(MOST_REDRAWS):
            child, parent = breed(rng)
            if self._unseen.add(child):
                return Proposal(child, parent=parent.number)
        return Proposal(self._unseen.draw(rng))

    def _crossed(self, rng: np.random.Generator) -> tuple[Architecture, Trial]:
        first, second = (self._best[int(share * len(self._best))] for share in rng.random(2).tolist())
        return self.space.crossover(first.architecture, second.architecture, rng), first

    def _mutated(self, rng: np.random.Generator) -> tuple[Architecture, Trial]:
        parent = self._best[int(rng.random() * len(self._best))]
        return self._mutation.mutate(self.space, parent.architecture, rng), parent
