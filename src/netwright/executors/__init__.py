"""Where trials run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from netwright.executors.inline import Inline
from netwright.executors.job import perform
from netwright.executors.simulated import Simulated

if TYPE_CHECKING:
    from netwright.executors.folder import Folder, serve
    from netwright.executors.processes import Processes
    from netwright.executors.ray import Ray  # pyright: ignore[reportMissingImports]

__all__ = ["Folder", "Inline", "Processes", "Ray", "Simulated", "perform", "serve"]

_LATER = {"Folder": "folder", "Processes": "processes", "Ray": "ray", "serve": "folder"}


def __getattr__(name: str) -> Any:
    """What a worker process needs none of is imported when it is asked for."""
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
