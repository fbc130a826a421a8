"""What every page needs: the project, the rules, and the templates with what they say in common."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from netwright.charts import bundle
from netwright.dashboard.compared import Comparisons
from netwright.dashboard.figures import Figures
from netwright.dashboard.notes import Notes
from netwright.dashboard.project import Project
from netwright.dashboard.report_page import Reports
from netwright.dashboard.rules import Rules
from netwright.dashboard.traffic import Traffic
from netwright.dashboard.wording import FILTERS, shown
from netwright.version import __version__

HERE = Path(__file__).parent
STATIC = HERE / "static"


@dataclass
class Site:
    """The server's pages on one project."""

    project: Project
    rules: Rules
    figures: Figures = field(default_factory=lambda: Figures({}))
    warm: bool = False
    traffic: Traffic = field(default_factory=Traffic)
    reports: Reports = field(default_factory=Reports)
    lines: dict[str, tuple[Any, dict[str, Any]]] = field(default_factory=dict[str, tuple[Any, dict[str, Any]]])

    @cached_property
    def notes(self) -> Notes:
        """What was noted on runs and trials."""
        return Notes(self.project.directory)

    @cached_property
    def compared(self) -> Comparisons:
        """The comparison in the folder that is served, if it is one's."""
        return Comparisons(self.project.directory)

    @cached_property
    def templates(self) -> Environment:
        """Everything is escaped; a name that a template does not know is an error."""
        made = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=shown,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.filters.update(FILTERS)
        made.globals.update(
            project=self.project.directory.name,
            place=str(self.project.directory),
            control=self.rules.control,
            has_comparison=lambda: self.compared.file() is not None,
            rate=self.rules.rate,
            version=__version__,
            mark_of=static_mark(),
            charts_mark=charts_mark(),
        )
        return made

    def page(self, template: str, request: Request, status: int = 200, **values: Any) -> HTMLResponse:
        """A page; `path` is its address without the query."""
        made = self.templates.get_template(template).render(path=request.url.path, **values)
        return HTMLResponse(made, status)


def static_mark() -> str:
    """A text that changes whenever one of the pages' own files does, so that a browser may keep them."""
    found = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        found.update(path.read_bytes())
    return found.hexdigest()[:12]


def charts_mark() -> str:
    """The same for the charts' library."""
    try:
        made_by = version("vl-convert-python")
    except PackageNotFoundError:
        made_by = ""
    return hashlib.sha256(f"{made_by} {bundle.own_script()}".encode()).hexdigest()[:12]
