"""The report of a run to take along: made beside the pages, while one that says so waits for it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from netwright.charts.run_data import RunData
from netwright.dashboard.headers import as_file
from netwright.dashboard.report import report_of
from netwright.dashboard.run_pages import run_values
from netwright.store import Store

if TYPE_CHECKING:
    from netwright.dashboard.site import Site

LOG = logging.getLogger("netwright.dashboard")
Since = Annotated[int, Query(ge=0, le=2**63 - 1, description="What the report must know: a sequence number.")]
Known = tuple[int, str]  # how much was written of the run, and its note


class Reports:
    """The last report that was made, one being made at a time. Safe to use from several threads."""

    def __init__(self) -> None:
        self._one = threading.Lock()
        self._last: tuple[str, Known, str] = ("", (0, ""), "")
        self._begun: dict[str, threading.Thread] = {}

    def text(self, site: Site, run: str, since: int) -> str:
        """A report that knows what was written up to `since`, or to now where that is 0; made where it is not there."""
        wanted = known_now(site, run)
        with self._one:
            if not self._has(run, (since or wanted[0], wanted[1])):
                self._last = (run, wanted, _made(site, run, wanted[1]))
            return self._last[2]

    def is_there(self, site: Site, run: str, since: int) -> bool:
        """Whether such a report can be had at once. If not it is begun; one that failed is there, to say why."""
        if self._has(run, (since, known_now(site, run)[1])):
            self._begun.pop(run, None)
            return True
        if run not in self._begun:
            self._begun[run] = threading.Thread(target=self._try, args=(site, run, since), daemon=True)
            self._begun[run].start()
            return False
        return not self._begun[run].is_alive() and self._begun.pop(run) is not None

    def _has(self, run: str, known: Known) -> bool:
        name, (written, note), _ = self._last
        return name == run and written >= known[0] and note == known[1]

    def _try(self, site: Site, run: str, since: int) -> None:
        try:
            self.text(site, run, since)
        except Exception:  # said to whoever asks for it next
            LOG.exception("the report of %s failed", run)


def known_now(site: Site, run: str) -> Known:
    """How much was written of a run, and what a person noted; Unknown where there is no such run."""
    return site.project.sequence(run), site.notes.of(run).text


def _made(site: Site, run: str, note: str) -> str:
    """The report as `netwright report` writes it, from a reading of its own: pages do not wait for it."""
    with Store.open_readonly(site.project.directory) as store:
        return report_of(RunData.read(store, run), rate=site.rules.rate or None, notes=note.splitlines())


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/runs/{name}/report")
    def wait(request: Request, name: str, since: Since = 0) -> Response:
        """Leads to the report when it is there; until then a page that asks again."""
        since = since or known_now(site, name)[0]
        if site.reports.is_there(site, name, since):
            return RedirectResponse(f"/runs/{quote(name)}/report.html?since={since}", 303)
        with site.project.run(name) as data:
            return site.page("report_waits.html", request, since=since, **run_values(site, data))

    @made.get("/runs/{name}/report.html")
    def report(name: str, since: Since = 0) -> Response:
        """The report as a file."""
        text = site.reports.text(site, name, since)
        return Response(text, media_type="text/html; charset=utf-8", headers=as_file(f"{name}-report.html"))

    return made
