"""The page of the interfaces: what a plug-in inherits from, takes and gives, with signatures and source."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import netwright
from netwright import testing

GROUPS = {
    "Spaces": ("Space", "DecisionSpace", "Choose", "Architecture", "Mixture", "TaskShape"),
    "Strategies": ("Strategy", "RoundStrategy", "Rounds", "Proposal", "Trial"),
    "Estimators": ("Estimator", "Measurement"),
    "Problems": ("Problem", "Metric", "Objective", "Constraint"),
    "Search": ("Search", "Run", "Task", "TrainingSettings"),
    "Errors": ("NetwrightError",),
}


def page() -> str:
    """The page: a heading a group, and each class by where it is defined."""
    head = [
        "# Interfaces",
        "What a plug-in inherits from, takes and gives, with signatures and source; how they are used is in "
        "[extending](adding/README.md). In code they are `nw.Space`, `nw.Strategy` and so on, the contract tests "
        "`netwright.testing.check_space` and so on.",
    ]
    return "\n\n".join([*head, *(_group(name, members) for name, members in groups().items())]) + "\n"


def groups() -> dict[str, list[str]]:
    """By group where each class or function of the page is defined."""
    found = {name: [_place(getattr(netwright, each)) for each in members] for name, members in GROUPS.items()}
    tests = [getattr(testing, name) for name in testing.__all__ if name.startswith("check_")]
    return {**found, "Contract tests": [_place(each) for each in tests]}


@cache
def places() -> tuple[str, ...]:
    """Where everything on the page is defined."""
    return tuple(place for members in groups().values() for place in members)


def _group(name: str, members: list[str]) -> str:
    return "\n\n".join([f"## {name}", *(f"::: {place}" for place in members)])


def _place(member: Callable[..., Any]) -> str:
    described = inspect.unwrap(member)
    return f"{described.__module__}.{described.__qualname__}"
