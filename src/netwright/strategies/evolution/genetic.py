"""A genetic algorithm put together from its phases: selection, crossover, mutation, evaluation and update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from netwright.core.checks import one_of, whole_number
from netwright.core.errors import ConfigurationError
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.strategies.evolution.beginning import Beginning, Sampled
from netwright.strategies.evolution.ranking import Population, still_completed
from netwright.strategies.evolution.selection import Elitist, Selection, Survivor, Tournament
from netwright.strategies.evolution.variation import Crossover, EachDecision, Mutation, UniformCrossover
from netwright.strategies.inheritance import inherited_share, without_inheritance
from netwright.strategies.unseen import Unseen, end_after_the_only_one

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.trial import Trial

MOST_REDRAWS = 20
_SELECTION, _CROSSOVER, _MUTATION, _SURVIVOR = Tournament(2), UniformCrossover(0.9), EachDecision(), Elitist()
_BEGINNING = Sampled()


class GeneticAlgorithm(Strategy):
    """Selection -> crossover -> mutation -> evaluation -> update, each phase an argument (Holland 1975).

    The phases are by default those of NSGA-II (Deb et al. 2002) where there are several objectives, and the same with
    the score in place of fronts where there is one. Without repeats, a child that was asked already is bred anew, up to
    20 times; then a random new architecture takes its place. Where survivors are chosen once a generation (`Elitist`,
    `Generational`), `ask` gives None while a whole generation is pending. A trial that did not complete is neither
    parent nor survivor; while nobody lives, random architectures are asked.

    space: the one to search.
    population: how many architectures it begins with, and how many live at most.
    selection: who become parents.
    crossover: how a child is made of two of them.
    mutation: how the child is changed.
    survivor: who live on.
    repeats: False never asks an architecture twice, and raises SpaceExhausted when there is none left; "equivalent"
        does not either, but those of the same canonical form as one that was asked, which cost another time or memory.
    beginning: what the first population is made of.
    either: whether a child of two parents is not mutated as well.
    inherit: whether a child begins from its first parent's trained weights, which the population then keeps on disk.
    child_share: of the full training that a child takes which inherits, above 0 and at most 1.
    """

    called = "genetic"
    adopts = True

    def __init__(
        self,
        space: Space,
        population: int = 50,
        selection: Selection = _SELECTION,
        crossover: Crossover = _CROSSOVER,
        mutation: Mutation = _MUTATION,
        survivor: Survivor = _SURVIVOR,
        repeats: bool | Literal["equivalent"] = True,
        beginning: Beginning = _BEGINNING,
        either: bool = False,
        inherit: bool = False,
        child_share: float = 1.0,
    ) -> None:
        if crossover.parents > 1 and not space.crosses:
            raise ConfigurationError(
                f"GeneticAlgorithm: {type(space).__name__} does not say how two architectures are crossed; search it "
                "by mutation alone, with RegularizedEvolution(space) or crossover=NoCrossover()"
            )
        self.space = space
        self.population = whole_number(self, "population", population)
        self.selection, self.crossover, self.mutation, self.survivor = selection, crossover, mutation, survivor
        self.beginning, self.either = beginning, either
        self.inherits = inherited_share(self, inherit, child_share)
        self._brood = survivor.brood(population)
        one_of(self, "repeats", repeats, (True, False, "equivalent"))
        self._unseen = None if repeats is True else Unseen(space, exact=repeats == "equivalent")
        self._alive = Population()
        self._arrived: list[Trial] = []
        self._asked = self._pending = 0
        self._born = 0  # in this generation

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        end_after_the_only_one(self.space, self._asked)
        if not self._updated(rng):
            return None
        if not len(self._alive) or (not self._brood and self._asked < self.population):
            proposal = Proposal(self._first(rng))
        else:
            proposal = self._offspring(rng)
        self._asked += 1
        self._pending += 1
        self._born += 1
        return proposal

    def _updated(self, rng: np.random.Generator) -> bool:
        """Take in what has arrived, if its time has come; False where that time must be waited for."""
        due = self._brood if len(self._alive) else self.population
        if self._brood and self._born < due:
            return True
        if self._brood and self._pending:
            return False
        self._born = 0
        if self._arrived:
            survivors = self.survivor.survivors(self._alive.members, self._arrived, self.population, rng)
            self._alive = Population(survivors)
            self._arrived = []
        return True

    def _first(self, rng: np.random.Generator) -> Architecture:
        """A member of the first population."""
        if self._unseen is None:
            return self.beginning.draw(self.space, rng)
        for _ in range(0 if isinstance(self.beginning, Sampled) else MOST_REDRAWS):
            found = self.beginning.draw(self.space, rng)
            if self._unseen.add(found):
                return found
        return self._unseen.draw(rng)

    def _offspring(self, rng: np.random.Generator) -> Proposal:
        for _ in range(MOST_REDRAWS):
            child, parent = self._bred(rng)
            if self._unseen is None or self._unseen.add(child):
                return Proposal(child, parent=parent)
        assert self._unseen is not None
        return Proposal(self._unseen.draw(rng))

    def _bred(self, rng: np.random.Generator) -> tuple[Architecture, int]:
        """A child, and the number of its first parent."""
        parents = self._parents(rng)
        first, second = parents[0].architecture, parents[-1].architecture
        child = self.crossover.cross(self.space, first, second, rng)
        if not (self.either and child is not first):
            child = self.mutation.mutate(self.space, child, rng)
        return child, parents[0].number

    def _parents(self, rng: np.random.Generator) -> list[Trial]:
        """Parents; those who lost to them leave a population that is full with the children under way."""
        parents, losers = self.selection.contest(self._alive, self.crossover.parents, rng)
        if losers and len(self._alive) + self._pending >= self.population:
            gone = {each.number for each in losers}
            self._alive = Population(each for each in self._alive.members if each.number not in gone)
        return parents

    def configuration(self) -> dict[str, Any]:
        """As it was before there were other beginnings, where they are not asked for."""
        described = without_inheritance(super().configuration())
        arguments: dict[str, Any] = dict(described["arguments"])
        for name, usual in (("beginning", _BEGINNING.configuration()), ("either", False)):
            if arguments[name] == usual:
                del arguments[name]
        return {**described, "arguments": arguments}

    def may_continue(self, number: int) -> bool:
        """Whether a child may yet begin from this one's weights."""
        return self.inherits > 0 and any(each.number == number for each in (*self._alive.members, *self._arrived))

    def judge_anew(self, trials: Mapping[int, Trial]) -> None:
        self._alive = Population(still_completed(self._alive.members, trials))
        self._arrived = still_completed(self._arrived, trials)

    def tell(self, trial: Trial) -> None:
        self._pending -= 1
        if self._unseen is not None:
            self._unseen.note(trial)
        if trial.completed:
            self._arrived.append(trial)
