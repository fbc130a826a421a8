"""Reports: one file that a person mails, of a run or of a comparison, with the charts and drawings of the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["comparison_report", "report_of"]

if TYPE_CHECKING:
    from netwright.dashboard.report.of_comparison import comparison_report
    from netwright.dashboard.report.of_run import report_of
else:  # what a report needs is an extra
    from netwright.core.on_demand import on_demand

    _WHERE = {
        "comparison_report": "netwright.dashboard.report.of_comparison:comparison_report",
        "report_of": "netwright.dashboard.report.of_run:report_of",
    }
    __getattr__, __dir__ = on_demand(__name__, _WHERE)
