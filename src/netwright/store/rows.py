"""A trial between the search and its row in the store, both ways."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from netwright.core.architecture import Architecture
from netwright.core.errors import UserError
from netwright.core.objective import rank
from netwright.core.trial import Proposal, Trial, share_of
from netwright.core.values import value
from netwright.store.numbers import digest, metrics_to_json, tensors_to_json, to_json

RUNNING = "running"
MEMO = ""  # the name of the memo beside those of decisions
INSTEAD = "instead of"  # the name of what was asked about, beside the memo of a proposal that is about another one
LONGEST_LOG = 10_000  # characters
DIED = "the process that drove it ended without a word"
COLUMNS = (
    "run",
    "number",
    "asked",
    "told",
    "attempt",
    "state",
    "purpose",
    "fidelity",
    "parent",
    "architecture",
    "mixture",
    "metrics",
    "curve",
    "gradient",
    "scores",
    "seconds",
    "device",
    "reason",
    "traceback",
    "started",
    "ended",
)
ATTEMPT_COLUMNS = (
    *("run", "trial", "attempt", "state", "place", "reason", "log"),
    *("seconds", "threads", "peak_memory", "started", "ended"),
)
Row = tuple[Any, ...]


@value
class Asked:
    """A proposal that was handed out.

    number: of the trial, from 0.
    asked: how many trials had been told before.
    attempt: which one this is, from 1.
    proposal: what the strategy asked.
    started: seconds of the epoch.
    """

    number: int
    asked: int
    attempt: int
    proposal: Proposal
    started: float


@value
class Told:
    """How an asked trial ended.

    question: what was asked.
    told: its place in the order in which the strategy was told.
    trial: how it ended.
    traceback: where it ended in state "error"; empty otherwise.
    ended: seconds of the epoch.
    """

    question: Asked
    told: int
    trial: Trial
    traceback: str
    ended: float


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """How one attempt at a trial ended: told as the trial's end, or lost and begun again.

    question: what was asked.
    state: one of `STATES`.
    reason: in one line, where it failed.
    place: the worker or node.
    log: the end of what it printed.
    ended: seconds of the epoch.
    seconds: time that the estimator took.
    threads: that PyTorch computed with; None where it was not imported.
    peak_memory: bytes.
    """

    question: Asked
    state: str
    reason: str = ""
    place: str = ""
    log: str = ""
    ended: float = 0.0
    seconds: float = 0.0
    threads: int | None = None
    peak_memory: int | None = None


Record = Asked | Told | AttemptEnded


class Rows:
    """Makes the rows of one run; each architecture is written out once."""

    def __init__(self, run: int) -> None:
        self._run = run
        self._digests: dict[Architecture, str] = {}
        self.new: list[Row] = []  # rows of the architectures that were met since this was last emptied
        self._clock = (0, "")

    def row(self, record: Asked | Told) -> Row:
        values = self._told(record) if isinstance(record, Told) else self._running(record)
        return (*values, digest(values))

    def attempt(self, record: AttemptEnded) -> Row:
        question = record.question
        values = (
            *(self._run, question.number, question.attempt, record.state, record.place, record.reason),
            *(_printable(record.log), float(record.seconds), record.threads, record.peak_memory),
            self._time(question.started),
            self._time(record.ended),
        )
        return (*values, digest(values))

    def _running(self, asked: Asked) -> Row:
        return (
            *self._question(asked, None, RUNNING),
            *("{}", "[]", None, "[]", 0.0, "", "", ""),
            self._time(asked.started),
            None,
        )

    def _told(self, record: Told) -> Row:
        trial, found = record.trial, record.trial.measurement
        return (
            *self._question(record.question, record.told, trial.state),
            metrics_to_json(found.metrics),
            to_json(found.curve) if found.curve else "[]",
            None if found.gradient is None else tensors_to_json(found.gradient),
            f"[{','.join(map(repr, trial.scores))}]",
            float(trial.seconds),
            trial.device,
            trial.reason,
            record.traceback,
            self._time(record.question.started),
            self._time(record.ended),
        )

    def _question(self, asked: Asked, told: int | None, state: str) -> Row:
        proposal = asked.proposal
        candidate = proposal.candidate
        if isinstance(candidate, Architecture):
            architecture, weights = self._architecture(candidate), None
        else:
            architecture, weights = None, tensors_to_json(candidate.weights)
        mixture = weights if proposal.memo is None else _with_memo(weights, proposal.memo)
        if proposal.instead_of is not None:
            mixture = _instead(mixture, proposal.instead_of)
        fidelity = None if proposal.fidelity is None else float(proposal.fidelity)
        start = (self._run, asked.number, asked.asked, told, asked.attempt, state)
        return (*start, proposal.purpose, fidelity, proposal.parent, architecture, mixture)

    def _architecture(self, architecture: Architecture) -> str:
        found = self._digests.get(architecture)
        if found is None:
            text = architecture.to_json()
            found = hashlib.sha256(text.encode()).hexdigest()
            self._digests[architecture] = found
            values = (found, architecture.space.id, text, str(architecture))
            self.new.append((*values, digest(values)))
        return found

    def _time(self, seconds: float) -> str:
        """UTC to the millisecond; made once for all trials of one millisecond."""
        instant = int(seconds * 1000)
        if instant != self._clock[0]:
            moment = datetime.fromtimestamp(instant / 1000, UTC)
            self._clock = (instant, moment.isoformat(timespec="milliseconds"))
        return self._clock[1]


@dataclass(frozen=True, slots=True)
class StoredTrial:
    """One trial as it lies in the store: plain data, readable without the space.

    number: from 0, in the order of asking.
    asked: how many trials had been told when it was asked.
    told: its place in the order of tells, None while it runs.
    attempt: how often it was begun.
    state: one of `STATES`, or "running".
    purpose: "evaluate" for a trial, otherwise what the round of weight sharing did.
    fidelity: share of the full budget; None for all of it.
    parent: number of the trial that it goes on from; None for none.
    architecture: the JSON of the architecture, None for a mixture.
    architecture_digest: SHA-256 that identifies the architecture; None for a mixture.
    text: the architecture as people read it.
    mixture: the weights as JSON; None for an architecture.
    metrics: what was measured, by name.
    curve: metrics of each epoch.
    gradient: by mixture weight, as JSON; None where there is none.
    scores: one an objective, larger is better; empty unless it completed.
    seconds: time that the estimator took.
    device: where it ran.
    reason: in one line, where it failed.
    traceback: of a trial in state "error"; empty for others.
    started: when, ISO 8601.
    ended: when, ISO 8601; None while it runs.
    memo: what its asker remembered of it.
    instead_of: the text of what was asked about, where that breaks a limit and this architecture was tried in its
        place; None otherwise.
    """

    number: int
    asked: int
    told: int | None
    attempt: int
    state: str
    purpose: str
    fidelity: float | None
    parent: int | None
    architecture: Mapping[str, Any] | None
    architecture_digest: str | None
    text: str
    mixture: Mapping[str, Any] | None
    metrics: Mapping[str, float]
    curve: tuple[Mapping[str, float], ...]
    gradient: Mapping[str, Any] | None
    scores: tuple[float, ...]
    seconds: float
    device: str
    reason: str
    traceback: str
    started: str
    ended: str | None
    memo: Mapping[str, Any] | None = None
    instead_of: str | None = None

    @property
    def completed(self) -> bool:
        return self.state == "completed"

    @property
    def share(self) -> float:
        """The share of the full training budget that it was given."""
        return share_of(self.fidelity)


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    """One attempt at a trial as it lies in the store.

    trial: its number.
    attempt: which one, from 1.
    state: one of `STATES`.
    place: the worker or node.
    reason: in one line, where it failed.
    log: the end of what it printed.
    seconds: time that the estimator took.
    threads: that PyTorch computed with; None where it was not imported.
    peak_memory: bytes.
    started: when, ISO 8601.
    ended: when, ISO 8601.
    """

    trial: int
    attempt: int
    state: str
    place: str
    reason: str
    log: str
    seconds: float
    threads: int | None
    peak_memory: int | None
    started: str
    ended: str


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line about a run.

    name: of the run.
    created: when it was begun, ISO 8601.
    ended: when it ended, ISO 8601; None while it goes on.
    state: running, finished, interrupted or failed.
    stopped: why it ended, in one line.
    seconds: wall-clock, all sessions together.
    version: of netwright that began it.
    space: its id.
    counts: trials by state, "running" included.
    configuration: of the search, as JSON.
    driven: whether a process drives it now.
    """

    name: str
    created: str
    ended: str | None
    state: str
    stopped: str
    seconds: float
    version: str
    space: str
    counts: Mapping[str, int]
    configuration: Mapping[str, Any]
    driven: bool


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as it lies in the store. trials are in the order of their numbers.

    summary: the line about the run.
    trials: in the order of their numbers.
    """

    summary: RunSummary
    trials: tuple[StoredTrial, ...]

    @property
    def name(self) -> str:
        return self.summary.name

    @property
    def configuration(self) -> Mapping[str, Any]:
        return self.summary.configuration

    @property
    def counts(self) -> Mapping[str, int]:
        return self.summary.counts

    @property
    def best(self) -> StoredTrial | None:
        """The best completed trial, at the highest fidelity that was measured; None where none completed."""
        completed = [each for each in self.trials if each.completed and each.scores]
        if not completed:
            return None
        return max(completed, key=rank)


def _with_memo(weights: str | None, memo: Mapping[str, Any]) -> str:
    """The column of the mixture, with the memo under a name that no decision has. UserError for what is no JSON."""
    try:
        text = to_json({MEMO: dict(memo)})
    except (TypeError, RecursionError) as problem:
        raise UserError(
            f"the memo of a proposal holds something that cannot be kept ({problem}); expected numbers, text, None, "
            "lists and dicts"
        ) from None
    return text if weights in (None, "{}") else f"{text[:-1]},{weights[1:]}"


def _instead(column: str | None, asked: Architecture) -> str:
    """The column of an architecture's memo, with what was asked about in its place."""
    return to_json({**({} if column is None else json.loads(column)), INSTEAD: str(asked)})


@dataclass(frozen=True, slots=True)
class Parted:
    """What was written as one column: the weights of a mixture, the memo, and the text of what was asked about in place
    of the architecture; None where there was none."""

    weights: Mapping[str, Any] | None
    memo: Mapping[str, Any] | None
    instead_of: str | None


def parted(column: Mapping[str, Any] | None, of_mixture: bool) -> Parted:
    """The parts of the column. of_mixture: whether the proposal is about one."""
    if column is None:
        return Parted(None, None, None)
    left = {name: each for name, each in column.items() if name != MEMO}
    instead = None if of_mixture else left.pop(INSTEAD, None)
    return Parted(left or (None if not of_mixture else left), column.get(MEMO), instead)


def _printable(log: str) -> str:
    """The end of a log, without what cannot be stored as text."""
    return log[-LONGEST_LOG:].encode("utf-8", "replace").decode()
