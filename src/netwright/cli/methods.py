"""`--method NAME`: which of the two sorts it is, a strategy or a whole search on shared weights."""

from __future__ import annotations

from netwright.catalogue import load, shipped, split
from netwright.catalogue.loading import gives_a_search
from netwright.core.errors import ConfigurationError


def sorted_out(
    method: str | None, recipe: str | None, strategy: str | None, warm_start: str | None
) -> tuple[str | None, str | None]:
    """The recipe and the strategy, one of which the method may be.

    Raises ConfigurationError where more than one of the three was given, for a warm start of shared weights, and for a
    method that does not exist.
    """
    if method:
        for option, given in (("--recipe", recipe), ("--strategy", strategy)):
            if given:
                raise ConfigurationError(f"--method {method} brings its own strategy; leave out {option} {given}")
        recipe, strategy = (method, None) if _is_search(method) else (None, method)
    if recipe and strategy:
        raise ConfigurationError(f"--recipe {recipe} brings its own strategy; leave out --strategy {strategy}")
    if recipe and warm_start:
        raise ConfigurationError(f"--recipe {recipe} begins with its shared weights; leave out --warm-start")
    return recipe, strategy


def _is_search(method: str) -> bool:
    name, _ = split(method)
    return name not in shipped("strategy") and gives_a_search(load("method", name))
