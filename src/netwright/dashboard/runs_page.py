"""The runs of a project, with what each has found; where one begins to look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from netwright.core.objective import Objective

if TYPE_CHECKING:
    from netwright.dashboard.site import Site
    from netwright.store import RunSummary, Store

MOST_RUNS = 500


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/")
    def runs(request: Request) -> Response:
        found = run_lines(site)
        sequence, total = site.project.sequence(), len(site.project.runs())
        metrics = sorted({name for each in found for name in each["best"]})
        return site.page("runs.html", request, runs=found, sequence=sequence, total=total, metrics=metrics)

    return made


def run_lines(site: Site) -> list[dict[str, Any]]:
    """A line about each of the latest runs, the latest first; made anew only where something was written of a run."""
    store = site.project.store()
    if store is None:
        return []
    lines: list[dict[str, Any]] = []
    for run in site.project.runs()[:MOST_RUNS]:
        mark = (run.created, store.sequence(run.name), run.state, run.seconds)
        found = site.lines.get(run.name)
        if found is None or found[0] != mark:
            site.lines[run.name] = found = (mark, _line(store, run))
        lines.append({**found[1], "tags": list(site.notes.of(run.name).tags)})
    return lines


def _line(store: Store, run: RunSummary) -> dict[str, Any]:
    best, counts = store.best(run.name), store.evaluated(run.name)
    return {
        "name": run.name,
        "state": run.state,
        "stopped": run.stopped,
        "space": run.space,
        "counts": counts,
        "trials": sum(counts.values()),
        "best": {} if best is None else _metrics(run, best.metrics),
        "best_trial": None if best is None else best.number,
        "seconds": run.seconds,
        "created": run.created,
        "ended": run.ended,
    }


def _metrics(run: RunSummary, measured: Any) -> dict[str, float]:
    """The objectives of a run's best trial, and its parameters."""
    named = [Objective.parse(each).metric for each in run.configuration.get("arguments", {}).get("objective", ())]
    return {name: measured[name] for name in dict.fromkeys([*named, "params"]) if name in measured}
