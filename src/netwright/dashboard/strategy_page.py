"""How the strategy went about it: the charts that speak of its own doing, and what it was set to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from netwright.dashboard.run_pages import run_values
from netwright.results.alarm_sentences import alarm_lines

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.dashboard.site import Site

CHARTS = ("mixture", "lineage", "rungs", "curves", "correlation", "importance", "effects", "pairs")
MOST_SETTINGS = 60


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/runs/{name}/strategy")
    def strategy(request: Request, name: str) -> Response:
        with site.project.run(name) as data:
            configuration = data.summary.configuration.get("arguments", {}).get("strategy", {})
            values = {"figures": site.figures.there(data, CHARTS), "kind": kind_of(configuration)}
            values |= {"settings": settings_of(configuration), "alarms": alarms_of(data)}
            return site.page("strategy.html", request, **values, **run_values(site, data))

    return made


def kind_of(configuration: Mapping[str, Any]) -> str:
    """The strategy's class, without where it lies."""
    return str(configuration.get("class", "")).rpartition(":")[2]


def settings_of(configuration: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """The strategy's settings, those of its parts under their names; the space stands elsewhere."""
    found: dict[str, str] = {}
    for name, value in configuration.get("arguments", {}).items():
        if isinstance(value, dict) and "class" in value:
            if name != "space":
                found[f"{before}{name}"] = kind_of(value)
                found |= settings_of(value, f"{before}{name}, ")
        elif value is not None and name != "first":
            found[f"{before}{name}"] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return dict(list(found.items())[:MOST_SETTINGS])


def alarms_of(data: RunData) -> list[str]:
    """What the epochs of shared weights, and the scores on them, warn of."""
    epochs = [place for place, purpose in enumerate(data.purposes) if purpose == "train"]
    if not epochs:
        return []
    told = [{name: float(v[each]) for name, v in data.metrics.items() if v[each] == v[each]} for each in epochs]
    accuracy = data.metrics.get("val_accuracy")
    scores = [] if accuracy is None else [float(each) for each in accuracy[data.completed]]
    return alarm_lines(told, scores)
