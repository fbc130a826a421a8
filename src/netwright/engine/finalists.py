"""Before a network is handed over, what was measured by a clock is measured again, so that its limit holds then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from netwright.core.errors import SearchFailed
from netwright.core.roles import MeasuresAgain
from netwright.engine.last_resort import is_last_resort

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.objective import Constraint
    from netwright.core.trial import Trial
    from netwright.engine.run import Run

FINALISTS = "finalists"
"""The key under which a run keeps them."""
MOST = 12  # networks that are measured again at most
ONLY_JUST = ", but only just: no network was found that leaves the margin by which a clock differs"


@dataclass(frozen=True)
class Finalist:
    """One network that was measured again.

    trial: its number.
    metrics: what was measured.
    keeps: whether it keeps every limit on what was measured, with what the measurement leaves unsure.
    barely: whether it keeps them without that, and is handed over since none does with it.
    """

    trial: int
    metrics: Mapping[str, float]
    keeps: bool
    barely: bool = False


def measuring_again(run: Run) -> tuple[MeasuresAgain, list[Constraint]] | None:
    """The stage of a search that measures a limited metric by a clock, and the limits on it; None without any."""
    search = run.search
    for stage in search.estimator.stages():
        limits = [each for each in search.limits if each.metric in stage.metrics]
        if isinstance(stage, MeasuresAgain) and limits:
            return stage, limits
    return None


def measure_finalists(run: Run) -> None:
    """Measure the best network again, alone; where that breaks a limit, the next best, until one keeps them all.

    What was found is kept with the run, whose `best` is then the first that keeps them; where none surely does, the
    first of which the median does. Raises SearchFailed where there is no such one.
    """
    found = measuring_again(run)
    if found is None:
        return
    stage, limits = found
    rows = [Finalist(**each) for each in (run.kept(FINALISTS) or {}).get("measured", ())]  # of an earlier session
    for _ in range(MOST):
        try:
            best = run.best
        except SearchFailed:
            break
        if any(each.keeps and each.trial == best.number for each in rows):
            return
        rows.append(_measured(stage, limits, best))
        run.keep_finalists({**stage.described(), "measured": [asdict(each) for each in rows]})
    if rows and not rows[-1].keeps:
        barely = _barely(rows, limits)
        if barely is None:
            raise SearchFailed(_none_keeps(rows, limits))
        rows[barely] = replace(rows[barely], keeps=True, barely=True)
        run.keep_finalists({**stage.described(), "measured": [asdict(each) for each in rows]})


def _barely(rows: Sequence[Finalist], limits: Sequence[Constraint]) -> int | None:
    """The place of the first that keeps the limits where what a measurement leaves unsure is passed over."""
    return next((n for n, row in enumerate(rows) if all(each.holds(row.metrics) for each in limits)), None)


def _measured(stage: MeasuresAgain, limits: Sequence[Constraint], trial: Trial) -> Finalist:
    metrics = dict(stage.again(trial.architecture))
    return Finalist(trial.number, metrics, all(stage.surely(each, metrics) for each in limits))


def _none_keeps(rows: Sequence[Finalist], limits: Sequence[Constraint]) -> str:
    limit = limits[0]
    nearest = min(rows, key=lambda each: each.metrics[limit.metric])
    several = f"none of the {len(rows)} best networks keeps" if len(rows) > 1 else "the network that was found breaks"
    return (
        f"{several} {' and '.join(map(str, limits))} when measured again; the nearest is that of trial {nearest.trial} "
        f"with {limit.metric} {nearest.metrics[limit.metric]:.4g}. Loosen the limit, or search where nothing else runs"
    )


def finalist_lines(run: Run) -> list[str]:
    """What came of measuring the best networks again, a line each; nothing where no limit is measured by a clock."""
    found = measuring_again(run)
    kept: Mapping[str, Any] = run.kept(FINALISTS) or {}
    if found is None:
        return []
    limits, just = found[1], _only_just(run, kept)
    lines: list[str] = []
    for each in kept.get("measured", ()):
        values = ", ".join(f"{limit.metric} {each['metrics'][limit.metric]:.3g}" for limit in limits)
        said = "keeps" if each["keeps"] else "may break"
        then = ONLY_JUST if each["trial"] in just else "" if each["keeps"] else "; the next best is taken"
        lines.append(
            f"measured again: trial {each['trial']} with {values} {said} {' and '.join(map(str, limits))}{then}"
        )
    return lines


def _only_just(run: Run, kept: Mapping[str, Any]) -> set[int]:
    """The numbers of trials that are handed over though they leave a limit no margin."""
    tried = {each.number for each in run.trials if is_last_resort(each.proposal)}
    return {
        each["trial"]
        for each in kept.get("measured", ())
        if each["keeps"] and (each.get("barely") or each["trial"] in tried)
    }


def refused(kept: Mapping[str, Any] | None, trials: Sequence[Trial]) -> set[Architecture]:
    """Architectures that broke a limit when they were measured again. kept: what a run keeps of its finalists."""
    numbers = {each["trial"] for each in (kept or {}).get("measured", ()) if not each["keeps"]}
    return {each.architecture for each in trials if each.number in numbers}
