"""Links that lie in a project directory lead to no file outside of it that would be written, emptied or removed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from store_parts import filled

import netwright as nw
from netwright.benchmarks.record import FILE, Record
from netwright.cli.main import run
from netwright.core.errors import UserError
from netwright.core.inside import inside, open_inside
from netwright.executors.folder.folder_session import begin
from netwright.executors.processes.logs import LARGEST, Log
from netwright.results.entries import ORDER, Entry
from netwright.store import Store
from netwright.store.lock import NAME, DriverLock
from netwright.store.recovering import recover

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links are for administrators there")

SECRET = "what nobody else may touch"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with a file, beside the project."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "file").write_text(SECRET)
    return folder


def untouched(outside: Path) -> bool:
    return (outside / "file").read_text() == SECRET and [each.name for each in outside.iterdir()] == ["file"]


def test_a_lock_that_is_a_link_leaves_its_target_as_it_is(tmp_path: Path, outside: Path) -> None:
    directory = tmp_path / "runs"
    directory.mkdir()
    (directory / NAME).symlink_to(outside / "file")
    with pytest.raises(UserError, match=r"netwright\.lock is a link to .*outside/file"):
        DriverLock(directory)
    with pytest.raises(UserError, match="is a link"):
        Store(directory)
    (directory / NAME).unlink()
    (directory / NAME).symlink_to(outside / "new")
    with pytest.raises(UserError, match="is a link"):
        Store(directory)
    assert untouched(outside)


def test_a_lock_that_is_another_file_leaves_it_as_it_is(tmp_path: Path, outside: Path) -> None:
    directory = tmp_path / "runs"
    directory.mkdir()
    os.link(outside / "file", directory / NAME)
    with pytest.raises(UserError, match="has another name elsewhere"):
        Store(directory)
    (directory / NAME).unlink()
    os.mkfifo(directory / NAME)
    with pytest.raises(UserError, match="is no plain file"):
        DriverLock(directory)
    assert untouched(outside)


@pytest.mark.parametrize("name", ["netwright.db", "netwright.db-wal", "netwright.db.new", "backups", "trials"])
@pytest.mark.parametrize("kind", ["file", "folder", "nothing"])
def test_no_link_in_a_project_is_written_through(tmp_path: Path, outside: Path, name: str, kind: str) -> None:
    filled(tmp_path / "runs")
    place = tmp_path / "runs" / name
    if place.exists():
        place.rename(tmp_path / "away")
    place.symlink_to({"file": outside / "file", "folder": outside, "nothing": outside / "new"}[kind])
    with pytest.raises(nw.NetwrightError):
        Store(tmp_path / "runs")
    assert untouched(outside)


def test_the_directory_itself_may_be_reached_by_links(tmp_path: Path) -> None:
    filled(tmp_path / "elsewhere" / "runs")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with Store(tmp_path / "link" / "runs") as store:
        assert store.names() == ["r"] and store.back_up() is not None


@pytest.mark.parametrize("place", ["trials/r", "trials/r/0", "shared/r", "logs/r", "final/r", "queues/r"])
def test_no_folder_of_a_run_may_be_a_link(tmp_path: Path, outside: Path, place: str, capsys) -> None:
    words = ["digits", "--space", "mlp", "--strategy", "random", "--examples", "60", "--epochs", "1", "--trials", "1"]
    where = ["--dir", str(tmp_path / "runs"), "--name", "r", "--final-epochs", "0"]
    assert run(["search", *words, *where]) == 0
    path = tmp_path / "runs" / place
    if path.is_dir():
        path.rename(tmp_path / "away")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(outside)
    driven = {"logs": ["--workers", "2"], "queues": ["--executor", "folder"]}.get(place.partition("/")[0], [])
    command = ["final", "r"] if place == "final/r" else ["resume", "r", "--trials", "3"]
    assert run([*command, "--dir", str(tmp_path / "runs"), *driven]) == 2
    assert "is a link to" in capsys.readouterr().err and untouched(outside)


def test_the_name_of_a_stored_run_leads_nowhere_else(tmp_path: Path, outside: Path) -> None:
    space = nw.spaces.Mlp()
    task = nw.tasks.digits(limit=60)
    search = nw.Search(nw.strategies.RandomSearch(space), nw.estimators.Training(space, task, epochs=1))
    with Store(tmp_path / "runs") as store:
        store.create_run("../../outside", space.id, search.configuration(), nw.__version__)
        for resumed in (lambda: search.load(store), lambda: search.run(1, store=store, resume=True)):
            with pytest.raises(UserError, match="expected a plain name"):
                resumed()
    assert untouched(outside)


def test_nothing_is_written_through_the_log_of_an_attempt(tmp_path: Path, outside: Path) -> None:
    log = Log(tmp_path, 3, 1)
    log.path.symlink_to(outside / "file")
    with pytest.raises(OSError, match="is a link"):
        log.open()
    log.path.unlink()
    os.close(log.open())
    log.path.rename(tmp_path / "away")
    large = outside / "file"
    large.write_bytes(b"x" * (LARGEST + 1))
    log.path.symlink_to(large)
    log.look()
    assert large.stat().st_size == LARGEST + 1


def test_nothing_is_written_through_other_files(tmp_path: Path, outside: Path) -> None:
    (tmp_path / ORDER).symlink_to(outside / "file")
    with pytest.raises(UserError, match="is a link"):
        Entry("winner", 0, None, 1).write(tmp_path)
    (tmp_path / "queue").symlink_to(outside)
    with pytest.raises(UserError, match="is no folder"):
        begin(tmp_path / "queue", work={}, limits={}, levels=0, patience=1.0)
    (tmp_path / FILE).symlink_to(outside / "file")
    with pytest.raises(UserError, match="is a link"):
        Record(tmp_path)
    assert untouched(outside)


def test_recovery_copies_nothing_that_a_link_leads_to(tmp_path: Path, outside: Path) -> None:
    filled(tmp_path / "runs")
    (tmp_path / "runs" / "trials" / "r").mkdir(parents=True)
    (tmp_path / "runs" / "trials" / "r" / "link").symlink_to(outside / "file")
    (tmp_path / "runs" / "trials" / "r" / "own").write_text("own")
    (tmp_path / "runs" / "final").symlink_to(outside)
    recover(tmp_path / "runs", tmp_path / "new")
    assert [each.name for each in (tmp_path / "new" / "trials" / "r").iterdir()] == ["own"]
    assert not (tmp_path / "new" / "final").exists()


def test_places_inside(tmp_path: Path, outside: Path) -> None:
    assert inside(tmp_path, "new", "deeper") == tmp_path / "new" / "deeper"
    for name in ("", ".", "..", "a/b", "a\0"):
        with pytest.raises(UserError, match="expected a plain name"):
            inside(tmp_path, name)
    (tmp_path / "link").symlink_to(outside)
    for names in (("link",), ("link", "deeper")):
        with pytest.raises(UserError, match="is a link"):
            inside(tmp_path, *names)
    file = open_inside(outside / "file", os.O_WRONLY | os.O_TRUNC)
    os.close(file)
    assert (outside / "file").read_text() == ""
