"""Reads runs and trials back, and finds what was changed behind our back by the digests of the rows."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from netwright.core.errors import UserError, nearest
from netwright.core.serial import parse_json
from netwright.store.ledger import CHANGING, catalogue, seal
from netwright.store.numbers import digest, metrics_from
from netwright.store.problems import corrupt
from netwright.store.rows import ATTEMPT_COLUMNS, COLUMNS, DIED, RunSummary, StoredAttempt, StoredTrial, parted

_RUN = f"id, name, created, version, space, configuration, digest, {', '.join(CHANGING)}, seal"
_TRIAL = (
    f"SELECT {', '.join(f't.{name}' for name in COLUMNS)}, t.digest, a.space, a.json, a.text, a.seal "  # noqa: S608 - constants
    "FROM trials t LEFT JOIN architectures a ON a.digest = t.architecture WHERE t.run = ?"
)
_TRIALS, _ONE = f"{_TRIAL} ORDER BY t.number", f"{_TRIAL} AND t.number = ?"
# The rows that may be the best; SQLite reads numbers almost, not quite, as exactly as Python does.
_NEAR_BEST = """
WITH scored AS (
  SELECT number, scores, coalesce(fidelity, 1.0) AS share, json_extract(scores, '$[0]') AS first
  FROM trials WHERE run = ? AND state = 'completed' AND scores <> '[]' AND json_valid(scores)
), highest AS (SELECT * FROM scored WHERE share = (SELECT max(share) FROM scored))
SELECT number, scores FROM highest
WHERE first >= (SELECT max(first) - 1e-9 * abs(max(first)) FROM highest)
"""
_ATTEMPTS = (
    f"SELECT {', '.join(ATTEMPT_COLUMNS)}, digest FROM attempts "  # noqa: S608 - constants
    "WHERE run = ?1 AND (?2 IS NULL OR trial = ?2) ORDER BY trial, attempt"
)


class Reader:
    """Reads one open database."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def names(self) -> list[str]:
        runs, _ = self.catalogue()
        found = self._connection.execute("SELECT id, name FROM runs ORDER BY id").fetchall()
        if [number for number, _ in found] != list(range(1, runs + 1)):
            raise corrupt(self._path, f"{runs} runs were written, {len(found)} are there")
        return [name for _, name in found]

    def catalogue(self) -> tuple[int, int]:
        """How many runs and events were written."""
        found = catalogue(self._connection)
        if found is None:
            raise corrupt(self._path, "the numbers of runs and events were changed")
        return found

    def summaries(self, driver_alive: bool) -> Iterator[RunSummary]:
        self.names()
        rows = self._connection.execute(f"SELECT {_RUN} FROM runs ORDER BY id").fetchall()  # noqa: S608 - constants
        return (self._summary(row, driver_alive) for row in rows)

    def run_id(self, name: str) -> int:
        return int(self._row(name)[0])

    def summary(self, name: str, driver_alive: bool) -> RunSummary:
        return self._summary(self._row(name), driver_alive)

    def stamp(self, name: str) -> tuple[Any, ...]:
        """The columns of the run's row that change."""
        row = self._row(name)
        self._check(row)
        return row[7:-1]

    def _row(self, name: str) -> tuple[Any, ...]:
        found = self._connection.execute(f"SELECT {_RUN} FROM runs WHERE name = ?", (name,)).fetchone()  # noqa: S608
        if found is None and name in self.names():
            raise corrupt(self._path, "the index of the runs' names was changed")
        if found is None:
            raise UserError(f"there is no run {name!r} in {self._path.parent}{nearest(name, reversed(self.names()))}")
        if found[1] != name:
            raise corrupt(self._path, "the index of the runs' names was changed")
        return found

    def sequence(self, run: int | None) -> int:
        """How much has been written of a run, or of all: every event, trial, end, attempt and document counts one."""
        rows = "SELECT coalesce(sum(trials + told + attempts + documents), 0) FROM runs WHERE ?1 IS NULL OR id = ?1"
        events = "SELECT count(*) FROM events WHERE ?1 IS NULL OR run = ?1"
        return sum(self._connection.execute(each, (run,)).fetchone()[0] for each in (rows, events))

    def running(self) -> list[str]:
        """The runs that are said to be under way; every run's row is checked, no trial is looked at."""
        self.names()
        rows = self._connection.execute(f"SELECT {_RUN} FROM runs ORDER BY id").fetchall()  # noqa: S608 - constants
        for row in rows:
            self._check(row)
        state = 7 + CHANGING.index("state")
        return [row[1] for row in rows if row[state] == "running"]

    def _check(self, row: tuple[Any, ...]) -> None:
        run, name, created, version, space, configuration, found, *changing, sealed = row
        if digest((name, created, version, space, configuration)) != found:
            raise corrupt(self._path, f"the settings of run {name!r} were changed")
        if seal(run, name, tuple(changing)) != sealed:
            raise corrupt(self._path, f"the state of run {name!r} was changed")

    def _summary(self, row: tuple[Any, ...], driver_alive: bool) -> RunSummary:
        self._check(row)
        run, name, created, version, space, configuration, _, *changing, _ = row
        ended, state, stopped, seconds, trials, *_ = changing
        counted = self._connection.execute("SELECT state, count(*) FROM trials WHERE run = ? GROUP BY state", (run,))
        counts = dict(counted.fetchall())
        if sum(counts.values()) != trials:
            raise corrupt(self._path, f"{trials} trials of run {name!r} were written, {sum(counts.values())} are there")
        driven = driver_alive and state == "running"
        if state == "running" and not driven:
            state, stopped = "interrupted", DIED
        settings = self.load(configuration, f"the settings of run {name!r}")
        return RunSummary(name, created, ended, state, stopped, seconds, version, space, counts, settings, driven)

    def evaluated(self, run: int) -> dict[str, int]:
        """How many trials ended in each state; epochs of shared weights are no trials."""
        rows = self._connection.execute(
            "SELECT state, count(*) FROM trials WHERE run = ? AND purpose = 'evaluate' "
            "GROUP BY state ORDER BY min(number)",
            (run,),
        )
        return dict(rows.fetchall())

    def best(self, run: int) -> StoredTrial | None:
        """The best completed trial at the highest fidelity that was measured, found without reading all of them."""
        found = self._connection.execute(_NEAR_BEST, (run,)).fetchall()
        if not found:
            return None
        number = max(found, key=lambda row: (tuple(self.load(row[1], f"trial {row[0]}")), -row[0]))[0]
        return self._trial(self._connection.execute(_ONE, (run, number)).fetchone(), {})

    def trial(self, run: int, number: int) -> StoredTrial:
        """One trial; UserError where there is none of this number."""
        found = self._connection.execute(_ONE, (run, number)).fetchone()
        if found is None:
            raise UserError(f"there is no trial {number} in this run")
        return self._trial(found, {})

    def trials(self, run: int) -> Iterator[StoredTrial]:
        """The trials of a run by number; CorruptStore where one was changed or is missing."""
        checked: dict[str, Mapping[str, Any]] = {}
        told = there = 0
        for row in self._connection.execute(_TRIALS, (run,)):
            trial = self._trial(row, checked)
            told += trial.told is not None
            there += 1
            yield trial
        expected = self._numbers(run)
        if (there, told) != (expected["trials"], expected["told"]):
            raise corrupt(
                self._path,
                f"{expected['trials']} trials were written and {expected['told']} of them had ended; "
                f"{there} are there, of which {told} have ended",
            )

    def _numbers(self, run: int) -> dict[str, int]:
        """How many rows of this run there must be; checked by the run's seal."""
        number, name, *values = self._connection.execute(
            f"SELECT id, name, {', '.join(CHANGING)}, seal FROM runs WHERE id = ?",  # noqa: S608 - constants
            (run,),
        ).fetchone()
        if seal(number, name, tuple(values[:-1])) != values[-1]:
            raise corrupt(self._path, f"the state of run {name!r} was changed")
        return dict(zip(CHANGING, values, strict=False))

    def attempts(self, run: int, trial: int | None = None) -> tuple[StoredAttempt, ...]:
        """Attempts that have ended, in order."""
        (there,) = self._connection.execute("SELECT count(*) FROM attempts WHERE run = ?", (run,)).fetchone()
        expected = self._numbers(run)["attempts"]
        if there != expected:
            raise corrupt(self._path, f"{expected} attempts were written, {there} are there")
        rows = self._connection.execute(_ATTEMPTS, (run, trial)).fetchall()
        return tuple(self._attempt(row) for row in rows)

    def _attempt(self, row: tuple[Any, ...]) -> StoredAttempt:
        if digest(row[:-1]) != row[-1]:
            raise corrupt(self._path, f"attempt {row[2]} of trial {row[1]} was changed")
        return StoredAttempt(*row[1:-1])

    def _trial(self, row: tuple[Any, ...], checked: dict[str, Mapping[str, Any]]) -> StoredTrial:
        values, (found, *described) = row[: len(COLUMNS)], row[len(COLUMNS) :]
        (number, asked, told, attempt, state, purpose, fidelity, parent, architecture, mixture) = values[1:11]
        (metrics, curve, gradient, scores, seconds, device, reason, traceback, started, ended) = values[11:]
        where = f"trial {number}"
        if digest(values) != found:
            raise corrupt(self._path, f"{where} was changed")
        if architecture is not None and architecture not in checked:
            checked[architecture] = self._architecture((architecture, *described), where)
        parts = parted(None if mixture is None else self.load(mixture, where), architecture is None)
        return StoredTrial(
            *(number, asked, told, attempt, state, purpose, fidelity, parent),
            None if architecture is None else checked[architecture],
            architecture,
            described[2] or "",
            parts.weights,
            metrics_from(self.load(metrics, where)),
            tuple(metrics_from(point) for point in self.load(curve, where)),
            None if gradient is None else self.load(gradient, where),
            tuple(float(score) for score in self.load(scores, where)),
            *(seconds, device, reason, traceback, started, ended, parts.memo, parts.instead_of),
        )

    def _architecture(self, row: tuple[Any, ...], where: str) -> Mapping[str, Any]:
        expected, _, json, *_ = row
        if digest(row[:-1]) != row[-1] or hashlib.sha256(str(json).encode()).hexdigest() != expected:
            raise corrupt(self._path, f"the architecture of {where} was changed")
        return self.load(json, where)

    def document_keys(self, run: int) -> list[str]:
        return [
            key for (key,) in self._connection.execute("SELECT key FROM documents WHERE run = ? ORDER BY key", (run,))
        ]

    def document(self, run: int, key: str) -> Any:
        found = self._connection.execute(
            "SELECT json, digest FROM documents WHERE run = ? AND key = ?", (run, key)
        ).fetchone()
        (there,) = self._connection.execute("SELECT count(*) FROM documents WHERE run = ?", (run,)).fetchone()
        if there != self._numbers(run)["documents"]:
            raise corrupt(self._path, f"{self._numbers(run)['documents']} documents were written, {there} are there")
        if found is None:
            return None
        if digest((run, key, found[0])) != found[1]:
            raise corrupt(self._path, f"the document {key!r} was changed")
        return self.load(found[0], f"the document {key!r}")

    def events(self, run: int | None, after: int) -> list[dict[str, Any]]:
        names = dict(enumerate(self.names(), start=1))
        _, last = self.catalogue()
        rows = self._connection.execute(
            "SELECT seq, run, time, type, data, digest FROM events WHERE seq > ? ORDER BY seq", (after,)
        ).fetchall()
        if [row[0] for row in rows] != list(range(max(after, 0) + 1, last + 1)):
            raise corrupt(self._path, f"{last} events were written; of those after {after}, {len(rows)} are there")
        for row in rows:
            if digest(row[:-1]) != row[-1]:
                raise corrupt(self._path, f"event {row[0]} was changed")
        return [
            {"seq": seq, "run": names.get(of), "time": time, "type": kind, "data": self.load(data, f"event {seq}")}
            for seq, of, time, kind, data, _ in rows
            if run is None or run == of
        ]

    def load(self, text: str, where: str) -> Any:
        try:
            return parse_json(text)
        except UserError as problem:
            raise corrupt(self._path, f"{where}: {problem}") from None
