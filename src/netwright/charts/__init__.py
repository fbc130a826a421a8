"""Charts of runs: one definition each for pages, reports, notebooks and files.

A `Chart` answers one question; `CHARTS` has them by name. `RunData` is a run as columns, `Figure` a chart that was
made of it: Vega-Lite, SVG, PNG, PDF, CSV and JSON. Altair and vl-convert, of the extra `dashboard`, are imported when a
chart is made.
"""

from __future__ import annotations

from netwright.charts import best_so_far, failures, front
from netwright.charts.bundle import javascript
from netwright.charts.chart import Chart, Drawn
from netwright.charts.figure import Figure
from netwright.charts.run_data import RunData
from netwright.charts.themes import THEMES
from netwright.core.errors import UserError, nearest

__all__ = ["CHARTS", "THEMES", "Chart", "Drawn", "Figure", "RunData", "find", "javascript"]

CHARTS = {each.CHART.name: each.CHART for each in (best_so_far, front, failures)}


def find(name: str) -> Chart:
    """The chart of this name; UserError names the nearest where there is none.

    name: as in `CHARTS`.
    """
    if name not in CHARTS:
        raise UserError(f"there is no chart {name!r}{nearest(name, CHARTS)}")
    return CHARTS[name]
