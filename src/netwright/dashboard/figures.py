"""Charts of runs as the pages ask for them: by name and settings, remembered until the run has grown."""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netwright.charts import CHARTS, Chart, Figure
from netwright.core.errors import UserError, nearest
from netwright.dashboard.project import Unknown

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.dashboard.site import Site

LOG = logging.getLogger("netwright.dashboard")
OF_SEVERAL = ("runs",)  # charts that show other runs, too
KEPT = 64  # figures that stay in memory
TABLE_ROWS = 200  # of a figure's data, shown in the page
Key = tuple[str, int, str, str]


class Figures:
    """Makes figures, each once as long as its run does not change."""

    def __init__(self, own: Mapping[str, Chart]) -> None:
        """own: further charts, of the user's, by name."""
        self.charts: Mapping[str, Chart] = {**CHARTS, **own}
        self.own = tuple(own)
        self._made: OrderedDict[Key, Figure] = OrderedDict()
        self._lock = threading.Lock()

    def chart(self, name: str) -> Chart:
        """The chart of this name; Unknown names the nearest where there is none."""
        if name not in self.charts:
            raise Unknown(f"there is no chart {name!r}{nearest(name, self.charts)}")
        return self.charts[name]

    def figure(self, site: Site, run: str, name: str, theme: str, settings: Mapping[str, str]) -> Figure:
        """A figure of a run as it is now. UserError for settings that the chart doesn't have, and for a theme."""
        chart = self.chart(name)
        with site.project.run(run) as data:
            written = site.project.sequence(None if name in OF_SEVERAL else run)
            key = (run, written, name, json.dumps(dict(settings), sort_keys=True))
            with self._lock:
                found = self._made.get(key)
            if found is None:
                found = _drawn(chart, data, settings, own=name in self.own)
                self._keep(key, found)
        return found.themed(theme)

    def _keep(self, key: Key, figure: Figure) -> None:
        with self._lock:
            for each in [each for each in self._made if (each[0], each[2]) == (key[0], key[2]) and each[1] != key[1]]:
                del self._made[each]
            self._made[key] = figure
            while len(self._made) > KEPT:
                self._made.popitem(last=False)

    def there(self, data: RunData, names: Sequence[str]) -> list[Chart]:
        """Those of the named charts that have something to show."""
        found = [self.charts[name] for name in names if name in self.charts]
        return [each for each in found if not _why(each, data)]

    def fitting(self, data: RunData) -> dict[str, str]:
        """Every chart by name, with why there is nothing to draw; "" where there is."""
        return {name: _why(chart, data) for name, chart in self.charts.items()}


def _drawn(chart: Chart, data: RunData, settings: Mapping[str, str], *, own: bool) -> Figure:
    """A figure. What a function of the user's own raises is said in its place, and goes to the log."""
    try:
        return chart.figure(data, **settings)
    except UserError:
        raise
    except Exception as problem:
        if not own:
            raise
        LOG.exception("the chart %s failed", chart.name)
        return Figure(chart.name, chart.title, chart.question, empty=f"it raised {type(problem).__name__}: {problem}")


def _why(chart: Chart, data: RunData) -> str:
    try:
        return chart.applies(data)
    except UserError as problem:
        return str(problem)


def figure_json(figure: Figure) -> dict[str, Any]:
    """What a page needs to show a figure: its words, its specification, and the first rows of its data."""
    columns, rows = figure.table(TABLE_ROWS)
    words = {"name": figure.name, "title": figure.title, "question": figure.question, "note": figure.note}
    table = {"columns": list(columns), "rows": [list(each) for each in rows], "all": len(figure.rows)}
    drawn = None if figure.empty else figure.specification
    return {**words, "empty": figure.empty, "table": table, "specification": drawn}
