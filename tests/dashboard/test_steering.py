"""Notes, tags and requests to a running search: kept and sent where that is allowed, and shown as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from page_parts import RUN, SCRIPT, client, filled
from starlette.testclient import TestClient

from netwright.core.errors import UserError
from netwright.dashboard.control_page import is_paused
from netwright.dashboard.notes import Notes
from netwright.dashboard.rules import Rules
from netwright.engine.control import waiting
from netwright.store import Store

OWN = {"origin": "http://127.0.0.1:8400"}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return filled(tmp_path / "runs", 4)


@pytest.fixture
def browser(directory: Path) -> Iterator[TestClient]:
    with client(directory, Rules(control=True), **OWN) as made:
        yield made


def test_notes_and_tags_are_kept_beside_the_database_and_shown_as_text(browser: TestClient, directory: Path) -> None:
    noted = {"text": f"look {SCRIPT}\nagain", "tags": ["good", SCRIPT[:30], "good"]}
    assert browser.post(f"/api/runs/{RUN}/note", json=noted).json()["tags"] == ["good", SCRIPT[:30]]
    assert browser.post(f"/api/runs/{RUN}/trials/2/note", json={"text": "mine"}).status_code == 200
    assert (directory / "notes.json").stat().st_mode & 0o777 == 0o600
    for address in ("/", f"/runs/{RUN}", f"/runs/{RUN}/trials/2"):
        page = browser.get(address).text
        assert "<script>document" not in page and "good" in page
    assert "mine" in browser.get(f"/runs/{RUN}/trials/2").text
    with client(directory) as reader:  # who may only read sees them, too
        assert "mine" in reader.get(f"/runs/{RUN}/trials/2").text
        assert reader.post(f"/api/runs/{RUN}/note", json=noted, headers=OWN).status_code == 403
    browser.post(f"/api/runs/{RUN}/note", json={})
    assert list(json.loads((directory / "notes.json").read_text())) == [f"{RUN}/2"]


def test_what_is_no_note_is_refused(browser: TestClient) -> None:
    for wrong in ({"text": 1}, {"tags": "a"}, {"text": "x" * 10_001}, {"tags": ["x" * 41]}, {"other": 1}, [1]):
        assert browser.post(f"/api/runs/{RUN}/note", json=wrong).status_code == 422
    assert browser.post("/api/runs/other/note", json={}).status_code == 404
    assert browser.post(f"/api/runs/{RUN}/trials/99/note", json={}).status_code == 404


def test_notes_that_are_damaged_or_links_stop_nobody(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    (tmp_path / "notes.json").write_text("{")
    assert not notes.of("r")
    (tmp_path / "notes.json").unlink()
    (tmp_path / "notes.json").symlink_to("/etc/hostname")
    assert not notes.of("r")
    notes.change("r", None, "new", [])
    assert notes.of("r").text == "new" and not (tmp_path / "notes.json").is_symlink()
    with pytest.raises(UserError, match="at most 20"):
        notes.change("r", None, "", [str(each) for each in range(21)])


def test_a_search_that_runs_is_asked_and_one_that_does_not_is_not(browser: TestClient, directory: Path) -> None:
    assert browser.post(f"/api/runs/{RUN}/control", json={"ask": "pause"}).status_code == 409
    with Store(directory) as store:
        store.set_state(RUN, "running")
        answer = browser.post(f"/api/runs/{RUN}/control", json={"ask": "stops", "trials": 50})
        assert answer.status_code == 202 and waiting(directory, RUN) == [answer.json()["request"]]
        sent = json.loads((directory / "control" / RUN / answer.json()["request"]).read_text())
        assert sent == {"ask": "stops", "trials": 50, "by": "page, testclient"}
        for wrong in (
            {"ask": "rm"},
            {"ask": "stops", "trials": "5"},
            {"ask": "stops", "trials": 0},
            {},
            {"ask": ["stop"]},
        ):
            assert browser.post(f"/api/runs/{RUN}/control", json=wrong).status_code == 422
        page = unescape(browser.get(f"/runs/{RUN}").text)
        assert "Steer it" in page and "1 request waits" in page
        store.add_event(RUN, "control", {"asked": {"ask": "pause"}, "done": SCRIPT})
        page = browser.get(f"/runs/{RUN}").text
        assert "Paused" in page and "<script>document" not in page


def test_a_pause_lasts_until_it_is_continued_stopped_or_begun_anew() -> None:
    def happened(*kinds: str) -> list[dict[str, object]]:
        return [{"type": "running", "data": {}} if each == "running" else _asked(each) for each in kinds]

    def _asked(kind: str) -> dict[str, object]:
        return {"type": "control", "data": {"asked": {"ask": kind}}}

    assert is_paused(happened("running", "pause", "stops"))
    for last in ("continue", "stop", "running"):
        assert not is_paused(happened("running", "pause", last))


def test_what_was_asked_for_last_is_what_pages_count_to(directory: Path) -> None:
    """A network that breaks a limit after it was measured counts as the search counts it."""
    from netwright.charts.run_data import RunData
    from netwright.dashboard.facts import facts_of

    with Store(directory) as store:
        before = facts_of(RunData.read(store, RUN))
        store.keep(RUN, "steered", {"trials": 70, "seconds": 500.0, "further": 0.0})
        store.keep(
            RUN, "limits", [{"asked": 1, "told": 1, "limits": ["params <= 1.0"], "by": "", "time": "2026-11-30"}]
        )
        after = facts_of(RunData.read(store, RUN))
    assert (after.wanted, after.limit) == (70, 500.0)
    assert after.tried == before.tried and after.counts["infeasible"] > before.counts["infeasible"]
