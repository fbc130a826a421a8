"""What the pages read of a project: its runs, each kept as columns that are brought up to date."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netwright.charts.run_data import RunData
from netwright.core.errors import UserError
from netwright.dashboard.stored_space import option_labels
from netwright.store import RunSummary, Store
from netwright.store.lock import driver

KEPT_RUNS = 8  # whose columns stay in memory


class Unknown(Exception):
    """There is nothing of this name; answered by 404."""


class Project:
    """A project directory, which need not hold a project yet. Safe to use from several threads."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.expanduser().absolute()
        self._store: Store | None = None
        self._before: list[Store] = []  # of databases that lay there before; somebody may read them still
        self._identity: tuple[int, int] | None = None
        self._runs: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.RLock()

    @property
    def place(self) -> str:
        """The directory as one types it where the server was started."""
        here = Path.cwd()
        return (self.directory.relative_to(here) if here in self.directory.parents else self.directory).as_posix()

    def store(self) -> Store | None:
        """The open store; None as long as there is no project. Opened anew where another database lies there."""
        with self._lock:
            found = _identity(self.directory / "netwright.db")
            if found != self._identity or found is None:
                self._forget()
            if found is None:
                return None
            if self._store is None:
                self._store, self._identity = Store.open_readonly(self.directory), found
            return self._store

    def require(self) -> Store:
        """The open store; Unknown where there is no project."""
        store = self.store()
        if store is None:
            raise Unknown(f"there is no project in {self.directory} yet")
        return store

    def runs(self) -> list[RunSummary]:
        """All runs, the latest first."""
        store = self.store()
        return [] if store is None else [*store.runs()[::-1]]

    @contextmanager
    def run(self, name: str) -> Generator[RunData]:
        """The columns of a run as they are now, which do not change inside; Unknown where there is no such run."""
        with self._lock:
            store, kept = self.require(), self._runs.get(name) or _Kept()
        with kept.lock:  # of this run alone: who asks for others need not wait
            try:
                data = kept.as_it_is(store, name)
            except UserError as problem:
                raise Unknown(str(problem)) from None
            self._keep(name, kept)
            yield data

    def _keep(self, name: str, kept: _Kept) -> None:
        with self._lock:
            self._runs[name] = kept
            self._runs.move_to_end(name)
            while len(self._runs) > KEPT_RUNS:
                self._runs.popitem(last=False)

    def sequence(self, name: str | None = None) -> int:
        """A number that grows with everything that is written of a run, or of all."""
        store = self.store()
        try:
            return 0 if store is None else store.sequence(name)
        except UserError as problem:
            raise Unknown(str(problem)) from None

    def driver(self) -> dict[str, Any] | None:
        """Who drives the project now: pid, host, since; None where nobody does."""
        return driver(self.directory)

    def close(self) -> None:
        with self._lock:
            self._forget()
            while self._before:
                self._before.pop().close()

    def _forget(self) -> None:
        self._runs.clear()
        self._before += [] if self._store is None else [self._store]
        self._store = self._identity = None


class _Kept:
    """The columns of one run, which one thread at a time reads and brings up to date."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._data: RunData | None = None

    def as_it_is(self, store: Store, name: str) -> RunData:
        """The columns as they are now; UserError where there is no such run any more."""
        if self._data is None:
            self._data = RunData.read(store, name)
            self._data.find_options = option_labels
        else:
            self._data.update(store)
        return self._data


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies there; None for none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
