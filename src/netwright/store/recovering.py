"""A new project with every true row that can be made out in a damaged one, which is only read.

Its runs can be resumed: each ends at the last moment of which everything is known. What is known of later trials is
kept as a document.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netwright.core.errors import UserError
from netwright.store import directory as places
from netwright.store.carving import Row, carve, pages_of
from netwright.store.ledger import CHANGING, count, seal
from netwright.store.log import inspect
from netwright.store.numbers import digest
from netwright.store.resumable import AFTER_THE_GAP, as_document, resumable
from netwright.store.rows import ATTEMPT_COLUMNS, COLUMNS
from netwright.store.store import Store
from netwright.store.tally import read as read_tally

FOLDERS = ("shared", "trials", "final")  # of checkpoints, which are checked when they are used


@dataclass
class Found:
    """True rows by table and key. Where there are several of one key, they were all true once; the latest is kept."""

    runs: dict[int, Row] = field(default_factory=dict[int, Row])
    architectures: dict[str, Row] = field(default_factory=dict[str, Row])
    trials: dict[tuple[int, int], Row] = field(default_factory=dict[tuple[int, int], Row])
    attempts: dict[tuple[int, int, int], Row] = field(default_factory=dict[tuple[int, int, int], Row])
    documents: dict[tuple[int, str], Row] = field(default_factory=dict[tuple[int, str], Row])
    events: dict[int, Row] = field(default_factory=dict[int, Row])
    expected: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])

    def take(self, number: int | None, row: Row) -> None:
        """Keep a record if it is a true row of one of the tables."""
        kinds = {16: self._run, 11: self._old_run, 5: self._architecture, 22: self._trial, 4: self._document}
        kinds |= {13: self._attempt, 6: self._event}
        with_digest = kinds.get(len(row))
        if with_digest is not None:
            with_digest(number, row)

    def _run(self, number: int | None, row: Row) -> None:
        _, name, created, *changing, version, space, configuration, found, sealed = row
        settings = (name, created, version, space, configuration)
        values: dict[str, Any] = dict(zip(CHANGING, changing, strict=True))
        if number is None or digest(settings) != found:
            return
        values["seconds"] = _real(values["seconds"])
        whole = seal(number, name, tuple(values.values())) == sealed
        before = self.expected.get(number)
        if not whole or (before and (before["trials"], before["told"]) > (values["trials"], values["told"])):
            self.runs.setdefault(number, (*settings, found))
            return
        self.runs[number], self.expected[number] = (*settings, found), values

    def _old_run(self, number: int | None, row: Row) -> None:
        """A run of version 1, whose changing columns had no seal."""
        _, name, created, _ended, _state, _stopped, _seconds, version, space, configuration, found = row
        if number is not None and digest((name, created, version, space, configuration)) == found:
            self.runs.setdefault(number, (name, created, version, space, configuration, found))

    def _architecture(self, _: int | None, row: Row) -> None:
        if digest(row[:-1]) == row[-1] and hashlib.sha256(str(row[2]).encode()).hexdigest() == row[0]:
            self.architectures[row[0]] = row

    def _trial(self, _: int | None, row: Row) -> None:
        values = [*row[:-1]]
        for name in ("fidelity", "seconds"):
            values[COLUMNS.index(name)] = _real(values[COLUMNS.index(name)])
        if digest(tuple(values)) != row[-1]:
            return
        key, before = (row[0], row[1]), self.trials.get((row[0], row[1]))
        if before is None or (before[3] is None and (row[3] is not None or row[4] > before[4])):
            self.trials[key] = (*values, row[-1])

    def _attempt(self, _: int | None, row: Row) -> None:
        values = [*row[:-1]]
        place = ATTEMPT_COLUMNS.index("seconds")
        values[place] = _real(values[place])
        if digest(tuple(values)) == row[-1]:
            self.attempts.setdefault((row[0], row[1], row[2]), (*values, row[-1]))

    def _document(self, _: int | None, row: Row) -> None:
        if digest(row[:-1]) == row[-1]:
            self.documents.setdefault((row[0], row[1]), row)

    def _event(self, number: int | None, row: Row) -> None:
        values = (number, *row[1:-1])
        if number is not None and digest(values) == row[-1]:
            self.events.setdefault(number, (*values, row[-1]))

    def expect(self, directory: Path) -> None:
        """Take in how much had been acknowledged, which the database itself may not know without its log."""
        noted = read_tally(directory)
        if noted is None or noted.run not in self.expected or self.runs[noted.run][-1] != noted.only_of:
            return
        values = self.expected[noted.run]
        for name in ("trials", "told", "attempts", "documents"):
            values[name] = max(values[name], getattr(noted, name))


def _real(value: Any) -> Any:
    """SQLite keeps 1.0 as the whole number 1 on the disk."""
    return float(value) if isinstance(value, int) else value


@dataclass
class Recovered:
    """What came out.

    lost: a sentence for each thing that is known to be missing.
    """

    directory: Path
    runs: int
    trials: int
    lost: list[str]


def recover(directory: Path, to: Path) -> Recovered:
    """Write a new project in `to` from what is left of the one in `directory` and its backups. Raises UserError."""
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UserError(f"{to} exists already; give another directory for what is recovered")
    if not directory.is_dir():
        raise UserError(f"there is no project in {directory}: the directory does not exist")
    found = Found()
    for row in _documents(directory):
        found.take(None, row)
    for number, row in _records(directory):
        found.take(number, row)
    if not found.runs:
        raise UserError(f"nothing in {directory} can be recovered: no run's settings are left in it or its backups")
    found.expect(directory)
    with Store(to, min_free_disk=0) as store:
        recovered = _write(store, found)
    for name in FOLDERS:
        if (directory / name).is_dir() and not (directory / name).is_symlink():
            shutil.copytree(directory / name, to / name, ignore=_unwanted)
    return recovered


def _unwanted(folder: str, names: Sequence[str]) -> set[str]:
    """What was being written, and links, which may lead to files that are no part of the project."""
    return {each for each in names if each.endswith(".tmp") or os.path.islink(os.path.join(folder, each))}


def _documents(directory: Path) -> list[Row]:
    """Documents as SQLite finds them, because older ones that were replaced may lie in pages out of use."""
    path = places.database(directory)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(sqlite3.Error, UnicodeError, OSError):
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{suffix}", Path(folder) / f"copy.db{suffix}")
        with contextlib.closing(sqlite3.connect(Path(folder) / "copy.db")) as connection:
            for row in connection.execute("SELECT run, key, json, digest FROM documents"):
                rows.append(row)  # noqa: PERF402 - what came before an error is kept
    return rows


def _records(directory: Path) -> Iterator[tuple[int | None, Row]]:
    """Records of the log first, newest page before older ones, then the file, then the backups, newest first."""
    for path in (places.database(directory), *sorted((directory / places.BACKUPS).glob("*.db"), reverse=True)):
        try:
            pages = pages_of(path.read_bytes())
        except OSError:
            continue
        logged = inspect(Path(f"{path}-wal")).pages
        newest = {**pages, **dict(logged)}
        yield from carve(newest)
        for number, page in reversed(logged):
            yield from carve({**newest, number: page}, only=number)
        for number in dict(logged):
            if number in pages:
                yield from carve(pages, only=number)


def _write(store: Store, found: Found) -> Recovered:
    """Rows under the numbers of the new project, which have no gaps."""
    numbers = {old: new for new, old in enumerate(sorted(found.runs), start=1)}
    lost = [f"the settings of run number {old}" for old in _missing(found, numbers)]
    trials = 0
    with store.transaction() as connection:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        for row in found.architectures.values():
            connection.execute("INSERT INTO architectures VALUES (?, ?, ?, ?, ?)", row)
        for old, new in numbers.items():
            name = found.runs[old][0]
            kept = [row for (run, _), row in sorted(found.trials.items()) if run == old]
            whole = [row for row in kept if row[9] is None or row[9] in found.architectures]
            lost += [
                f"run {name!r}: the architecture of trial {row[1]}, and so the trial"
                for row in kept
                if row not in whole
            ]
            before = found.expected.get(old, {})
            documents = [row for key, row in sorted(found.documents.items()) if key[0] == old]
            attempts = [row for key, row in sorted(found.attempts.items()) if key[0] == old]
            lost += _less(name, before, whole, _told(whole), len(attempts), len(documents))
            whole, rest = resumable(whole)
            if rest:
                lost.append(_left_out(name, rest))
                documents = [row for row in documents if row[1] != AFTER_THE_GAP]
                documents.append((old, AFTER_THE_GAP, as_document(rest), ""))
                attempts = [row for row in attempts if row[1] < len(whole)]
            told = _told(whole)
            state, stopped = _state(before, whole, told)
            changing = (
                *(before.get("ended"), state, stopped, float(before.get("seconds", 0.0))),
                *(len(whole), told, len(attempts), len(documents)),
            )
            settings = found.runs[old]
            run = (new, name, settings[1], *changing, *settings[2:], seal(new, name, changing))
            _insert(connection, "runs", [run])
            for table, rows in (("trials", whole), ("attempts", attempts), ("documents", documents)):
                _insert(connection, table, [_resealed((new, *row[1:-1])) for row in rows])
            trials += len(whole)
        events = [row for _, row in sorted(found.events.items()) if row[1] is None or row[1] in numbers]
        gaps = max(found.events, default=0) - len(found.events)
        lost += [f"{gaps} events"] if gaps else []
        _insert(
            *(connection, "events"),
            [
                _resealed((seq, None if row[1] is None else numbers[row[1]], *row[2:-1]))
                for seq, row in enumerate(events, start=1)
            ],
        )
        count(connection, len(numbers), len(events))
    return Recovered(store.directory, len(numbers), trials, lost)


def _told(trials: list[Row]) -> int:
    return sum(row[3] is not None for row in trials)


def _left_out(name: str, rows: list[Row]) -> str:
    """What becomes of trials that come after what is missing."""
    return (
        f"run {name!r}: trials {_ranges([row[1] for row in rows])} come after that, and are done again when it is "
        f"resumed; their results are its document {AFTER_THE_GAP!r}"
    )


def _missing(found: Found, numbers: dict[int, int]) -> list[int]:
    """Runs of which there are rows but no settings."""
    known = {key[0] for table in (found.trials, found.attempts, found.documents) for key in table}
    gaps = set(range(1, max(numbers, default=0) + 1))
    return sorted((known | gaps) - set(numbers))


def _less(name: str, before: dict[str, Any], trials: list[Row], told: int, attempts: int, documents: int) -> list[str]:
    """What is known to have been there and is not."""
    if not before:
        return [f"run {name!r}: how many trials it had, and how it ended"]
    there = {row[1] for row in trials}
    missing = [number for number in range(before["trials"]) if number not in there]
    lost = [f"run {name!r}: trials {_ranges(missing)}"] if missing else []
    ended = before["told"] - told - sum(number < before["told"] for number in missing)
    lost += [f"run {name!r}: how {ended} trials ended"] if ended > 0 else []
    for kind, had, have in (("attempts", before["attempts"], attempts), ("documents", before["documents"], documents)):
        lost += [f"run {name!r}: {had - have} {kind}"] if have < had else []
    return lost


def _ranges(numbers: list[int]) -> str:
    """Whole numbers in order as people write them: 3, 5-9."""
    there = set(numbers)
    starts = [n for n in numbers if n - 1 not in there]
    ends = [n for n in numbers if n + 1 not in there]
    return ", ".join(
        str(first) if first == last else f"{first}-{last}" for first, last in zip(starts, ends, strict=True)
    )


def _state(before: dict[str, Any], trials: list[Row], told: int) -> tuple[str, str]:
    complete = before and (len(trials), told) == (before["trials"], before["told"])
    if complete and before["state"] != "running":
        return before["state"], before["stopped"]
    return "interrupted", "recovered from a damaged database"


def _resealed(values: Row) -> Row:
    return (*values, digest(values))


def _insert(connection: Any, table: str, rows: Iterable[Row]) -> None:
    for row in rows:
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - constants


def new_directory(directory: Path) -> Path:
    """A name beside a project for what is recovered from it."""
    for number in range(1, 1000):
        place = directory.with_name(f"{directory.name}-recovered" + ("" if number == 1 else f"-{number}"))
        if not os.path.lexists(place):
            return place
    raise UserError(f"there are many recovered projects beside {directory} already; give one a name with --to")
