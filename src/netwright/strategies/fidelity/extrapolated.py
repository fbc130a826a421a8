"""Trainings whose learning curves foretell that they will not win end early (Domhan et al. 2015; Baker et al. 2018)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netwright.core.checks import is_number, probability, refused
from netwright.core.errors import ConfigurationError
from netwright.core.strategy import Strategy, untold
from netwright.core.trial import Proposal
from netwright.predictors.curves import Curve, CurvePredictor, FinalValue

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.trial import Trial

GROWTH = 1.2  # times as many complete curves before the predictor learns them


class Extrapolated(Strategy):
    """Runs another strategy's trials in parts, and does not go on with one that will lose in all likelihood.

    Trials go on in any case until as many are complete as the predictor needs, and where the estimator gives no curve.
    The strategy inside is told of each of its trials once: of those that ended early with the score that is foretold,
    or with that of the last look where the predictor foretells none. What it asks at a fidelity of its own is passed
    on.

    strategy: the one whose trials are run.
    curves: foretells how learning curves end.
    looks: the shares of the budget after which it is asked, ascending.
    threshold: a training ends where the probability that it stays below the best complete one is larger.
    metric: of the learning curve, the one that the first objective is about; whether less of it is better is seen from
        the scores.
    """

    continues: ClassVar[bool] = True

    def __init__(
        self,
        strategy: Strategy,
        curves: CurvePredictor,
        looks: Sequence[float] = (1 / 3,),
        threshold: float = 0.95,
        metric: str = "val_accuracy",
    ) -> None:
        if not isinstance(curves, CurvePredictor):
            raise ConfigurationError(f"Extrapolated: curves is {curves!r}; expected a predictor such as Parametric()")
        self.space, self.strategy, self.curves = strategy.space, strategy, curves
        self.looks = _checked(looks)
        self._arguments["looks"] = list(self.looks)
        self.threshold, self.metric = probability(self, "threshold", threshold), metric
        self.bounded = strategy.bounded
        self._inner, self._predictor = untold(strategy), curves.replace()
        self._learnt = 0  # complete curves that the predictor knows
        self._complete: list[Curve] = []
        self._best: Curve | None = None
        self._pending: dict[Proposal, deque[_Part]] = {}
        self._next: deque[tuple[_Part, Trial]] = deque()

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        if self._next:
            part, trial = self._next.popleft()
            return self._asked(replace(part, looks=part.looks + 1), trial.number)
        proposal = self._inner.ask(rng)
        if proposal is None or proposal.fidelity is not None or proposal.is_round:
            return proposal and self._passed_on(proposal)
        return self._asked(_Part(proposal, 0), proposal.parent)

    def _asked(self, part: _Part, parent: int | None) -> Proposal:
        share = self.looks[part.looks] if part.looks < len(self.looks) else None
        return self._noted(part, Proposal(part.own.candidate, fidelity=share, parent=parent))

    def _passed_on(self, proposal: Proposal) -> Proposal:
        return self._noted(_Part(proposal, len(self.looks)), proposal)

    def _noted(self, part: _Part, proposal: Proposal) -> Proposal:
        self._pending.setdefault(proposal, deque()).append(part)
        return proposal

    def tell(self, trial: Trial) -> None:
        waiting = self._pending[trial.proposal]
        part = waiting.popleft()
        if not waiting:
            del self._pending[trial.proposal]
        scores, curve = trial.scores, self._curve(trial)
        if trial.completed and part.looks < len(self.looks):
            if curve is None or not self._loses(curve):
                self._next.append((part, trial))
                return
            scores = self._foretold(curve, trial)
        elif curve is not None and part.own.fidelity is None:
            self._learn(curve)
        self._inner.tell(replace(trial, proposal=part.own, scores=scores))

    def _curve(self, trial: Trial) -> Curve | None:
        """The learning curve, larger is better; None where there is none of finite numbers."""
        values = np.array([entry[self.metric] for entry in trial.measurement.curve if self.metric in entry])
        last = trial.metrics.get(self.metric)
        if not trial.scores or not len(values) or last is None or not np.isfinite(values).all():
            return None
        sign = 1.0 if trial.scores[0] == last else -1.0
        candidate: Architecture = trial.architecture
        return Curve(tuple((sign * values).tolist()), candidate)

    def _learn(self, curve: Curve) -> None:
        """Take note of a complete curve, unless it is of another length than those before."""
        if self._complete and len(curve.values) != len(self._complete[0].values):
            return
        self._complete.append(curve)
        if self._best is None or curve.values[-1] > self._best.values[-1]:
            self._best = curve
        if len(self._complete) >= max(GROWTH * self._learnt, self._predictor.least, 1):
            self._learnt = len(self._complete)
            self._predictor.fit(self._complete, seed=self._learnt)

    def _loses(self, seen: Curve) -> bool:
        if self._best is None or not self._learnt or len(seen.values) >= len(self._best.values):
            return False
        return self._predictor.chance(seen, self._best) < 1 - self.threshold

    def _foretold(self, seen: Curve, trial: Trial) -> tuple[float, ...]:
        if not isinstance(self._predictor, FinalValue) or self._best is None:
            return trial.scores
        found = self._predictor.predict([seen], len(self._best.values))
        return (float(found.mean[0]), *trial.scores[1:])

    def recommend(self, trials: Sequence[Trial]) -> Architecture:
        return self._inner.recommend(trials)

    def may_continue(self, number: int) -> bool:
        return any(trial.number == number for _, trial in self._next) or self._inner.may_continue(number)


@dataclass(frozen=True, slots=True)
class _Part:
    """Where one of the inner strategy's trials stands. own: its proposal. looks: how many lie behind it."""

    own: Proposal
    looks: int


def _checked(looks: Sequence[float]) -> tuple[float, ...]:
    found = tuple(looks) if isinstance(looks, (list, tuple)) else ()
    numbers = all(is_number(each) and 0 < each < 1 for each in found)
    if not found or not numbers or list(found) != sorted(set(found)):
        raise refused("Extrapolated", "looks", looks, "shares of the budget, ascending, above 0 and below 1")
    return found
