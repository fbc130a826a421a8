"""What a person may change where the server allows it: steer a running search, and take notes. Everything is JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter
from fastapi import Request as At
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from netwright.core.errors import UserError
from netwright.dashboard.answers import Answer
from netwright.dashboard.trial_number import Number, place_of
from netwright.engine.control import EVENT, in_words, send, waiting

if TYPE_CHECKING:
    from netwright.dashboard.site import Site


MOST_EVENTS = 30


class Request(BaseModel):
    """What a running search is asked.

    ask: pause, continue or stop; stops, with trials or time; workers, with count; limits, with one to set or to lift;
        try, with an architecture.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    ask: Literal["pause", "continue", "stop", "stops", "workers", "limits", "try"]
    trials: Annotated[int, Field(ge=1, le=10**9)] | None = None
    time: Annotated[str, Field(max_length=40)] | None = None
    count: Annotated[int, Field(ge=1, le=10**6)] | None = None
    set: Annotated[str, Field(max_length=200)] | None = None
    lift: Annotated[str, Field(max_length=200)] | None = None
    architecture: Annotated[str, Field(max_length=50_000)] | None = None


class Noted(BaseModel):
    """A note with its tags, in place of what was there."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[str, Field(max_length=10_000)] = ""
    tags: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=20)] = []


def answers(site: Site) -> APIRouter:
    """The routes that change something; the guard refuses them unless that was allowed."""
    made = APIRouter(prefix="/api", tags=["control"])

    @made.post("/runs/{name}/control", summary="Ask something of a running search", status_code=202)
    def ask(name: str, request: Request, place: At) -> Response:
        with site.project.run(name) as data:
            driven = data.summary.driven and data.summary.state == "running"
        if not driven:
            return Answer({"error": f"nothing drives run {name!r} now"}, 409)
        try:
            by = f"page, {place.client.host}" if place.client else "page"
            taken = send(site.project.directory, name, {**request.model_dump(exclude_none=True), "by": by})
        except UserError as problem:
            return Answer({"error": str(problem)}, 422)
        return Answer({"request": taken}, 202)

    @made.post("/runs/{name}/note", summary="Note something on a run")
    def note_run(name: str, noted: Noted) -> Response:
        with site.project.run(name):
            pass
        return _noted(site, name, None, noted)

    @made.post("/runs/{name}/trials/{number}/note", summary="Note something on a trial")
    def note_trial(name: str, number: Number, noted: Noted) -> Response:
        with site.project.run(name) as data:
            place_of(data, number)
        return _noted(site, name, number, noted)

    return made


def _noted(site: Site, name: str, number: int | None, noted: Noted) -> Response:
    try:
        found = site.notes.change(name, number, noted.text, noted.tags)
    except UserError as problem:
        return Answer({"error": str(problem)}, 422)
    return Answer({"text": found.text, "tags": list(found.tags)})


def control_values(site: Site, name: str) -> dict[str, Any]:
    """What a page shows of it: requests that wait, and what happened to the run, the latest first."""
    happened = site.project.require().events(name)
    return {
        "waits": len(waiting(site.project.directory, name)),
        "happened": happened[: -MOST_EVENTS - 1 : -1],
        "paused": is_paused(happened),
    }


def is_paused(happened: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a pause was the last that was asked of the present session."""
    paused = False
    for each in happened:
        if each["type"] == "running":
            paused = False
        elif each["type"] == EVENT:
            asked = each["data"].get("asked", {}).get("ask")
            paused = asked == "pause" or (paused and asked not in ("continue", "stop"))
    return paused


def told(event: Mapping[str, Any]) -> str:
    """One event in words."""
    data = event["data"]
    if event["type"] == EVENT:
        return in_words(data.get("asked", {}), str(data.get("done", "")), str(data.get("by", "")))
    said = str(data.get("text") or data.get("stopped") or "")
    return f"{event['type']}{f': {said}' if said else ''}"
