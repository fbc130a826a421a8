"""`--method NAME`: which of the two sorts it is, a strategy or a whole search on shared weights."""

from __future__ import annotations

from netwright.catalogue import load, shipped, split
from netwright.catalogue.loading import gives_a_search
from netwright.core.errors import ConfigurationError


def sorted_out(method: str, recipe: str | None, strategy: str | None) -> tuple[str | None, str | None]:
    """The method in place of the recipe, or in place of the strategy.

    Raises ConfigurationError where one of these was given beside it, and for a method that does not exist.
    """
    for option, given in (("--recipe", recipe), ("--strategy", strategy)):
        if given:
            raise ConfigurationError(f"--method {method} brings its own strategy; leave out {option} {given}")
    name, _ = split(method)
    if name in shipped("strategy"):
        return None, method
    return (method, None) if gives_a_search(load("method", name)) else (None, method)
