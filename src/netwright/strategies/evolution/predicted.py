"""Random architectures, a predictor of their scores, and an evolution on what it predicts (Cai et al. 2020)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netwright.core.checks import probability, whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import StopSearch
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.predictors.mlp.ensemble import MlpEnsemble
from netwright.strategies.bayesian.asked import Asked
from netwright.strategies.bayesian.beliefs import unfitted
from netwright.strategies.imagined import searched
from netwright.strategies.paths.top_evolution import TopEvolution

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.objective import Constraint
    from netwright.core.strategy import Figures
    from netwright.core.trial import Trial
    from netwright.predictors.predictor import Predictor

PROVIDES = ("est.predictor",)


class PredictedEvolution(Strategy):
    """Measures random architectures, learns to predict their scores, and measures the best that an evolution predicts.

    The evolution costs no measurement. It keeps the limits of the search on what is known without training; the random
    ones need not, as they only teach.

    space: the one to search.
    predictor: of the score; None for three perceptrons.
    samples: random architectures first; 16,000 in the paper.
    population: of the evolution; 100 in the authors' program.
    generations: of the evolution; 500 in the program.
    top: share of a population that is bred from; 0.25 in the program.
    mutation: probability of drawing a decision anew; 0.1 in the program.
    finalists: of the best predicted, how many are measured in the end; ours.

    Raises StopSearch after these.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    bounded: ClassVar[bool] = True

    def __init__(
        self,
        space: DecisionSpace,
        predictor: Predictor | None = None,
        samples: int = 16_000,
        population: int = 100,
        generations: int = 500,
        top: float = 0.25,
        mutation: float = 0.1,
        finalists: int = 10,
    ) -> None:
        self.space = space
        self.predictor = MlpEnsemble(space) if predictor is None else predictor
        self.samples = whole_number(self, "samples", samples)
        self.population = whole_number(self, "population", population)
        self.generations = whole_number(self, "generations", generations)
        self.top = probability(self, "top", top)
        self.mutation = probability(self, "mutation", mutation)
        self.finalists = whole_number(self, "finalists", finalists)
        self._asked = Asked(space)
        self._known: list[Trial] = []
        self._figures: Figures | None = None
        self._limits: tuple[Constraint, ...] = ()
        self._planned: deque[Architecture] | None = None
        self._count = self._pending = 0

    def know(self, figures: Figures, limits: Sequence[Constraint] = ()) -> None:
        self._figures, self._limits = figures, tuple(limits)

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        if self._count < self.samples:
            self._count += 1
            self._pending += 1
            return Proposal(self._asked.draw(rng))
        if self._planned is None:
            if self._pending:
                return None
            self._planned = deque(self._foretold(rng))
        if not self._planned:
            raise StopSearch(f"the {self.finalists} best predicted were measured")
        self._pending += 1
        return Proposal(self._planned.popleft())

    def tell(self, trial: Trial) -> None:
        self._pending -= 1
        if trial.completed and np.isfinite(trial.scores).all():
            self._known.append(trial)

    def _foretold(self, rng: np.random.Generator) -> list[Architecture]:
        """The best predicted that were not measured and keep the limits."""
        if not self._known:
            return []
        predictor = unfitted(self.predictor)
        predictor.fit(
            [t.architecture for t in self._known], [t.scores[0] for t in self._known], int(rng.integers(2**31))
        )

        def judged(many: Sequence[Architecture]) -> np.ndarray:
            means = predictor.predict(many).mean
            return np.array([[mean if self._keeps(each) else np.nan] for each, mean in zip(many, means, strict=True)])

        top = max(1, round(self.top * self.population))
        inner = TopEvolution(self.space, self.population, self.generations, top, mutation=self.mutation)
        found = searched(inner, judged, 4 * self.population * self.generations, rng)
        ranked = sorted(found, key=lambda each: -float(found[each][0]))
        return [each for each in ranked if not self._asked.has(each)][: self.finalists]

    def _keeps(self, architecture: Architecture) -> bool:
        figures = {} if self._figures is None or not self._limits else self._figures(architecture)
        return all(each.holds(figures) for each in self._limits if each.metric in figures)
