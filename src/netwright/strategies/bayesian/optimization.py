"""Bayesian optimisation (Mockus et al. 1978): evaluate what a predictor of the scores holds to be worth it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.checks import whole_number
from netwright.core.errors import ConfigurationError
from netwright.core.space import frozen
from netwright.core.strategy import Remembering
from netwright.core.trial import Proposal, asked_about
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.strategies.bayesian.acquisition import Acquisition, ExpectedImprovement
from netwright.strategies.bayesian.asked import Asked
from netwright.strategies.bayesian.beliefs import Beliefs
from netwright.strategies.bayesian.candidates import Candidates, MutationsOfBest, Standing
from netwright.strategies.unseen import listed

if TYPE_CHECKING:
    from collections.abc import Hashable

    from netwright.core.space import Space
    from netwright.core.trial import Trial
    from netwright.predictors.predictor import Predictor

LEAST_EXAMPLES = 2
LARGE, SHARE = 1000, 0.03  # of more examples than so many, a round is that share
COMPARED = 4  # candidates for each that is asked, at least, before a round is larger than `batch`
_IMPROVEMENT, _MUTATIONS = ExpectedImprovement(), MutationsOfBest()


class BayesianOptimization(Remembering):
    """Random architectures first, then rounds: learn, make candidates, ask those that the acquisition values most.

    No architecture is asked twice. `ask` never waits: where trials are pending when a round begins, the predictor takes
    them as measured at the mean that it predicted. What trials that failed and several objectives mean: see `Beliefs`.

    space: the one to search.
    predictor: of the score; `GaussianProcess(space)` by default. The search works on a copy of it.
    acquisition: what a candidate is worth, by what is predicted of it.
    candidates: where architectures to compare come from.
    initial: how many random architectures come first.
    batch: how many are asked in a round, before the predictor learns again; beyond 1,000 examples a round is 3 % of
        them where that is more, out of as many times the candidates, so that what learning and ranking cost an ask does
        not grow with the search.

    Raises SpaceExhausted once everything was asked.
    """

    adopts = True

    def __init__(
        self,
        space: Space,
        predictor: Predictor | None = None,
        acquisition: Acquisition = _IMPROVEMENT,
        candidates: Candidates = _MUTATIONS,
        initial: int = 10,
        batch: int = 1,
    ) -> None:
        self.space = space
        self.predictor = GaussianProcess(space) if predictor is None else predictor
        if self.predictor.space.id != space.id:
            raise ConfigurationError(
                f"BayesianOptimization: the predictor is of space {self.predictor.space.id!r}; expected {space.id!r}"
            )
        self.acquisition, self.candidates = acquisition, candidates
        self.initial = whole_number(self, "initial", initial)
        self.batch = whole_number(self, "batch", batch)
        self._beliefs = Beliefs(self.predictor)
        self._asked = Asked(space)
        self._count = 0
        self._planned: deque[tuple[Architecture, float]] = deque()
        self._pending: dict[Hashable, tuple[Architecture, float | None]] = {}  # with the mean that was predicted

    def ask(self, rng: np.random.Generator) -> Proposal:
        if self._count >= self.initial and not self._planned and len(self._beliefs) >= LEAST_EXAMPLES:
            self._plan(rng)
        architecture, mean = self._planned.popleft() if self._planned else (self._asked.draw(rng), None)
        self._pending[self.space.key(architecture)] = architecture, mean
        self._count += 1
        return Proposal(architecture)

    def tell(self, trial: Trial) -> None:
        self._pending.pop(self.space.key(asked_about(trial)), None)
        self._asked.note(trial)
        self._beliefs.add(trial)

    def judge_anew(self, trials: Mapping[int, Trial]) -> None:
        self._beliefs.judge_anew(trials.values())

    def memory(self) -> Mapping[str, Any] | None:
        beliefs = self._beliefs.memory()
        if beliefs is None:
            return None
        return {
            "beliefs": beliefs,
            "asked": self._asked.memory(),
            "count": self._count,
            "planned": [[listed(each.content), mean] for each, mean in self._planned],
            "pending": [[listed(each.content), mean] for each, mean in self._pending.values()],
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        self._beliefs.remember(memory["beliefs"])
        self._asked.remember(memory["asked"])
        self._count = memory["count"]
        self._planned.extend(self._recalled(*each) for each in memory["planned"])
        for content, mean in memory["pending"]:
            architecture, _ = self._recalled(content, mean)
            self._pending[self.space.key(architecture)] = architecture, mean

    def _recalled(self, content: Any, mean: Any) -> tuple[Architecture, Any]:
        return self.space.from_content(frozen(content), check=False), mean

    def _wanted(self) -> int:
        """How many are asked in the next round."""
        known = len(self._beliefs)
        return self.batch if known <= LARGE else max(self.batch, int(SHARE * known))

    def _plan(self, rng: np.random.Generator) -> None:
        """Choose the next round's architectures; none where no candidate is new."""
        beliefs = self._beliefs
        believed = [(each, mean) for each, mean in self._pending.values() if mean is not None]
        beliefs.learn(believed, rng)
        pending = [each for each, _ in self._pending.values()]
        best = max([beliefs.values[0], *(mean for _, mean in believed)])

        def score(architectures: Sequence[Architecture]) -> np.ndarray:
            return self.acquisition.scores(beliefs.predictor, architectures, best, pending, rng)

        wanted = self._wanted()
        standing = Standing(self.space, beliefs.ranked, beliefs.values, self._asked, score, wanted / self.batch)
        found = self.candidates.propose(standing, rng)
        if not found:
            return
        count = min(wanted, max(self.batch, len(found) // COMPARED))
        places = self.acquisition.choose(beliefs.predictor, found, count, best, pending, rng)
        means = beliefs.predictor.predict([found[place] for place in places]).mean.tolist()
        for place, mean in zip(places, means, strict=True):
            self._asked.add(found[place])
            self._planned.append((found[place], mean))
