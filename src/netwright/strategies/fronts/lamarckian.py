"""Lamarckian evolution of a front (Elsken et al. 2019, LEMONADE): what is cheap says what trainings are spent on."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netwright.core.checks import whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.predictors.linear import Linear
from netwright.strategies.bayesian.asked import Asked
from netwright.strategies.evolution.ranking import front_numbers, still_completed
from netwright.strategies.inheritance import inherited_share

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.trial import Trial

MOST_REDRAWS = 20
LEAST_EXAMPLES = 4  # before cheap objectives are predicted


class LamarckianEvolution(Strategy):
    """Of many children of the front those are evaluated whose cheap objectives are rare on it; they inherit weights.

    Parents are drawn from the front in inverse proportion to a kernel density estimate of the cheap objectives, all but
    the first. Each has a child by one change; of `proposed` children `accepted` are drawn in inverse proportion to the
    same density at what is predicted of them, and only these are evaluated (algorithm 1). Where the paper computes the
    cheap objectives of all children, they are predicted here by a ridge regression on the decisions from those that
    were measured, which parameters and multiply-adds nearly are. With one objective all members are equally likely.

    space: the one to search.
    population: random architectures first.
    proposed: children of each generation.
    accepted: how many of them are evaluated.
    inherit: whether children begin from their parents' trained weights, as far as the space takes them over.
    child_share: of the full training that a child takes which inherits, above 0 and at most 1.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        population: int = 20,
        proposed: int = 50,
        accepted: int = 10,
        inherit: bool = True,
        child_share: float = 1.0,
    ) -> None:
        self.space = space
        self.population = whole_number(self, "population", population)
        self.proposed = whole_number(self, "proposed", proposed)
        self.accepted = whole_number(self, "accepted", accepted)
        self.inherits = inherited_share(self, inherit, child_share)
        self._asked = Asked(space)
        self._known: list[Trial] = []
        self._front: list[Trial] = []
        self._count = 0
        self._planned: deque[tuple[Architecture, int]] = deque()

    def ask(self, rng: np.random.Generator) -> Proposal:
        if self._count >= self.population and self._front and not self._planned:
            self._plan(rng)
        self._count += 1
        if not self._planned:
            return Proposal(self._asked.draw(rng))
        child, parent = self._planned.popleft()
        return Proposal(child, parent=parent)

    def tell(self, trial: Trial) -> None:
        if not trial.completed or not np.isfinite(trial.scores).all():
            return
        self._known.append(trial)
        self._front = _front_of([*self._front, trial])

    def judge_anew(self, trials: Mapping[int, Trial]) -> None:
        self._known = still_completed(self._known, trials)
        self._front = _front_of(self._known)

    def may_continue(self, number: int) -> bool:
        """Whether a child may yet begin from this one's weights: it lies on the front, or its child is planned."""
        if not self.inherits:
            return False
        return any(each.number == number for each in self._front) or any(
            parent == number for _, parent in self._planned
        )

    def _plan(self, rng: np.random.Generator) -> None:
        """Algorithm 1: parents by inverse density, many children, of whom few are accepted by inverse density."""
        cheap = np.array([each.scores[1:] for each in self._front])
        shares = rare(cheap, cheap)
        children: dict[Architecture, int] = {}
        for _ in range(MOST_REDRAWS * self.proposed):
            if len(children) == self.proposed or self.space.size == 1:
                break
            parent = self._front[int(rng.choice(len(shares), p=shares))]
            child = self.space.mutate(parent.architecture, rng)
            if not self._asked.has(child):
                children.setdefault(child, parent.number)
        found = list(children)
        if not found:
            return
        count = min(self.accepted, len(found))
        chosen = rng.choice(len(found), count, replace=False, p=rare(self._predicted(found, rng), cheap))
        for place in chosen.tolist():
            if self._asked.add(found[place]):  # of those that compute the same one is enough
                self._planned.append((found[place], children[found[place]]))

    def _predicted(self, architectures: list[Architecture], rng: np.random.Generator) -> np.ndarray:
        """What the cheap objectives of architectures will be: float64 (n, objectives - 1)."""
        known, width = self._known, len(self._known[0].scores) - 1
        if not width or len(known) < LEAST_EXAMPLES:
            return np.zeros((len(architectures), width))
        columns: list[np.ndarray] = []
        for place in range(1, width + 1):
            predictor = Linear(self.space)
            values = [each.scores[place] for each in known]
            predictor.fit([each.architecture for each in known], values, int(rng.integers(2**31)))
            columns.append(predictor.predict(architectures).mean)
        return np.column_stack(columns)


def _front_of(trials: Sequence[Trial]) -> list[Trial]:
    """Those that no other dominates, in their order."""
    if not trials:
        return []
    fronts = front_numbers(np.array([each.scores for each in trials]))
    return [each for each, number in zip(trials, fronts.tolist(), strict=True) if number == 0]


def rare(points: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Probabilities float64 (n,) of points (n, d) in inverse proportion to the density of others (k, d) there.

    The density is a sum of Gaussians of Scott's width (1992) in each dimension, which is scaled to its deviation; a
    floor keeps what lies far away from taking all.
    """
    if not points.shape[1] or not len(among):
        return np.full(len(points), 1 / len(points))
    width = among.std(axis=0)
    width = np.where(width > 0, width, 1.0) * len(among) ** (-1 / (among.shape[1] + 4))
    squares = (((points[:, None] - among[None]) / width) ** 2).sum(axis=2)
    density = np.exp(-0.5 * squares).mean(axis=1)
    inverse = 1 / np.maximum(density, 1e-2 / len(among))
    return inverse / inverse.sum()
