"""`help` of what is public can be scanned: each parameter stands on a line of its own, `name: what it is`."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

from netwright.training import TrainingSettings

PACKAGES = (
    "netwright",
    *(f"netwright.{name}" for name in ("catalogue", "engine", "executors", "methods", "results", "store")),
    *(f"netwright.{name}" for name in ("drawings", "strategies", "tasks", "training")),
    *(f"netwright.{name}" for name in ("benchmarks", "estimators", "predictors", "spaces", "supernets", "testing")),
    *(f"netwright.predictors.{name}" for name in ("curves", "encodings", "gaussian_process", "kernels")),
    *(f"netwright.strategies.{name}" for name in ("bayesian", "differentiable", "evolution", "fidelity", "latent")),
    *(f"netwright.strategies.{name}" for name in ("paths", "progressive", "reinforcement", "rounds", "tree_search")),
)
MODULES = (
    *(f"netwright.core.{name}" for name in ("architecture", "decisions", "executor", "graph", "trial")),
    *(f"netwright.networks.{name}" for name in ("blocks", "cells", "operations", "resnet")),
)  # whose classes are taken from there by who writes spaces, estimators and executors
ITEM = re.compile(r"^((?:\w+)(?:, \w+)*): .", re.MULTILINE)
TAKES_SETTINGS = re.compile(r"^settings: .*\bTrainingSettings\b", re.MULTILINE)  # and says where each is described


def classes(module: ModuleType) -> list[str]:
    """Those that are defined there."""
    found = [name for name, each in inspect.getmembers(module, inspect.isclass) if each.__module__ == module.__name__]
    return [name for name in found if not name.startswith("_")]


def public() -> Iterator[tuple[str, object]]:
    for package in (*PACKAGES, *MODULES):
        module = importlib.import_module(package)
        for name in classes(module) if package in MODULES else module.__all__:
            value = getattr(module, name)
            is_error = inspect.isclass(value) and issubclass(value, BaseException)
            if (inspect.isclass(value) or inspect.isfunction(value)) and not is_error:
                yield f"{package}.{name}", value


def parameters(value: object) -> list[str]:
    """Those that a caller gives."""
    found = inspect.signature(value).parameters.values()  # type: ignore[arg-type]
    return [each.name for each in found if each.name not in ("self", "args", "kwargs")]


def described(value: object) -> set[str]:
    """The names that stand on lines of their own, and those of the training settings where these are named."""
    text = inspect.getdoc(value) or ""
    own = {name.strip() for line in ITEM.findall(text) for name in line.split(",")}
    return own | described(TrainingSettings) if TAKES_SETTINGS.search(text) else own


@pytest.mark.parametrize(("name", "value"), list(public()), ids=lambda each: each if isinstance(each, str) else "")
def test_each_parameter_has_its_line(name: str, value: object) -> None:
    assert inspect.getdoc(value), f"{name} has no docstring"
    missing = [each for each in parameters(value) if each not in described(value)]
    assert not missing, f"{name} says nothing of {missing} on a line of its own"


def test_parameters_within_a_sentence_are_not_enough() -> None:
    def good(size: int, seed: int) -> None:
        """Does.

        size: how large.
        seed: which.
        """

    def glued(size: int, seed: int) -> None:
        """Does. size: how large. seed: which."""

    assert described(good) == {"size", "seed"} and described(glued) == set()
