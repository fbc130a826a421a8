"""The space of a stored run, so that its architectures can be drawn; code that a run names is never brought in."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from netwright.catalogue.stored import stored_space
from netwright.core.errors import NetwrightError

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.core.space import Space
    from netwright.core.task import TaskShape

OURS = re.compile(r"netwright\.(spaces\.\w+|core\.among):\w+")


def has_drawings(data: RunData) -> bool:
    """Whether the architectures of a run can be drawn here, as far as that is told without importing anything."""
    arguments = data.summary.configuration.get("arguments", {})
    parts = [arguments.get(each) for each in ("strategy", "estimator")]
    spaces: list[Any] = [each.get("arguments", {}).get("space") for each in parts if isinstance(each, dict)]
    return any(isinstance(each, dict) and OURS.fullmatch(str(each.get("class"))) for each in spaces)


def space_of(data: RunData) -> Space | None:
    """The run's space; None where it is not one of ours, or not the same any more."""
    return _made(json.dumps(data.summary.configuration, sort_keys=True), data.summary.space)


@lru_cache(maxsize=32)
def _made(configuration: str, identity: str) -> Space | None:
    try:
        return stored_space(json.loads(configuration), identity)
    except NetwrightError:
        return None


def shape_of(data: RunData) -> TaskShape | None:
    """The shape of the data that was searched on; None where the run does not say."""
    from netwright.core.task import TaskShape

    kept = data.documents.get("networks")
    try:
        return TaskShape.from_json(kept["shape"]) if isinstance(kept, dict) and "shape" in kept else None
    except (KeyError, TypeError, ValueError):
        return None


def option_labels(data: RunData) -> dict[str, list[str]]:
    """By decision the labels of what a mixture weighs, soft ones last; empty where the space is not ours."""
    from netwright.core.decision_space import DecisionSpace

    space = space_of(data)
    if not isinstance(space, DecisionSpace):
        return {}
    return {
        each.name: [f"source {source}" for source, _ in each.edges]
        if each.kind == "sources"
        else [str(label) for label in (*each.options, *each.soft)]
        for each in space.decisions
    }
