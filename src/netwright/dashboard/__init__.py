"""Pages on what a project holds: a server that reads the store, and the pages and JSON that it answers with."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["Rules", "make_application", "serve"]

if TYPE_CHECKING:
    from netwright.dashboard.application import make_application
    from netwright.dashboard.rules import Rules
    from netwright.dashboard.serving import serve
else:  # what the pages need is an extra
    from netwright.core.on_demand import on_demand

    _WHERE = {
        "Rules": "netwright.dashboard.rules:Rules",
        "make_application": "netwright.dashboard.application:make_application",
        "serve": "netwright.dashboard.serving:serve",
    }
    __getattr__, __dir__ = on_demand(__name__, _WHERE)
