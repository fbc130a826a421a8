"""What `netwright compare` left in the folder that is served: who is better than whom, live while it still searches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from netwright.dashboard.answers import Answer
from netwright.dashboard.charts_page import STANDALONE
from netwright.dashboard.project import Unknown

if TYPE_CHECKING:
    from netwright.dashboard.site import Site

CHART = "runs"
MOST_RUNS = 60  # that are drawn beside each other


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/comparison")
    def comparison(request: Request) -> Response:
        found = site.compared.read()
        there = [each.name for each in site.project.runs()] if found.runs else []
        drawn = [each for each in found.runs if each in there][:MOST_RUNS]
        chart = site.figures.charts.get(CHART) if drawn else None
        values = {"found": found, "runs": drawn, "chart": chart, "asked": urlencode({"runs": ",".join(drawn)})}
        return site.page("comparison.html", request, sequence=site.compared.sequence(), **values)

    @made.get("/comparison/charts/{number}.svg")
    def chart(number: int) -> Response:
        figures = site.compared.read().figures
        if not 0 <= number < len(figures):
            raise Unknown(f"the comparison has {len(figures)} charts, counted from 0")
        return Response(figures[number].svg(), media_type="image/svg+xml", headers=STANDALONE)

    return made


After = Annotated[int, Query(ge=0, le=2**63 - 1, description="The sequence number of what is known already.")]


def answers(site: Site) -> APIRouter:
    """The same as JSON."""
    made = APIRouter(prefix="/api", tags=["comparison"])

    @made.get("/comparison", summary="The table of a comparison, and what it shows, in sentences")
    def comparison() -> Response:
        found = site.compared.read()
        told = {"title": found.title, "head": found.head, "rows": found.rows, "lines": found.lines, "runs": found.runs}
        return Answer({"sequence": site.compared.sequence(), **told})

    @made.get("/comparison/live", summary="Whether anything of the comparison was written since")
    def live(after: After = 0) -> Response:
        sequence = site.compared.sequence()
        return Answer({"sequence": sequence, "changed": sequence > after, "driven": site.project.driver() is not None})

    return made
