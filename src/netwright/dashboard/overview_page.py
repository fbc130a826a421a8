"""One run at a glance: how far, how good, at which cost, what failed, and what it was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from netwright.dashboard.facts import facts_of, plan_of

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.dashboard.site import Site

RECENT = 8
TABS = (("", "Overview"), ("/trials", "Trials"))
_SETTINGS = ("data", "recipe", "strategy", "epochs", "training", "seed", "workers", "device", "trials", "time")


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/runs/{name}")
    def overview(request: Request, name: str) -> Response:
        with site.project.run(name) as data:
            return site.page("overview.html", request, **overview_values(data), **run_values(site, data))

    return made


def run_values(site: Site, data: RunData) -> dict[str, Any]:
    """What the head of every page on a run says."""
    return {
        "run": data.summary,
        "data": data,
        "objectives": [each.metric for each in data.objectives],
        "tabs": TABS,
        "sequence": site.project.sequence(data.name),
        "live": data.summary.state == "running",
    }


def overview_values(data: RunData) -> dict[str, Any]:
    facts = facts_of(data)
    report = data.documents.get("report")
    recent = [place for place in range(len(data) - 1, -1, -1) if data.evaluations[place]][:RECENT]
    return {
        "facts": facts,
        "recent": recent,
        "columns": shown_metrics(data),
        "settings": settings_of(data),
        "report": report.get("lines", []) if isinstance(report, dict) else [],
    }


def shown_metrics(data: RunData) -> list[str]:
    """The objectives, what is limited, and the parameters, as far as they were measured."""
    named = [each.metric for each in (*data.objectives, *data.limits)]
    return [name for name in dict.fromkeys([*named, "params"]) if name in data.metrics]


def settings_of(data: RunData) -> dict[str, str]:
    """What the run was asked, in the words of the command line."""
    plan = plan_of(data)
    told = {"space": data.summary.space, "objectives": ", ".join(map(str, data.objectives))}
    told |= {"limits": ", ".join(map(str, data.limits))} if data.limits else {}
    told |= {name: str(plan[name]) for name in _SETTINGS if plan.get(name) not in (None, "", [], ())}
    return {**told, "begun": data.summary.created, "version": data.summary.version}
