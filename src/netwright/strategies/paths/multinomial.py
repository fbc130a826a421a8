"""Multinomial distribution learning (Zheng et al. 2019, "MDENAS")."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, StopSearch
from netwright.core.space import Space
from netwright.core.strategy import RoundStrategy
from netwright.core.trial import Proposal
from netwright.strategies.paths.categorical import Categoricals
from netwright.strategies.paths.sampler import OVER

if TYPE_CHECKING:
    from netwright.core.architecture import Mixture
    from netwright.core.decisions import Point
    from netwright.core.trial import Trial

PROVIDES = ("search.multinomial",)


class Comparison:
    """Probabilities that move from options which were trained longer, yet do worse, to those they are worse than.

    epochs, scores: H_e and H_a, for each option how often it was trained for an epoch and how good the architecture was
    that last held it.

    rate: alpha.
    """

    def __init__(self, space: DecisionSpace, rate: float = 0.01) -> None:
        self.probabilities = Categoricals(space)
        self.rate = rate
        self.epochs = [np.zeros(size, dtype=np.int64) for size in space.decisions.sizes]
        self.scores = [np.full(size, -math.inf) for size in space.decisions.sizes]

    def update(self, point: Point, score: float) -> None:
        """Take note of an architecture that was trained for one more epoch, and move what it decides."""
        for i, option in enumerate(point):
            if option < 0:
                continue
            self.epochs[i][option] += 1
            self.scores[i][option] = score
            p = np.maximum(self.probabilities.probabilities[i] + self.rate * self._gains(i), 0.0)
            self.probabilities.probabilities[i] = p / p.sum()

    def likeliest(self) -> Architecture:
        """The likeliest option of each decision; of equally likely ones that with the best score."""
        return self.probabilities.likeliest(self.scores)

    def _gains(self, i: int) -> np.ndarray:
        """Over how many options each wins with less training, less those it loses to with more."""
        epochs, scores = self.epochs[i], self.scores[i]
        wins = (epochs[:, None] < epochs[None, :]) & (scores[:, None] > scores[None, :])
        return wins.sum(axis=1) - wins.sum(axis=0)


class MultinomialLearning(RoundStrategy):
    """Each epoch trains one architecture drawn from the probabilities, which is then evaluated and compared.

    A probability does not fall below 0, and they are scaled to sum to 1. At the end the likeliest architecture is
    evaluated, and that is what it recommends. An epoch whose evaluation fails is not compared.

    space: the one to search.
    rate: alpha, by which a probability moves for each option that it is compared with; 0.01 in the paper.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    bounded: ClassVar[bool] = True

    def __init__(self, space: DecisionSpace, rate: float = 0.01) -> None:
        if not 0 < rate < 1:
            raise ConfigurationError(f"MultinomialLearning: rate is {rate!r}; expected a number between 0 and 1")
        self.space, self.rate = space, rate
        self._comparison = Comparison(space, rate)
        self._current: Architecture | None = None  # trained in this epoch
        self._over = False  # whether its epoch is
        self._epoch = self._progress = 0.0
        self._ended = False

    def ask(self, rng: np.random.Generator) -> Proposal:
        if self._current is None and self._progress < 1:
            self._current = self._comparison.probabilities.draw(rng)
        if self._current is not None:
            return Proposal(self._current, "evaluate" if self._over else "train")
        if self._ended:
            raise StopSearch(OVER)
        self._ended = True
        return Proposal(self.within_limits(self._comparison.likeliest()))

    def tell(self, trial: Trial) -> None:
        if trial.proposal.purpose == "train":
            self._over = trial.metrics["epoch"] > self._epoch
            self._epoch, self._progress = trial.metrics["epoch"], trial.metrics["progress"]
        elif self._current is not None:
            if trial.completed:
                self._comparison.update(self.space.indices(self._current), trial.scores[0])
            self._current, self._over = None, False

    def recommend(self, trials: Sequence[Trial]) -> Architecture:
        return self.within_limits(self._comparison.likeliest())

    def mixture(self) -> Mixture:
        return self._comparison.probabilities.mixture()

    def figures(self) -> Mapping[str, float]:
        return {"certainty": self._comparison.probabilities.certainty}

    def state_dict(self) -> Mapping[str, Any]:
        made = self._comparison
        return {
            "probabilities": made.probabilities.state(),
            "epochs": [each.tolist() for each in made.epochs],
            # Options that were never trained have no score, which JSON cannot say as a number.
            "scores": [[None if math.isinf(score) else score for score in each.tolist()] for each in made.scores],
            "current": None if self._current is None else list(self.space.indices(self._current)),
            "over": self._over,
            "epoch": self._epoch,
            "progress": self._progress,
            "ended": self._ended,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        made = self._comparison
        made.probabilities.restore(state["probabilities"])
        made.epochs = [np.array(each, dtype=np.int64) for each in state["epochs"]]
        made.scores = [np.array([-math.inf if s is None else s for s in each]) for each in state["scores"]]
        current = state["current"]
        self._current = None if current is None else self.space.from_indices(tuple(current), check=False)
        self._over, self._ended = bool(state["over"]), bool(state["ended"])
        self._epoch, self._progress = float(state["epoch"]), float(state["progress"])
