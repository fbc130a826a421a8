"""Drawings of architectures: one trial's, small ones for a pointer, and the difference of two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from netwright.core.errors import NetwrightError
from netwright.dashboard.charts_page import STANDALONE
from netwright.dashboard.headers import as_file
from netwright.dashboard.project import Unknown
from netwright.dashboard.stored_space import shape_of, space_of
from netwright.dashboard.trial_number import Number, place_of

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.task import TaskShape
    from netwright.dashboard.site import Site
    from netwright.drawings import Drawing

    Found = tuple[Space, Architecture, TaskShape | None]

Theme = Annotated[Literal["auto", "light", "dark"], Query()]


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/runs/{name}/trials/{number}/drawing.svg")
    def drawing_file(
        name: str, number: Number, theme: Theme = "auto", small: bool = False, keep: bool = False
    ) -> Response:
        """The drawing of a trial's architecture; as a file to keep where that is asked for."""
        drawn = _drawn(*_found(site, name, number), f"{name}, trial {number}", small=small)
        headers = STANDALONE | (as_file(f"{name}-trial-{number}.svg") if keep else {})
        return Response(drawn.svg(theme), media_type="image/svg+xml", headers=headers)

    @made.get("/runs/{name}/trials/{number}/changed-from-{other}.svg")
    def difference_file(name: str, number: Number, other: Number, theme: Theme = "auto") -> Response:
        """What a trial's architecture adds, leaves out and does otherwise than another trial's."""
        drawn = _difference(_found(site, name, other), _found(site, name, number), f"from trial {other} to {number}")
        return Response(drawn.svg(theme), media_type="image/svg+xml", headers=STANDALONE)

    return made


def _found(site: Site, name: str, number: int) -> Found:
    """Space and architecture of a trial, and the shape of the data; Unknown where they cannot be had."""
    with site.project.run(name) as data:
        space, stored, shape = space_of(data), data.architectures[place_of(data, number)], shape_of(data)
    if space is None:
        raise Unknown(f"the space of {name} is not one of netwright's own, whose architectures are drawn here")
    if stored is None:
        raise Unknown(f"trial {number} asked about a mixture, not an architecture")
    (content,) = (part for key, part in stored.items() if key != "space")
    try:
        return space, space.architecture(content), shape
    except NetwrightError as problem:
        raise Unknown(str(problem)) from None


def _drawn(space: Space, architecture: Architecture, shape: TaskShape | None, title: str, *, small: bool) -> Drawing:
    from netwright.drawings import draw_architecture

    try:
        return draw_architecture(space, architecture, shape, title=title, small=small)
    except NetwrightError as problem:
        raise Unknown(str(problem)) from None


def _difference(first: Found, second: Found, title: str) -> Drawing:
    from netwright.drawings import draw_difference

    try:
        return draw_difference(first[1], second[1], second[2], title=title)
    except NetwrightError as problem:
        raise Unknown(str(problem)) from None
