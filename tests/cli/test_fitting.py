"""How the plan is fitted to data and time: steps rather than epochs, how many candidates fit, what is said of it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from netwright import tasks
from netwright.catalogue.arguments import pairs
from netwright.cli import fitting
from netwright.cli.explaining import recipe_warnings
from netwright.cli.fitting import FEW, LEAST_STEPS, fitted, said
from netwright.cli.plan import Plan
from netwright.cli.timetable import EXPORT, SHARE_OF_EXPORT, SHARE_OF_FINALS, Timetable
from netwright.core.errors import UserError
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.engine.preflight import Preflight
from netwright.methods import timing as timing_of_weights
from netwright.problems.classification import Classification
from netwright.spaces import NasBench201
from netwright.tasks import open_task
from netwright.training.timing import Pace


def paced(steps: int, step: float = 0.01) -> Pace:
    return Pace(step, steps * step, steps * step / 10)


@pytest.mark.parametrize(("steps", "seconds"), [(2, 60.0), (16, 90.0), (23, 45.0), (400, 300.0), (1600, 3600.0)])
def test_candidates_take_steps_enough_to_be_told_apart_and_many_fit(steps: int, seconds: float) -> None:
    plan, found = fitted(Plan("digits", time=f"{seconds}s"), paced(steps, 0.002), seconds)
    assert plan.epochs is not None and found.candidates is not None
    assert plan.epochs == 100 or plan.epochs * steps >= LEAST_STEPS
    assert found.candidates >= FEW - 1
    assert found.candidates * found.each <= seconds


@pytest.mark.parametrize(("seconds", "candidates"), [(8.0, 1), (30.0, 1), (300.0, 6), (1000.0, 20), (9000.0, 20)])
def test_where_whole_epochs_are_too_long_they_take_part_of_the_examples(seconds: float, candidates: int) -> None:
    plan, found = fitted(Plan("mnist", time=f"{seconds}s"), paced(844, 0.1), seconds)
    assert found.candidates is not None and found.candidates >= candidates
    assert found.candidates * found.each <= seconds or seconds < 10
    assert ("steps_per_epoch" in plan.training) is (seconds < 9000) and found.steps <= 844
    assert plan.training in ("", f"steps_per_epoch={found.steps}")
    kept, _ = fitted(Plan("mnist", time=f"{seconds}s", training="batch_size=32"), paced(844, 0.1), seconds)
    assert kept.training.startswith("batch_size=32")
    asked, _ = fitted(Plan("mnist", time=f"{seconds}s", epochs=2), paced(844, 0.1), seconds)
    assert asked.training == "" and asked.epochs == 2


def test_where_time_is_short_validating_takes_no_more_than_a_quarter_of_training() -> None:
    plan, found = fitted(Plan("mnist", time="30s"), paced(844, 0.02), 30.0, 60_000)
    options = pairs(plan.training)
    assert found.pace.validation <= 0.26 * found.pace.epoch and 0.008 < float(options["validation"]) < 0.1
    assert 150 <= found.steps == int(options["steps_per_epoch"]) < 844
    own, _ = fitted(Plan("mnist", time="30s", training="validation=0.3"), paced(844, 0.02), 30.0, 60_000)
    assert pairs(own.training)["validation"] == "0.3"
    theirs, _ = fitted(Plan("mnist", time="30s"), paced(844, 0.02), 30.0, None)  # a validation split came with the data
    assert "validation" not in theirs.training
    enough, _ = fitted(Plan("mnist", time="2h"), paced(844, 0.02), 7200.0, 60_000)
    assert enough.training == ""


def drawn(*macs: float) -> Preflight:
    return Preflight(None, None, len(macs), 0.0, "cpu", 1000, by_cost=tuple((each, each) for each in macs))  # type: ignore


def test_networks_are_limited_where_too_few_of_any_size_would_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "typical_pace", lambda task, space, plan, macs: paced(20, 1e-3 + 1e-6 * macs))
    task, found = tasks.digits(), drawn(*(1000.0 * (i + 1) for i in range(200)))

    def limit(seconds: float | None, **options: object) -> float | None:
        plan = Plan("digits", time=None if seconds is None else f"{seconds}s", **options)  # type: ignore[arg-type]
        return fitting.paced(task, None, plan, found, seconds)[1]  # type: ignore[arg-type]

    assert limit(None) is None and limit(1000.0) is None
    some, few, least = limit(60.0), limit(20.0), limit(0.5)
    assert some is not None and few is not None and 11_000 <= few < some < 100_000
    assert least == 11_000  # some of the networks are left, however little time there is
    pace, _ = fitting.paced(task, None, Plan("digits", time="60s"), found, 60.0)  # type: ignore[arg-type]
    fit = fitted(Plan("digits", time="60s"), pace, 60.0)[1].candidates
    assert fit is not None and fit >= fitting.SOME - 1
    assert limit(20.0, limits=("params <= 5000",)) is None and limit(20.0, epochs=3) is None
    assert limit(20.0, trials=3) is None and limit(20.0, objectives=("val_accuracy", "macs")) is None


def test_epochs_that_were_asked_for_stay_and_few_steps_are_said() -> None:
    task = tasks.digits(limit=900)
    plan, found = fitted(Plan("digits", epochs=5, time="60s"), paced(16), 60.0)
    assert plan.epochs == 5
    lines = said(plan, found, task, asked=True)
    assert "5 epochs of 16 steps each" in lines[0] and "about 39 fit" in lines[0]
    assert any("ranks after 80 steps are mostly noise; --epochs 13" in line for line in lines)
    assert any("standard error of up to 5.6 points" in line for line in lines)


def test_a_population_that_the_time_does_not_fill_is_a_random_search() -> None:
    plan = Plan("digits", epochs=5, time="60s", strategy="evolution:population=20")
    plan, found = fitted(plan, paced(60), 60.0)
    lines = said(plan, found, tasks.digits(), asked=True)
    assert found.candidates == 10
    expected = "a population of 20 makes this a random search for 10 candidates; --strategy evolution:population=2"
    assert any(expected in line for line in lines)
    own, _ = fitted(Plan("digits", epochs=5, time="60s"), paced(60), 60.0)
    assert "population=4" in own.resolved().strategy


def test_where_hardly_any_candidate_fits_what_makes_room_is_proposed() -> None:
    from netwright.core.task import TaskShape

    class Photographs:
        validation = None
        shape, train, problem = TaskShape((3, 224, 224), 5), range(900), Classification("abcde")

    plan, found = fitted(Plan("photos", time="120s"), paced(13, 2.0), 120.0)
    lines = said(plan, found, Photographs(), asked=False)  # type: ignore[arg-type]
    assert any("hardly a search" in line and "--image-size 32 (about 49 times" in line for line in lines)


def test_without_a_limit_nothing_is_said_of_what_fits() -> None:
    plan, found = fitted(Plan("digits", trials=7), paced(23), None)
    assert found.candidates == 7 and plan.epochs == 27
    assert "fit" not in said(plan, found, tasks.digits(), asked=False)[0]


def trial(seconds: float, epochs: int) -> Trial:
    curve = tuple({"epoch": float(i), "seconds": seconds * (10 if i == 0 else 1)} for i in range(epochs))
    return Trial(0, Proposal(None), "completed", Measurement({}, None, curve), (0.5,), 1.0)  # type: ignore[arg-type]


def test_what_follows_is_reserved_by_warm_epochs_and_never_more_than_its_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = Plan("digits", epochs=5, time="1000s")
    times = Timetable(plan, export=False)
    # 20 epochs for the winner, and 8 trainings of 25: 1.12 of a candidate's examples each.
    assert times.reserved(trial(1.0, 5), 9) == pytest.approx(1.12 * (20 + 8 * 25))
    assert times.reserved(trial(100.0, 5), 9) == SHARE_OF_FINALS * 1000
    assert Timetable(replace(plan, final_epochs=0), export=False).reserved(trial(1.0, 5), 9) == 0
    for startup, expected in ((0.0, EXPORT + 0.5), (4.0, EXPORT + 4.0), (600.0, SHARE_OF_EXPORT * 1000)):
        monkeypatch.setattr("netwright.cli.clock._started", time.monotonic() - startup)
        assert Timetable(plan, export=True).export == pytest.approx(expected, abs=2)


def test_a_recipe_for_which_there_is_no_time_is_told_before() -> None:
    plan = Plan("digits", recipe="darts", time="90s", shared_epochs=1, paper_epochs=50, shared_seconds=27.0)
    (line,) = recipe_warnings(plan)
    assert "1 epoch of the 50 that the paper trains is no darts" in line and "leave --method out" in line
    assert "about 22 min 30 s" in line
    assert recipe_warnings(replace(plan, shared_epochs=40)) == []
    assert recipe_warnings(Plan("digits")) == []


def test_what_went_before_a_search_is_taken_off_its_time() -> None:
    plan = Plan("digits", recipe="darts", time="100s")
    assert plan.search_seconds == pytest.approx(0.6 * 100 / 2)  # and as long for a random search
    assert replace(plan, prepared=40.0).search_seconds == pytest.approx(0.6 * 60 / 2)
    assert replace(plan, prepared=99.0).search_seconds == pytest.approx(0.6 * 10 / 2)  # never nothing
    repeated = Plan("digits", repeats=3, time="100s", prepared=10.0)
    assert repeated.search_seconds == pytest.approx(0.6 * 90 / 3)


@pytest.mark.parametrize(("timing", "epochs"), [(2.0, 11), (20.0, 9)])
def test_the_time_that_timing_takes_is_not_there_for_epochs(
    timing: float, epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An epoch takes 2 s. Timed twice where that is quick, and once where it takes long itself."""
    now = [5.0]  # reading the data

    def pace(search: object, most: float) -> timing_of_weights.Pace:
        assert most == 10.0
        now[0] += timing
        return timing_of_weights.Pace(2.0, 1.0)

    monkeypatch.setattr("netwright.cli.clock.elapsed", lambda: now[0])
    monkeypatch.setattr(timing_of_weights, "pace", pace)
    task, space = open_task("digits", limit=120), NasBench201(channels=2, cells=1)
    plan = Plan("digits", recipe="darts", time="100s", device="cpu").fitted(task, space)
    turns = 2 if timing < 10 else 1
    assert now[0] == 5.0 + turns * timing
    assert plan.shared_epochs == epochs == int((0.9 * 0.6 * (100 - now[0]) / 2 - 1) / 2)


def test_only_what_would_not_fit_without_any_preparation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 s leave 27 s for the weights, 54 s without a random search beside it; 90 s went by before."""
    monkeypatch.setattr("netwright.cli.clock.elapsed", lambda: 90.0)
    task, space = open_task("digits", limit=120), NasBench201(channels=2, cells=1)
    plan = Plan("digits", recipe="darts", time="100s", device="cpu")
    for seconds, left_out in ((20.0, False), (27.0, True), (52.0, True)):
        found = timing_of_weights.Pace(seconds, 1.0)
        monkeypatch.setattr(timing_of_weights, "pace", lambda search, most, found=found: found)
        fitted = plan.fitted(task, space)
        assert (fitted.shared_epochs, fitted.random_left_out, fitted.random_search) == (1, left_out, not left_out)
    monkeypatch.setattr(timing_of_weights, "pace", lambda search, most: timing_of_weights.Pace(54.0, 1.0))
    with pytest.raises(UserError, match="takes about 54 s here, and 54 s of --time 100s are for it"):
        plan.fitted(task, space)
