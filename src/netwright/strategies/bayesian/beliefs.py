"""A predictor kept up to date with what a search was told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from netwright.core.architecture import Architecture
from netwright.predictors.gaussian_process.joint import JointPredictor
from netwright.predictors.predictor import Predictor
from netwright.strategies.bayesian.scalarization import scalarized
from netwright.strategies.unseen import contents_of, points_of

if TYPE_CHECKING:
    from netwright.core.trial import Trial

FAULT_OF_THE_ARCHITECTURE = frozenset({"diverged", "infeasible", "out_of_memory", "timeout"})


def unfitted(predictor: Predictor) -> Predictor:
    """A predictor of the same settings that has learnt nothing; so are those that it is made of."""

    def renewed(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return tuple(renewed(each) for each in cast("Sequence[Any]", value))
        return unfitted(value) if isinstance(value, Predictor) else value

    return predictor.replace(**{name: renewed(value) for name, value in predictor.arguments.items()})


def _scores_of(trial: Trial) -> tuple[float, ...] | None:
    """None where it has none that a predictor can learn."""
    return trial.scores if trial.completed and all(np.isfinite(trial.scores)) else None


class Beliefs:
    """Examples as they come, and the predictor that learns from them when it is needed.

    A trial that failed because of its architecture counts as the worst that completed; one that was lost, cancelled or
    ended in an error says nothing of the architecture and is left out. Several objectives are made one under weights
    drawn anew each time.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = unfitted(predictor)
        self._architectures: list[Architecture] = []
        self._scores: list[tuple[float, ...] | None] = []  # None for a failure
        self._known = 0  # how many have a score of their own
        self._learnt = 0  # how many examples the predictor was given as they are
        self.ranked: list[Architecture] = []
        self.values: list[float] = []  # of `ranked`, under the current weights

    def add(self, trial: Trial) -> None:
        if trial.completed or trial.state in FAULT_OF_THE_ARCHITECTURE:
            self._put(trial.architecture, _scores_of(trial))

    def judge_anew(self, trials: Iterable[Trial]) -> None:
        """Take the scores of these trials for what they say now; the predictor learns all of it anew."""
        key = self.predictor.space.key
        now = {key(each.architecture): _scores_of(each) for each in trials}
        self._scores = [now.get(key(each), old) for each, old in zip(self._architectures, self._scores, strict=True)]
        self._known = sum(each is not None for each in self._scores)
        self._learnt = 0

    def _put(self, architecture: Architecture, scores: tuple[float, ...] | None) -> None:
        self._architectures.append(architecture)
        self._scores.append(scores)
        self._known += scores is not None

    def __len__(self) -> int:
        """How many examples have a score of their own."""
        return self._known

    def learn(self, believed: Sequence[tuple[Architecture, float]], rng: np.random.Generator) -> None:
        """Bring predictor and ranking up to date.

        believed: pending architectures with the mean that was predicted when they were asked. A predictor that cannot
        take them into account by itself is fitted to them too, and to what is known alone the next time.
        """
        seed = int(rng.integers(2**31))
        values = self._valued(rng)
        fantasies = () if isinstance(self.predictor, JointPredictor) else believed
        several = len(next(each for each in self._scores if each is not None)) > 1
        if several and not fantasies:
            self.predictor.revalue(self._architectures, values.tolist(), seed)
        elif fantasies or not self._learnt or not self.predictor.goes_on():
            architectures = [*self._architectures, *(each for each, _ in fantasies)]
            self.predictor.fit(architectures, [*values.tolist(), *(value for _, value in fantasies)], seed)
        elif self._learnt < len(values):
            new = slice(self._learnt, None)
            self.predictor.update(self._architectures[new], values[new].tolist(), seed)
        self._learnt = 0 if fantasies else len(values)
        places = np.argsort(-values, kind="stable")
        self.ranked = [self._architectures[place] for place in places]
        self.values = values[places].tolist()

    def memory(self) -> dict[str, Any] | None:
        """The examples, and the predictor's memory where it goes on from what it learnt; None where it gives none."""
        known = self.predictor.memory() if self.predictor.goes_on() else {}
        if known is None:
            return None
        width = max((len(each) for each in self._scores if each is not None), default=1)
        return {
            "points": points_of([each.content for each in self._architectures], self.predictor.space),
            "scores": self._table(width),
            "learnt": self._learnt,
            "predictor": known,
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Go on from there. The ranking is made anew before it is used."""
        space = self.predictor.space
        architectures = [space.from_content(each, check=False) for each in contents_of(memory["points"])]
        for architecture, scores in zip(architectures, memory["scores"].tolist(), strict=True):
            self._put(architecture, None if math.isnan(scores[0]) else tuple(scores))
        self._learnt = memory["learnt"]
        if self._learnt and self.predictor.goes_on():
            self.predictor.remember(memory["predictor"], architectures[: self._learnt])

    def _table(self, width: int) -> np.ndarray:
        """float64 (n, objectives): the scores, NaN for failures."""
        rows = [each if each is not None else (np.nan,) * width for each in self._scores]
        return np.array(rows, dtype=np.float64).reshape(len(rows), width)

    def _valued(self, rng: np.random.Generator) -> np.ndarray:
        """One number for each example; for failures the worst of them."""
        width = max(len(each) for each in self._scores if each is not None)
        table = self._table(width)
        failed = np.isnan(table[:, 0])
        values = np.empty(len(table))
        values[~failed] = scalarized(table[~failed], rng)
        values[failed] = values[~failed].min()
        return values
