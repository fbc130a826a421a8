"""What lists of runs and the beginning of a run read and copy: nothing that grows with the trials of other runs."""

from __future__ import annotations

import random
import sqlite3
import time
from pathlib import Path

import pytest
from store_parts import SPACE, filled, record, write

from netwright.cli.show import list_runs
from netwright.core.architecture import Architecture
from netwright.core.errors import CorruptStore
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.store import Asked, Store, Told, backup
from netwright.store.reading import Reader


def scored(number: int, scores: tuple[float, ...], fidelity: float | None, state: str = "completed") -> Told:
    proposal = Proposal(Architecture(SPACE, (number % 2, number % 3)), fidelity=fidelity)
    trial = Trial(number, proposal, state, Measurement({"val_accuracy": 0.5}), scores, 0.1, "", "")  # type: ignore[arg-type]
    return Told(Asked(number, number, 1, proposal, time.time()), number, trial, "", time.time())


@pytest.mark.parametrize("seed", range(8))
def test_the_best_is_found_without_reading_the_others(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    values = [dice.uniform(-1, 1) * 10.0 ** dice.randrange(-12, 12) for _ in range(8)] + [1 / 3, 1 / 3 + 1e-16, -0.0, 0]
    with Store(tmp_path, min_free_disk=0) as store:
        store.create_run("r", SPACE.id, {}, "0")
        assert store.best("r") is None and store.evaluated("r") == {}
        writer = store.writer("r", lambda: 1.0)
        objectives = dice.choice([1, 2])
        for number in range(60):
            state = dice.choice(["completed", "completed", "diverged"])
            scores = tuple(dice.choice(values) for _ in range(objectives)) if state == "completed" else ()
            writer.add(scored(number, scores, dice.choice([None, 1.0, 0.5]), state))
        writer.wait()
        writer.close()
        run = store.read_run("r")
        assert store.best("r") == run.best
        assert store.evaluated("r") == run.counts


def test_a_list_of_runs_reads_one_trial_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = {"arguments": {"objective": ["val_accuracy"]}}
    with Store(tmp_path, min_free_disk=0) as store:
        for name in ("a", "b"):
            store.create_run(name, SPACE.id, configuration, "0")
            write(store, name, 50)
    read: list[object] = []
    usual = Reader._trial

    def counted(self: Reader, *arguments: object) -> object:
        read.append(arguments)
        return usual(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Reader, "_trial", counted)
    for as_json in (False, True):
        list_runs(tmp_path, as_json=as_json)
    printed = capsys.readouterr().out
    assert len(read) == 4 and "700.00 %" in printed and '"completed": 50' in printed


def test_a_best_trial_that_was_changed_is_found(tmp_path: Path) -> None:
    path = filled(tmp_path)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE trials SET scores = '[9.0]' WHERE number = 3")
    connection.close()
    with Store.open_readonly(tmp_path) as store, pytest.raises(CorruptStore, match="trial 3 was changed"):
        store.best("r")


def test_a_large_database_is_copied_when_a_run_ends_and_only_where_it_has_grown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "SMALL", 100_000)
    backups = tmp_path / "backups"
    with Store(tmp_path, min_free_disk=0) as store:
        store.create_run("r", SPACE.id, {}, "0")
        store.keep_backups()
        assert len(list(backups.iterdir())) == 1  # it is small
        found, number = [], 0
        for size in (280_000, 280_000, 420_000):
            while store.path.stat().st_size < size:
                writer = store.writer("r", lambda: 1.0)
                for number in range(number, number + 100):  # noqa: B020
                    writer.add(record(number))
                writer.close()
                writer.wait()
                with store._lock:
                    store._connection.execute("PRAGMA wal_checkpoint")
                number += 1
            store.keep_backups()  # as when a run is begun
            before = len(list(backups.iterdir()))
            store.keep_backups(ended=True)
            found.append((before, len(list(backups.iterdir()))))
    assert found == [(1, 2), (2, 2), (2, 3)]
