"""Bayesian optimisation of several objectives, each with a predictor of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.checks import whole_number
from netwright.core.errors import ConfigurationError
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal, asked_about
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.strategies.bayesian.asked import Asked
from netwright.strategies.bayesian.beliefs import FAULT_OF_THE_ARCHITECTURE, unfitted
from netwright.strategies.bayesian.candidates import Candidates, MutationsOfBest, Standing
from netwright.strategies.evolution.ranking import still_completed
from netwright.strategies.fronts.choice import FrontChoice, HypervolumeImprovement, by_front

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.trial import Trial
    from netwright.predictors.predictor import Predictor

LEAST_EXAMPLES = 2
_CHOICE, _CANDIDATES = HypervolumeImprovement(), MutationsOfBest(random=30)


class FrontOptimization(Strategy):
    """Random architectures first, then rounds: learn each objective, make candidates near the front, ask the best ones.

    No architecture is asked twice; others that compute the same may be, as their time and memory may be another. `ask`
    never waits: what is pending counts as measured at its predicted mean. A trial that failed because of its
    architecture counts as the worst in each objective where predictors learn; others are left out.

    space: the one to search.
    predictor: of one objective; each learns with a copy of it. `GaussianProcess(space)` by default.
    choice: which candidates are worth most, by default by expected improvement of the hypervolume.
    candidates: where architectures to compare come from; by default mutations of the first fronts, and random ones.
    initial: how many random architectures come first.
    batch: how many are asked in a round, before the predictors learn again.

    Raises SpaceExhausted once everything was asked.
    """

    adopts = True

    def __init__(
        self,
        space: Space,
        predictor: Predictor | None = None,
        choice: FrontChoice = _CHOICE,
        candidates: Candidates = _CANDIDATES,
        initial: int = 10,
        batch: int = 5,
    ) -> None:
        self.space = space
        self.predictor = GaussianProcess(space) if predictor is None else predictor
        if self.predictor.space.id != space.id:
            raise ConfigurationError(
                f"FrontOptimization: the predictor is of space {self.predictor.space.id!r}; expected {space.id!r}"
            )
        self.choice, self.candidates = choice, candidates
        self.initial = whole_number(self, "initial", initial)
        self.batch = whole_number(self, "batch", batch)
        self._asked = Asked(space, exact=True)
        self._count = 0
        self._known: list[Trial] = []
        self._predictors: list[Predictor] = []  # one an objective
        self._taken = 0  # of `_known`, by predictors that go on
        self._failed: list[Architecture] = []
        self._pending: dict[Architecture, tuple[float, ...] | None] = {}  # with the means that were predicted
        self._planned: deque[tuple[Architecture, tuple[float, ...]]] = deque()

    def ask(self, rng: np.random.Generator) -> Proposal:
        if self._count >= self.initial and not self._planned and len(self._known) >= LEAST_EXAMPLES:
            self._plan(rng)
        architecture, means = self._planned.popleft() if self._planned else (self._asked.draw(rng), None)
        self._pending[architecture] = means
        self._count += 1
        return Proposal(architecture)

    def tell(self, trial: Trial) -> None:
        self._pending.pop(asked_about(trial), None)
        self._asked.note(trial)
        if trial.completed and np.isfinite(trial.scores).all():
            self._known.append(trial)
        elif trial.completed or trial.state in FAULT_OF_THE_ARCHITECTURE:
            self._failed.append(trial.architecture)

    def judge_anew(self, trials: Mapping[int, Trial]) -> None:
        """What breaks a limit now is of no front, and counts among those that failed where predictors learn."""
        kept = still_completed(self._known, trials)
        numbers = {each.number for each in kept}
        self._failed += [each.architecture for each in self._known if each.number not in numbers]
        self._known, self._taken = kept, 0

    def _plan(self, rng: np.random.Generator) -> None:
        """Choose the next round's architectures; none where no candidate is new."""
        scores = np.array([trial.scores for trial in self._known])
        predictors = self._learnt(scores, rng)
        order = by_front(scores)
        ranked = [self._known[place].architecture for place in order]

        def score(architectures: Sequence[Architecture]) -> np.ndarray:
            return np.array([each.predict(architectures).mean for each in predictors]).mean(axis=0)

        values = [float(-place) for place in range(len(ranked))]
        found = self.candidates.propose(Standing(self.space, ranked, values, self._asked, score), rng)
        if not found:
            return
        predicted = [each.predict(found) for each in predictors]
        mean = np.column_stack([each.mean for each in predicted])
        deviation = np.column_stack([each.deviation for each in predicted])
        believed = [means for means in self._pending.values() if means is not None]
        known = np.vstack((scores, *believed)) if believed else scores
        for place in self.choice.choose(mean, deviation, known, self.batch):
            self._asked.add(found[place])
            self._planned.append((found[place], tuple(mean[place].tolist())))

    def _learnt(self, scores: np.ndarray, rng: np.random.Generator) -> list[Predictor]:
        """A predictor of each objective, which goes on from what it has learnt where nothing failed."""
        architectures = [*(trial.architecture for trial in self._known), *self._failed]
        if not self._predictors:
            self._predictors = [unfitted(self.predictor) for _ in scores.T]
        for predictor, column in zip(self._predictors, scores.T, strict=True):
            seed = int(rng.integers(2**31))
            if self._failed or not self._taken or not predictor.goes_on():
                values = [*column.tolist(), *[float(column.min())] * len(self._failed)]
                predictor.fit(architectures, values, seed)
            elif self._taken < len(column):
                predictor.update(architectures[self._taken :], column[self._taken :].tolist(), seed)
        self._taken = 0 if self._failed else len(scores)
        return self._predictors
