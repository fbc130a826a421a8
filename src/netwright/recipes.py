"""The former name of the methods that give a whole search on shared weights: they are in `netwright.methods` now."""

from __future__ import annotations

from typing import Any

from netwright.core.warning import warn


def __getattr__(name: str) -> Any:
    from netwright import methods

    if name not in dir(methods):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warn(f"netwright.recipes.{name} is netwright.methods.{name} now", DeprecationWarning)
    return getattr(methods, name)
