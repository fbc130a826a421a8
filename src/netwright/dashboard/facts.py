"""What a person first asks of a run: how far it is, how good, for how long yet, at which cost, and what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.errors import UserError
from netwright.engine.control import STEERED
from netwright.engine.duration import parse_duration

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData

FEW = 3  # trials, before which nothing is said of the time to go
_NO_FAILURES = ("completed", "infeasible", "running", "cancelled")


@dataclass(frozen=True)
class Facts:
    """Of one run, as it is now. Places are rows of its columns.

    counts: trials by state; rounds of weight sharing are none.
    tried: trials but for the networks that broke a limit before they were measured.
    wanted: trials after which it stops; None where it has no such stop.
    limit: seconds after which it stops; None where it has none.
    share: how much of what was asked is done, 0 to 1; None where that cannot be told.
    to_go: seconds, roughly; None where that cannot be told.
    best: place of the best trial; None for none.
    since: trials since the best one.
    front: places of the trials that no other beats in everything.
    failed: how many trials failed. failure: the place of the last one.
    device_seconds: what all trials took together.
    epochs: rounds of weight sharing.
    """

    counts: Mapping[str, int]
    tried: int
    wanted: int | None
    limit: float | None
    share: float | None
    to_go: float | None
    best: int | None
    since: int
    front: list[int] = field(default_factory=list[int])
    failed: int = 0
    failure: int | None = None
    device_seconds: float = 0.0
    epochs: int = 0


def facts_of(data: RunData) -> Facts:
    """The facts of a run."""
    states = [state for state, counted in zip(data.states, data.evaluations, strict=True) if counted]
    counts = Counter(states)
    tried = counts.total() - counts["running"] - _refused(data)
    wanted, limit = stops_of(data)
    failures = [place for place, state in enumerate(data.states) if state not in _NO_FAILURES]
    share = _share(data, tried, wanted, limit)
    return Facts(
        dict(counts.most_common()),
        tried,
        wanted,
        limit,
        share,
        _to_go(data, tried, wanted, limit),
        data.best,
        0 if data.best is None else int(np.count_nonzero(data.completed[data.best + 1 :])),
        front_of(data),
        len(failures),
        failures[-1] if failures else None,
        float(np.nansum(data.seconds)) if len(data) else 0.0,
        int(len(data) - len(states)),
    )


def plan_of(data: RunData) -> Mapping[str, Any]:
    """What was asked on the command line; empty for a search from Python."""
    plan = data.documents.get("notes")
    return plan if isinstance(plan, dict) else {}


def stops_of(data: RunData) -> tuple[int | None, float | None]:
    """After how many trials and how many seconds the run stops; None for no such stop."""
    plan = plan_of(data)
    trials, time = plan.get("trials"), plan.get("time")
    try:
        limit = parse_duration(time) if isinstance(time, str) else None
    except UserError:
        limit = None
    steered = data.documents.get(STEERED) or {}  # what was asked for while it ran
    if steered.get("seconds"):
        limit = steered["seconds"] if limit is None else limit + steered.get("further", 0.0)
    trials = steered.get("trials") or trials
    return (trials if isinstance(trials, int) else None), limit


def _refused(data: RunData) -> int:
    """How many networks broke a limit before they were measured, which cost nothing."""
    found = [place for place, state in enumerate(data.states) if state == "infeasible"]
    measured = data.metrics.get(data.objectives[0].metric) if data.objectives else None
    return len(found) if measured is None else int(np.isnan(measured[found]).sum())


def front_of(data: RunData) -> list[int]:
    """The places of the compared trials that no other dominates, the best in the first objective first."""
    places = np.flatnonzero(data.compared)
    if not len(places) or data.scores.shape[1] == 1:
        return [] if data.best is None else [data.best]
    order = np.lexsort((data.numbers[places], *(-data.scores[places].T[::-1])))
    ordered = places[order]
    from moocore import is_nondominated  # pyright: ignore[reportMissingTypeStubs]

    scores = data.scores[ordered]
    finite = np.isfinite(scores).all(axis=1)
    kept = is_nondominated(scores[finite], maximise=True, keep_weakly=False)
    return [int(each) for each in ordered[finite][kept]]


def _share(data: RunData, tried: int, wanted: int | None, limit: float | None) -> float | None:
    if data.summary.state == "finished":
        return 1.0
    known = [tried / wanted] if wanted else []
    known += [data.summary.seconds / limit] if limit else []
    return min(1.0, max(known)) if known else None


def _to_go(data: RunData, tried: int, wanted: int | None, limit: float | None) -> float | None:
    """By what trials took so far, and by the time limit: whichever comes first."""
    if not (data.summary.state == "running" and data.summary.driven):
        return None
    seconds = data.summary.seconds
    known = [max(0.0, limit - seconds)] if limit else []
    if wanted and tried >= FEW:
        known.append(seconds / tried * max(0, wanted - tried))
    return min(known) if known else None
