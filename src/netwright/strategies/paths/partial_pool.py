"""A pool of partial networks that grows layer by layer (Li et al. 2020, PC-NAS, "Suppressing the Posterior Fading")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netwright.core.checks import probability, whole_number
from netwright.core.decisions import INACTIVE
from netwright.strategies.fetching import fetched
from netwright.strategies.rounds.asking import evaluate, probe, train
from netwright.strategies.rounds.script import Rounds

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Point
    from netwright.strategies.rounds.asking import Talk
    from netwright.strategies.rounds.script import Script

PROVIDES = ("search.shrink_grow",)

MOST_DRAWS = 30  # completions of a partial network until one keeps the limits


class PartialPool(Rounds):
    """Keeps a pool of partial networks, decided for their first decisions; only what continues them is trained.

    After a warm-up on uniform paths the rest of the training is cut into as many stages as there are decisions. Before
    each one every partial network of the pool is extended by every option of the next decision, the potential of an
    extension is the mean accuracy of random completions on a validation minibatch, and the best extensions are the new
    pool; then paths are trained that begin as one of them does. In the end the pool holds whole networks, which are
    evaluated. Completions that break a limit of the search on what is known without training are drawn again.

    space: the one to search, whose decisions are taken in its order.
    pool: partial networks that are kept; ours, as the paper's number is not known to us.
    completions: of each extension; ours.
    warm_up: share of the training on uniform paths; ours.
    most: of more extensions than so many a random part is looked at; ours.
    """

    def __init__(
        self, space: DecisionSpace, pool: int = 20, completions: int = 5, warm_up: float = 0.5, most: int = 100
    ) -> None:
        self.space = space
        self.pool = whole_number(self, "pool", pool)
        self.completions = whole_number(self, "completions", completions)
        self.warm_up = probability(self, "warm_up", warm_up)
        self.most = whole_number(self, "most", most)
        self.partial: list[list[int]] = [[]]
        self.decided = 0
        self.best: Architecture | None = None
        self.best_score = float("-inf")
        self.evaluated = False

    def script(self, rng: np.random.Generator) -> Script:
        """A training step on what continues the pool, with an extension of it before where one is due."""
        if super().is_over:
            yield from self._finish(rng)
            return
        if self.decided < self._due():
            yield from self._extend(rng)
        yield train(lambda rng: self._completed(self._any(rng), rng))

    def _due(self) -> int:
        """How many decisions are to be taken by now."""
        total = len(self.space.decisions)
        if self.progress.share < self.warm_up or self.warm_up >= 1:
            return 0
        return min(total, 1 + int(total * (self.progress.share - self.warm_up) / (1 - self.warm_up)))

    @property
    def is_over(self) -> bool:
        return super().is_over and self.evaluated

    def result(self) -> Architecture:
        """The best whole network that was evaluated; before that, a completion of the best partial one."""
        return self.best or self._completed(self.partial[0], np.random.default_rng(0))

    def figures(self) -> dict[str, float]:
        return {"decided": float(self.decided), "pool": float(len(self.partial))}

    def _extend(self, rng: np.random.Generator) -> Talk[None]:
        extensions = self._extensions()
        if len(extensions) > self.most:
            extensions = [extensions[k] for k in sorted(rng.permutation(len(extensions))[: self.most].tolist())]
        potentials: list[float] = []
        first = True
        for each in extensions if len(extensions) > 1 else ():
            scores: list[object] = []
            for _ in range(self.completions):
                told = yield probe(self._completed(each, rng), again=not first)
                scores.append(told.metrics["score"])
                first = False
            potentials.append(float(np.mean(fetched(scores))))
        order = np.argsort(-np.array(potentials), kind="stable").tolist() if potentials else range(len(extensions))
        self.partial = [extensions[place] for place in order][: self.pool]
        self.decided += 1

    def _extensions(self) -> list[list[int]]:
        table, found = self.space.decisions, list[list[int]]()
        for each in self.partial:
            if not table.active(self.decided, each):
                found.append([*each, INACTIVE])
                continue
            allowed = table.options_after(self.decided, each)
            size = table.sizes[self.decided]
            found += [[*each, k] for k in range(size) if allowed is None or allowed[k]]
        return found

    def _any(self, rng: np.random.Generator) -> list[int]:
        return self.partial[int(rng.integers(len(self.partial)))]

    def _completed(self, partial: list[int], rng: np.random.Generator) -> Architecture:
        """A random network that begins so; one that keeps the limits, where luck finds it."""
        found = self._random(partial, rng)
        for _ in range(MOST_DRAWS):
            if self.keeps(found):
                break
            found = self._random(partial, rng)
        return found

    def _random(self, partial: list[int], rng: np.random.Generator) -> Architecture:
        drawn, table = self.space.indices(self.space.sample(rng)), self.space.decisions
        point: list[int] = []
        for i in range(len(table)):
            if not table.active(i, point):
                point.append(INACTIVE)
                continue
            wanted = partial[i] if i < len(partial) else drawn[i]
            allowed = table.options_after(i, point)
            options = [k for k in range(table.sizes[i]) if allowed is None or allowed[k]]
            point.append(wanted if wanted in options else options[int(rng.integers(len(options)))])
        complete: Point = tuple(point)
        return self.space.from_indices(complete, check=False)

    def _finish(self, rng: np.random.Generator) -> Talk[None]:
        """Take the decisions that are left, and evaluate what is in the pool."""
        while self.decided < len(self.space.decisions):
            yield from self._extend(rng)
        for each in self.partial:
            architecture = self._completed(each, rng)
            told = yield evaluate(architecture)
            if told.completed and told.scores[0] > self.best_score:
                self.best, self.best_score = architecture, float(told.scores[0])
        self.evaluated = True
