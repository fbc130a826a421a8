"""Where trials run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.executors.inline import Inline
from netwright.executors.job import perform
from netwright.executors.simulated import Simulated

if TYPE_CHECKING:
    from netwright.executors.processes import Processes
    from netwright.executors.ray import Ray  # pyright: ignore[reportMissingImports]

__all__ = ["Inline", "Processes", "Ray", "Simulated", "perform"]


def __getattr__(name: str) -> Any:
    """`Processes` and `Ray` are imported when they are asked for; a worker needs neither."""
    if name == "Processes":
        from netwright.executors.processes import Processes

        return Processes
    if name == "Ray":
        from netwright.executors.ray import Ray  # pyright: ignore[reportMissingImports]

        return Ray
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
