"""The five facts that a running search shows in a terminal: trials by state, best, front, time to go, failure."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from netwright.cli.progress import Display
from netwright.core.objective import Objective
from netwright.core.trial import Measurement, Proposal, State, Trial
from netwright.spaces import NasBench201

SPACE = NasBench201()


def told(display: Display, number: int, accuracy: float, params: float, state: State = "completed") -> None:
    measured = {"val_accuracy": accuracy, "params": params} if state == "completed" else {}
    scores = (accuracy, -params)[: len(display.objectives)] if measured else ()
    reason = "" if measured else "RuntimeError: the shapes differ"
    display(Trial(number, Proposal(SPACE.at(number)), state, Measurement(measured), scores, 1.0, "cpu", reason))


def display_of(*objectives: str, trials: int | None = 10) -> Display:
    return Display([Objective.parse(each) for each in objectives], trials, None, quiet=True)


def test_before_anything_ended_it_says_so() -> None:
    facts = dict(display_of("val_accuracy", "params").facts())
    assert facts["trials"] == "0 of 10: none has ended" and facts["best"] == facts["front"] == "none yet"
    assert facts["to go"].startswith("not known yet") and "failed" not in facts


def test_all_five_after_a_few_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    display = display_of("val_accuracy", "params")
    for number, accuracy, params in ((0, 0.5, 2000), (1, 0.9, 30000), (2, 0.6, 40000), (3, 0.0, 0)):
        told(display, number, accuracy, params, "error" if number == 3 else "completed")
    monkeypatch.setattr(Display, "elapsed", property(lambda _: 8.0))
    assert dict(display.facts()) == {
        "trials": "4 of 10: 3 completed, 1 error",
        "best": "val_accuracy 90.00 %  params 30k  trial 1, best by val_accuracy",
        "front": "2 of 3 trials: val_accuracy 50.00 % to 90.00 %, params 2k to 30k",
        "to go": "about 12 s, 0.5 trials a second; Ctrl-C is safe",
        "failed": "last was trial 3 error: RuntimeError: the shapes differ",
    }


def test_one_objective_has_no_front_and_no_column_stands_twice() -> None:
    display = display_of("val_accuracy")
    told(display, 0, 0.5, 2000)
    assert "front" not in dict(display.facts())
    for objectives in (("val_accuracy",), ("val_accuracy", "params")):
        display = display_of(*objectives)
        told(display, 0, 0.5, 2000)
        console = Console(file=io.StringIO(), width=120)
        console.print(display._table())
        text = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
        assert text.splitlines()[0].split() == ["trial", "state", "val_accuracy", "params", "seconds"]
        assert "to go" in text and "best" in text
