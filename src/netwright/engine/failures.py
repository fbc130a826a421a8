"""When a search is not worth going on with because its trials fail, and what to tell the user then."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.core.errors import NetwrightError, SearchFailed, UserError
from netwright.core.objective import Constraint
from netwright.core.trial import STATES, Trial

BREAKER_TRIALS = 5
BREAKER_SHARE = 0.5
ONLY_INFEASIBLE = 200
_FAULTS = ("error", "out_of_memory", "timeout", "lost")


class Failures:
    """Counts how trials end. `verdict` is the error that should end the search, if any.

    Trials that break a limit are no failures, and a network that diverges is one only while none has completed.
    """

    def __init__(self, constraints: Sequence[Constraint]) -> None:
        self._constraints = constraints
        self._counts = dict.fromkeys(STATES, 0)
        self._first = self._refusal = ""
        self._nearest: dict[Constraint, float] = {}

    def note(self, trial: Trial, traceback: str = "") -> None:
        state = trial.state
        self._counts[state] += 1
        if state == "completed":
            return
        if state == "infeasible":
            self._refusal = self._refusal or trial.reason
            self._note_limits(trial)
        elif state != "cancelled" and not self._first:
            lines = traceback.strip().splitlines()
            self._first = f"trial {trial.number} ({state}): {lines[-1] if lines else trial.reason}"

    def _note_limits(self, trial: Trial) -> None:
        for constraint in self._constraints:
            if constraint.metric in trial.metrics and not constraint.holds(trial.metrics):
                value, best = trial.metrics[constraint.metric], self._nearest.get(constraint)
                choose = min if constraint.relation == "<=" else max
                self._nearest[constraint] = value if best is None or best != best else choose(best, value)

    def verdict(self) -> NetwrightError | None:
        """The error that ends the search now."""
        counts = self._counts
        if counts["completed"] == 0:
            if counts["infeasible"] >= ONLY_INFEASIBLE and counts["infeasible"] == sum(counts.values()):
                return self._limits_message()
            faults = sum(counts[state] for state in (*_FAULTS, "diverged"))
        else:
            faults = sum(counts[state] for state in _FAULTS)
        tried = sum(counts.values()) - counts["infeasible"] - counts["cancelled"]
        if faults >= BREAKER_TRIALS and faults > BREAKER_SHARE * tried:
            return SearchFailed(f"{faults} of {tried} trials failed; the first was {self._first}")
        return None

    def final_verdict(self) -> NetwrightError | None:
        """The error of a search that has come to its end: it has nothing to show."""
        counts = self._counts
        faults = sum(counts[state] for state in (*_FAULTS, "diverged"))
        if counts["completed"] or not sum(counts.values()) - counts["cancelled"]:
            return None
        if faults:
            return SearchFailed(
                f"none of the {sum(counts.values())} trials completed; the first failure was {self._first}"
            )
        return self._limits_message()

    def _limits_message(self) -> UserError:
        if not self._nearest:  # what refused them was no limit
            return UserError(
                f"none of the {self._counts['infeasible']} networks that were tried will do; {self._refusal}"
            )
        found = "; ".join(
            f"{'smallest' if limit.relation == '<=' else 'largest'} {limit.metric} found {value:,.6g}, limit {limit}"
            for limit, value in self._nearest.items()
        )
        return UserError(
            f"none of the {self._counts['infeasible']} networks that were tried keeps the limits ({found}); "
            "loosen the limit or choose a space of smaller networks"
        )
