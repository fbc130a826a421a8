"""Where trials run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.executors.inline import Inline
from netwright.executors.job import perform
from netwright.executors.simulated import Simulated

__all__ = ["Inline", "Processes", "Ray", "Simulated", "perform"]

if TYPE_CHECKING:
    from netwright.executors.processes import Processes
    from netwright.executors.ray import Ray  # pyright: ignore[reportMissingImports]
else:  # a worker needs neither
    from netwright.core.on_demand import on_demand

    _WHERE = {"Processes": "netwright.executors.processes:Processes", "Ray": "netwright.executors.ray:Ray"}
    __getattr__, __dir__ = on_demand(__name__, _WHERE)
