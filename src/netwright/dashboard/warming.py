"""What is made ahead of the pages that need it, beside the first answers and never in their way."""

from __future__ import annotations

import contextlib
import gc
import threading
from typing import TYPE_CHECKING

from netwright.charts import javascript
from netwright.charts.chart import altair
from netwright.core.errors import NetwrightError
from netwright.dashboard.overview_page import overview_values
from netwright.dashboard.project import Unknown

if TYPE_CHECKING:
    from netwright.dashboard.site import Site


def warm_up(site: Site) -> None:
    """Read the latest run and what its pages are written with; then, whenever nobody asks, import what takes long.

    Imports share the interpreter with the answers, which they would slow down to a half.
    """
    threading.Thread(target=_charts_library, daemon=True).start()  # a process of its own where it is made
    _read_latest(site)
    for each in site.templates.list_templates(["html"]):
        site.templates.get_template(each)
    for step in (altair, _drawings, lambda: _read_choices(site)):
        site.traffic.wait_for_quiet()
        step()
    gc.collect()
    gc.freeze()  # what stays is not looked through again, which took 130 ms of some answers


def _charts_library() -> None:
    with contextlib.suppress(NetwrightError):  # said where a chart is drawn
        javascript()


def _read_latest(site: Site) -> None:
    with contextlib.suppress(NetwrightError, Unknown, OSError):
        for run in site.project.runs()[:1]:
            with site.project.run(run.name) as data:
                overview_values(data)


def _read_choices(site: Site) -> None:
    with contextlib.suppress(NetwrightError, Unknown, OSError):
        for run in site.project.runs()[:1]:
            with site.project.run(run.name) as data:
                _ = data.choices


def _drawings() -> None:
    import torch  # noqa: F401 - what drawings of architectures need

    import netwright.drawings
    import netwright.spaces  # noqa: F401
