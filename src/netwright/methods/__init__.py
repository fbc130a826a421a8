"""Published methods as short functions: space x strategy x estimator, with the paper's defaults.

What their docstrings call published is each paper's headline, mostly quoted from memory: look it up before citing it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from netwright.core.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    from netwright.engine.search import Search
    from netwright.recipes.distributions import asng, mdenas
    from netwright.recipes.dropout import dropnas
    from netwright.recipes.experts import xnas
    from netwright.recipes.gates import proxylessnas
    from netwright.recipes.greedy import sgas
    from netwright.recipes.mixed_level import milenas
    from netwright.recipes.partial import pc_darts
    from netwright.recipes.progressive import pdarts
    from netwright.recipes.proximal import nasp
    from netwright.recipes.robust import robust_darts, smooth_darts, smooth_darts_adversarial
    from netwright.recipes.sampling import data_nas, dsnas, gdas, snas
    from netwright.recipes.single_path import fairnas, one_shot, random_weight_sharing, single_path_one_shot
    from netwright.recipes.two_level import darts, darts_second_order

__all__ = [
    "RECIPES",
    "asng",
    "darts",
    "darts_second_order",
    "data_nas",
    "dropnas",
    "dsnas",
    "fairnas",
    "gdas",
    "load",
    "mdenas",
    "milenas",
    "nasp",
    "one_shot",
    "pc_darts",
    "pdarts",
    "proxylessnas",
    "random_weight_sharing",
    "robust_darts",
    "sgas",
    "single_path_one_shot",
    "smooth_darts",
    "smooth_darts_adversarial",
    "snas",
    "xnas",
]

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


if not TYPE_CHECKING:
    from netwright.core.on_demand import on_demand

    __getattr__, __dir__ = on_demand(
        __name__, {each.partition(":")[2]: f"netwright.recipes.{each}" for each in RECIPES.values()}
    )
