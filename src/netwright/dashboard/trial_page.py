"""One trial: what was tried, how it went epoch by epoch, its attempts, and why it failed if it did."""

from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import Response

from netwright.core.errors import UserError
from netwright.core.inside import inside
from netwright.dashboard.answers import Answer
from netwright.dashboard.run_pages import run_values, shown_metrics
from netwright.dashboard.stored_space import has_drawings
from netwright.dashboard.trial_number import Number, place_of
from netwright.engine.control import by_hand

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.dashboard.site import Site
    from netwright.store import Store, StoredTrial

CHARTS = ("curves",)
MOST_CHILDREN = 50
MOST_EPOCHS = 1000
MOST_FILES = 200
FOLDER = "trials"  # of a project, in which trials keep their networks


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/runs/{name}/trials/{number}")
    def trial(request: Request, name: str, number: Number) -> Response:
        with site.project.run(name) as data:
            values = trial_values(site, data, number)
            return site.page("trial.html", request, **values, **run_values(site, data))

    return made


def answers(site: Site) -> APIRouter:
    """The same as JSON."""
    made = APIRouter(prefix="/api", tags=["trials"])

    @made.get("/runs/{name}/trials/{number}", summary="One trial with its curve and attempts")
    def trial(name: str, number: Number) -> Response:
        with site.project.run(name) as data:
            return Answer(trial_json(site.project.require(), data, number))

    return made


def trial_values(site: Site, data: RunData, number: int) -> dict[str, Any]:
    """What the page on a trial shows."""
    place, store = place_of(data, number), site.project.require()
    stored = store.trial(data.name, number)
    parent = data.parents[place]
    return {
        "number": number,
        "own_note": site.notes.of(data.name, number),
        "by_hand": by_hand(stored),
        "place": place,
        "trial": stored,
        "main": shown_metrics(data),
        "attempts": store.attempts(data.name, number),
        "parent": None if math.isnan(parent) else int(parent),
        "children": children_of(data, number),
        "same": same_architecture(data, place),
        "curve": curve_table(stored),
        "choices": choices_of(data, place),
        "json": json.dumps(stored.architecture, ensure_ascii=False, indent=1) if stored.architecture else "",
        "figures": site.figures.there(data, CHARTS) if stored.curve else [],
        "drawn": stored.architecture is not None and has_drawings(data),
        "files": files_of(store, data.name, number),
        "last": int(data.numbers[-1]),
        "is_best": data.best == place,
    }


def trial_json(store: Store, data: RunData, number: int) -> dict[str, Any]:
    place_of(data, number)
    stored = store.trial(data.name, number)
    names = [each for each in type(stored).__slots__ if each not in ("mixture", "gradient")]
    attempts = [
        {name: getattr(each, name) for name in type(each).__slots__} for each in store.attempts(data.name, number)
    ]
    return {**{name: getattr(stored, name) for name in names}, "attempts": attempts}


def children_of(data: RunData, number: int) -> list[int]:
    """The first trials that go on from this one."""
    return [int(each) for each in data.numbers[np.flatnonzero(data.parents == number)][:MOST_CHILDREN]]


def same_architecture(data: RunData, place: int) -> list[int]:
    """Other trials of the same architecture: rungs of a race, repetitions."""
    text = data.texts[place]
    if not text:
        return []
    return [int(data.numbers[k]) for k, each in enumerate(data.texts) if each == text and k != place][:MOST_CHILDREN]


def choices_of(data: RunData, place: int) -> dict[str, Any]:
    """What was decided, by decision; those that are not asked are left out."""
    return {name: labels[place] for name, labels in data.choices.items() if labels[place] is not None}


def curve_table(trial: StoredTrial) -> tuple[list[str], list[list[float | None]]]:
    """The metrics of the epochs: names, and a row each."""
    points = trial.curve[:MOST_EPOCHS]
    names = list(dict.fromkeys(name for each in points for name in each))
    return names, [[each.get(name) for name in names] for each in points]


def files_of(store: Store, run: str, number: int) -> list[tuple[str, int]]:
    """Name and bytes of what the trial keeps on disk. The folder's name comes from the store, not from an address."""
    found: list[tuple[str, int]] = []
    try:
        root = inside(store.directory, FOLDER, run, str(number))
    except UserError:  # a link, or a run whose name is no plain one
        return found
    for folder, _, names in os.walk(root):
        for name in sorted(names)[: MOST_FILES - len(found)]:
            path = os.path.join(folder, name)
            found.append((os.path.relpath(path, store.directory), os.lstat(path).st_size))
    return found
