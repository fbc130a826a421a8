"""Several trials side by side: what differs between them, and what that did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from netwright.dashboard.run_pages import run_values
from netwright.dashboard.trial_number import place_of
from netwright.dashboard.trial_page import choices_of

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.dashboard.site import Site

MOST = 6
Numbers = Annotated[list[Annotated[int, Query(ge=0, le=2**63 - 1)]], Query(max_length=MOST)]


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/runs/{name}/side")
    def side(request: Request, name: str, trial: Numbers = []) -> Response:  # noqa: B006
        with site.project.run(name) as data:
            numbers = list(dict.fromkeys(trial)) or ([] if data.best is None else [int(data.numbers[data.best])])
            places = [place_of(data, each) for each in numbers]
            values = {"numbers": numbers, "places": places, "most": MOST, **side_values(data, places)}
            return site.page("side.html", request, **values, **run_values(site, data))

    return made


def side_values(data: RunData, places: list[int]) -> dict[str, Any]:
    """Metrics and choices of the trials, a row each; `differ` are the choices in which they do."""
    metrics = {
        name: [float(values[each]) for each in places]
        for name, values in data.metrics.items()
        if any(values[each] == values[each] for each in places)
    }
    chosen = [choices_of(data, each) for each in places]
    names = dict.fromkeys(name for each in chosen for name in each)
    choices = {name: [each.get(name) for each in chosen] for name in names}
    differ = {name for name, labels in choices.items() if len({repr(each) for each in labels}) > 1}
    return {"metrics": metrics, "choices": choices, "differ": differ}
