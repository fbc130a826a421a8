"""Attempts: each is recorded once, with where and how it ended."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from store_parts import SPACE, attempt, filled, record

from netwright.core.errors import CorruptStore
from netwright.store import AttemptEnded, Store


def test_attempts_are_read_as_they_ended(tmp_path: Path) -> None:
    with Store(tmp_path / "p") as store:
        store.create_run("r", SPACE.id, {}, "0")
        writer = store.writer("r", lambda: 1.0)
        for each in (record(0).question, attempt(0, 1, "lost"), attempt(0, 2), record(0), attempt(1), record(1)):
            writer.add(each)
        writer.wait()
        assert writer.committed == 6
        writer.close()
    with Store.open_readonly(tmp_path / "p") as store:
        first, second = store.attempts("r", 0)
        assert (first.attempt, first.state, second.attempt, second.state) == (1, "lost", 2, "completed")
        assert (first.place, first.reason, first.log, first.seconds) == ("worker 1", "a reason", "line 0\n", 0.5)
        assert (first.threads, first.peak_memory) == (1, 10**6) and first.ended >= first.started
        assert [(each.trial, each.attempt) for each in store.attempts("r")] == [(0, 1), (0, 2), (1, 1)]
        assert store.attempts("r", 7) == () and len(store.read_run("r").trials) == 2


def test_an_attempt_counts_once_however_often_it_is_delivered(tmp_path: Path) -> None:
    with Store(tmp_path / "p") as store:
        store.create_run("r", SPACE.id, {}, "0")
        for state in ("lost", "completed", "lost"):
            writer = store.writer("r", lambda: 1.0)
            writer.add(record(0).question)
            writer.add(attempt(0, 1, state))
            writer.add(attempt(0, 1, state))
            writer.close()
            writer.wait()
        (only,) = store.attempts("r")
        assert only.state == "lost"


def test_a_log_is_kept_by_its_end_and_whatever_it_holds(tmp_path: Path) -> None:
    with Store(tmp_path / "p") as store:
        store.create_run("r", SPACE.id, {}, "0")
        writer = store.writer("r", lambda: 1.0)
        writer.add(AttemptEnded(record(0).question, "error", log="x" * 20_000 + "\0 end \udcff"))
        writer.close()
        writer.wait()
        (only,) = store.attempts("r", 0)
        assert len(only.log) == 10_000 and only.log.endswith(" end ?") and only.threads is None


@pytest.mark.parametrize(
    "change",
    ["UPDATE attempts SET state = 'completed' WHERE trial = 3", "DELETE FROM attempts WHERE trial = 3"],
)
def test_a_changed_or_missing_attempt_is_found(tmp_path: Path, change: str) -> None:
    path = filled(tmp_path / "p", 5)
    with Store(tmp_path / "p") as store:
        writer = store.writer("r", lambda: 1.0)
        for number in range(5):
            writer.add(attempt(number, 1, "lost"))
        writer.close()
        writer.wait()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(change)
        connection.commit()
    with Store.open_readonly(tmp_path / "p") as store, pytest.raises(CorruptStore, match="attempt"):
        store.attempts("r", 3)
