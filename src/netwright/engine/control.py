"""What a person asks of a search while it runs: a folder of requests, which the loop looks into between trials.

The store has one writer, the driver; who watches a search therefore writes nothing into it. A request is a small JSON
file in `control/RUN`, put there whole by a rename. The driver takes each, does it, removes the file, and writes down in
the store's events what was asked and what came of it. Requests name no code and no path.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.errors import NetwrightError, UserError, nearest
from netwright.core.inside import inside, open_inside
from netwright.core.serial import parse_json
from netwright.core.trial import Proposal
from netwright.engine.duration import format_duration, parse_duration

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.trial import Trial
    from netwright.engine.stops import Stops
    from netwright.store.rows import StoredTrial

FOLDER = "control"
EVENT = "control"  # the type of the events that tell of requests
EVERY = 0.5  # seconds between two looks
LARGEST = 100_000  # bytes of a request
MOST = 100  # requests that wait at once
BY_HAND = {"asked by": "hand"}  # the memo of a trial that no strategy asked for
ASKS = ("pause", "continue", "stop", "stops", "workers", "try")
Event = Callable[[str, Mapping[str, object]], object]


def send(directory: Path, run: str, request: Mapping[str, Any]) -> str:
    """Ask something of a search: the name of the request, which is gone once it was taken up.

    directory: of the project.
    request: {"ask": "pause"}, "continue" or "stop"; {"ask": "stops", "trials": 200, "time": "1h"}; {"ask": "workers",
        "count": 2}; {"ask": "try", "architecture": ...}.

    Raises UserError where too many requests wait already, and for one that is none.
    """
    _require(request)
    folder = inside(directory, FOLDER, run)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if len(waiting(directory, run)) >= MOST:
        raise UserError(f"{MOST} requests wait for run {run!r} already; does anything drive it?")
    name = f"{time.time_ns():020d}-{secrets.token_hex(4)}.json"
    unfinished = folder / f"{name}.new"
    with os.fdopen(open_inside(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w") as file:
        json.dump(dict(request), file)
    os.rename(unfinished, folder / name)
    return name


def waiting(directory: Path, run: str) -> list[str]:
    """The names of the requests that were not taken up yet, the oldest first."""
    try:
        return sorted(name for name in os.listdir(inside(directory, FOLDER, run)) if name.endswith(".json"))
    except (OSError, UserError):
        return []


def _require(request: Mapping[str, Any]) -> str:
    """What is asked; UserError where it is nothing that a search knows."""
    asked = request.get("ask")
    if asked not in ASKS:
        raise UserError(f"a search cannot be asked to {asked!r}{nearest(str(asked), ASKS)}")
    return str(asked)


class Control:
    """The driver's side. paused: whether no trial is to begin. workers: at most so many at once; None as there are.

    stopping: why the search is to stop; empty as long as nobody asked for it.
    """

    def __init__(self, directory: Path | None, run: str, architecture: Callable[[str], Architecture]) -> None:
        """directory: of the project; None where nobody can ask anything. architecture: made of a text or of JSON."""
        self.paused, self.workers, self.stopping = False, None, ""
        self.to_try: list[Proposal] = []
        self.event: Event = _unheard
        self.change_stops: Callable[[Callable[[Stops], Stops]], Stops] | None = None
        self.refusal_to_try = ""  # why no architecture can be put in; empty where one can
        self.fidelity: Callable[[], float | None] = lambda: None
        self._directory, self._run, self._architecture = directory, run, architecture
        self._next = 0.0
        self._slots = 1

    def clear(self) -> None:
        """Remove requests of an earlier session: nobody meant them for this one."""
        for name in [] if self._directory is None else waiting(self._directory, self._run):
            self._remove(name)

    def look(self) -> None:
        """Take up what was asked since; at most twice a second."""
        now = time.monotonic()
        if self._directory is None or now < self._next:
            return
        self._next = now + EVERY
        for name in waiting(self._directory, self._run)[:MOST]:
            self._take(name)

    def slots(self, there: int) -> int:
        """How many trials may run at once, of so many that can."""
        self._slots = there
        return there if self.workers is None else min(there, self.workers)

    def _take(self, name: str) -> None:
        try:
            request = self._read(name)
        except (NetwrightError, OSError) as problem:
            request, done = {"ask": "?"}, f"refused: {_line(problem)}"
        else:
            try:
                done = getattr(self, f"_{_require(request)}")(request)
            except NetwrightError as problem:
                done = f"refused: {_line(problem)}"
        self._remove(name)
        self.event(EVENT, {"asked": {key: str(value)[:500] for key, value in request.items()}, "done": done})

    def _read(self, name: str) -> Mapping[str, Any]:
        with os.fdopen(open_inside(self._path(name), os.O_RDONLY), "rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise UserError(f"the request has more than {LARGEST:,} bytes")
        try:
            request = parse_json(text.decode())
        except UnicodeDecodeError:
            raise UserError("the request is no text") from None
        if not isinstance(request, dict):
            raise UserError("the request is no object")
        return request

    def _remove(self, name: str) -> None:
        with contextlib.suppress(OSError):
            self._path(name).unlink()

    def _path(self, name: str) -> Path:
        assert self._directory is not None
        return self._directory / FOLDER / self._run / name

    # What can be asked; each says what was done.

    def _pause(self, _: Mapping[str, Any]) -> str:
        self.paused = True
        return "no trial begins until it is continued; the time limit runs on"

    def _continue(self, _: Mapping[str, Any]) -> str:
        self.paused = False
        return "trials begin again"

    def _stop(self, _: Mapping[str, Any]) -> str:
        self.paused, self.stopping = False, "stopped by hand"
        return "the trials that run are the last; then what follows the search"

    def _stops(self, request: Mapping[str, Any]) -> str:
        trials, seconds = request.get("trials"), request.get("time")
        if trials is not None and (not isinstance(trials, int) or isinstance(trials, bool) or trials < 1):
            raise UserError(f"trials is {trials!r}; expected a whole number from 1")
        limit = None if seconds is None else parse_duration(seconds)
        if trials is None and limit is None:
            raise UserError("neither trials nor a time were given")
        if self.change_stops is None:
            raise UserError("the limits of this search cannot be changed")

        def changed(stops: Stops) -> Stops:
            return replace(stops, trials=trials or stops.trials, seconds=stops.seconds if limit is None else limit)

        found = self.change_stops(changed)
        said = [f"{found.trials} trials"] if found.trials is not None else []
        said += [format_duration(found.seconds)] if found.seconds is not None else []
        return f"the search ends after {' or '.join(said)}"

    def _workers(self, request: Mapping[str, Any]) -> str:
        count = request.get("count")
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise UserError(f"the number of workers is {count!r}; expected a whole number from 1")
        self.workers = count
        if count > self._slots:
            return f"all {self._slots} that this search was started with; for more: netwright resume --workers {count}"
        return f"at most {count} at once from now on"

    def _try(self, request: Mapping[str, Any]) -> str:
        if self.refusal_to_try:
            raise UserError(self.refusal_to_try)
        text = request.get("architecture")
        if not isinstance(text, str) or not text.strip():
            raise UserError("no architecture was given; expected its text or its JSON, as the pages show them")
        architecture = self._architecture(text.strip())
        self.to_try.append(Proposal(architecture, fidelity=self.fidelity(), memo=BY_HAND))
        return "it is tried next"


def by_hand(trial: Trial | StoredTrial | Proposal) -> bool:
    """Whether a person put this trial in, so that the strategy did not ask for it and is not told of it."""
    memo = getattr(trial, "memo", None) if not hasattr(trial, "proposal") else trial.proposal.memo  # type: ignore[union-attr]
    return memo == BY_HAND


def _line(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:300]


def _unheard(_kind: str, _data: Mapping[str, object]) -> None:
    """What `event` is where nobody listens."""
