"""A project with what pages must cope with: markup and terminal escapes in every text, NaN, failures, many states."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Decision, DecisionTable
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.dashboard.application import make_application
from netwright.dashboard.rules import Rules
from netwright.store import Asked, AttemptEnded, Store, Told

SCRIPT = "<script>document.title='broken'</script>"
RUN = "run-1"
NAME = f"{SCRIPT[:-9]}x"  # a run's name is part of an address: without the slash of an end tag
STATES = ("completed", "completed", "completed", "infeasible", "diverged", "error", "timeout", "completed")
CONFIGURATION = {
    "class": "netwright.engine.search:Search",
    "arguments": {
        "objective": ["val_accuracy:maximize", "params:minimize"],
        "constraints": ["params <= 500,000"],
        "strategy": {"class": "netwright.strategies.evolution.regularized:RegularizedEvolution", "arguments": {}},
        "seed": 0,
    },
}


class Pair(DecisionSpace):
    @property
    def decisions(self) -> DecisionTable:  # type: ignore[override]
        return DecisionTable([Decision("a", ("conv", SCRIPT), "one"), Decision("b", (1, 2, 3), "value")])

    def network(self, choose: Any, shape: Any) -> Any:
        raise NotImplementedError


SPACE = Pair()


def record(number: int, state: str | None = None) -> Told:
    """Trial `number`: accuracies rise, parameters too; every eighth trial's loss is NaN."""
    state = state or STATES[number % len(STATES)]
    proposal = Proposal(Architecture(SPACE, (number % 2, number % 3)), parent=number - 1 if number > 2 else None)
    metrics = {"params": 1000.0 * (number + 1), "val_loss": math.nan if number % 8 == 1 else 0.5}
    scores: tuple[float, ...] = ()
    if state == "completed":
        metrics["val_accuracy"] = 0.5 + number / 1000
        scores = (metrics["val_accuracy"], -metrics["params"])
    curve = tuple({"epoch": float(k), "val_accuracy": 0.1 * k, "val_loss": math.nan} for k in range(1, 4))
    reason = "" if state == "completed" else f"{state}: {SCRIPT} \x1b[31mred\x1b[0m"
    trial: Any = Trial(number, proposal, state, Measurement(metrics, curve=curve), scores, 1.5, "cpu", reason)  # type: ignore[arg-type]
    traceback = f'Traceback:\n  File "x.py"\n{SCRIPT}\x1b]0;title\x07' if state == "error" else ""
    began = time.time() - 600 + number
    return Told(Asked(number, number, 1, proposal, began), number, trial, traceback, began + 1.5)


def filled(directory: Path, trials: int = 24, run: str = RUN) -> Path:
    """The project directory, with one more run."""
    with Store(directory) as store:
        store.create_run(run, SPACE.id, CONFIGURATION, "0.1.0")
        writer = store.writer(run, lambda: 42.0)
        for number in range(trials):
            told = record(number)
            writer.add(told)
            writer.add(
                AttemptEnded(
                    told.question, told.trial.state, told.trial.reason, f"worker {number % 2}", SCRIPT, told.ended
                )
            )
        writer.wait()
        writer.close()
        store.keep(run, "notes", {"data": "digits", "strategy": SCRIPT, "trials": 100, "time": None})
        store.keep(run, "report", {"lines": ["The found network is better.", SCRIPT]})
        store.set_state(run, "finished", "done", 42.0)
    return directory


def client(directory: Path, rules: Rules | None = None, **headers: str) -> TestClient:
    """A browser without a browser, at the loopback address."""
    made: Any = make_application(directory, rules)
    return TestClient(made, base_url="http://127.0.0.1:8400", headers=headers, raise_server_exceptions=False)
