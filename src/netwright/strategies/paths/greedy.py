"""Shared weights that train on promising paths alone (You et al. 2020, "GreedyNAS")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.checks import probability, whole_number
from netwright.strategies.evolution.variation import EachDecision
from netwright.strategies.fetching import fetched
from netwright.strategies.fronts.choice import by_front
from netwright.strategies.rounds.asking import evaluate, probe, train
from netwright.strategies.rounds.script import Rounds

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.strategies.rounds.asking import Talk
    from netwright.strategies.rounds.script import Script

MOST_REDRAWS = 20


class GreedyPaths(Rounds):
    """Of several paths those are trained whose loss on validation examples is least; the best of all become parents.

    Each time that the paths of the last look are used up, `sampled` paths are drawn and looked at on one validation
    minibatch; the `kept` best are trained, a step each, and all enter a pool that keeps those of the least loss. Each
    is drawn from the pool with a probability that rises from 0 along a line, and otherwise uniformly, again where it
    breaks a limit of the search on what is known without training. The training ends early where, from one epoch to the
    next, so few in the full pool are new. Then an evolution (NSGA-II where there are several objectives) begins with
    the best of the pool: of each generation the better half of parents and children lives, and children are half
    crossed and half mutated.

    space: the one to search.
    sampled: paths of each look; m = 10 in the paper.
    kept: that are trained of them; k = 5 in the paper.
    pool: how many candidates it holds; 1,000 in the paper.
    begins, ends: shares of the training between which the probability of the pool rises; from 10,000 of 150,000 steps
        on, to 144,360.
    most: to which it rises; 0.8 in the paper.
    tolerance: share of the pool that is new in an epoch, at which the training ends; 0.08 in the paper, 0 never ends
        it.
    population, generations: of the evolution; 50 and 20, as in single-path one-shot.
    mutation: probability of drawing a decision of a mutated child anew; 0.1.
    """

    def __init__(
        self,
        space: DecisionSpace,
        sampled: int = 10,
        kept: int = 5,
        pool: int = 1000,
        begins: float = 10_000 / 150_000,
        ends: float = 144_360 / 150_000,
        most: float = 0.8,
        tolerance: float = 0.08,
        population: int = 50,
        generations: int = 20,
        mutation: float = 0.1,
    ) -> None:
        self.space = space
        self.sampled = whole_number(self, "sampled", sampled)
        self.kept = min(whole_number(self, "kept", kept), sampled)
        self.pool = whole_number(self, "pool", pool)
        self.begins, self.ends = probability(self, "begins", begins), probability(self, "ends", ends)
        self.most = probability(self, "most", most)
        self.tolerance = probability(self, "tolerance", tolerance)
        self.population = whole_number(self, "population", population)
        self.generations = whole_number(self, "generations", generations)
        self.mutation = probability(self, "mutation", mutation)
        self.candidates: dict[str, float] = {}  # the pool: what is drawn as JSON, and its last loss
        self.queue: list[Architecture] = []  # to be trained
        self.before: list[str] = []  # the pool an epoch ago
        self.epoch = 0
        self.members: list[Architecture] = []
        self.scores: list[list[float]] = []  # of the members
        self.generation = 0

    def script(self, rng: np.random.Generator) -> Script:
        """A training step with the look before it where one is due; or a generation."""
        if super().is_over:
            yield from self._generation(rng)
            return
        if not self.queue:
            yield from self._look(rng)
        yield train(self.queue.pop(0))
        if self.progress.epoch > self.epoch:
            self._watch()

    @property
    def is_over(self) -> bool:
        return super().is_over and self.generation >= self.generations

    def result(self) -> Architecture:
        """The best member by the first objective; before there is one, the best of the pool."""
        if self.members:
            return self.members[int(np.argmax([each[0] for each in self.scores]))]
        return self._best(1)[0] if self.candidates else self.space.sample(np.random.default_rng(0))

    def figures(self) -> dict[str, float]:
        return {"pool": float(len(self.candidates)), "from_pool": self.share_of_pool}

    @property
    def share_of_pool(self) -> float:
        """The probability with which a path is drawn from the pool."""
        if not self.candidates or self.ends <= self.begins:
            return 0.0
        risen = (self.progress.share - self.begins) / (self.ends - self.begins)
        return self.most * min(1.0, max(0.0, risen))

    def _look(self, rng: np.random.Generator) -> Talk[None]:
        drawn = [self._draw(rng) for _ in range(self.sampled)]
        losses: list[object] = []
        for place, each in enumerate(drawn):
            told = yield probe(each, again=place > 0)
            losses.append(told.metrics["loss"])
        found = fetched(losses)
        order = np.argsort(found, kind="stable").tolist()
        self.queue = [drawn[place] for place in order[: self.kept]]
        for each, loss in zip(drawn, found, strict=True):
            self.candidates[str(each)] = float(loss)
        if len(self.candidates) > self.pool:
            alive = sorted(self.candidates, key=lambda key: self.candidates[key])[: self.pool]
            self.candidates = {key: self.candidates[key] for key in alive}

    def _draw(self, rng: np.random.Generator) -> Architecture:
        if rng.random() < self.share_of_pool:
            keys = list(self.candidates)
            return self.space.parse(keys[int(rng.integers(len(keys)))])
        for _ in range(MOST_REDRAWS):
            found = self.space.sample(rng)
            if self.keeps(found):
                return found
        return self.space.sample(rng)

    def _watch(self) -> None:
        """End the training where the pool is full and hardly changes any more."""
        self.epoch = self.progress.epoch
        now = list(self.candidates)
        new = len(set(now) - set(self.before)) / max(1, len(now))
        if len(now) == self.pool and self.before and new <= self.tolerance:
            self.end(f"{new:.0%} of the pool of candidates are new")
        self.before = now

    def _best(self, count: int) -> list[Architecture]:
        keys = sorted(self.candidates, key=lambda key: self.candidates[key])[:count]
        return [self.space.parse(key) for key in keys]

    # The evolution.

    def _generation(self, rng: np.random.Generator) -> Talk[None]:
        born = self._children(rng) if self.members else self._first(rng)
        for each in born:
            told = yield evaluate(each)
            if told.completed:
                self.members.append(each)
                self.scores.append([float(score) for score in told.scores])
        self.generation += 1
        if not born:
            self.generation = self.generations
            self.end("the evolution found nothing new")
        if self.scores:
            alive = by_front(np.array(self.scores))[: self.population]
            self.members = [self.members[place] for place in alive]
            self.scores = [self.scores[place] for place in alive]

    def _first(self, rng: np.random.Generator) -> list[Architecture]:
        """The best of the pool, and random ones where it holds fewer."""
        found = dict.fromkeys(self._best(self.population))
        for _ in range(MOST_REDRAWS * self.population):
            if len(found) >= self.population:
                break
            found.setdefault(self.space.sample(rng))
        return list(found)

    def _children(self, rng: np.random.Generator) -> list[Architecture]:
        known = set(self.members)
        found: dict[Architecture, None] = {}
        for _ in range(MOST_REDRAWS * self.population):
            if len(found) == self.population:
                break
            child = self._child(rng, crossed=len(found) < self.population // 2)
            if child not in known:
                found.setdefault(child)
        return list(found)

    def _child(self, rng: np.random.Generator, crossed: bool) -> Architecture:
        parents: Sequence[Architecture] = self.members[: max(1, len(self.members) // 2)]
        first, second = (parents[int(rng.integers(len(parents)))] for _ in range(2))
        if crossed and self.space.crosses:
            return self.space.crossover(first, second, rng)
        return EachDecision(self.mutation).mutate(self.space, first, rng)
