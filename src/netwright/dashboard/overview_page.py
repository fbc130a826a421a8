"""One run at a glance: how far, how good, at which cost, what failed, and what it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from netwright.dashboard.control_page import control_values, told
from netwright.dashboard.facts import facts_of, plan_of
from netwright.dashboard.report.first_screen import lead
from netwright.dashboard.report.of_run import figures_of
from netwright.dashboard.run_pages import run_values, shown_metrics
from netwright.dashboard.wording import moment

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.dashboard.site import Site

RECENT = 8
FIRST = "best"
CHARTS = ("front", "finalists", "confusion", "worst", "data")
_LIMITS = {"trials": "stops after trials", "time": "time limit"}
_SETTINGS = ("data", "recipe", "strategy", "epochs", "training", "seed", "workers", "device", "trials", "time")


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/runs/{name}")
    def overview(request: Request, name: str) -> Response:
        with site.project.run(name) as data:
            several = len(data.objectives) > 1
            figures = [site.figures.charts[FIRST], *site.figures.there(data, CHARTS if several else CHARTS[1:])]
            values = {
                "figures": figures,
                **overview_values(data),
                **control_values(site, name),
                **run_values(site, data),
            }
            return site.page("overview.html", request, **values)

    return made


def overview_values(data: RunData) -> dict[str, Any]:
    facts = facts_of(data)
    report = data.documents.get("report")
    told_lines = list(report.get("lines", [])) if isinstance(report, dict) else []
    recent = [place for place in range(len(data) - 1, -1, -1) if data.evaluations[place]][:RECENT]
    return {
        "facts": facts,
        "recent": recent,
        "columns": shown_metrics(data),
        "settings": settings_of(data),
        "told": told,
        "report": [lead(data, facts, figures_of(data)), *told_lines] if told_lines else [],
    }


def settings_of(data: RunData) -> dict[str, str]:
    """What the run was asked, in the words of the command line."""
    plan = plan_of(data)
    told = {"space": data.summary.space, "objectives": ", ".join(map(str, data.objectives))}
    told |= {"limits": ", ".join(map(str, data.limits))} if data.limits else {}
    told |= {name: str(plan[name]) for name in _SETTINGS if plan.get(name) not in (None, "", [], ())}
    told = {_LIMITS.get(name, name): value for name, value in told.items()}
    return {**told, "begun": moment(data.summary.created), "version": data.summary.version}
