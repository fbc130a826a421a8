"""The store: what it refuses, what it finds, and what survives."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from store_parts import SPACE, filled, record, write

from netwright.core.errors import Busy, CorruptStore, NetwrightError, UserError
from netwright.store import Store, schema
from netwright.store.filesystem import on_network


def test_what_was_written_is_read_exactly(tmp_path: Path) -> None:
    filled(tmp_path / "p")
    with Store.open_readonly(tmp_path / "p") as store:
        run = store.read_run("r")
    assert len(run.trials) == 20 and run.counts == {"completed": 20}
    for number, trial in enumerate(run.trials):
        expected = record(number, number / 7).trial
        assert trial.metrics == expected.metrics and trial.scores == expected.scores
        assert trial.seconds == expected.seconds and trial.fidelity == expected.proposal.fidelity
        assert trial.curve == expected.measurement.curve and trial.told == number
        assert trial.text == str(expected.architecture) and trial.architecture_digest == expected.architecture.digest
        assert SPACE.architecture(trial.architecture["decisions"]) == expected.architecture  # type: ignore[index]
    assert run.best is run.trials[19] and run.summary.state == "finished" and run.summary.seconds == 1.0


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    os.umask(os.umask(0))
    with Store(tmp_path / "p") as store:
        store.create_run("r", "s", {}, "0")
        assert (tmp_path / "p").stat().st_mode & 0o777 == 0o700
        for path in (tmp_path / "p").iterdir():
            assert path.stat().st_mode & 0o777 == 0o600, path


def test_the_file_is_durable_and_says_whose_it_is(tmp_path: Path) -> None:
    with Store(tmp_path / "p") as store, store.transaction() as connection:
        value = lambda name: connection.execute(f"PRAGMA {name}").fetchone()[0]  # noqa: E731
        assert value("journal_mode") == "wal" and value("synchronous") == 2 and value("foreign_keys") == 1
        assert value("application_id") == schema.APPLICATION and value("user_version") == schema.VERSION
        tables = connection.execute("PRAGMA table_list").fetchall()
        assert all(strict for _, name, kind, _, _, strict in tables if kind == "table" and "sqlite_" not in name)


def test_a_second_driver_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    code = (
        "import sys; from netwright.store import Store\n"
        "store = Store(sys.argv[1]); print('ready', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "p")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        with pytest.raises(Busy, match=rf"driven by process {process.pid} on .* since 20") as caught:
            Store(tmp_path / "p")
        assert caught.value.exit_code == 4
        with Store.open_readonly(tmp_path / "p") as reader:
            assert reader.runs() == ()
        process.kill()
        process.wait()
        Store(tmp_path / "p").close()  # free at once


def test_one_process_opens_it_once(tmp_path: Path) -> None:
    with Store(tmp_path / "p"), pytest.raises(Busy, match="this process has"):
        Store(tmp_path / "p")
    Store(tmp_path / "p").close()


def test_a_forked_child_does_not_keep_the_project_locked(tmp_path: Path) -> None:
    store = Store(tmp_path / "p")
    child = os.fork()
    if child == 0:
        time.sleep(20)
        os._exit(0)
    try:
        store.close()
        Store(tmp_path / "p").close()
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_readers_see_whole_trials_while_a_driver_writes(tmp_path: Path) -> None:
    with Store(tmp_path / "p") as store:
        store.create_run("r", SPACE.id, {}, "0")
        counts: list[int] = []
        problems: list[BaseException] = []

        def read() -> None:
            try:
                with Store.open_readonly(tmp_path / "p") as reader:
                    while not counts or counts[-1] < 2000:
                        counts.append(len(reader.read_run("r").trials))
            except BaseException as problem:
                problems.append(problem)

        thread = threading.Thread(target=read)
        thread.start()
        write(store, "r", 2000)
        thread.join(timeout=30)
    assert not problems and counts == sorted(counts) and counts[-1] == 2000


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    filled(tmp_path / "p")
    with Store.open_readonly(tmp_path / "p") as store, pytest.raises(UserError, match="for reading only"):
        store.keep("r", "a", 1)
    with Store.open_readonly(tmp_path / "p") as store, pytest.raises(UserError, match="for reading only"):
        store.back_up()
    assert not (tmp_path / "p" / "backups").exists()


def test_a_store_that_could_not_be_opened_holds_nothing(tmp_path: Path) -> None:
    path = filled(tmp_path / "p")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE runs SET version = 'x'")
        connection.commit()
    for _ in range(2):
        with pytest.raises(CorruptStore, match="settings of run"):
            Store(tmp_path / "p")


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.commit()


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def replaced_by_foreign(path: Path) -> None:
    path.unlink()
    foreign(path)


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize(
    ("damage", "error", "code", "message"),
    [
        (lambda path: path.write_bytes(b""), CorruptStore, 6, "the file is empty"),
        (lambda path: path.write_text("hello, this is text"), CorruptStore, 6, "it is not a database"),
        (lambda path: path.write_text("x"), CorruptStore, 6, "it is not a database"),
        (replaced_by_foreign, CorruptStore, 6, "database of another program"),
        (newer, UserError, 2, "written by a newer netwright"),
        (cut, CorruptStore, 6, "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), CorruptStore, 6, "is damaged"),
    ],
)
def test_a_damaged_or_foreign_database_is_one_clear_message(
    tmp_path: Path, damage, error, code: int, message: str, readonly: bool
) -> None:
    path = filled(tmp_path / "p", 300)
    damage(path)
    before = path.read_bytes()
    with pytest.raises(error, match=message) as caught:
        store = Store.open_readonly(tmp_path / "p") if readonly else Store(tmp_path / "p")
        with store:
            store.read_run("r")
    assert caught.value.exit_code == code and path.read_bytes() == before
    assert not (tmp_path / "p" / "netwright.lock").read_text()


def test_a_damaged_database_names_the_newest_backup(tmp_path: Path) -> None:
    path = filled(tmp_path / "p")
    with Store(tmp_path / "p") as store:
        backup = store.back_up()
    path.write_bytes(b"")
    with pytest.raises(CorruptStore) as caught:
        Store(tmp_path / "p")
    assert f"cp '{backup}' '{path}'" in str(caught.value)
    shutil.copy(str(backup), path)
    with Store(tmp_path / "p") as store:
        assert len(store.read_run("r").trials) == 20


def test_a_missing_database_beside_backups_is_not_made_anew(tmp_path: Path) -> None:
    path = filled(tmp_path / "p")
    with Store(tmp_path / "p") as store:
        store.back_up()
    path.unlink()
    with pytest.raises(CorruptStore, match=r"(?s)is missing.*backup"):
        Store(tmp_path / "p")


def test_no_flipped_byte_is_read_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """quick_check misses many of these; the digests of the rows do not."""
    path = filled(tmp_path / "p", 40)
    whole = path.read_bytes()
    with Store.open_readonly(tmp_path / "p") as store:
        expected = store.read_run("r"), store.document("r", "notes")
    dice = random.Random(0)
    found = 0
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(20):
            damaged[dice.randrange(100, len(whole))] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)
        try:
            with Store.open_readonly(tmp_path / "p") as store:
                read = store.read_run("r"), store.document("r", "notes")
        except CorruptStore:
            found += 1
        else:
            assert read[0].trials == expected[0].trials and read[1] == expected[1]
    assert found > 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE trials SET metrics = replace(metrics, '0.0', '1.0') WHERE number = 0", "trial 0 was changed"),
        ("UPDATE trials SET state = 'completed', seconds = 0 WHERE number = 3", "trial 3 was changed"),
        ("UPDATE architectures SET text = 'x'", "the architecture of trial 0 was changed"),
        ("UPDATE architectures SET json = replace(json, 'x', 'y')", "the architecture of trial 0 was changed"),
        ("UPDATE runs SET configuration = '{}'", "settings of run 'r' were changed"),
    ],
)
def test_a_changed_row_is_found(tmp_path: Path, change: str, message: str) -> None:
    path = filled(tmp_path / "p")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(change)
        connection.commit()
    with Store.open_readonly(tmp_path / "p") as store, pytest.raises(CorruptStore, match=message):
        store.read_run("r")


def test_directories_that_hold_something_else_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UserError, match=r"holds other files \(mine\.txt\)"):
        Store(tmp_path)
    assert os.listdir(tmp_path) == ["mine.txt"]
    with pytest.raises(UserError, match="is a file"):
        Store(tmp_path / "mine.txt")
    with pytest.raises(UserError, match=r"mine\.txt"):
        Store(tmp_path / "mine.txt" / "p")


@pytest.mark.parametrize("kind", ["missing", "file", "empty"])
def test_reading_where_there_is_no_project(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "p"
    if kind == "file":
        place.write_text("")
    if kind == "empty":
        place.mkdir()
    with pytest.raises(UserError, match=r"there is no project in|is a file"):
        Store.open_readonly(place)
    assert kind != "empty" or not os.listdir(place)


def test_a_half_made_database_of_a_killed_process_is_made_again(tmp_path: Path) -> None:
    place = tmp_path / "p"
    place.mkdir()
    (place / "netwright.lock").write_text("")
    (place / "netwright.db.new").write_text("half")
    (place / "netwright.db.new-journal").write_text("half")
    with Store(place) as store:
        assert store.names() == []
    assert sorted(os.listdir(place)) == ["netwright.db", "netwright.lock"]


@pytest.fixture
def place_for_all() -> Iterator[Path]:
    """A folder that every user may enter: the one above `tmp_path` is closed by each pytest that begins beside this."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        yield Path(place)


@pytest.mark.skipif(os.getuid() != 0, reason="needs another user to be")
def test_a_directory_without_permission_is_one_message_and_can_still_be_read(place_for_all: Path) -> None:
    project = place_for_all / "p"
    filled(project)
    os.chmod(project, 0o755)
    for path in project.iterdir():
        os.chmod(path, 0o644)
    code = (
        "import fcntl, os, sys; from netwright.store import Store; from netwright.core.errors import UserError\n"
        "os.setuid(65534)\n"
        "try: Store(sys.argv[1])\n"
        "except UserError as problem: print(problem)\n"
        "print(len(Store.open_readonly(sys.argv[1]).read_run('r').trials))"
    )
    result = subprocess.run([sys.executable, "-c", code, project], capture_output=True, text=True, check=False)
    first, second = result.stdout.splitlines()
    assert "no permission to use" in first and second == "20", result.stderr


@pytest.mark.parametrize("moved", [True, False])
def test_a_directory_that_goes_away_stops_the_search(tmp_path: Path, moved: bool) -> None:
    store = Store(tmp_path / "p")
    store.create_run("r", SPACE.id, {}, "0")
    writer = store.writer("r", lambda: 0.0)
    writer.add(record(0))
    writer.wait()
    if moved:
        (tmp_path / "p").rename(tmp_path / "q")
    else:
        shutil.rmtree(tmp_path / "p")
    with pytest.raises(NetwrightError, match="moved"):
        writer.add(record(1))
        writer.wait()
    with pytest.raises(NetwrightError, match="moved"):
        writer.add(record(2))
    assert writer.committed == 1
    writer.close()
    store.close()
    if moved:
        with Store(tmp_path / "q") as again:
            assert again.summary("r").state == "interrupted" and len(again.read_run("r").trials) >= 1


def test_a_trial_that_was_told_is_never_overwritten(tmp_path: Path) -> None:
    with Store(tmp_path / "p") as store:
        store.create_run("r", SPACE.id, {}, "0")
        write(store, "r", 3)
        writer = store.writer("r", lambda: 0.0)
        writer.add(record(1, 0.99).question)
        writer.add(record(1, 0.99))
        writer.wait()
        writer.close()
        assert store.read_run("r").trials[1].metrics == {"val_accuracy": 1 / 7}


def test_backups_are_whole_and_only_the_newest_are_kept(tmp_path: Path) -> None:
    with Store(tmp_path / "p") as store:
        assert store.back_up() is None
        store.create_run("r", SPACE.id, {}, "0")
        write(store, "r", 10)
        made = [store.back_up() for _ in range(5)]
    kept = sorted((tmp_path / "p" / "backups").iterdir())
    assert kept == made[-3:]
    shutil.copytree(tmp_path / "p" / "backups", tmp_path / "b")
    (tmp_path / "b" / kept[0].name).rename(tmp_path / "b" / "netwright.db")
    with Store.open_readonly(tmp_path / "b") as copy:
        assert len(copy.read_run("r").trials) == 10


def test_events_are_only_ever_added(tmp_path: Path) -> None:
    with Store(tmp_path / "p") as store:
        store.create_run("r", SPACE.id, {}, "0")
        store.add_event("r", "note", {"text": "hello"})
        events = store.events("r")
        assert [event["type"] for event in events] == ["created", "note"] and events[1]["data"] == {"text": "hello"}
        assert store.events(after=events[0]["seq"]) == events[1:]
        for change in ("DELETE FROM events", "UPDATE events SET type = 'x'"):
            with pytest.raises(NetwrightError), store.transaction() as connection:
                connection.execute(change)
        assert len(store.events()) == 2


def test_documents_may_hold_what_json_cannot(tmp_path: Path) -> None:
    with Store(tmp_path / "p") as store:
        store.create_run("r", "s", {}, "0")
        store.keep("r", "finals", {"a": float("nan"), "b": [float("inf"), 0.1]})
        assert store.document("r", "finals") == {"a": "nan", "b": ["inf", 0.1]}


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "p")
    store.close()
    store.close()
    with pytest.raises(UserError, match="was closed"):
        store.names()


def test_an_unknown_run_names_the_nearest(tmp_path: Path) -> None:
    filled(tmp_path / "p", run="digits-chain-1")
    with Store.open_readonly(tmp_path / "p") as store, pytest.raises(UserError, match="did you mean 'digits-chain-1'"):
        store.read_run("digit-chain-1")


@pytest.mark.parametrize(
    ("kind", "network"), [("ext4", False), ("nfs4", True), ("cifs", True), ("fuse.sshfs", True), ("tmpfs", False)]
)
def test_network_file_systems_are_recognised(tmp_path: Path, kind: str, network: bool) -> None:
    mounts = f"/dev/a / ext4 rw 0 0\nx {tmp_path} {kind} rw 0 0\ny {tmp_path}x nfs rw 0 0\n"
    assert on_network(tmp_path / "p", mounts) is network
    assert not on_network(Path("/"), mounts)
