"""A report is made beside the pages: one page waits for it, the others don't, and it is made once."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from page_parts import RUN, client, filled, record

from netwright.dashboard import report_page
from netwright.store import Store


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[threading.Event]:
    """Stands in for reports: each waits to be let go, and says which one it is."""
    events: list[threading.Event] = []

    def report_of(data: Any, **_: Any) -> str:
        events.append(threading.Event())
        number = len(events)
        assert events[-1].wait(20)
        return f"report {number} of {len(data)} trials"

    monkeypatch.setattr(report_page, "report_of", report_of)
    return events


def until(true: Any) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_page_waits_for_the_report_while_others_are_answered(tmp_path: Path, made: list[threading.Event]) -> None:
    with client(filled(tmp_path)) as browser:
        waiting = browser.get(f"/runs/{RUN}/report")
        assert waiting.status_code == 200 and "is being made" in waiting.text
        again = waiting.text.split('data-wait="')[1].split('"')[0]
        until(lambda: made)
        assert "is being made" in browser.get(again).text and browser.get(f"/runs/{RUN}").status_code == 200
        assert len(made) == 1
        with Store(tmp_path) as store:  # the run goes on meanwhile: what was asked for is good enough
            writer = store.writer(RUN, lambda: 43.0)
            writer.add(record(24))
            writer.wait()
            writer.close()
        made[0].set()
        until(lambda: browser.get(again, follow_redirects=False).status_code == 303)
        found = browser.get(again)
        assert found.text == "report 1 of 24 trials"
        assert found.headers["content-disposition"] == f'attachment; filename="{RUN}-report.html"'
        assert len(made) == 1
        threading.Thread(target=lambda: (until(lambda: len(made) == 2), made[1].set()), daemon=True).start()
        assert browser.get(f"/runs/{RUN}/report.html").text == "report 2 of 25 trials"


def test_a_report_that_fails_says_so_and_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> str:
        raise RuntimeError("no")

    monkeypatch.setattr(report_page, "report_of", fails)
    with client(filled(tmp_path)) as browser:
        again = browser.get(f"/runs/{RUN}/report").text.split('data-wait="')[1].split('"')[0]
        until(lambda: browser.get(again, follow_redirects=False).status_code == 303)
        assert browser.get(f"/runs/{RUN}/report.html").status_code == 500
        assert "is being made" in browser.get(f"/runs/{RUN}/report").text
        assert browser.get("/runs/none/report").status_code == 404
