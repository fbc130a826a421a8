"""Databases of every version that there was are read, and brought to the present one after a backup."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from netwright.core.errors import CorruptStore
from netwright.store import Store, ledger, schema
from netwright.store.checking import check
from netwright.store.migrations import MIGRATIONS
from netwright.store.numbers import digest

ASSETS = Path(__file__).parent / "assets"
VERSIONS = range(1, schema.VERSION + 1)
STATES = {
    "trouble": {"completed": 15, "diverged": 5, "error": 1, "out_of_memory": 3},
    "shared": {"completed": 4},
    "died": {"completed": 4, "running": 1},
}


def project(folder: Path, version: int) -> Path:
    folder.mkdir()
    shutil.copyfile(ASSETS / f"version-{version}.db", folder / "netwright.db")
    return folder


def require_all(store: Store) -> None:
    assert {run.name: dict(run.counts) for run in store.runs()} == STATES
    runs = {name: store.read_run(name) for name in store.names()}
    assert runs["trouble"].best is not None and store.document("trouble", "notes") == {"made": "once"}
    (failed,) = [trial for trial in runs["trouble"].trials if trial.state == "error"]
    assert failed.reason == "gave up" and "TrialFailed" in failed.traceback
    assert [trial.purpose for trial in runs["shared"].trials] == ["train"] * 3 + ["evaluate"]
    assert runs["shared"].trials[0].mixture is not None
    assert runs["died"].summary.state == "interrupted" and runs["died"].trials[4].told is None
    assert [event["seq"] for event in store.events()] == list(range(1, len(store.events()) + 1))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_read_without_being_changed(tmp_path: Path, version: int) -> None:
    path = project(tmp_path / "p", version) / "netwright.db"
    before = path.read_bytes()
    with Store.open_readonly(tmp_path / "p") as store:
        require_all(store)
        attempts = store.attempts("died", 4)
        assert [(each.state, each.place) for each in attempts] == [("lost", "worker 1")] * (version > 1)
    assert not check(tmp_path / "p").problems
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_brought_to_the_present_one_and_a_backup_is_kept(tmp_path: Path, version: int) -> None:
    path = project(tmp_path / "p", version) / "netwright.db"
    with Store(tmp_path / "p", min_free_disk=0) as store:
        require_all(store)
        store.keep("trouble", "more", [1, 2])
        store.create_run("new", "space", {}, "0")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert schema.check(connection, path) == schema.VERSION
    assert not check(tmp_path / "p").problems
    backups = sorted((tmp_path / "p" / "backups").glob("*.db"))
    assert len(backups) == (version < schema.VERSION)
    for backup in backups:
        folder = tmp_path / "old"
        folder.mkdir()
        shutil.copyfile(backup, folder / "netwright.db")
        with Store.open_readonly(folder) as store:
            require_all(store)


def test_a_step_that_fails_leaves_the_older_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project(tmp_path / "p", 1) / "netwright.db"

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("DROP TABLE checkpoints")
        raise sqlite3.OperationalError("no")

    monkeypatch.setattr(schema, "MIGRATIONS", {1: fail})
    with pytest.raises(CorruptStore, match="no"):
        Store(tmp_path / "p")
    monkeypatch.undo()
    with closing(sqlite3.connect(path)) as connection:
        assert schema.check(connection, path) == 1


def test_the_tables_of_a_version_do_not_change() -> None:
    """Who changes the tables raises VERSION, keeps a database of the one before, and writes a migration."""
    with closing(sqlite3.connect(f"file:{ASSETS / f'version-{schema.VERSION}.db'}?mode=ro", uri=True)) as connection:
        assert schema.check(connection, ASSETS) == schema.VERSION
    assert sorted(schema.EARLIER) == list(range(1, schema.VERSION))
    assert (ASSETS / f"version-{schema.VERSION}.db").stat().st_size < 200_000


def test_a_step_writes_the_tables_of_its_own_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the tables had changed again since: what the first step makes is still version 2."""
    path = project(tmp_path / "p", 1) / "netwright.db"
    for name in ("RUNS", "CATALOGUE", "ATTEMPTS", "EVENTS", "TABLES"):
        monkeypatch.setattr(schema, name, "CREATE TABLE other (a INTEGER);\n")
    monkeypatch.setattr(ledger, "CHANGING", ("other",))
    monkeypatch.setattr(ledger, "seal", lambda *_: "other")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        MIGRATIONS[1](connection)
        connection.execute("COMMIT")
        made = schema.objects(connection)
        run, name, *changing, seal = connection.execute(
            "SELECT id, name, ended, state, stopped, seconds, trials, told, attempts, documents, seal FROM runs"
        ).fetchone()
    with closing(sqlite3.connect(f"file:{ASSETS / 'version-2.db'}?mode=ro", uri=True)) as connection:
        assert made == schema.objects(connection)
    assert seal == digest((run, name, *changing))
