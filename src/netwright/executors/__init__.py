"""Where trials run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.executors.inline import Inline
from netwright.executors.job import perform
from netwright.executors.simulated import Simulated

__all__ = ["Folder", "Inline", "Processes", "Ray", "Simulated", "perform", "serve"]

if TYPE_CHECKING:
    from netwright.executors.folder import Folder, serve
    from netwright.executors.processes import Processes
    from netwright.executors.ray import Ray  # pyright: ignore[reportMissingImports]
else:  # a worker needs neither
    from netwright.core.on_demand import on_demand

    _WHERE = {
        "Folder": "netwright.executors.folder:Folder",
        "Processes": "netwright.executors.processes:Processes",
        "Ray": "netwright.executors.ray:Ray",
        "serve": "netwright.executors.folder:serve",
    }
    __getattr__, __dir__ = on_demand(__name__, _WHERE)
