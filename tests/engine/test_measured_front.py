"""A front of which a clock measures one objective: what is measured again, and what is shown of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

import netwright as nw
from netwright.cli.show import show_run
from netwright.core.architecture import Architecture
from netwright.core.errors import UserError
from netwright.core.estimator import Estimator
from netwright.core.objective import Constraint, dominates
from netwright.core.trial import Measurement, Proposal
from netwright.engine import measured_front
from netwright.results.front_again import MEASURED_FRONT, Again
from netwright.spaces import NasBench201

SPACE = NasBench201(channels=2, cells=1)


class Accuracy(Estimator):
    """The more 1x1 convolutions a cell has, the better."""

    metrics: ClassVar[tuple[str, ...]] = ("val_accuracy",)

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        architecture = proposal.candidate
        assert isinstance(architecture, Architecture)
        return Measurement({"val_accuracy": 0.5 + 0.01 * architecture.point.count(2)})


class Clock(Estimator):
    """The larger its options, the slower a cell; every fourth or so measurement of the search is lucky."""

    metrics: ClassVar[tuple[str, ...]] = ("latency_ms", "latency_predicted_ms")

    def __init__(self, lucky: float = 0.5, foretold: str = "") -> None:
        self.space, self.lucky, self.foretold = SPACE, lucky, foretold
        self.asked: list[str] = []

    def true(self, architecture: Architecture) -> float:
        return 1.0 + sum(architecture.point)

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        architecture = proposal.candidate
        assert isinstance(architecture, Architecture)
        ms = self.true(architecture)
        lucky = self.lucky if sum(3**k * option for k, option in enumerate(architecture.point)) % 4 == 0 else 1.0
        return Measurement({"latency_ms": lucky * ms, "latency_predicted_ms": ms})

    def again(self, candidate: Architecture) -> Mapping[str, float]:
        self.asked.append(str(candidate))
        ms = self.true(candidate)
        return {"latency_ms": ms, "latency_spread": 0.02, "latency_highest_ms": 1.03 * ms}

    def surely(self, limit: Constraint, metrics: Mapping[str, float]) -> bool:
        return limit.holds(metrics)

    def described(self) -> Mapping[str, Any]:
        return {"machine": "a test", **({"foretold": self.foretold} if self.foretold else {})}


def searched(clock: Clock, **options: Any) -> nw.Run:
    objectives = options.pop("objective", ("val_accuracy", "latency_ms"))
    estimator = nw.estimators.Stack(clock, Accuracy())
    return nw.Search(nw.strategies.RandomSearch(SPACE), estimator, objective=objectives, seed=3).run(60, **options)


def test_the_front_is_that_of_what_was_measured_again() -> None:
    clock = Clock()
    run = searched(clock)
    again = run.again
    assert again is not None and again.metric == "latency_ms"
    assert len(clock.asked) == len(set(clock.asked)) == len(again.found) > len(run.front)  # lucky ones fell behind
    assert {each.number for each in run.front} <= set(again.found)
    assert all(each.metrics["latency_ms"] == clock.true(each.architecture) for each in run.front)
    for one in run.front:
        assert not any(dominates(other.scores, one.scores) for other in run.compared)
    # What the search has measured stays as it is, and so does the table of an equal search.
    assert any(run.trials[each].metrics["latency_ms"] < again.found[each]["latency_ms"] for each in again.found)
    assert run.best.number in {each.number for each in run.front}


def test_nothing_is_measured_again_without_a_clock_or_a_second_objective() -> None:
    for options, clock in [
        ({"objective": "latency_ms"}, Clock()),
        ({}, Clock(foretold="board.csv")),
    ]:
        run = searched(clock, **options)
        assert run.again is None and not clock.asked and run.kept(MEASURED_FRONT) is None


def test_it_ends_after_so_many_networks_or_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured_front, "MOST", 2)
    clock = Clock()
    run = searched(clock)
    assert len(clock.asked) == 2 and run.again is not None and len(run.again.found) == 2
    monkeypatch.setattr(measured_front, "LEAST", 0.0)
    monkeypatch.setattr(measured_front, "SHARE", 0.0)
    clock = Clock()
    assert searched(clock, time=60).again is None and not clock.asked


def test_a_clock_that_fails_leaves_the_front_of_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    def fails(candidate: Any) -> Any:
        raise UserError("the runtime is gone")

    monkeypatch.setattr(clock, "again", fails)
    with pytest.warns(match="the front was not measured again: the runtime is gone"):
        assert searched(clock).again is None


class Point:
    def __init__(self, number: int, *scores: float) -> None:
        self.number, self.scores = number, scores


def test_what_the_clock_cannot_tell_apart_is_named() -> None:
    objectives = [nw.Objective.parse("val_accuracy"), nw.Objective.parse("latency_ms")]
    found = {
        number: {"latency_ms": ms, "latency_highest_ms": ms * (1 + doubt)}
        for number, ms, doubt in ((1, 10.0, 0.02), (2, 9.9, 0.01), (3, 5.0, 0.02), (4, 4.7, 0.0))
    }
    points = [Point(1, 0.9, -10.0), Point(2, 0.8, -9.9), Point(3, 0.7, -5.0), Point(4, 0.6, -4.7), Point(5, 0.5, -1.0)]
    # 2 is 1 % quicker than 1, and both differ by 3 %; 4 is 6 % quicker than 3, which is more than 2 %.
    assert Again("latency_ms", found).perhaps_beaten(points, objectives) == {2: 1}


def test_show_puts_foretold_searched_and_measured_again_beside_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = searched(Clock(), store=tmp_path, name="r")
    show_run(tmp_path, "r", as_json=False, only_front=True)
    said = capsys.readouterr().out
    again = run.again
    assert again is not None
    assert "latency_ms foretold" in said and "in the search" in said and "measured again" in said
    for each in run.front:
        row = next(line for line in said.splitlines() if line.split()[:1] == [str(each.number)])
        assert f"{each.metrics['latency_ms']:.3g} ms ± 3 %" in row.replace("%", " %").replace("  %", " %")
    assert f"was measured again, alone, of all {len(run.front)} networks of the front" in said
    assert [each.number for each in run.front] == [each.number for each in run.search.load(tmp_path, "r").front]


def test_charts_and_pages_have_the_same_front(tmp_path: Path) -> None:
    from netwright.charts.run_data import RunData
    from netwright.store import Store

    run = searched(Clock(), store=tmp_path, name="r")
    with Store.open_readonly(tmp_path) as store:
        data = RunData.read(store, "r")
        scores = {int(number): tuple(row) for number, row in zip(data.numbers, data.scores.tolist(), strict=True)}
        assert scores == {each.number: each.scores for each in run.compared}
        latencies = data.metrics["latency_ms"].tolist()
    assert latencies == [each.metrics["latency_ms"] for each in run.compared]
