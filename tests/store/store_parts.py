"""A small space and records to fill a store with."""

from __future__ import annotations

import time
from pathlib import Path

from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Decision, DecisionTable
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.store import Asked, AttemptEnded, Store, Told


class Pair(DecisionSpace):
    @property
    def decisions(self) -> DecisionTable:  # type: ignore[override]
        return DecisionTable([Decision("a", ("x", "y"), "one"), Decision("b", (1, 2, 3), "value")])

    def network(self, choose, shape):
        raise NotImplementedError


SPACE = Pair()


def record(number: int, accuracy: float = 0.5) -> Told:
    architecture = Architecture(SPACE, (number % 2, number % 3))
    proposal = Proposal(architecture, fidelity=0.1 + 0.2, parent=number or None)
    found = Measurement({"val_accuracy": accuracy}, curve=({"loss": 1 / 3},))
    trial = Trial(number, proposal, "completed", found, (accuracy,), 0.1 + 0.7, "cpu", "")
    return Told(Asked(number, number, 1, proposal, time.time()), number, trial, "", time.time())


def filled(directory: Path, trials: int = 20, run: str = "r") -> Path:
    with Store(directory) as store:
        store.create_run(run, SPACE.id, {"seed": 0}, "0.1.0")
        write(store, run, trials)
        store.keep(run, "notes", {"a": 1})
        store.set_state(run, "finished", "done", 1.0)
    return directory / "netwright.db"


def write(store: Store, run: str, trials: int) -> None:
    writer = store.writer(run, lambda: 1.0)
    for number in range(trials):
        writer.add(record(number, number / 7))
    writer.wait()
    writer.close()


def attempt(number: int, attempt: int = 1, state: str = "completed") -> AttemptEnded:
    question = record(number).question
    question = Asked(number, number, attempt, question.proposal, question.started)
    return AttemptEnded(
        question, state, "a reason", "worker 1", f"line {number}\n", time.time(), 0.5, 1, 10**6 + number
    )
