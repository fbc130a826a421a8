"""Several runs beside each other: what each found, at which cost, and in which settings they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from netwright.dashboard.facts import facts_of
from netwright.dashboard.overview_page import settings_of
from netwright.dashboard.run_pages import shown_metrics

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.dashboard.site import Site

CHART = "runs"
MOST = 12
Runs = Annotated[list[str], Query(max_length=MOST)]


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/compare")
    def compare(request: Request, run: Runs = []) -> Response:  # noqa: B006
        names = [each.name for each in site.project.runs()]
        lines = []
        for name in dict.fromkeys(run):
            with site.project.run(name) as data:
                lines.append(line_of(data))
        metrics = list(dict.fromkeys(name for each in lines for name in each["best"]))
        settings = list(dict.fromkeys(name for each in lines for name in each["settings"]))
        differ = {name for name in settings if len({each["settings"].get(name) for each in lines}) > 1}
        shown = {
            "lines": lines,
            "metrics": metrics,
            "settings": settings,
            "differ": differ,
            "asked": urlencode({"runs": ",".join(each["name"] for each in lines)}),
        }
        shown["chart"] = site.figures.charts.get(CHART) if lines else None
        return site.page("compare.html", request, names=names, most=MOST, sequence=site.project.sequence(), **shown)

    return made


def line_of(data: RunData) -> dict[str, Any]:
    """One run in the comparison."""
    facts = facts_of(data)
    names = [] if facts.best is None else shown_metrics(data)
    return {
        "name": data.name,
        "state": data.summary.state,
        "facts": facts,
        "seconds": data.summary.seconds,
        "trial": None if facts.best is None else int(data.numbers[facts.best]),
        "best": {name: float(data.metrics[name][facts.best]) for name in names if facts.best is not None},
        "settings": settings_of(data),
    }
