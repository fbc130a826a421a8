"""One flipped byte in any stored file is harmless or found before use; what is recovered is true."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from store_parts import attempt, filled, record

from netwright.cli.main import run
from netwright.core.checkpoints import Checkpoints
from netwright.core.errors import CorruptStore, NetwrightError
from netwright.store import Store
from netwright.store.checking import check
from netwright.store.recovering import recover
from netwright.store.resumable import AFTER_THE_GAP


def project(folder: Path, trials: int = 40) -> Path:
    """A finished run with everything that is stored: trials, a failed one, attempts, documents, events, checkpoints."""
    path = filled(folder, trials)
    with Store(folder, min_free_disk=0) as store:
        writer = store.writer("r", lambda: 1.0)
        for number in range(trials):
            writer.add(attempt(number))
        writer.close()
        writer.wait()
        store.keep("r", "long", {"text": "long " * 3000})
        store.create_run("other", "space", {"seed": 1}, "0")
        store.add_event("other", "note", {"text": "hello"})
        store.set_state("other", "finished", "done", 2.5)
    Checkpoints(folder / "shared" / "r").save(3, lambda stem: stem.with_suffix(".state").write_bytes(bytes(500)))
    return path


def contents(folder: Path) -> dict[str, Any]:
    """Everything that can be read of a project, but for when it was written."""
    found: dict[str, Any] = {}
    with Store.open_readonly(folder) as store:
        found["events"] = store.events()
        for name in store.names():
            found[name] = store.read_run(name), store.attempts(name), store.documents(name)
    return found


def without_time(read: dict[str, Any]) -> dict[str, Any]:
    return {name: (each[0].trials, *each[1:]) for name, each in read.items() if name != "events"}


def flipped(content: bytes, place: int, bits: int) -> bytes:
    return content[:place] + bytes([content[place] ^ bits]) + content[place + 1 :]


def test_every_flipped_byte_of_the_database_is_harmless_or_found(tmp_path: Path) -> None:
    path = project(tmp_path / "p")
    whole, expected = path.read_bytes(), contents(tmp_path / "p")
    dice, found, harmless = random.Random(0), 0, 0
    places = [*range(100), *(dice.randrange(100, len(whole)) for _ in range(120))]
    for place in places:
        path.write_bytes(flipped(whole, place, dice.randrange(1, 256)))
        try:
            read = contents(tmp_path / "p")
        except NetwrightError as problem:
            assert problem.exit_code in (2, 6), problem
            found += 1
        else:
            assert read == expected, place
            harmless += 1
    assert found > 40 and harmless > 0


LEFT = """
import os, sys
sys.path.insert(0, sys.argv[1])
from store_parts import SPACE, filled, record, write
from netwright.store import Store
store = Store(sys.argv[2], min_free_disk=0)
store.create_run("r", SPACE.id, {"seed": 0}, "0.1.0")
write(store, "r", 30)
store.keep("r", "notes", {"a": 1})
write(store, "r", 40)
os._exit(9)
"""


@pytest.mark.filterwarnings("ignore:.* its log was cut")
def test_every_flipped_byte_of_a_log_that_was_left_behind_is_harmless_or_found(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    ended = subprocess.run([sys.executable, "-c", LEFT, str(Path(__file__).parent), str(folder)], check=False)
    log = folder / "netwright.db-wal"
    assert ended.returncode == 9 and log.stat().st_size > 50_000
    shutil.copytree(folder, tmp_path / "whole")
    whole, dice, found = log.read_bytes(), random.Random(0), 0
    expected = contents(folder)
    last = len(whole) - 12 * (4096 + 24)  # the last commits: without them the log is that of an earlier moment
    for place in [*range(32), *(dice.randrange(len(whole)) for _ in range(100))]:
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "whole", folder)
        log.write_bytes(flipped(whole, place, dice.randrange(1, 256)))
        report = check(folder)
        torn = any("is not whole" in note for note in report.notes)
        try:
            read = contents(folder)
        except CorruptStore:
            found += 1
        else:
            assert read == expected or (torn and place > last and report.problems), place
    assert found > 100


def damage(path: Path, dice: random.Random) -> None:
    content = bytearray(path.read_bytes())
    kind = dice.randrange(4)
    if kind == 0:
        for _ in range(30):
            content[dice.randrange(len(content))] ^= dice.randrange(1, 256)
    elif kind == 1:  # a page gone
        page = dice.randrange(len(content) // 4096)
        content[page * 4096 : (page + 1) * 4096] = bytes(4096)
    elif kind == 2:
        del content[dice.randrange(4096, len(content)) :]
    else:
        content[:100] = bytes(100)
    path.write_bytes(content)


def names(sentence: str, number: int) -> bool:
    """Whether a sentence about what was lost covers this trial."""
    ranges = re.findall(r"(\d+)(?:-(\d+))?", sentence.partition("trial")[2])
    return "how many" in sentence or any(int(first) <= number <= int(last or first) for first, last in ranges)


def test_what_is_recovered_is_true_and_the_rest_is_named(tmp_path: Path) -> None:
    project(tmp_path / "whole", 60)
    expected = contents(tmp_path / "whole")
    dice, kept = random.Random(1), []
    for index in range(24):
        folder, to = tmp_path / "p", tmp_path / f"new{index}"
        shutil.copytree(tmp_path / "whole", folder)
        damage(folder / "netwright.db", dice)
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        try:
            found = recover(folder, to)
        except NetwrightError as problem:
            assert "settings" in str(problem)
        else:
            assert not check(to).problems, check(to).problems
            for name, (now, attempts, documents) in without_time(contents(to)).items():
                there, attempts_there, documents_there = without_time(expected)[name]
                later = documents.pop(AFTER_THE_GAP, [])
                measured = {each.number: each.metrics for each in there}
                assert all(json.loads(each["metrics"]) == measured[each["number"]] for each in later)
                assert set(map(repr, now)) <= set(map(repr, there))
                assert set(attempts) <= set(attempts_there)
                assert documents.items() <= documents_there.items()
                for trial in there:
                    if trial.number not in {each.number for each in now}:
                        assert any(names(each, trial.number) for each in found.lost), (trial.number, found.lost)
                kept.append(len(now) + len(later))
            assert (to / "shared" / "r" / "epoch-000003.json").exists()
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        shutil.rmtree(folder)
    assert sum(kept) > 24 * 60 / 3


def test_an_undamaged_project_is_recovered_whole_and_can_be_gone_on_with(tmp_path: Path) -> None:
    project(tmp_path / "p")
    found = recover(tmp_path / "p", tmp_path / "q")
    assert (found.runs, found.trials, found.lost) == (2, 40, [])
    assert contents(tmp_path / "q") == contents(tmp_path / "p")
    with Store(tmp_path / "q", min_free_disk=0) as store:
        writer = store.writer("r", lambda: 1.0)
        writer.add(record(40))
        writer.close()
        writer.wait()
        assert len(store.read_run("r").trials) == 41


def test_a_backup_fills_the_gaps(tmp_path: Path) -> None:
    path = project(tmp_path / "p")
    with Store(tmp_path / "p", min_free_disk=0) as store:
        store.back_up()
        writer = store.writer("r", lambda: 1.0)
        writer.add(record(40))
        writer.close()
        writer.wait()
    path.write_bytes(b"not a database at all")
    found = recover(tmp_path / "p", tmp_path / "q")
    assert (found.runs, found.trials) == (2, 40)


def test_the_commands_check_copy_and_recover(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project(tmp_path / "p", 300)
    where = ["--dir", str(tmp_path / "p")]
    assert run(["db", "check", *where]) == 0
    assert "2 runs, 300 trials, 1 checkpoint, 0 backups: all as written" in capsys.readouterr().out
    assert run(["db", "backup", *where]) == 0 and run(["db", "backup", *where, "--to", str(tmp_path / "copy.db")]) == 0
    assert run(["db", "backup", *where, "--to", str(tmp_path / "copy.db")]) == 2
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert run(["db", "check", *where]) == 0
    state = tmp_path / "p" / "shared" / "r" / "epoch-000003.state"
    state.write_bytes(flipped(state.read_bytes(), 7, 1))
    content = path.read_bytes()
    path.write_bytes(content[:8192] + os.urandom(4096) + content[12288:])
    capsys.readouterr()
    assert run(["db", "check", *where]) == 6
    printed = capsys.readouterr().out
    assert "checkpoint of epoch 3" in printed and "db recover" in printed
    assert run(["db", "recover", *where]) == 0
    assert "recovered" in capsys.readouterr().out
    assert run(["db", "check", "--dir", str(tmp_path / "p-recovered")]) == 6  # the checkpoint is what it was
    assert run(["db", "recover", *where, "--to", str(tmp_path / "p")]) == 2
    with Store.open_readonly(tmp_path / "p-recovered") as store:
        assert len(store.read_run("r").trials) == 300  # the backup had what the page had
    assert run(["db", "check", "--dir", str(tmp_path / "nothing")]) == 2
