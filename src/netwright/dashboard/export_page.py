"""Taking something home: the commands that write a network, and the data of a run as files."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from netwright.charts.run_data import RunData
from netwright.dashboard.facts import front_of
from netwright.dashboard.run_pages import run_values

if TYPE_CHECKING:
    from netwright.dashboard.site import Site

USUAL = "netwright-runs"
Trial = Annotated[int | None, Query(ge=0, le=2**63 - 1)]


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/runs/{name}/export")
    def export(request: Request, name: str, trial: Trial = None) -> Response:
        with site.project.run(name) as data:
            values = {"commands": commands_of(data, site.project.place, trial), "trial": trial}
            values |= {"figures": [each for each in site.figures.fitting(data).items() if not each[1]]}
            return site.page("export.html", request, **values, **run_values(site, data))

    return made


def commands_of(data: RunData, directory: str, trial: int | None) -> list[tuple[str, str]]:
    """What a person may want, with the command that does it."""
    run, where = shlex.quote(data.name), f" --dir {shlex.quote(directory)}"
    one = "" if trial is None else f" --trial {trial}"
    what = "the best network" if trial is None else f"the network of trial {trial}"
    found: list[tuple[str, str]] = []
    if data.best is not None:
        found += [
            (f"Write {what} as plain PyTorch, checked", f"netwright export {run}{one} --to best{where}"),
            ("The same for ONNX and int8", f"netwright export {run}{one} --to best --format onnx,int8{where}"),
            (f"Train {what} for longer, with baselines", f"netwright final {run}{one}{where}"),
        ]
        if len(data.objectives) > 1 and len(front_of(data)) > 1:
            found.append(("Write every network of the front", f"netwright export {run} --front --to front{where}"))
    if data.summary.state in ("interrupted", "failed"):
        found.insert(0, ("Go on with the search", f"netwright resume {run}{where}"))
    found += [
        ("Write a report that can be mailed", f"netwright report {run} --to report.html{where}"),
        ("Draw the network", f"netwright draw {run}{'' if trial is None else f':{trial}'} --to cell.svg{where}"),
    ]
    return [*found, ("See it in the terminal", f"netwright show {run}{where}")]
