"""The space of a stored run, so that its architectures can be drawn; code that a run names is never brought in.

Only spaces that netwright ships are made, from their constructor's arguments as they were stored.
"""

from __future__ import annotations

import importlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from netwright.core.errors import NetwrightError
from netwright.core.serial import parse_json

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.core.space import Space
    from netwright.core.task import TaskShape

OURS = re.compile(r"netwright\.spaces\.(\w+):(\w+)")
DEEPEST = 8


def has_drawings(data: RunData) -> bool:
    """Whether the architectures of a run can be drawn here; nothing is imported for that."""
    return _configuration(data) is not None


def space_of(data: RunData) -> Space | None:
    """The run's space; None where it is not one of ours, or not the same any more."""
    found = _configuration(data)
    if found is None:
        return None
    from json import dumps

    return _made(dumps(found), data.summary.space)


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


def _configuration(data: RunData) -> Any:
    """The stored configuration of the space, where everything in it is ours; None otherwise."""
    arguments = data.summary.configuration.get("arguments", {})
    for part in ("strategy", "estimator"):
        inner = arguments.get(part)
        space = inner.get("arguments", {}).get("space") if isinstance(inner, dict) else None
        if isinstance(space, dict) and _is_ours(space):
            return space
    return None


def _is_ours(value: Any, depth: int = 0) -> bool:
    if depth > DEEPEST:
        return False
    if isinstance(value, list):
        return all(_is_ours(each, depth + 1) for each in value)
    if not isinstance(value, dict):
        return True
    named = value.get("class")
    if depth == 0 and named is None:
        return False
    if named is not None and (not isinstance(named, str) or OURS.fullmatch(named) is None):
        return False
    return all(_is_ours(each, depth + 1) for each in value.values())


@lru_cache(maxsize=32)
def _made(configuration: str, identity: str) -> Space | None:
    """The space of a configuration; None where it cannot be made, or would be another than the run's."""
    try:
        space = _constructed(parse_json(configuration))
    except (NetwrightError, TypeError, ValueError, ImportError, AttributeError):
        return None
    return space if space.id == identity else None


def _constructed(value: Any) -> Any:
    if isinstance(value, list):
        return [_constructed(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "class" not in value:
        return {name: _constructed(each) for name, each in value.items()}
    module, name = _place(value["class"])
    cls = getattr(importlib.import_module(module), name)
    return cls(**{key: _constructed(each) for key, each in value.get("arguments", {}).items()})


def _place(named: str) -> tuple[str, str]:
    found = OURS.fullmatch(named)
    if found is None:
        raise TypeError(f"{named[:80]!r} is no space of ours")
    return f"netwright.spaces.{found[1]}", found[2]
