"""How trials are judged anew when a search is given other limits while it runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from netwright.core.objective import Constraint, Objective

THEN = " (as the limits were then; it was measured no further)"


class Judgement(NamedTuple):
    """State, reason and scores of a trial."""

    state: str
    reason: str
    scores: tuple[float, ...]


def judged_anew(
    found: Judgement, metrics: Mapping[str, float], objectives: Sequence[Objective], limits: Sequence[Constraint]
) -> Judgement:
    """The judgement of a trial by the limits that hold now.

    found: how it was judged when it ended, by the limits that held then.
    metrics: what was measured of it.

    A network that breaks one of the limits now is infeasible, and one that broke a limit of before has completed now
    if all that its scores need was measured. What was stopped before that stays as it is: nothing is measured again.
    """
    if found.state not in ("completed", "infeasible"):
        return found
    broken = next((each for each in limits if each.metric in metrics and not each.holds(metrics)), None)
    if broken is not None:
        return Judgement("infeasible", broken.violation(metrics), ())
    if found.state == "completed":
        return found
    needed = {*(each.metric for each in limits), *(name for each in objectives for name in each.needs())}
    if not needed <= metrics.keys():
        return found._replace(reason=f"{found.reason}{THEN}")
    scores = tuple(each.score(metrics) for each in objectives)
    unfit = next((each for each, score in zip(objectives, scores, strict=True) if not math.isfinite(score)), None)
    if unfit is not None:
        return Judgement("diverged", f"{unfit.metric} is {unfit.value(metrics)}", ())
    return Judgement("completed", "", scores)
