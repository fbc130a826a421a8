"""NSGA-II on what is predicted, a few of whose front are measured (Lu et al. 2020, "NSGANetV2", MSuNAS)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netwright.core.checks import whole_number
from netwright.core.closest import largest, smallest
from netwright.core.correlation import kendall
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import StopSearch
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.predictors.forest import Forest
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.linear import Linear
from netwright.strategies.bayesian.asked import Asked
from netwright.strategies.bayesian.beliefs import unfitted
from netwright.strategies.evolution.beginning import Beginning
from netwright.strategies.evolution.genetic import GeneticAlgorithm
from netwright.strategies.evolution.ranking import front_numbers, still_completed
from netwright.strategies.imagined import searched

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.trial import Trial
    from netwright.predictors.predictor import Predictor

FOLDS = 10  # of the cross-validation that a predictor is chosen by


class SurrogateFront(Strategy):
    """Measures a few at a time of the front that NSGA-II finds on what is predicted of all objectives.

    The largest, the smallest and random architectures first. In each round every objective is predicted by that
    predictor whose Kendall's tau with what was measured is highest in ten-fold cross-validation, its mean less its
    deviation over the folds ("adaptive switching"). NSGA-II, begun at the front so far, searches the predictions; of
    its last population those new ones are measured that leave the second objective the least uneven gaps between
    members of the front. Where the other objectives are counted, a linear predictor is all but exact.

    space: the one to search.
    predictors: from which is chosen for each objective; None for a Gaussian process, a forest and a ridge regression.
    initial: architectures first; 100 in the authors' program.
    batch: architectures of each round; 8 in the program.
    population: of NSGA-II; 40 in the program.
    generations: of NSGA-II in each round; 20 in the program.
    rounds: after which it ends; 30 in the program, None for no end.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        predictors: Sequence[Predictor] | None = None,
        initial: int = 100,
        batch: int = 8,
        population: int = 40,
        generations: int = 20,
        rounds: int | None = None,
    ) -> None:
        self.space = space
        usual = (GaussianProcess(space), Forest(space), Linear(space))
        self.predictors = usual if predictors is None else tuple(predictors)
        self.initial = whole_number(self, "initial", initial)
        self.batch = whole_number(self, "batch", batch)
        self.population = whole_number(self, "population", population)
        self.generations = whole_number(self, "generations", generations)
        self.rounds = None if rounds is None else whole_number(self, "rounds", rounds)
        self.bounded = rounds is not None
        self._asked = Asked(space)
        self._known: list[Trial] = []
        self._first: deque[Architecture] = deque((largest(space), smallest(space)))
        self._planned: deque[Architecture] = deque()
        self._count = self._pending = 0

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        if self.rounds is not None and self._count >= self.initial + self.batch * self.rounds:
            raise StopSearch(f"all {self.rounds} rounds of {self.batch} were measured")
        if self._count >= self.initial and not self._planned:
            if self._pending:
                return None
            self._plan(rng)
        self._count += 1
        self._pending += 1
        if self._planned:
            return Proposal(self._planned.popleft())
        while self._first:
            corner = self._first.popleft()
            if self._asked.add(corner):
                return Proposal(corner)
        return Proposal(self._asked.draw(rng))

    def tell(self, trial: Trial) -> None:
        self._pending -= 1
        if trial.completed and np.isfinite(trial.scores).all():
            self._known.append(trial)

    def judge_anew(self, trials: Mapping[int, Trial]) -> None:
        self._known = still_completed(self._known, trials)

    def _plan(self, rng: np.random.Generator) -> None:
        """The next round; none where nothing new was found, so that a random one is asked."""
        if len(self._known) < 2:
            return
        known = [trial.architecture for trial in self._known]
        scores = np.array([trial.scores for trial in self._known])
        chosen = [self._chosen(known, column, rng) for column in scores.T]
        front = [known[place] for place in np.flatnonzero(front_numbers(scores) == 0).tolist()]
        inner = GeneticAlgorithm(self.space, self.population, beginning=FromFront(front))
        found = searched(
            inner,
            lambda many: np.column_stack([each.predict(many).mean for each in chosen]),
            self.population * self.generations,
            rng,
        )
        fresh = [each for each in list(found)[-5 * self.population :] if not self._asked.has(each)]
        if not fresh:
            return
        last = np.array([found[each] for each in fresh])
        order = np.lexsort((-last[:, 0], front_numbers(last)))[: self.population].tolist()
        second = min(1, scores.shape[1] - 1)
        taken = scores[front_numbers(scores) == 0][:, second]
        for place in evenly(last[order][:, second], taken, self.batch):
            if self._asked.add(fresh[order[place]]):
                self._planned.append(fresh[order[place]])

    def _chosen(self, known: Sequence[Architecture], values: np.ndarray, rng: np.random.Generator) -> Predictor:
        """The predictor that ranks what it did not learn best, fitted to all."""
        seed = int(rng.integers(2**31))
        best = unfitted(self.predictors[self._best(known, values, rng) if len(self.predictors) > 1 else 0])
        best.fit(list(known), values.tolist(), seed)
        return best

    def _best(self, known: Sequence[Architecture], values: np.ndarray, rng: np.random.Generator) -> int:
        folds = np.array_split(rng.permutation(len(known)), min(FOLDS, len(known) // 2))
        taus = [[_tau(unfitted(each), known, values, fold) for fold in folds] for each in self.predictors]
        return int(np.argmax([np.mean(each) - np.std(each) for each in taus]))


class FromFront(Beginning):
    """A first population of these architectures, and mutations of them where there are fewer than places.

    members: at least one.
    """

    def __init__(self, members: Sequence[Architecture]) -> None:
        self.members = tuple(members)
        self._next = 0

    def draw(self, space: Space, rng: np.random.Generator) -> Architecture:
        self._next += 1
        if self._next <= len(self.members):
            return self.members[self._next - 1]
        return space.mutate(self.members[int(rng.integers(len(self.members)))], rng)


def evenly(values: np.ndarray, taken: np.ndarray, count: int) -> list[int]:
    """The places of at most `count` values, one after the other that whose gaps with those taken deviate the least.

    values: (n,), to choose from. taken: (k,), of which the gaps are.
    """
    chosen: list[int] = []
    found: list[float] = taken.tolist()
    for _ in range(min(count, len(values))):
        left = [place for place in range(len(values)) if place not in chosen]
        deviations = [_unevenness([*found, float(values[place])]) for place in left]
        chosen.append(left[int(np.argmin(deviations))])
        found.append(float(values[chosen[-1]]))
    return chosen


def _unevenness(values: list[float]) -> float:
    """The standard deviation of the gaps between values."""
    return float(np.std(np.diff(np.sort(np.array(values)))))


def _tau(predictor: Predictor, known: Sequence[Architecture], values: np.ndarray, fold: np.ndarray) -> float:
    """Kendall's tau of a fold with what was learnt from the others; 0 where there is none."""
    held = set(fold.tolist())
    rest = [place for place in range(len(known)) if place not in held]
    predictor.fit([known[place] for place in rest], values[rest].tolist())
    tau = kendall(predictor.predict([known[place] for place in fold.tolist()]).mean, values[fold])
    return float(tau) if np.isfinite(tau) else 0.0
