"""What every page on one run has: its name and state, the tabs, and what of its figures is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.dashboard.stored_space import has_drawings

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.dashboard.site import Site

TABS = (
    ("", "Overview"),
    ("/trials", "Trials"),
    ("/front", "Front"),
    ("/charts", "Charts"),
    ("/strategy", "Strategy"),
    ("/resources", "Resources"),
    ("/export", "Export"),
)


def run_values(site: Site, data: RunData) -> dict[str, Any]:
    """What the head of every page on a run says."""
    return {
        "run": data.summary,
        "data": data,
        "objectives": [each.metric for each in data.objectives],
        "tabs": TABS,
        "sequence": site.project.sequence(data.name),
        "live": data.summary.state == "running",
        "can_draw": has_drawings(data),
        "note": site.notes.of(data.name),
    }


def shown_metrics(data: RunData) -> list[str]:
    """The objectives, what is limited, and the parameters, as far as they were measured."""
    named = [each.metric for each in (*data.objectives, *data.limits)]
    return [name for name in dict.fromkeys([*named, "params"]) if name in data.metrics]
