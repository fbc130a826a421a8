"""Graphs that lose one edge after the other (Zhang et al. 2020, "AutoShrink: A Topology-Aware NAS")."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from netwright.core.checks import share, whole_number
from netwright.core.closest import largest
from netwright.core.combination import combination
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, StopSearch
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.trial import Trial

PROVIDES = ("search.shrink_grow",)


class EdgeRemoval(Strategy):
    """Begins with all edges, and removes one a round: of a few that are tried that without which the reward is highest.

    Edges are the decisions that take 0 or 1, as in `GeneticCnn`. `ask` gives None while a round is pending. A proposal
    that does not complete is not chosen; where none completes, it ends.

    space: the one to search; other numbers in it are the largest.
    proposals: removals that are tried in each round, drawn at random; 10 in the authors' program.
    reward: what is to be high, a combination of metrics and of `score`; None for the score.
    keep: share of the edges at which it ends.

    Raises ConfigurationError for a space without such edges, StopSearch where so few are left.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    bounded: ClassVar[bool] = True

    def __init__(
        self, space: DecisionSpace, proposals: int = 10, reward: str | None = None, keep: float = 0.01
    ) -> None:
        self.space = space
        self.proposals = whole_number(self, "proposals", proposals)
        self.reward = reward
        self.keep = share(self, "keep", keep)
        self._reward = combination(reward or "score")
        self._bits = [i for i, each in enumerate(space.decisions) if sorted(map(str, each.options)) == ["0", "1"]]
        if not self._bits:
            raise ConfigurationError(f"EdgeRemoval: {space.name} decides about no edges; expected one as genetic-cnn")
        self._here = largest(space)
        self._least = self.keep * self._edges(self._here)
        self._queue: list[Architecture] = [self._here]
        self._found: list[Trial] = []
        self._pending = 0

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        if not self._queue:
            if self._pending:
                return None
            self._plan(rng)
        self._pending += 1
        return Proposal(self._queue.pop())

    def tell(self, trial: Trial) -> None:
        self._pending -= 1
        self._found.append(trial)

    def value(self, trial: Trial) -> float:
        """The reward of a trial; minus infinity of one that did not complete."""
        if not trial.completed:
            return -math.inf
        found = self._reward.value({**trial.metrics, "score": trial.scores[0]})
        return -math.inf if math.isnan(found) else found

    def recommend(self, trials: Sequence[Trial]) -> Architecture:
        """The one of the highest reward."""
        best = max(trials, key=self.value, default=None)
        if best is None or self.value(best) == -math.inf:
            return super().recommend(trials)
        return best.architecture

    def _plan(self, rng: np.random.Generator) -> None:
        best = max(self._found, key=self.value)
        if self.value(best) == -math.inf:
            raise StopSearch("none of the proposals could be trained")
        self._here, self._found = best.architecture, []
        edges = self._edges(self._here)
        removals = [each for each in self.space.neighbors(self._here) if self._edges(each) == edges - 1]
        if edges <= self._least or not removals:
            raise StopSearch(f"{edges} edges are left")
        chosen = rng.permutation(len(removals))[: self.proposals].tolist()
        self._queue = [removals[place] for place in chosen]

    def _edges(self, architecture: Architecture) -> int:
        answers = self.space.decisions.labels(self.space.indices(architecture))
        return sum(answers.get(self.space.decisions[i].name) in (1, "1") for i in self._bits)
