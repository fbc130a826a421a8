"""One run as columns, for pictures: read at once, and brought up to date by reading only what is new."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.objective import Constraint, Objective
from netwright.results.front_again import MEASURED_FRONT, Again
from netwright.store.changed_limits import LIMITS, PresentLimits

if TYPE_CHECKING:
    from netwright.store import RunSummary, Store

COLUMNS = (
    *("number", "told", "attempt", "state", "purpose", "fidelity", "parent", "architecture"),
    *("metrics", "scores", "seconds", "device", "reason", "started", "ended"),
)
ATTEMPTS = ("trial", "attempt", "state", "place", "reason", "seconds", "peak_memory", "started", "ended")
Label = str | float | int | bool | None


class RunData:
    """The trials of a run as columns: entry i of every column is of the trial `numbers[i]`, ascending.

    Rounds of weight sharing are rows, too, told apart by their purpose. What takes long to read (curves, choices,
    texts, attempts, documents, mixtures) is read when it is first asked for, so keep the store open as long.

    summary: the line about the run.
    objectives: what was asked for, the first one first.
    present: the limits that hold now, and how they came to; trials are judged by them.
    begun: when the first trial started, seconds of the epoch; `started` and `ended` count from it.
    """

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self.name = name
        self._rows: dict[int, tuple[Any, ...]] = {}
        self._told, self._running = 0, set[int]()
        self._architectures: dict[str, tuple[str, str]] = {}
        self._decoded: dict[str, Mapping[str, Label]] = {}
        self.find_options: Callable[[RunData], Mapping[str, Sequence[str]]] | None = None
        self._stamp: tuple[object, ...] = store.stamp(name), store.sequence(name)
        self.summary: RunSummary = store.summary(name)
        arguments = self.summary.configuration.get("arguments", {})
        self.objectives = tuple(Objective.parse(each) for each in arguments.get("objective", ()))
        self.present, self._again = self._present_limits(), self._measured_again()
        self._read_new()

    @classmethod
    def read(cls, store: Store, name: str) -> RunData:
        """Read a run; UserError names the nearest where there is none of this name."""
        return cls(store, name)

    def update(self, store: Store | None = None) -> bool:
        """Read what was asked and told since; whether anything changed.

        store: of the same project, where the one that it was read from is closed.
        """
        self._store = store or self._store
        stamp = self._store.stamp(self.name), self._store.sequence(self.name)
        if stamp == self._stamp:
            return False
        before, self._stamp, self.summary = self.summary, stamp, self._store.summary(self.name)
        judged, self.present = self.present, self._present_limits()
        known, self._again = self._again, self._measured_again()
        changed = self._read_new() or judged.changes != self.present.changes or known != self._again
        if changed or self.summary != before:
            for each in _CACHED:
                self.__dict__.pop(each, None)
        return changed or self.summary != before

    def _present_limits(self) -> PresentLimits:
        return PresentLimits(self.summary.configuration, self._store.document(self.name, LIMITS))

    def _read_new(self) -> bool:
        rows = self._store.trial_columns(self.name, COLUMNS, told=self._told, number=len(self._rows))
        rows += self._store.columns_of(self.name, COLUMNS, self._running)
        changed = [row for row in rows if self._rows.get(row[0]) != row]
        self._rows.update((row[0], row) for row in sorted(changed))
        self._told = max([self._told, *(row[1] + 1 for row in changed if row[1] is not None)])
        self._running -= {row[0] for row in changed}
        self._running |= {row[0] for row in changed if row[1] is None}
        return bool(changed)

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"RunData({self.name!r}, {len(self)} trials)"

    # Columns.

    @cached_property
    def _table(self) -> dict[str, tuple[Any, ...]]:
        rows = list(self._rows.values())
        if self.present.changed:
            rows = list(map(self._judged, rows))
        return dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(COLUMNS, ())

    def _judged(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """A row with the judgement of its trial by the limits that hold now."""
        return tuple(self.present.row(dict(zip(COLUMNS, row, strict=True))).values())

    @property
    def limits(self) -> tuple[Constraint, ...]:
        """The limits that hold now."""
        return self.present.limits

    @cached_property
    def numbers(self) -> np.ndarray:
        """int (n,): ascending."""
        return np.array(self._table["number"], dtype=np.int64)

    @cached_property
    def told(self) -> np.ndarray:
        """float (n,): the place in the order of ends; NaN while it runs."""
        return _floats(self._table["told"])

    @property
    def states(self) -> tuple[str, ...]:
        """How each ended, or "running"."""
        return self._table["state"]

    @property
    def purposes(self) -> tuple[str, ...]:
        """ "evaluate" of trials, otherwise what a round of weight sharing did."""
        return self._table["purpose"]

    @property
    def digests(self) -> tuple[str | None, ...]:
        """What identifies each architecture; None for a mixture."""
        return self._table["architecture"]

    @property
    def reasons(self) -> tuple[str, ...]:
        return self._table["reason"]

    @property
    def devices(self) -> tuple[str, ...]:
        return self._table["device"]

    @property
    def tries(self) -> tuple[int, ...]:
        """How often each was begun."""
        return self._table["attempt"]

    @cached_property
    def parents(self) -> np.ndarray:
        """float (n,): the number of the trial that it goes on from; NaN for none."""
        return _floats(self._table["parent"])

    @cached_property
    def fidelities(self) -> np.ndarray:
        """float (n,): share of the full training; 1 where nothing else was asked."""
        return np.array([1.0 if each is None else each for each in self._table["fidelity"]])

    @cached_property
    def seconds(self) -> np.ndarray:
        """float (n,): time that the estimator took."""
        return _floats(self._table["seconds"])

    @cached_property
    def scores(self) -> np.ndarray:
        """float (n, objectives): larger is better; NaN where there is none."""
        found = np.full((len(self), max(1, len(self.objectives))), math.nan)
        for place, scores in enumerate(_parsed(self._table["scores"])):
            found[place, : len(scores)] = [float(each) for each in scores][: found.shape[1]]
        for place, measured in self._places_again():
            for column, objective in enumerate(self.objectives):
                if objective.metric in measured and math.isfinite(found[place, column]):
                    found[place, column] = objective.score(measured)
        return found

    def _measured_again(self) -> Again | None:
        """What was measured again of a front, which counts since then."""
        return Again.of(self._store.document(self.name, MEASURED_FRONT)) if len(self.objectives) > 1 else None

    def _places_again(self) -> list[tuple[int, Mapping[str, float]]]:
        """Places of the networks that were measured again, with what that gave."""
        found = {} if self._again is None else self._again.found
        return [(place, found[number]) for place, number in enumerate(self.numbers.tolist()) if number in found]

    @cached_property
    def metrics(self) -> dict[str, np.ndarray]:
        """By name, float (n,): what was measured; NaN where it was not."""
        found: dict[str, np.ndarray] = {}
        for place, measured in enumerate(_parsed(self._table["metrics"])):
            for name, value in measured.items():
                if name not in found:
                    found[name] = np.full(len(self), math.nan)
                found[name][place] = float(value)
        for place, measured in self._places_again():
            for name in measured.keys() & found.keys():
                found[name][place] = measured[name]
        return found

    @cached_property
    def begun(self) -> float:
        times = self._table["started"]
        return min(map(_seconds, times)) if times else _seconds(self.summary.created)

    @cached_property
    def started(self) -> np.ndarray:
        """float (n,): seconds after the first trial started."""
        return np.array([_seconds(each) - self.begun for each in self._table["started"]])

    @cached_property
    def ended(self) -> np.ndarray:
        """float (n,): seconds after the first trial started; NaN while it runs."""
        return np.array([math.nan if each is None else _seconds(each) - self.begun for each in self._table["ended"]])

    # Choices of rows.

    @cached_property
    def evaluations(self) -> np.ndarray:
        """bool (n,): trials, no rounds of weight sharing."""
        return np.array([each == "evaluate" for each in self.purposes], dtype=bool)

    @cached_property
    def completed(self) -> np.ndarray:
        """bool (n,): trials with scores."""
        ended = np.array([each == "completed" for each in self.states], dtype=bool)
        return ended & self.evaluations & ~np.isnan(self.scores[:, 0])

    @cached_property
    def compared(self) -> np.ndarray:
        """bool (n,): the completed trials at the highest fidelity that any of them has, as a search compares them."""
        if not self.completed.any():
            return self.completed
        return self.completed & (self.fidelities == self.fidelities[self.completed].max())

    def alike(self, least: int) -> np.ndarray:
        """bool (n,): the completed trials at the highest fidelity that at least so many have; none where no one has.

        Where most trials were stopped early, more is learnt from them than from the few that `compared` leaves.
        """
        shares, counts = np.unique(self.fidelities[self.completed], return_counts=True)
        enough = shares[counts >= least]
        return self.completed & (self.fidelities == enough[-1]) if len(enough) else np.zeros(len(self), dtype=bool)

    @cached_property
    def best(self) -> int | None:
        """The place of the best of those that are compared, by the first score, then the next; of equal ones the first.
        None where none completed.
        """
        places = np.flatnonzero(self.compared).tolist()
        return max(places, key=lambda each: (tuple(self.scores[each]), -each), default=None)

    @cached_property
    def memo(self) -> dict[str, Any]:
        """What charts found out of these rows, by a name; forgotten with the next update that finds something new."""
        return {}

    # What is read when it is asked for.

    @cached_property
    def texts(self) -> list[str]:
        """Each architecture as people read it; empty for mixtures."""
        found = self._described()
        return [found[each][1] if each in found else "" for each in self._table["architecture"]]

    @cached_property
    def architectures(self) -> list[Any]:
        """What `space.architecture` makes each of; None for mixtures."""
        found = self._described()
        return [json.loads(found[each][0]) if each in found else None for each in self._table["architecture"]]

    @cached_property
    def has_decisions(self) -> bool:
        """Whether architectures are lists of decisions, as the first of them tells."""
        first = next((each for each in self._table["architecture"] if each is not None), None)
        if first is None:
            return False
        if first not in self._architectures:
            self._architectures.update(self._store.architectures([first]))
        return bool(_labels(self._architectures[first][0]))

    @cached_property
    def choices(self) -> dict[str, list[Label]]:
        """By decision, the label that each architecture takes; None where it is not active. Empty without decisions."""
        found: dict[str, list[Label]] = {}
        described = self._described()
        for place, digest in enumerate(self._table["architecture"]):
            if digest not in described:
                continue
            if digest not in self._decoded:
                self._decoded[digest] = _labels(described[digest][0])
            for name, label in self._decoded[digest].items():
                if name not in found:
                    found[name] = [None] * len(self)
                found[name][place] = label
        return found

    def _described(self) -> dict[str, tuple[str, str]]:
        new = {each for each in self._table["architecture"] if each is not None} - self._architectures.keys()
        if new:
            self._architectures.update(self._store.architectures(new))
        return self._architectures

    @cached_property
    def attempts(self) -> dict[str, tuple[Any, ...]]:
        """Columns of the attempts that have ended, by trial and attempt: those of `ATTEMPTS`, times as `started`."""
        rows = self._store.attempt_columns(self.name, ATTEMPTS)
        found = dict(zip(ATTEMPTS, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(ATTEMPTS, ())
        times = {key: tuple(_seconds(each) - self.begun for each in found[key]) for key in ("started", "ended")}
        return {**found, **times}

    @cached_property
    def places(self) -> list[str]:
        """The worker of each trial's last attempt; empty while it runs, and where there was none."""
        last = dict(zip(self.attempts["trial"], self.attempts["place"], strict=True))
        return [last.get(number, "") for number in self._table["number"]]

    @cached_property
    def documents(self) -> dict[str, Any]:
        """What was kept for the run: "report", "notes" (its plan), ..."""
        return self._store.documents(self.name)

    def beside(self, name: str) -> RunData | None:
        """Another run of the same project; None where there is none of this name."""
        return RunData(self._store, name) if name in self._store.names() else None

    def all_runs(self) -> list[str]:
        """The names of the project's runs, oldest first."""
        return self._store.names()

    def curve(self, number: int) -> list[dict[str, float]]:
        """The metrics of each epoch of a trial."""
        return self.curves([number]).get(number, [])

    def curves(self, numbers: Iterable[int]) -> dict[int, list[dict[str, float]]]:
        """The same of several trials, by number."""
        rows = self._store.columns_of(self.name, ("number", "curve"), map(int, numbers))
        return {number: [_numbers(each) for each in json.loads(curve)] for number, curve in rows}

    @cached_property
    def option_labels(self) -> Mapping[str, Sequence[str]]:
        """By decision the labels of a mixture's weights, where who reads the run knows its space (`find_options`)."""
        return {} if self.find_options is None else self.find_options(self)

    def mixtures(self, numbers: Iterable[int]) -> dict[int, dict[str, list[float]]]:
        """By number of a round: the weight of each option, by decision."""
        rows = self._store.columns_of(self.name, ("number", "mixture"), map(int, numbers))
        return {number: _weights(mixture) for number, mixture in rows if mixture is not None}


_CACHED = tuple(name for name, each in vars(RunData).items() if isinstance(each, cached_property))


def _floats(values: Sequence[float | None]) -> np.ndarray:
    return np.array([math.nan if each is None else each for each in values], dtype=np.float64)


def _parsed(texts: Sequence[str]) -> list[Any]:
    return json.loads(f"[{','.join(texts)}]")


def _numbers(measured: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in measured.items()}


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _labels(text: str) -> Mapping[str, Label]:
    decisions = json.loads(text).get("decisions")
    if not isinstance(decisions, dict):
        return {}
    return {name: json.dumps(each) if isinstance(each, (list, dict)) else each for name, each in decisions.items()}


def _weights(text: str) -> dict[str, list[float]]:
    """Of what `store.numbers.tensors_to_json` wrote, without what was remembered beside it."""
    return {name: each["values"] for name, each in json.loads(text).items() if name and "values" in each}
