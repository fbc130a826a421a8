"""One SQLite file a project directory: written by one driver at a time, read by anyone."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from netwright.core.errors import UserError
from netwright.core.inside import refuse_links
from netwright.core.kinds import kinds_checked
from netwright.core.warning import warn
from netwright.store import backup, columns, opening, tally
from netwright.store import directory as places
from netwright.store.changed_limits import LIMITS, PresentLimits
from netwright.store.in_place import InPlace
from netwright.store.ledger import change, count, seal
from netwright.store.lock import DriverLock, driver
from netwright.store.numbers import digest, to_json
from netwright.store.problems import translated
from netwright.store.reading import Reader
from netwright.store.room import Room
from netwright.store.rows import DIED, RunSummary, StoredAttempt, StoredRun, StoredTrial
from netwright.store.writer import TrialWriter


class Store:
    """The runs of a project. Open from birth; close it, or use it as a context.

    `Store(directory)` may write: it makes the directory and the database where they are new, and holds the project
    for this process until it is closed. `Store.open_readonly(directory)` only reads, whoever writes meanwhile.

    directory: of the project, such as netwright-runs.
    takeover: take the project from a process on another machine that did not sign off, because it is dead. One of this
        machine that died needs none, and a living one keeps it.
    min_free_disk: bytes that must stay free, below which a search pauses; by default 1 GB, or half of what is free
        where that is less.

    Raises UserError for a directory that cannot be used, Busy while another process drives the project, and
    CorruptStore for a damaged or foreign database, which is never written to.
    """

    @kinds_checked
    def __init__(self, directory: str | Path, *, takeover: bool = False, min_free_disk: int | None = None) -> None:
        self._set_places(directory)
        with translated(self.path):
            places.prepare(self.directory)
            if self.path.exists():
                places.check_header(self.path)  # before anything is put beside another program's file
            refuse_links(self.directory)
            self._hold = DriverLock(self.directory, takeover)
            try:
                self._connection = opening.open_to_write(self.directory)
            except BaseException:
                self._hold.release()
                raise
        self.room = Room(self.directory, min_free_disk)
        self._after_opening()
        try:
            self._note_the_dead()
            self._in_place = InPlace(self.directory, self._connection)
        except BaseException:
            self.close()
            raise

    @classmethod
    @kinds_checked
    def open_readonly(cls, directory: str | Path) -> Store:
        """A store that only reads."""
        self = cls.__new__(cls)
        self._set_places(directory)
        self._hold = None
        self.room = Room(self.directory, 0)
        with translated(self.path):
            self._connection = opening.open_to_read(self.directory)
            gone = opening.missing(self._connection, self.directory)
        if gone:
            warn(f"{self.path}: {gone}")
        self._after_opening()
        return self

    def _set_places(self, directory: str | Path) -> None:
        self.directory = Path(directory).expanduser().absolute()
        self.path = places.database(self.directory)

    def _after_opening(self) -> None:
        self._in_place: InPlace | None = None
        self._tally = tally.Tally(self.directory)
        self._changed = 0  # the run that was changed last
        self._lock = threading.RLock()
        self._reader = Reader(self._connection, self.path)
        self._closed = False

    def _note_the_dead(self) -> None:
        """While this process holds the project nobody else drives a run, whatever the run says."""
        with self._reading() as reader:
            left = reader.running()
        if left:
            with self.transaction() as connection:
                for (run,) in connection.execute("SELECT id FROM runs WHERE state = 'running'").fetchall():
                    self.change(connection, run, state="interrupted", stopped=DIED)

    @property
    def writable(self) -> bool:
        return self._hold is not None

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Give the project back. Closing twice is fine."""
        with self._lock:  # after what is being written is complete
            if self._closed:
                return
            self._closed = True
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            with contextlib.suppress(OSError):
                self._tally.close()
            if self._hold is not None:
                self._hold.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({str(self.directory)!r})"

    # Reading.

    def names(self) -> list[str]:
        """The names of the runs, oldest first."""
        with self._reading() as reader:
            return reader.names()

    def runs(self) -> tuple[RunSummary, ...]:
        """One line a run, oldest first."""
        driven = self._driven()
        with self._reading() as reader:
            return tuple(reader.summaries(driven))

    def summary(self, name: str) -> RunSummary:
        """One line about one run; UserError names the nearest where there is none of this name."""
        driven = self._driven()
        with self._reading() as reader:
            return reader.summary(name, driven)

    def sequence(self, name: str | None = None) -> int:
        """A number that grows with everything that is written of a run, or of all of them; read at once."""
        with self._reading() as reader:
            return reader.sequence(None if name is None else reader.run_id(name))

    def present_limits(self, name: str) -> PresentLimits:
        """The limits of a run that hold now, which judge its trials."""
        driven = self._driven()
        with self._reading() as reader:
            changes = reader.document(reader.run_id(name), LIMITS)
            return PresentLimits(reader.summary(name, driven).configuration, changes)

    def _limits_changed(self, name: str) -> bool:
        with self._reading() as reader:
            return reader.document(reader.run_id(name), LIMITS) is not None

    def read_run(self, name: str, *, as_told: bool = False) -> StoredRun:
        """A run and all its trials as plain data: no space, estimator or network is needed.

        as_told: whether trials are judged as they were when they ended, though their limits were changed since.
        """
        driven, present = self._driven(), self.present_limits(name)
        with self._reading() as reader:
            trials = reader.trials(reader.run_id(name))
            found = trials if as_told else map(present.trial, trials)
            return StoredRun(reader.summary(name, driven), tuple(found))

    def evaluated(self, name: str) -> dict[str, int]:
        """How many trials of a run ended in each state, epochs of weight sharing left out; no trial is read."""
        if self._limits_changed(name):
            found = (each.state for each in self.read_run(name).trials if each.purpose == "evaluate")
            return dict(Counter(found))
        with self._reading() as reader:
            return reader.evaluated(reader.run_id(name))

    def best(self, name: str) -> StoredTrial | None:
        """What `read_run(name).best` is, without reading the other trials unless the limits were changed."""
        if self._limits_changed(name):
            return self.read_run(name).best
        with self._reading() as reader:
            return reader.best(reader.run_id(name))

    def trial(self, name: str, number: int) -> StoredTrial:
        """One trial of a run, without reading the others; UserError where there is none of this number."""
        with self._reading() as reader:
            found = reader.trial(reader.run_id(name), number)
        return self.present_limits(name).trial(found) if self._limits_changed(name) else found

    def read_trials(self, name: str) -> Iterator[StoredTrial]:
        """The trials of a run by number."""
        return iter(self.read_run(name).trials)

    def attempts(self, run: str, trial: int | None = None) -> tuple[StoredAttempt, ...]:
        """The attempts at a trial of a run, or at all of its trials, that have ended, in order."""
        with self._reading() as reader:
            return reader.attempts(reader.run_id(run), trial)

    def stamp(self, run: str) -> tuple[Any, ...]:
        """What differs after each change of a run, and once its driver ends; read from one row, for who asks often."""
        driven = self._driven()
        with self._reading() as reader:
            return driven, *reader.stamp(run)

    def trial_columns(self, run: str, names: Sequence[str], *, told: int = 0, number: int = 0) -> list[Any]:
        """Some columns of the trials as they lie in the store; digests are not checked (see `columns`).

        run: its name.
        names: of columns of the table of trials.
        told, number: only trials from this number on, and of the others those told as number `told` or later.
        """
        with self._reading() as reader:
            return columns.trials(self._connection, reader.run_id(run), names, told, number)

    def columns_of(self, run: str, names: Sequence[str], numbers: Iterable[int]) -> list[Any]:
        """The same of the trials of these numbers."""
        with self._reading() as reader:
            return columns.of_trials(self._connection, reader.run_id(run), names, numbers)

    def attempt_columns(self, run: str, names: Sequence[str]) -> list[Any]:
        """Some columns of the attempts that have ended, by trial and attempt; digests are not checked."""
        with self._reading() as reader:
            return columns.attempts(self._connection, reader.run_id(run), names)

    def architectures(self, digests: Iterable[str]) -> dict[str, tuple[str, str]]:
        """JSON and text of the architectures of these digests; what is not there is left out."""
        with self._reading():
            return {digest: (json, text) for digest, json, text in columns.architectures(self._connection, digests)}

    def document(self, run: str, key: str) -> Any:
        """What was kept under this key; None where nothing was."""
        with self._reading() as reader:
            return reader.document(reader.run_id(run), key)

    def documents(self, run: str) -> dict[str, Any]:
        """Everything that was kept for a run, by key."""
        with self._reading() as reader:
            number = reader.run_id(run)
            return {key: reader.document(number, key) for key in reader.document_keys(number)}

    def events(self, run: str | None = None, after: int = 0) -> list[dict[str, Any]]:
        """Events with a sequence number above `after`, in order: seq, run, time, type, data."""
        with self._reading() as reader:
            return reader.events(None if run is None else reader.run_id(run), after)

    @contextlib.contextmanager
    def _reading(self) -> Generator[Reader]:
        """One consistent view of the database, whatever is written meanwhile."""
        with self._lock, translated(self.path):
            self._require_open()
            if self._connection.in_transaction:
                yield self._reader
                return
            self._connection.execute("BEGIN")
            try:
                yield self._reader
            finally:
                self._connection.rollback()

    def _driven(self) -> bool:
        return self.writable or driver(self.directory) is not None

    # Writing.

    @contextlib.contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """All or nothing, and on disk when it ends."""
        with self._lock, translated(self.path):
            self._require_writable()
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._hold.check()  # type: ignore[union-attr]
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.rollback()
                raise
            self._note()
            self.require_in_place()

    def change(self, connection: sqlite3.Connection, run: int, **changes: Any) -> None:
        """Set what changes of a run, inside a transaction: see `ledger.change`."""
        change(connection, run, **changes)
        self._changed = run

    def _note(self) -> None:
        """Write down how much is committed now."""
        counts = tally.current(self._connection, self._changed)
        if counts is not None:
            with contextlib.suppress(OSError):  # a full disk; the numbers of before are still true
                self._tally.note(counts)

    def _require_open(self) -> None:
        if self._closed:
            raise UserError(f"the store of {self.directory} was closed")

    def _require_writable(self) -> None:
        self._require_open()
        if self._hold is None:
            raise UserError(f"{self.directory} was opened for reading only")

    def require_in_place(self) -> None:
        """UserError where the database, its log or the lock file is not where it was."""
        with self._lock:
            if not self._closed and self._in_place is not None:
                self._in_place.require()

    def create_run(self, name: str, space: str, configuration: Mapping[str, Any], version: str) -> int:
        """Begin a run of this name; UserError where it exists."""
        values = (name, _now(), version, space, to_json(configuration))
        if name in self.names():
            raise UserError(f"run {name!r} exists already in {self.directory}; resume it, or choose another name")
        with self.transaction() as connection:
            runs, events = self._catalogue()
            run = runs + 1
            changing = (None, "running", "", 0.0, 0, 0, 0, 0)
            connection.execute(
                f"INSERT INTO runs VALUES ({', '.join('?' * 16)})",  # noqa: S608 - a constant
                (run, *values[:2], *changing, *values[2:], digest(values), seal(run, name, changing)),
            )
            count(connection, run, events)
            self._changed = run
            self._add_event(connection, run, "created", {})
        return run

    def set_state(self, run: str, state: str, stopped: str = "", seconds: float | None = None) -> None:
        """Note that a run is running, finished, interrupted or failed, and why."""
        ended = None if state == "running" else _now()
        with self._reading() as reader:
            number = reader.run_id(run)
        with self.transaction() as connection:
            changes = {} if seconds is None else {"seconds": float(seconds)}
            self.change(connection, number, state=state, stopped=stopped, ended=ended, **changes)
            self._add_event(connection, number, state, {"stopped": stopped})
        if state == "running":  # a copy of the file without its log says at least that there was more to come
            with self._lock, contextlib.suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint")

    def writer(self, run: str, clock: Callable[[], float]) -> TrialWriter:
        """What writes the trials of a run; `clock` gives the seconds it has been driven."""
        with self._reading() as reader:
            return TrialWriter(self, reader.run_id(run), clock)

    def keep(self, run: str, key: str, value: Any) -> None:
        """Keep JSON under a key of a run, in place of what was there: plans, notes, final results."""
        text = to_json(value)
        with self._reading() as reader:
            number = reader.run_id(run)
        with self.transaction() as connection:
            there = connection.execute("SELECT 1 FROM documents WHERE run = ? AND key = ?", (number, key)).fetchone()
            row = (number, key, text, digest((number, key, text)))
            connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", row)
            self.change(connection, number, added_documents=0 if there else 1)

    def add_event(self, run: str, kind: str, data: Mapping[str, Any] | None = None) -> None:
        """Append to the events, which are never changed."""
        with self._reading() as reader:
            number = reader.run_id(run)
        with self.transaction() as connection:
            self._add_event(connection, number, kind, data or {})

    def _add_event(self, connection: sqlite3.Connection, run: int, kind: str, data: Mapping[str, Any]) -> None:
        runs, events = self._catalogue()
        values = (events + 1, run, _now(), kind, to_json(dict(data)))
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", (*values, digest(values)))
        count(connection, runs, events + 1)

    def _catalogue(self) -> tuple[int, int]:
        """How many runs and events there are."""
        return self._reader.catalogue()

    def keep_backups(self, *, ended: bool = False) -> None:
        """Back up as often as costs little: a small database whenever a run is begun, a large one when a run has ended
        and it has grown by a quarter.
        """
        if backup.due(self.path, ended=ended) and (not ended or self.room.holds(2 * self.path.stat().st_size)):
            self.back_up()

    def back_up(self) -> Path | None:
        """Copy the database to `backups/` where there is anything to lose."""
        if not self.names():
            return None
        with self._lock, translated(self.path):
            self._require_writable()
            return backup.back_up(self._connection, self.directory)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
