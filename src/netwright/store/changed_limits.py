"""A run whose limits were changed while it was driven: which hold now, and how its trials are judged by them.

What is stored of a trial stays as it was told. The changes are kept beside it, with their place among asks and tells,
so that a resume repeats them; whoever reads a run reads its trials as they are judged now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from netwright.core.judged import Judgement, judged_anew
from netwright.core.objective import Constraint, Objective
from netwright.store.numbers import metrics_from

if TYPE_CHECKING:
    from netwright.store.rows import StoredTrial

LIMITS = "limits"  # the key under which a run keeps the changes of its limits, the first one first
JUDGED = ("completed", "infeasible")  # the states of trials that limits decide about


class PresentLimits:
    """The limits of a run that hold now.

    configuration: of the search as it was begun.
    changes: as they are kept under `LIMITS`: of each "limits", all that hold after it.
    """

    def __init__(self, configuration: Mapping[str, Any], changes: Sequence[Mapping[str, Any]] | None) -> None:
        arguments = configuration.get("arguments", {})
        self.begun = tuple(Constraint.parse(each) for each in arguments.get("constraints", ()))
        self.changes = tuple(changes or ())
        self.limits = tuple(map(Constraint.parse, self.changes[-1]["limits"])) if self.changes else self.begun
        self._objectives = tuple(Objective.parse(each) for each in arguments.get("objective", ()))

    @property
    def changed(self) -> bool:
        """Whether they were ever changed."""
        return bool(self.changes)

    @property
    def lines(self) -> list[str]:
        """The changes in words, a line each; nothing where there were none."""
        return [_line(each) for each in self.changes]

    @property
    def note(self) -> str:
        """A sentence below what is drawn of the trials, with a blank before it; empty where nothing was changed."""
        if not self.changed:
            return ""
        places = [f"{each['told']:,}" for each in self.changes]
        after = " and ".join([", ".join(places[:-1]), places[-1]] if len(places) > 1 else places)
        trials = "trial" if places == ["1"] else "trials"
        return f" Limits were changed after {after} {trials}; all are judged by those that hold now."

    def judge(self, found: Judgement, metrics: Mapping[str, float]) -> Judgement:
        """How a trial is judged now. found: how it was when it ended."""
        return judged_anew(found, metrics, self._objectives, self.limits)

    def trial(self, stored: StoredTrial) -> StoredTrial:
        """A trial as it is judged now."""
        if not self.changed or stored.purpose != "evaluate":
            return stored
        found = self.judge(Judgement(stored.state, stored.reason, stored.scores), stored.metrics)
        return replace(stored, state=found.state, reason=found.reason, scores=found.scores)

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Columns of a trial as they are stored, with state, reason and scores as it is judged now."""
        if row["purpose"] != "evaluate" or row["state"] not in JUDGED:
            return dict(row)
        before = Judgement(row["state"], row["reason"], tuple(map(float, json.loads(row["scores"]))))
        found = self.judge(before, metrics_from(json.loads(row["metrics"])))
        scores = f"[{','.join(map(repr, found.scores))}]"
        return {**row, "state": found.state, "reason": found.reason, "scores": scores}


def _line(change: Mapping[str, Any]) -> str:
    limits = " and ".join(str(Constraint.parse(each)) for each in change["limits"]) or "none"
    when = f"{str(change['time'])[:16].replace('T', ' ')} UTC"
    told = f"{change['told']:,} trial{'s' * (change['told'] != 1)}"
    return f"after {told}: {limits} ({', '.join(each for each in (change['by'], when) if each)})"
