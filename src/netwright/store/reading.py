"""Reads runs and trials back, and finds what was changed behind our back by the digests of the rows."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from netwright.core.errors import UserError, nearest
from netwright.core.serial import parse_json
from netwright.store.numbers import digest, metrics_from
from netwright.store.problems import corrupt
from netwright.store.rows import COLUMNS, DIED, RunSummary, StoredTrial

_RUN = "id, name, created, ended, state, stopped, seconds, version, space, configuration, digest"
_TRIALS = (
    f"SELECT {', '.join(f't.{name}' for name in COLUMNS)}, t.digest, a.space, a.json, a.text, a.seal "  # noqa: S608 - constants
    "FROM trials t LEFT JOIN architectures a ON a.digest = t.architecture WHERE t.run = ? ORDER BY t.number"
)


class Reader:
    """Reads one open database."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def names(self) -> list[str]:
        return [name for (name,) in self._connection.execute("SELECT name FROM runs ORDER BY id")]

    def summaries(self, driver_alive: bool) -> Iterator[RunSummary]:
        rows = self._connection.execute(f"SELECT {_RUN} FROM runs ORDER BY id").fetchall()  # noqa: S608 - constants
        return (self._summary(row, driver_alive) for row in rows)

    def run_id(self, name: str) -> int:
        return int(self._row(name)[0])

    def summary(self, name: str, driver_alive: bool) -> RunSummary:
        return self._summary(self._row(name), driver_alive)

    def _row(self, name: str) -> tuple[Any, ...]:
        found = self._connection.execute(f"SELECT {_RUN} FROM runs WHERE name = ?", (name,)).fetchone()  # noqa: S608
        if found is None:
            raise UserError(f"there is no run {name!r} in {self._path.parent}{nearest(name, reversed(self.names()))}")
        return found

    def _summary(self, row: tuple[Any, ...], driver_alive: bool) -> RunSummary:
        run, name, created, ended, state, stopped, seconds, version, space, configuration, found = row
        if digest((name, created, version, space, configuration)) != found:
            raise corrupt(self._path, f"the settings of run {name!r} were changed")
        counted = self._connection.execute("SELECT state, count(*) FROM trials WHERE run = ? GROUP BY state", (run,))
        counts = dict(counted.fetchall())
        driven = driver_alive and state == "running"
        if state == "running" and not driven:
            state, stopped = "interrupted", DIED
        settings = self.load(configuration, f"the settings of run {name!r}")
        return RunSummary(name, created, ended, state, stopped, seconds, version, space, counts, settings, driven)

    def trials(self, run: int) -> Iterator[StoredTrial]:
        checked: dict[str, Mapping[str, Any]] = {}
        for row in self._connection.execute(_TRIALS, (run,)):
            yield self._trial(row, checked)

    def _trial(self, row: tuple[Any, ...], checked: dict[str, Mapping[str, Any]]) -> StoredTrial:
        values, (found, *described) = row[: len(COLUMNS)], row[len(COLUMNS) :]
        (number, asked, told, attempt, state, purpose, fidelity, parent, architecture, mixture) = values[1:11]
        (metrics, curve, gradient, scores, seconds, device, reason, traceback, started, ended) = values[11:]
        where = f"trial {number}"
        if digest(values) != found:
            raise corrupt(self._path, f"{where} was changed")
        if architecture is not None and architecture not in checked:
            checked[architecture] = self._architecture((architecture, *described), where)
        return StoredTrial(
            *(number, asked, told, attempt, state, purpose, fidelity, parent),
            None if architecture is None else checked[architecture],
            architecture,
            described[2] or "",
            None if mixture is None else self.load(mixture, where),
            metrics_from(self.load(metrics, where)),
            tuple(metrics_from(point) for point in self.load(curve, where)),
            None if gradient is None else self.load(gradient, where),
            tuple(float(score) for score in self.load(scores, where)),
            *(seconds, device, reason, traceback, started, ended),
        )

    def _architecture(self, row: tuple[Any, ...], where: str) -> Mapping[str, Any]:
        expected, _, json, *_ = row
        if digest(row[:-1]) != row[-1] or hashlib.sha256(str(json).encode()).hexdigest() != expected:
            raise corrupt(self._path, f"the architecture of {where} was changed")
        return self.load(json, where)

    def document(self, run: int, key: str) -> Any:
        found = self._connection.execute(
            "SELECT json, digest FROM documents WHERE run = ? AND key = ?", (run, key)
        ).fetchone()
        if found is None:
            return None
        if digest((run, key, found[0])) != found[1]:
            raise corrupt(self._path, f"the document {key!r} was changed")
        return self.load(found[0], f"the document {key!r}")

    def events(self, run: int | None, after: int) -> list[dict[str, Any]]:
        rows = self._connection.execute(
            "SELECT e.seq, r.name, e.time, e.type, e.data FROM events e LEFT JOIN runs r ON r.id = e.run "
            "WHERE e.seq > ?1 AND (?2 IS NULL OR e.run = ?2) ORDER BY e.seq",
            (after, run),
        )
        return [
            {"seq": seq, "run": name, "time": time, "type": kind, "data": self.load(data, f"event {seq}")}
            for seq, name, time, kind, data in rows
        ]

    def load(self, text: str, where: str) -> Any:
        try:
            return parse_json(text)
        except UserError as problem:
            raise corrupt(self._path, f"{where}: {problem}") from None
