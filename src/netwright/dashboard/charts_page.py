"""Charts of a run: all that have something to show, each as JSON for a page and as a file to take along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from netwright.charts import javascript
from netwright.core.errors import UserError
from netwright.dashboard.answers import Answer
from netwright.dashboard.figures import figure_json
from netwright.dashboard.headers import as_file, for_long
from netwright.dashboard.run_pages import run_values

if TYPE_CHECKING:
    from netwright.dashboard.site import Site

Theme = Annotated[Literal["light", "dark", "print"], Query(description="Colours of the picture.")]
Form = Literal["svg", "png", "pdf", "csv", "json"]
KINDS = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}
STANDALONE = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; "
    "frame-ancestors 'none'"
}
"""For a picture that stands alone: its own styles, the pictures that lie in it, and nothing else."""
MOST_SETTINGS = 20


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/runs/{name}/charts")
    def charts(request: Request, name: str) -> Response:
        with site.project.run(name) as data:
            why = site.figures.fitting(data)
            return site.page(
                "charts.html",
                request,
                charts=site.figures.charts,
                why=why,
                own=site.figures.own,
                **run_values(site, data),
            )

    @made.get("/runs/{name}/charts/{chart}.{form}")
    def chart_file(request: Request, name: str, chart: str, form: Form, theme: Theme = "light") -> Response:
        """A chart as a file; further parameters of the address are the chart's settings."""
        figure = site.figures.figure(site, name, chart, theme, settings_of(request.query_params))
        content = {"svg": figure.svg, "png": figure.png, "pdf": figure.pdf, "csv": figure.csv, "json": figure.json}[
            form
        ]()
        headers = as_file(f"{name}-{chart}.{form}") | (STANDALONE if form == "svg" else {})
        return Response(content, media_type=KINDS[form], headers=headers)

    @made.get("/charts.js")
    def script() -> Response:
        return Response(javascript(), media_type="text/javascript; charset=utf-8", headers=for_long())

    return made


def answers(site: Site) -> APIRouter:
    """The same as JSON."""
    made = APIRouter(prefix="/api", tags=["charts"])

    @made.get("/runs/{name}/charts", summary="Every chart, and why it has nothing to show where it has not")
    def charts(name: str) -> Response:
        with site.project.run(name) as data:
            why = site.figures.fitting(data)
        told = site.figures.charts.items()
        return Answer(
            [
                {
                    "name": key,
                    "title": each.title,
                    "question": each.question,
                    "settings": each.settings,
                    "empty": why[key],
                }
                for key, each in told
            ]
        )

    @made.get("/runs/{name}/charts/{chart}", summary="One chart: words, data and Vega-Lite")
    def chart(request: Request, name: str, chart: str, theme: Theme = "light") -> Response:
        try:
            figure = site.figures.figure(site, name, chart, theme, settings_of(request.query_params))
        except UserError as problem:
            return Answer({"error": str(problem)}, 422)
        return Answer(figure_json(figure))

    return made


def settings_of(query: Mapping[str, str]) -> dict[str, str]:
    """What an address says besides the theme: settings of a chart."""
    found = [(name, value[:200]) for name, value in query.items() if name not in ("theme", "after")]
    return dict(found[:MOST_SETTINGS])
