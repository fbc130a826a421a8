"""Evolution while shared weights train (Yang et al. 2020, "CARS: Continuous Evolution for Efficient NAS")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.checks import probability, whole_number
from netwright.core.errors import SpaceExhausted
from netwright.strategies.evolution.ranking import front_numbers
from netwright.strategies.rounds.asking import accumulate, evaluate, train
from netwright.strategies.rounds.script import Rounds
from netwright.strategies.unseen import Unseen

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.strategies.rounds.asking import Talk
    from netwright.strategies.rounds.script import Script

MOST_REDRAWS = 20
BRED, MUTATED = 0.5, 0.25  # shares of children with parents at all, and of those by mutation


def protected_survivors(scores: np.ndarray, growth: np.ndarray, size: int, rng: np.random.Generator) -> list[int]:
    """Who live on by pNSGA-III: two sortings, by front 0 of either first, then by front 1 of either, and so on.

    scores: (n, objectives), larger is better, the accuracy first.
    growth: (n,) by how much the accuracy has grown, which takes its place in the second sorting, so that small
    networks, which are accurate early, do not crowd out those that still learn.
    size: how many live on; of the fronts that they end in, random ones.
    """
    grown = np.column_stack((growth, scores[:, 1:]))
    stages = np.minimum(front_numbers(scores), front_numbers(grown))
    order = np.lexsort((rng.random(len(stages)), stages))
    return sorted(order[:size].tolist())


class ContinuousEvolution(Rounds):
    """Trains the weights of a population's members, and now and then breeds and selects on the weights as they are.

    First the weights train on random architectures, one a step. Then as many live as `population`; each step trains on
    the summed gradients of `batch` of them, drawn at random. After every `every` epochs, and at the end, as many
    children are bred: half of them random, a quarter by mutation of one decision, a quarter by crossover (the authors'
    code). All are evaluated on the validation examples, and `protected_survivors` says who live on. A trial that did
    not complete does not. What was found is the most accurate of the last population.

    The paper leaves open how the accuracy of a newborn has grown: here from what its parent had a generation before,
    since it inherits the parent's weights, and from 0 without one.

    space: the one to search.
    population: 128 in the authors' code.
    batch: members whose gradients are summed in a step; 1 in the authors' code.
    warm_up: share of the training on random architectures; 50 of 500 epochs in the authors' code.
    every: epochs from one generation to the next; 10 in the authors' code.
    """

    def __init__(
        self, space: DecisionSpace, population: int = 128, batch: int = 1, warm_up: float = 0.1, every: int = 10
    ) -> None:
        self.space = space
        self.population = whole_number(self, "population", population)
        self.batch = whole_number(self, "batch", batch)
        self.warm_up = probability(self, "warm_up", warm_up)
        self.every = whole_number(self, "every", every)
        self.members: list[Architecture] = []  # the most accurate first, once they were compared
        self.accuracies: dict[str, float] = {}  # of the members, when they were last compared
        self.compared = 0  # the epoch in which they were, or were drawn
        self.finished = False

    def script(self, rng: np.random.Generator) -> Script:
        """A step of the weights, or a generation."""
        share = self.progress.share
        if share < 1.0 and share < self.warm_up - 1e-9:
            yield train(self.space.sample)
            return
        if not self.members:
            self._draw(rng)
        if share >= 1.0 or self.progress.epoch - self.compared >= self.every:
            yield from self._generation(rng)
            return
        for _ in range(self.batch - 1):
            yield accumulate(self._member)
        yield train(self._member)

    @property
    def is_over(self) -> bool:
        return super().is_over and self.finished

    def result(self) -> Architecture:
        """The most accurate member; before there are any, a random architecture of seed 0."""
        return self.members[0] if self.members else self.space.sample(np.random.default_rng(0))

    def _member(self, rng: np.random.Generator) -> Architecture:
        return self.members[int(rng.random() * len(self.members))]

    def _draw(self, rng: np.random.Generator) -> None:
        """The first population: different random architectures, fewer where the space holds fewer."""
        self.compared = self.progress.epoch
        unseen = Unseen(self.space)
        try:
            while len(self.members) < self.population:
                self.members.append(unseen.draw(rng))
        except SpaceExhausted:
            pass

    def _generation(self, rng: np.random.Generator) -> Talk[None]:
        """Breed, evaluate all on the weights as they are, and select."""
        everybody = [(each, str(each)) for each in self.members] + self._children(rng)
        alive: list[tuple[Architecture, Sequence[float], float]] = []
        for architecture, parent in everybody:
            told = yield evaluate(architecture)
            if told.completed:
                alive.append((architecture, told.scores, told.scores[0] - self.accuracies.get(parent, 0.0)))
        if alive:
            self._select(alive, rng)
        self.compared, self.finished = self.progress.epoch, self.progress.share >= 1.0

    def _select(self, alive: Sequence[tuple[Architecture, Sequence[float], float]], rng: np.random.Generator) -> None:
        scores, growth = np.array([scores for _, scores, _ in alive]), np.array([growth for _, _, growth in alive])
        kept = [alive[place] for place in protected_survivors(scores, growth, self.population, rng)]
        kept.sort(key=lambda each: -each[1][0])
        self.members = [architecture for architecture, _, _ in kept]
        self.accuracies = {str(architecture): float(scores[0]) for architecture, scores, _ in kept}

    def _children(self, rng: np.random.Generator) -> list[tuple[Architecture, str]]:
        """New architectures, each with the text of its parent, "" without one."""
        seen: set[Architecture] = set(self.members)
        found: list[tuple[Architecture, str]] = []
        for _ in range(MOST_REDRAWS * self.population):
            if len(found) == self.population:
                break
            child, parent = self._child(rng)
            if child not in seen:
                seen.add(child)
                found.append((child, parent))
        return found

    def _child(self, rng: np.random.Generator) -> tuple[Architecture, str]:
        share = rng.random()
        if share >= BRED or self.space.size == 1:
            return self.space.sample(rng), ""
        parent = self._member(rng)
        if share < MUTATED:
            return self.space.mutate(parent, rng), str(parent)
        return self.space.crossover(parent, self._member(rng), rng), str(parent)

    def figures(self) -> dict[str, Any]:
        return {"population": float(len(self.members))}
