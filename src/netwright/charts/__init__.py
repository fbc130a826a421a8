"""Charts of runs: one definition each for pages, reports, notebooks and files.

A `Chart` answers one question; `CHARTS` has them by name. `RunData` is a run as columns, `Figure` a chart that was
made of it: Vega-Lite, SVG, PNG, PDF, CSV and JSON. Altair and vl-convert, of the extra `dashboard`, are imported when a
chart is made.
"""

from __future__ import annotations

from netwright.charts import (
    best_so_far,
    calibration,
    confusion,
    correlation,
    costs,
    curves,
    data,
    failures,
    finalists,
    front,
    importance,
    lineage,
    mixture,
    parallel,
    promotions,
    runs,
    slices,
    timeline,
    volume,
    worst,
)
from netwright.charts.bundle import javascript
from netwright.charts.chart import Chart, Drawn
from netwright.charts.figure import Figure
from netwright.charts.own import own_chart
from netwright.charts.page import page
from netwright.charts.run_data import RunData
from netwright.charts.themes import THEMES
from netwright.core.errors import UserError, nearest

__all__ = ["CHARTS", "THEMES", "Chart", "Drawn", "Figure", "RunData", "find", "javascript", "own_chart", "page"]

_CHARTS = (
    *(best_so_far.CHART, front.CHART, volume.CHART, parallel.CHART, importance.IMPORTANCE, importance.EFFECTS),
    *(slices.CHART, curves.CHART, promotions.CHART, lineage.CHART, mixture.CHART, correlation.CHART, calibration.CHART),
    *(timeline.CHART, failures.CHART, costs.CHART, finalists.CHART, confusion.CHART, worst.CHART, data.CHART),
    runs.CHART,
)
CHARTS = {each.name: each for each in _CHARTS}


def find(name: str) -> Chart:
    """The chart of this name; UserError names the nearest where there is none.

    name: as in `CHARTS`.
    """
    if name not in CHARTS:
        raise UserError(f"there is no chart {name!r}{nearest(name, CHARTS)}")
    return CHARTS[name]
