"""The former name of the methods that give a whole search on shared weights: they are in `netwright.methods` now."""

from __future__ import annotations

import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    from netwright import methods

    if name not in dir(methods):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(f"netwright.recipes.{name} is netwright.methods.{name} now", DeprecationWarning, stacklevel=2)
    return getattr(methods, name)
