"""How the well-known networks of a race fared, and what is said of the one that is handed over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import netwright as nw
from netwright.core.objective import Objective
from netwright.core.task import TaskShape
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.results import Contender, Figures, report_lines
from netwright.results.known_networks import fared
from netwright.spaces import NasBench201

SPACE, SHAPE = NasBench201(), TaskShape((3, 8, 8), 5)


def trial(
    number: int,
    at: int,
    share: float,
    score: float | None,
    known: str = "",
    state: Any = "completed",
    space: Any = SPACE,
) -> Trial:
    proposal = Proposal(space.at(at), fidelity=share, memo={"known": known} if known else None)
    metrics = {} if score is None else {"val_accuracy": score}
    return Trial(number, proposal, state, Measurement(metrics), () if score is None else (score,), 1.0, "cpu", "")


def run_of(*trials: Trial) -> Any:
    search = SimpleNamespace(space=SPACE, objectives=[Objective.parse("val_accuracy")])
    return SimpleNamespace(search=search, trials=trials)


def test_each_stands_beside_the_winner_at_the_same_share_of_the_training() -> None:
    trials = (
        trial(0, 7, 1 / 9, 0.80, "ResNet-8 of width 16"),
        trial(1, 8, 1 / 9, 0.70, "ResNet-20"),
        trial(2, 9, 1 / 9, None, "too wide", "infeasible"),
        trial(3, 10, 1 / 9, 0.82),
        trial(4, 7, 1 / 3, 0.85, "ResNet-8 of width 16"),
        trial(5, 10, 1 / 3, 0.88),
        trial(6, 10, 1.0, 0.93),
    )
    found = fared(run_of(*trials), trials[-1], SHAPE)
    assert found is not None and found.rows == (
        ("ResNet-8 of width 16", "33.3 %", "85.00 %", "88.00 %"),
        ("ResNet-20", "11.1 %", "70.00 %", "82.00 %"),
        ("too wide", "", "breaks a limit", ""),
    )
    assert found.text == (
        "val_accuracy of what is handed over: 93.00 %; of the best well-known network that ran, ResNet-8 of width 16: "
        "85.00 %."
    )
    figures = Figures("t", "a", Contender("found network", (0.9,), (0,)), (), 9, 0, known=found)
    assert Figures.from_json(figures.as_json()).known == found
    lines = report_lines(figures)
    row = ["ResNet-20", "11.1", "%", "70.00", "%", "82.00", "%"]
    assert found.text in lines and row in [line.split() for line in lines]


def test_a_well_known_network_may_be_what_is_handed_over() -> None:
    trials = (trial(0, 7, 1 / 3, 0.8, "ResNet-8"), trial(1, 8, 1 / 3, 0.7), trial(2, 7, 1.0, 0.9, "ResNet-8"))
    found = fared(run_of(*trials), trials[-1], SHAPE)
    assert found is not None and found.rows == (("ResNet-8 (handed over)", "100 %", "90.00 %", "90.00 %"),)
    assert found.text.endswith("it is the best well-known network that ran, ResNet-8.")


def test_one_that_was_ahead_is_not_hidden() -> None:
    trials = (trial(0, 7, 1 / 3, 0.91, "ResNet-8"), trial(1, 8, 1.0, 0.9))
    found = fared(run_of(*trials), trials[-1], SHAPE)
    assert found is not None and found.text.endswith("ResNet-8: 91.00 %, which was ahead after less of the training.")


def test_another_network_that_scored_higher_is_told() -> None:
    """A race takes the well-known one of those that chance may have ordered."""
    trials = (trial(0, 7, 1.0, 0.9, "ResNet-8"), trial(1, 8, 1 / 3, 0.92), trial(2, 9, 1 / 3, 0.91))
    found = fared(run_of(*trials), trials[0], SHAPE)
    assert found is not None and found.text.endswith("ResNet-8. Trial 1 scored 92.00 %, after less of the training.")
    trials = (trial(0, 7, 1.0, 0.9, "ResNet-8"), trial(1, 8, 1.0, 0.901))
    found = fared(run_of(*trials), trials[0], SHAPE)
    assert found is not None and found.text.endswith(" Trial 1 scored 90.10 %, too little ahead to mean anything.")


def test_without_a_well_known_network_nothing_is_said() -> None:
    trials = (trial(0, 7, 1.0, 0.9),)
    assert fared(run_of(*trials), trials[0], SHAPE) is None


def test_what_the_space_knows_has_its_name_whoever_asked_for_it() -> None:
    class Knows(NasBench201):
        def known(self, shape: TaskShape) -> dict[str, nw.Architecture]:
            return {"plain": self.at(7)}

    space = Knows()
    trials = (trial(0, 7, 1.0, 0.9, space=space), trial(1, 8, 1.0, 0.95, space=space))
    run = run_of(*trials)
    run.search.space = space
    found = fared(run, run.trials[1], SHAPE)
    assert found is not None and found.rows[0][0] == "plain"
