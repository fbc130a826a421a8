"""Choosing one network: ranges of any metric are brushed, what remains is counted, and one of it is proposed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import Response

from netwright.core.objective import Objective
from netwright.dashboard.answers import Answer, plain
from netwright.dashboard.facts import front_of
from netwright.dashboard.run_pages import run_values, shown_metrics
from netwright.results.metric_words import is_share

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.dashboard.site import Site

CHARTS = ("front", "parallel", "hypervolume")
MOST_METRICS = 10
MOST_TRIALS = 2000
_LEFT_OUT = ("trained_steps", "trained_passes", "trained_seconds", "peak_memory", "learning_rate")


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/runs/{name}/front")
    def front(request: Request, name: str) -> Response:
        with site.project.run(name) as data:
            run, where = shlex.quote(name), shlex.quote(site.project.place)
            command = f"netwright export {run} --trial {{}} --to best --dir {where}"
            values = {
                "choice": plain({**choice_of(data), "command": command}),
                "figures": site.figures.there(data, CHARTS),
            }
            values |= {"metrics": metrics_of(data)}
            return site.page("front.html", request, **values, **run_values(site, data))

    return made


def answers(site: Site) -> APIRouter:
    """The same as JSON."""
    made = APIRouter(prefix="/api", tags=["front"])

    @made.get("/runs/{name}/front", summary="The compared trials with their metrics, and which are on the front")
    def front(name: str) -> Response:
        with site.project.run(name) as data:
            return Answer(choice_of(data))

    return made


def metrics_of(data: RunData) -> list[str]:
    """What a network may be chosen by: objectives, limits and parameters first, then whatever differs."""
    first = shown_metrics(data)
    others = [each for each in data.metrics if each not in (*first, *_LEFT_OUT) and not each.startswith("train_")]
    found = [*first, *(each for each in others if _differs(data.metrics[each][data.compared]))]
    return found[:MOST_METRICS]


def _differs(values: np.ndarray) -> bool:
    finite = values[np.isfinite(values)]
    return len(finite) > len(values) / 2 and bool(finite.min() < finite.max())


def choice_of(data: RunData) -> dict[str, Any]:
    """What a page needs to let a person choose: the trials that are compared, those of the front above all."""
    ahead, names = front_of(data), metrics_of(data)
    there = set(ahead)
    compared = [int(each) for each in np.flatnonzero(data.compared)]
    others = [each for each in compared if each not in there]
    room = max(0, MOST_TRIALS - len(ahead))
    if len(others) > room:  # the better half of the room by rank, the rest spread over all
        ranked = sorted(others, key=lambda each: -float(data.scores[each, 0]))
        rest = ranked[room // 2 :]
        picked = np.linspace(0, len(rest) - 1, room - room // 2).astype(int) if rest else []
        others = ranked[: room // 2] + [rest[each] for each in picked]
    places = ahead + sorted(others)
    return {
        "run": data.name,
        "compared": len(compared),
        "shown": len(places),
        "objectives": [{"metric": each.metric, "direction": each.direction} for each in data.objectives],
        "metrics": [{"name": each, "share": is_share(each), "smaller": _smaller(data, each)} for each in names],
        "trials": [
            {
                "trial": int(data.numbers[each]),
                "front": each in there,
                "scores": [float(score) for score in data.scores[each]],
                "values": [float(data.metrics[name][each]) for name in names],
            }
            for each in places
        ],
    }


def _smaller(data: RunData, metric: str) -> bool:
    """Whether less of a metric is better."""
    known = {each.metric: each.direction for each in data.objectives}
    return known.get(metric, Objective.parse(metric).direction) == "minimize"
