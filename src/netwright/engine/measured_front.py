"""The front of several objectives, of which a clock measures one: its networks are measured again before it is shown.

Of many measurements a front keeps the luckiest. So each of its networks is measured once more, alone and more
thoroughly; those that then fall behind make room for others, which are measured in their turn.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from netwright.core.fronts import spread
from netwright.core.objective import Objective
from netwright.core.roles import MeasuresAgain
from netwright.core.warning import warn
from netwright.results.front_again import MEASURED_FRONT

if TYPE_CHECKING:
    from netwright.core.estimator import Estimator
    from netwright.core.trial import Trial
    from netwright.engine.run import Run

MOST = 24  # networks that are measured again at most
SECONDS, LEAST, SHARE = 30.0, 5.0, 0.1  # that this may take; of a search with a time limit, this share of it


def clock_of(estimator: Estimator, objectives: Sequence[Objective]) -> tuple[MeasuresAgain, str] | None:
    """What measures one of several objectives by the clock of this machine, and which; None where nothing does."""
    if len(objectives) < 2:
        return None
    for stage in estimator.stages():
        metric = next((each.metric for each in objectives if each.metric in stage.metrics), None)
        if isinstance(stage, MeasuresAgain) and metric is not None and not stage.described().get("foretold"):
            return stage, metric
    return None


def measure_front(run: Run, limit: float | None = None) -> None:
    """Measure the networks of a run's front again, and keep what was found with it; nothing where no clock measures.

    Ends where all networks of the front were, after 24 of them, or after 30 seconds, where the search has a time limit
    after a tenth of that. Those that stand for most of the front come first.

    limit: of the search's time, in seconds; None without one.
    """
    found = clock_of(run.search.estimator, run.search.objectives)
    if found is None or not run.compared:
        return
    stage, metric = found
    rows: list[dict[str, Any]] = list((run.kept(MEASURED_FRONT) or {}).get("measured", ()))
    until = time.monotonic() + (SECONDS if limit is None else min(SECONDS, max(LEAST, SHARE * limit)))
    while len(rows) < MOST and time.monotonic() < until:
        trial = _next(run.front, {each["trial"] for each in rows})
        if trial is None:
            return
        try:
            rows.append({"trial": trial.number, "metrics": dict(stage.again(trial.architecture))})
        except Exception as problem:  # the front stays as the search has measured it
            warn(f"the front was not measured again: {problem}")
            return
        run.keep_front({**stage.described(), "metric": metric, "measured": rows})


def _next(front: Sequence[Trial], known: set[int]) -> Trial | None:
    """The network of the front to measure next: of those that were not, the one that stands for most of it."""
    order = spread([each.scores for each in front], len(front))
    return next((front[place] for place in order if front[place].number not in known), None)
