"""Reads everything that a project keeps, and says what is not as it was written."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netwright.core.checkpoints import Checkpoints
from netwright.core.errors import NetwrightError
from netwright.store import directory as places
from netwright.store import opening
from netwright.store.lock import driver
from netwright.store.numbers import digest
from netwright.store.problems import translated
from netwright.store.reading import Reader
from netwright.store.store import Store

_MOST = 20  # complaints of SQLite's own check


@dataclass
class Report:
    """What was read, and a sentence for each thing that is wrong.

    notes: what is worth knowing and no damage.
    """

    runs: int = 0
    trials: int = 0
    checkpoints: int = 0
    backups: int = 0
    problems: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    @contextmanager
    def trying(self, what: str = "") -> Iterator[None]:
        """Note a problem and go on."""
        try:
            yield
        except (NetwrightError, sqlite3.Error, UnicodeError, OSError) as problem:
            text = str(problem).partition(". Nothing was written to it.")[0]
            self.problems.append(f"{what}: {text}" if what else text)


def check(directory: Path) -> Report:
    """Read the database, its backups and every checkpoint. UserError where there is no project at all."""
    places.require(directory)
    report = Report()
    path = places.database(directory)
    alone = not any(Path(f"{path.with_suffix('')}{each}").exists() for each in (".db-wal", ".tally"))
    with report.trying():
        torn = opening.check_log(directory) if driver(directory) is None else ""
        if torn:
            report.notes.append(torn)
        with translated(path), closing(opening.open_to_read(directory)) as connection:
            gone = opening.missing(connection, directory)
            report.problems += [gone] if gone else []
            report.notes += _without_log(connection, path) if alone and driver(directory) is None else []
            _complaints(connection, report)
            _rows(connection, path, report)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is reported already
            _runs(directory, report)
    for backup in sorted((directory / places.BACKUPS).glob("*.db")):
        report.backups += 1
        with report.trying(f"backup {backup.name}"):
            _backup(backup, report)
    for folder in sorted({each.parent for each in directory.rglob("epoch-*.json")}):
        checkpoints = Checkpoints(folder)
        report.checkpoints += len(checkpoints.steps())
        report.problems += checkpoints.damages()
    report.problems = list(dict.fromkeys(report.problems))
    return report


def _without_log(connection: sqlite3.Connection, path: Path) -> list[str]:
    """What is to be said of a database that came without the files beside it, where it should have a log."""
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        return []
    return [
        f"run {name!r} was under way, and there is no {path.name}-wal: if the project was copied without it, the last "
        "trials are missing"
        for name in Reader(connection, path).running()
    ]


def _complaints(connection: sqlite3.Connection, report: Report, what: str = "the database") -> None:
    found = connection.execute(f"PRAGMA integrity_check({_MOST})").fetchall()
    report.problems += [f"{what}: {text}" for (text,) in found if text != "ok"]
    report.problems += [
        f"{what}: a row of {table} refers to one of {other} that is missing"
        for table, _, other, _ in connection.execute("PRAGMA foreign_key_check").fetchall()
    ]


def _rows(connection: sqlite3.Connection, path: Path, report: Report) -> None:
    """The rows that reading runs alone would not touch."""
    with report.trying():
        for row in connection.execute("SELECT * FROM architectures"):
            if digest(row[:-1]) != row[-1] or hashlib.sha256(str(row[2]).encode()).hexdigest() != row[0]:
                report.problems.append(f"architecture {row[0][:12]} was changed")
    with report.trying():
        Reader(connection, path).events(None, 0)


def _runs(directory: Path, report: Report) -> None:
    with Store.open_readonly(directory) as store:
        for name in store.names():
            report.runs += 1
            reads: tuple[Callable[[str], Any], ...] = (store.summary, store.attempts, store.documents)
            for read in reads:
                with report.trying(f"run {name!r}"):
                    read(name)
            with report.trying(f"run {name!r}"):
                report.trials += len(store.read_run(name).trials)


def _backup(path: Path, report: Report) -> None:
    places.check_header(path)
    address = f"file:{opening.quote(os.fspath(path))}?mode=ro&immutable=1"
    with translated(path), closing(sqlite3.connect(address, uri=True)) as connection:
        _complaints(connection, report, f"backup {path.name}")
