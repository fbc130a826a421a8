"""Runs with known numbers, written by the real writer, and pictures checked by what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netwright.charts import RunData
from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Decision, DecisionTable
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.store import Asked, AttemptEnded, Store, Told

BEGUN = 1_700_000_000.0


class Pair(DecisionSpace):
    """a of x and y, b of 1, 2 and 3."""

    @property
    def decisions(self) -> DecisionTable:  # type: ignore[override]
        return DecisionTable([Decision("a", ("x", "y"), "one"), Decision("b", (1, 2, 3), "value")])

    def network(self, choose, shape):
        raise NotImplementedError


SPACE = Pair()


@dataclass
class Given:
    """One trial: what it measured and how it ended."""

    accuracy: float | None
    params: float = 1000.0
    state: str = "completed"
    fidelity: float | None = None
    parent: int | None = None
    reason: str = ""
    start: float = 0.0
    seconds: float = 1.0
    place: str = "worker 0"
    curve: Sequence[dict[str, float]] = ()
    more: dict[str, float] = field(default_factory=dict)
    point: tuple[int, int] = (0, 0)
    attempt: int = 1


def asked(number: int, trial: Given) -> Asked:
    proposal = Proposal(Architecture(SPACE, trial.point), fidelity=trial.fidelity, parent=trial.parent)
    return Asked(number, number, trial.attempt, proposal, BEGUN + trial.start)


def told(number: int, order: int, trial: Given, objectives: Sequence[str]) -> Told:
    metrics = {"params": trial.params, **trial.more}
    if trial.accuracy is not None:
        metrics["val_accuracy"] = trial.accuracy
    done = trial.state == "completed"
    scores = tuple(metrics[each] if each == "val_accuracy" else -metrics[each] for each in objectives) if done else ()
    question = asked(number, trial)
    found = Measurement(metrics, curve=tuple(trial.curve))
    ended = Trial(number, question.proposal, trial.state, found, scores, trial.seconds, "cpu", trial.reason)  # type: ignore[arg-type]
    return Told(question, order, ended, "", BEGUN + trial.start + trial.seconds)


def write(
    folder: Path,
    trials: Sequence[Given],
    name: str = "r",
    objectives: Sequence[str] = ("val_accuracy",),
    limits: Sequence[str] = (),
    documents: dict[str, Any] | None = None,
) -> Path:
    """A run of these trials, told in their order."""
    arguments = {"objective": list(objectives), "constraints": list(limits)}
    with Store(folder) as store:
        store.create_run(name, SPACE.id, {"class": "netwright.engine.search:Search", "arguments": arguments}, "0.1.0")
        add(store, trials, 0, name, objectives)
        for key, value in (documents or {}).items():
            store.keep(name, key, value)
    return folder


def add(
    store: Store, trials: Sequence[Given], first: int, name: str = "r", objectives: Sequence[str] = ("val_accuracy",)
) -> None:
    """More trials, from number `first` on; those in state "running" are asked and not told."""
    writer = store.writer(name, lambda: 1.0)
    for number, trial in enumerate(trials, start=first):
        if trial.state == "running":
            writer.add(asked(number, trial))
            continue
        answer = told(number, number, trial, objectives)
        writer.add(
            AttemptEnded(answer.question, trial.state, trial.reason, trial.place, ended=answer.ended, seconds=1.0)
        )
        writer.add(answer)
    writer.wait()
    writer.close()


def read(folder: Path, name: str = "r") -> RunData:
    """The run's columns; the store stays open as long as they are used."""
    return RunData.read(Store.open_readonly(folder), name)
