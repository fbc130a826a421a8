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

from netwright.core.errors import NetwrightError, UserError, marked, nearest
from netwright.core.inside import inside, open_inside
from netwright.core.objective import Constraint
from netwright.core.serial import parse_json
from netwright.core.trial import Proposal
from netwright.core.wording import shortened
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
STEERED = "steered"  # the key under which a run keeps what was asked of it beside its plan
REFUSED = "refused: "  # how an answer begins that is none
BY_HAND = {"asked by": "hand"}  # the memo of a trial that no strategy asked for
ASKS = ("pause", "continue", "stop", "stops", "workers", "limits", "try")
Event = Callable[[str, Mapping[str, object]], object]


def send(directory: Path, run: str, request: Mapping[str, Any]) -> str:
    """Ask something of a search: the name of the request, which is gone once it was taken up.

    directory: of the project.
    request: {"ask": "pause"}, "continue" or "stop"; {"ask": "stops", "trials": 200, "time": "1h"}; {"ask": "workers",
        "count": 2}; {"ask": "limits", "set": "params <= 50k", "lift": "macs"}; {"ask": "try", "architecture": ...}.
        Beside that "by": who asks, for the record.

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
    """What is asked; UserError where it is nothing that a search knows, or lacks what belongs to it."""
    asked = request.get("ask")
    if asked not in ASKS:
        raise UserError(f"a search cannot be asked to {asked!r}{nearest(str(asked), ASKS)}")
    needed = _NEEDS.get(str(asked), ())
    if needed and all(request.get(each) is None for each in needed):
        raise UserError(f"{asked} was asked without {' or '.join(needed)}")
    if request.get("set") is not None:
        Constraint.parse(request["set"])
    for name in ("count", "trials"):
        number = request.get(name)
        if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
            raise UserError(f"{_WORDS[name]} is {number!r}; expected a whole number from 1")
    if request.get("time") is not None:
        parse_duration(request["time"])
    return str(asked)


LONGEST_TOLD = 80  # characters of what was asked
_SAID = {"stops": "change its end", "workers": "change its workers", "limits": "change its limits", "?": "do something"}
_NEEDS = {
    "stops": ("trials", "time"),
    "workers": ("count",),
    "limits": ("set", "lift"),
    "try": ("architecture",),
}  # one of these
_WORDS = {"count": "the number of workers", "trials": "the number of trials"}


class Control:
    """The driver's side. paused: whether no trial is to begin. workers: at most so many at once; None as there are.

    stopping: why the search is to stop; empty as long as nobody asked for it.
    """

    def __init__(self, directory: Path | None, run: str, architecture: Callable[[str], Architecture]) -> None:
        """directory: of the project; None where nobody can ask anything. architecture: made of a text or of JSON."""
        self.paused, self.workers, self.stopping = False, None, ""
        self.to_try: list[Proposal] = []
        self.said: list[str] = []  # what was asked and done, a line each
        self.event: Event = _unheard
        self.change_stops: Callable[[Callable[[Stops], Stops]], tuple[Stops, Stops]] | None = None  # now and before
        self.resize: Callable[[int], str] | None = None  # where the executor can be given more workers
        self.keep: Callable[[Mapping[str, Any]], object] = _unkept
        self.change_limits: Callable[[str, str, str], str] | None = None  # added, lifted, by whom; what holds then
        self.refusal_to_limit = ""  # why they cannot be changed; empty where they can
        self.refusal_to_resize = ""  # why there cannot be another number of workers; empty where there can
        self.refusal_to_try = ""  # why no architecture can be put in; empty where one can
        self.fidelity: Callable[[], float | None] = lambda: None
        self._directory, self._run, self._architecture = directory, run, architecture
        self._next = self._further = 0.0
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
            request, done = {"ask": "?"}, f"{REFUSED}{_line(problem)}"
        else:
            try:
                done = getattr(self, f"_{_require(request)}")(request)
            except NetwrightError as problem:
                done = f"{REFUSED}{_line(problem)}"
        asked = {key: str(value)[:500] for key, value in request.items()}
        by = {"by": asked.pop("by")} if "by" in asked else {}
        self.said.append(in_words(asked, done, by.get("by", "")))
        self.event(EVENT, {"request": name, **by, "asked": asked, "done": done})
        self._remove(name)

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
        limit = None if seconds is None else parse_duration(seconds)
        if self.change_stops is None:
            raise UserError("the limits of this search cannot be changed")

        def changed(stops: Stops) -> Stops:
            return replace(stops, trials=trials or stops.trials, seconds=stops.seconds if limit is None else limit)

        found, before = self.change_stops(changed)
        if limit is not None and before.seconds is not None:
            self._further += limit - before.seconds
        self.keep({"trials": found.trials, "seconds": found.seconds, "further": self._further})
        said = [f"{found.trials} trials"] if found.trials is not None else []
        said += [format_duration(found.seconds)] if found.seconds is not None else []
        return f"the search ends after {' or '.join(said)}"

    def _workers(self, request: Mapping[str, Any]) -> str:
        count = request["count"]
        if self.refusal_to_resize:
            raise UserError(self.refusal_to_resize)
        if self.resize is not None:
            said = self.resize(count)
        elif count > self._slots:
            raise UserError(
                f"{self._slots} are there; start more where workers share a folder, otherwise stop it, then: netwright "
                f"resume {self._run} --workers {count}"
            )
        else:
            said = f"at most {count} at once from now on"
        self.workers = count
        self.keep({"workers": count})
        return said

    def _limits(self, request: Mapping[str, Any]) -> str:
        if self.refusal_to_limit or self.change_limits is None:
            raise UserError(self.refusal_to_limit or "the limits of this search cannot be changed")
        set_, lifted, by = (str(request.get(name) or "") for name in ("set", "lift", "by"))
        return self.change_limits(set_, lifted, by)

    def _try(self, request: Mapping[str, Any]) -> str:
        if self.refusal_to_try:
            raise UserError(self.refusal_to_try)
        text = request.get("architecture")
        if not isinstance(text, str) or not text.strip():
            raise UserError("no architecture was given; expected its text or its JSON, as the pages show them")
        try:
            architecture = self._architecture(text.strip())
        except UserError as problem:
            raise UserError(f"{shortened(text, LONGEST_TOLD)} is no architecture here: {marked(problem)}") from problem
        self.to_try.append(Proposal(architecture, fidelity=self.fidelity(), memo=BY_HAND))
        return "it is tried next"


def in_words(asked: Mapping[str, Any], done: str, by: str = "") -> str:
    """A request and what came of it, in one line. by: who asked, where that is known."""
    said = {name: shortened(str(value), LONGEST_TOLD) for name, value in asked.items() if name != "ask"}
    more = ", ".join(f"{name} {value}" for name, value in said.items())
    who = f" by {shortened(by, LONGEST_TOLD)}" if by else ""
    return f"asked{who} to {_SAID.get(str(asked.get('ask')), asked.get('ask'))}{f' ({more})' if more else ''}: {done}"


def by_hand(trial: Trial | StoredTrial | Proposal) -> bool:
    """Whether a person put this trial in, so that the strategy did not ask for it and is not told of it."""
    memo = getattr(trial, "memo", None) if not hasattr(trial, "proposal") else trial.proposal.memo  # type: ignore[union-attr]
    return memo == BY_HAND


def _line(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:300]


def _unkept(_found: Mapping[str, Any]) -> None:
    """What `keep` is where nothing is stored."""


def _unheard(_kind: str, _data: Mapping[str, object]) -> None:
    """What `event` is where nobody listens."""
