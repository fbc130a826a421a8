"""What keys do, and what is answered as JSON; written from the description of the answers itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

if TYPE_CHECKING:
    from netwright.dashboard.site import Site

KEYS = (
    ("/", "to the search of this page"),
    ("g r", "to the runs"),
    ("g and the first letter of a tab", "to that tab of a run"),
    ("Escape", "closes a menu"),
    ("?", "this page"),
)


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/help")
    def explain(request: Request) -> Response:
        paths = request.app.openapi()["paths"].items()
        answers = [(method.upper(), path, each["summary"]) for path, ways in paths for method, each in ways.items()]
        return site.page("help.html", request, keys=KEYS, answers=answers)

    return made
