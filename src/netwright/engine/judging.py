"""From an executor's outcome to the trial that the strategy is told: scores, and numbers that are none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.core.combination import is_combination
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.executor import Outcome
from netwright.core.objective import Constraint, Objective
from netwright.core.trial import Measurement, Proposal, State, Trial

if TYPE_CHECKING:
    from collections.abc import Mapping


class Judge:
    """Gives completed trials their scores; one whose objective is not finite has diverged.

    Raises ConfigurationError where the first trial to complete lacks an objective or a limited metric: no trial of
    this estimator would have it. Later such trials end in state "error".
    """

    def __init__(self, objectives: Sequence[Objective], constraints: Sequence[Constraint]) -> None:
        self._objectives = tuple(objectives)
        self._constrained = tuple(each.metric for each in constraints)
        self._combined = tuple(each for each in objectives if is_combination(each.metric))
        needed = [name for each in objectives for name in _needs(each)]
        self._needed = tuple(dict.fromkeys((*needed, *self._constrained)))
        self._any_complete = False

    def trial(self, proposal: Proposal, outcome: Outcome) -> Trial:
        """The trial of this proposal."""
        state, reason, scores = outcome.state, outcome.reason, ()
        if state == "completed" and proposal.purpose == "evaluate":
            state, reason, scores = self._judged(outcome.measurement.metrics)
        found = outcome.measurement if not self._combined or state != "completed" else self._with_values(outcome)
        return Trial(outcome.number, proposal, state, found, scores, outcome.seconds, outcome.device, reason)

    def _with_values(self, outcome: Outcome) -> Measurement:
        """The measurement with what the combinations of metrics come to, each under its own text."""
        found, metrics = outcome.measurement, dict(outcome.measurement.metrics)
        if not outcome.measurement.metrics.keys() >= set(self._needed):
            return found
        values = {each.metric: each.value(metrics) for each in self._combined}
        return Measurement({**metrics, **values}, found.gradient, found.curve)

    def note(self, trial: Trial) -> None:
        """Take note of a trial that was judged in an earlier session."""
        self._any_complete = self._any_complete or bool(trial.scores)

    def _judged(self, metrics: Mapping[str, float]) -> tuple[State, str, tuple[float, ...]]:
        for name in self._needed:
            if name not in metrics:
                problem = self._missing(metrics)
                if not self._any_complete:
                    raise ConfigurationError(problem)
                return "error", problem, ()
        self._any_complete = True
        scores: list[float] = []
        for objective in self._objectives:
            score = objective.score(metrics)
            if not math.isfinite(score):
                return "diverged", f"{objective.metric} is {objective.value(metrics)}", ()
            scores.append(score)
        return "completed", "", tuple(scores)

    def _missing(self, metrics: Mapping[str, float]) -> str:
        for objective in self._objectives:
            for name in _needs(objective):
                if name not in metrics:
                    needs = "" if name == objective.metric else f" needs {name!r}, which"
                    return f"the objective {objective.metric!r}{needs} was not measured{nearest(name, metrics)}"
        for metric in self._constrained:
            if metric not in metrics:
                return f"a limit is on {metric!r}, which was not measured{nearest(metric, metrics)}"
        return ""


def _needs(objective: Objective) -> tuple[str, ...]:
    return objective.needs() if is_combination(objective.metric) else (objective.metric,)
