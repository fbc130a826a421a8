"""Published methods as short functions: space x strategy x estimator, with the paper's defaults.

What their docstrings call published is each paper's headline, mostly quoted from memory: look it up before citing it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from netwright.core.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    from netwright.engine.search import Search

RECIPES = {
    "darts": "two_level:darts",
    "darts-second-order": "two_level:darts_second_order",
    "milenas": "mixed_level:milenas",
    "snas": "sampling:snas",
    "gdas": "sampling:gdas",
    "data-nas": "sampling:data_nas",
    "dsnas": "sampling:dsnas",
    "proxylessnas": "gates:proxylessnas",
    "nasp": "proximal:nasp",
    "xnas": "experts:xnas",
    "pc-darts": "partial:pc_darts",
    "pdarts": "progressive:pdarts",
    "sgas": "greedy:sgas",
    "robust-darts": "robust:robust_darts",
    "smooth-darts": "robust:smooth_darts",
    "smooth-darts-adversarial": "robust:smooth_darts_adversarial",
    "dropnas": "dropout:dropnas",
    "single-path-one-shot": "single_path:single_path_one_shot",
    "fairnas": "single_path:fairnas",
    "one-shot": "single_path:one_shot",
    "random-weight-sharing": "single_path:random_weight_sharing",
    "asng": "distributions:asng",
    "mdenas": "distributions:mdenas",
}
"""Name on the command line -> module and function."""


def load(name: str) -> Callable[..., Search]:
    """The function of a recipe, `recipe(space, task, epochs=..., seed=..., device=..., **settings)`.

    Raises ConfigurationError for an unknown name, with the nearest known one.
    """
    if name not in RECIPES:
        raise ConfigurationError(f"there is no recipe {name!r}{nearest(name, RECIPES)}")
    module, _, function = RECIPES[name].partition(":")
    return getattr(importlib.import_module(f"netwright.recipes.{module}"), function)


def __getattr__(name: str) -> Any:
    """`netwright.recipes.darts` is the function of that name."""
    for reference in RECIPES.values():
        module, _, function = reference.partition(":")
        if function == name:
            return getattr(importlib.import_module(f"netwright.recipes.{module}"), function)
    raise AttributeError(f"module 'netwright.recipes' has no attribute {name!r}")


__all__ = ["RECIPES", "load"]
