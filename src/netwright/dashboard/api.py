"""The same as JSON, described by OpenAPI."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from netwright.dashboard.answers import Answer
from netwright.dashboard.facts import facts_of
from netwright.dashboard.runs_page import run_lines
from netwright.dashboard.trial_query import find
from netwright.dashboard.trials_page import Asked, cell

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.dashboard.site import Site

LARGEST = 2**63 - 1
After = Annotated[int, Query(ge=0, le=LARGEST, description="The sequence number of what is known already.")]


def routes(site: Site) -> APIRouter:
    made = APIRouter(prefix="/api", tags=["runs"])

    @made.get("/live", summary="Whether anything was written since")
    def live(after: After = 0) -> Response:
        sequence = site.project.sequence()
        return Answer({"sequence": sequence, "changed": sequence > after, "driven": site.project.driver() is not None})

    @made.get("/runs", summary="The latest runs, the latest first")
    def runs() -> Response:
        return Answer({"sequence": site.project.sequence(), "runs": run_lines(site)})

    @made.get("/runs/{name}", summary="One run: how far, how good, at which cost, what failed")
    def run(name: str) -> Response:
        with site.project.run(name) as data:
            return Answer({"sequence": site.project.sequence(name), **run_json(data)})

    @made.get("/runs/{name}/live", summary="Whether anything of this run was written since")
    def run_live(name: str, after: After = 0) -> Response:
        sequence = site.project.sequence(name)
        return Answer({"sequence": sequence, "changed": sequence > after, "driven": site.project.driver() is not None})

    @made.get("/runs/{name}/trials", summary="A page of the trials, filtered and sorted")
    def trials(name: str, query: Asked) -> Response:
        with site.project.run(name) as data:
            found = find(data, query)
            rows = [{column: cell(data, column, place) for column in found.columns} for place in found.places]
            told = {"total": found.total, "of": found.of, "page": query.page, "size": query.size}
            status = 422 if found.problems else 200
            if found.problems:
                return Answer({"error": "; ".join(found.problems)}, status)
            return Answer({"sequence": site.project.sequence(name), **told, "columns": found.columns, "trials": rows})

    return made


def run_json(data: RunData) -> dict[str, Any]:
    """A run as JSON."""
    facts, summary = facts_of(data), asdict(data.summary)
    del summary["configuration"]
    places = {"best": facts.best, "failure": facts.failure}
    numbers = {name: None if place is None else int(data.numbers[place]) for name, place in places.items()}
    told = {**asdict(facts), **numbers, "front": [int(data.numbers[each]) for each in facts.front]}
    best = {} if facts.best is None else {name: float(each[facts.best]) for name, each in data.metrics.items()}
    asked = {"objectives": list(map(str, data.objectives)), "limits": list(map(str, data.limits))}
    return {**summary, **asked, "facts": told, "metrics_of_best": best}
