"""The loop: stops, failures, orders, acknowledgement."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_parts import Cell, Climbing, Counting, Listing, Noisy, Sampling, Shuffled

from netwright.core.errors import ConfigurationError, NetwrightError, SearchFailed, TrialFailed, UserError
from netwright.core.estimator import Estimator
from netwright.core.executor import Job, Outcome
from netwright.core.trial import STATES, Measurement, Proposal, Trial
from netwright.core.workplace import workplace
from netwright.engine import Interrupted, Search, under_way
from netwright.estimators import Stack
from netwright.store import Store


def test_the_number_of_trials_stops_it_and_the_same_seed_gives_the_same_table() -> None:
    search = Search(Climbing(Cell()), Noisy(), seed=3)
    first, second = search.run(trials=40), search.run(trials=40)
    assert len(first.trials) == 40 and first.stopped == "40 trials done"
    assert first.table() == second.table()
    assert first.table() != search.replace(seed=4).run(trials=40).table()
    assert [trial.number for trial in first.trials] == list(range(40))


def test_what_was_measured_by_a_clock_is_not_in_the_table() -> None:
    row = Search(Sampling(Cell()), Noisy()).run(trials=1).table()[0]
    assert set(row["metrics"]) == {"val_accuracy", "params"}


def test_a_target_stops_it() -> None:
    run = Search(Listing(Cell(edges=2)), Counting()).run(target=0.5)
    assert run.best.metrics["val_accuracy"] == 0.5
    assert run.trials[-1] is run.best and "target" in run.stopped


def test_a_target_of_something_to_make_small_is_reached_from_above() -> None:
    run = Search(Sampling(Cell()), Counting(), objective="params").run(target=6000, trials=5000)
    assert run.best.metrics["params"] <= 6000 and all(t.metrics["params"] > 6000 for t in run.trials[:-1])


def test_patience_counts_trials_without_improvement() -> None:
    run = Search(Listing(Cell(edges=2)), Counting()).run(patience=7)
    scores = [trial.scores[0] for trial in run.trials]
    last = max(i for i in range(len(scores)) if scores[i] > max(scores[:i], default=-1.0))
    assert len(scores) == last + 1 + 7


def test_an_exhausted_space_stops_it_and_says_so() -> None:
    run = Search(Listing(Cell(edges=2)), Counting()).run(trials=100)
    assert len(run.trials) == 25 and run.stopped == "all 25 architectures were asked"


def test_time_stops_it_within_a_tenth() -> None:
    run = Search(Sampling(Cell()), Noisy(seconds=0.05)).run(time=0.6)
    assert run.seconds < 0.6 * 1.1 + 1  # a machine with other work may pause
    assert len(run.trials) > 1 and "time" in run.stopped


def test_a_trial_that_would_not_fit_into_the_time_is_not_begun() -> None:
    class Long(Estimator):
        def estimate(self, proposal: Proposal, seed: int) -> Measurement:
            time.sleep(0.4)
            return Measurement({"val_accuracy": 0.5})

    run = Search(Sampling(Cell()), Long()).run(time=0.6)
    assert len(run.trials) == 1 and "time is up" in run.stopped


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing would end the search"),
        ({"trials": 0}, "trials must be a whole number"),
        ({"trials": 1.5}, "trials must be a whole number"),
        ({"trials": True}, "trials must be a whole number"),
        ({"patience": -1}, "patience must be"),
        ({"target": float("nan")}, "target must be a number"),
        ({"time": "10 parsecs"}, "was not understood"),
        ({"trials": 1, "resume": True}, "store="),
        ({"trials": 1, "name": "../x"}, "cannot be the name"),
    ],
)
def test_stops_that_make_no_sense_are_refused(options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Search(Sampling(Cell()), Counting()).run(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": ()}, "needs an objective"),
        ({"objective": ("a", "a:min")}, "named twice"),
        ({"objective": 3}, "objective is 3; expected an Objective"),
        ({"constraints": "params < 5"}, "expected <="),
        ({"constraints": ("params <= 5", "params >= 6")}, "both limits"),
        ({"seed": "x"}, "seed must be"),
        ({"strategy": Sampling}, r"expected a Strategy: with parentheses, Sampling\(space\)"),
        ({"estimator": 3}, "estimator is 3; expected an Estimator"),
        ({"sed": 3}, "did you mean 'seed'"),
    ],
)
def test_a_search_is_checked_when_it_is_made(options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Search(**{"strategy": Sampling(Cell()), "estimator": Counting(), **options})


def test_an_estimator_for_another_space_is_refused() -> None:
    class Bound(Counting):
        def __init__(self, space: Cell) -> None:
            self.space = space

    Search(Sampling(Cell()), Bound(Cell()))
    with pytest.raises(UserError, match="measures networks of"):
        Search(Sampling(Cell()), Bound(Cell(edges=5)))


def test_its_configuration_is_json_that_tells_limits_exactly() -> None:
    search = Search(Climbing(Cell()), Noisy(), objective=("val_accuracy", "params"), constraints="params <= 1234567")
    arguments = search.configuration()["arguments"]
    assert arguments["objective"] == ["val_accuracy:maximize", "params:minimize"]
    assert arguments["constraints"] == ["params <= 1234567.0"]
    assert arguments["strategy"]["arguments"]["population"] == 6


class Broken(Counting):
    """Fails on a share of the seeds."""

    def __init__(self, share: float) -> None:
        self.share = share

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        if (seed % 1000) / 1000 < self.share:
            raise RuntimeError("shapes (3, 4) and (5,) do not match\nmore")
        return super().estimate(proposal, seed)


def test_a_search_in_which_every_trial_fails_ends_after_five_with_the_first_error() -> None:
    told: list[Trial] = []
    with pytest.raises(SearchFailed, match=r"5 of 5 .*trial 0 \(error\): more") as caught:
        Search(Sampling(Cell()), Broken(1.0)).run(trials=50, on_trial=told.append)
    assert len(told) == 5 and caught.value.exit_code == 3
    assert told[0].reason == "RuntimeError: shapes (3, 4) and (5,) do not match"


def test_a_search_whose_only_trial_fails_has_failed() -> None:
    with pytest.raises(SearchFailed, match="none of the 1 trials completed"):
        Search(Sampling(Cell()), Broken(1.0)).run(trials=1)


def test_some_failures_do_not_stop_a_search() -> None:
    run = Search(Sampling(Cell()), Broken(0.2)).run(trials=100)
    assert 5 < run.counts["error"] < 40 and run.counts["error"] + run.counts["completed"] == 100
    failed = next(trial for trial in run.trials if trial.state == "error")
    assert "do not match" in run.traceback(failed.number) and "search_run" in run.traceback(failed.number)


def test_networks_over_a_limit_are_infeasible_and_never_best() -> None:
    run = Search(Sampling(Cell()), Counting(), constraints="params <= 10k").run(trials=200)
    assert set(run.counts) == {"completed", "infeasible"}
    for trial in run.trials:
        assert (trial.metrics["params"] <= 10_000) == trial.completed
        assert (
            trial.completed
            or trial.reason == f"params {trial.metrics['params']:,.6g} breaks the limit params <= 10,000"
        )
    assert run.best.metrics["params"] <= 10_000


@pytest.mark.parametrize("trials", [30, 3000])
def test_a_limit_that_no_network_keeps_is_told_with_the_nearest(trials: int) -> None:
    told: list[Trial] = []
    with pytest.raises(UserError, match=r"smallest params found [\d,]+, limit params <= 0.5"):
        Search(Sampling(Cell()), Counting(), constraints="params <= 0.5").run(trials=trials, on_trial=told.append)
    assert len(told) == min(trials, 200)


def test_an_objective_that_is_never_measured_is_an_error_at_the_first_trial() -> None:
    with pytest.raises(ConfigurationError, match=r"'val_acuracy' was not measured; did you mean 'val_accuracy'"):
        Search(Sampling(Cell()), Noisy(), objective="val_acuracy").run(trials=50)
    with pytest.raises(ConfigurationError, match=r"a limit is on 'parms', .*did you mean 'params'"):
        Search(Sampling(Cell()), Noisy(), constraints="parms <= 5").run(trials=50)


def test_several_objectives_give_a_front() -> None:
    run = Search(Sampling(Cell()), Counting(), objective=("val_accuracy", "params")).run(trials=300)
    shown = [(t.metrics["val_accuracy"], t.metrics["params"]) for t in run.front]
    points = {(t.metrics["val_accuracy"], t.metrics["params"]) for t in run.trials}
    reference = {
        p for p in points if not any(q[0] >= p[0] and q[1] <= p[1] and q != p for q in points)
    }  # by definition
    assert set(shown) == reference and len(shown) == len(reference)


def test_only_trials_at_the_highest_fidelity_are_compared() -> None:
    run = Search(Climbing(Cell()), Counting()).run(trials=50)
    assert run.best.proposal.fidelity is None and run.best.number < 6


@given(st.floats(0, 1), st.integers(0, 10**6), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_any_mix_of_failures_reaches_the_strategy_exactly_once(trouble: float, seed: int, slots: int) -> None:
    told: list[Trial] = []

    class Watching(Climbing):
        def tell(self, trial: Trial) -> None:
            told.append(trial)
            super().tell(trial)

    search = Search(Watching(Cell()), Noisy(trouble), constraints="params <= 10k", seed=seed)
    try:
        run = search.run(trials=60, executor=Shuffled(slots, seed))
    except (SearchFailed, UserError):
        run = None
    numbers = [trial.number for trial in told]
    assert len(set(numbers)) == len(numbers)
    assert run is None or sorted(numbers) == list(range(60))
    for trial in told:
        assert trial.state in STATES and all(np.isfinite(trial.scores))
        assert trial.completed == bool(trial.scores) and trial.completed == (not trial.reason)


def test_a_strategy_that_waits_is_asked_again_after_the_next_tell() -> None:
    run = Search(Listing(Cell(edges=2), together=4), Counting()).run(trials=20, executor=Shuffled(3))
    assert len(run.trials) == 20


def test_a_strategy_that_waits_for_nothing_is_an_error() -> None:
    class Waiting(Sampling):
        def ask(self, rng: np.random.Generator) -> None:
            return None

    with pytest.raises(NetwrightError, match="none is under way"):
        Search(Waiting(Cell()), Counting()).run(trials=3)


def test_at_most_as_many_trials_as_slots_are_under_way_and_never_more_than_asked_for() -> None:
    executor = Shuffled(4)  # asserts that no slot is taken twice
    run = Search(Sampling(Cell()), Counting()).run(trials=10, executor=executor)
    assert len(run.trials) == 10


@pytest.mark.parametrize("slots", [1, 4])
def test_a_trial_is_acknowledged_after_it_is_stored(tmp_path, slots: int) -> None:
    search = Search(Climbing(Cell()), Noisy(seconds=0.002))
    seen: list[int] = []

    def on_trial(trial: Trial) -> None:
        seen.append(trial.number)
        with Store.open_readonly(tmp_path / "p") as reader:
            stored = {each.number: each for each in reader.read_run("r").trials}
        assert stored[trial.number].state == trial.state
        assert stored[trial.number].metrics == trial.metrics or trial.state != "completed"

    run = search.run(trials=60, store=tmp_path / "p", name="r", on_trial=on_trial, executor=Shuffled(slots))
    assert sorted(seen) == list(range(60))
    assert run.store_directory == tmp_path / "p"


class Endless:
    """Two slots whose jobs end only when they are cancelled; `deaf` ones not even then."""

    slots = 2

    def __init__(self, deaf: bool) -> None:
        self.deaf = deaf
        self.ended: list[Outcome] = []

    def submit(self, job: Job) -> None:
        pass

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        assert timeout is not None
        if not self.ended:
            time.sleep(timeout)
        found, self.ended = self.ended, []
        return found

    def cancel(self, number: int) -> None:
        if not self.deaf:
            self.ended.append(Outcome(number, "cancelled", reason="as asked"))


@pytest.mark.parametrize(("deaf", "trials"), [(False, None), (True, None), (False, 1), (False, 2)])
def test_trials_that_outlast_the_time_are_cancelled(monkeypatch, deaf: bool, trials: int | None) -> None:
    monkeypatch.setattr(under_way, "CANCELLING", 0.1)
    run = Search(Sampling(Cell()), Counting()).run(trials, time=0.2, executor=Endless(deaf))
    assert run.counts == {"cancelled": trials or 2} and 0.2 <= run.seconds < 10
    assert run.stopped.startswith("time is up")
    assert {trial.reason for trial in run.trials} == {"the time of the search was up" if deaf else "as asked"}


class Asking(Estimator):
    """Notes what each trial may take, and whether it should then end with what it has; the first ones fail."""

    failing = 2

    def __init__(self) -> None:
        self.given: list[tuple[float | None, bool]] = []

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        place = workplace()
        self.given.append((None if place.ends is None else place.ends - time.monotonic(), place.settles))
        if len(self.given) <= self.failing:
            raise TrialFailed("not yet")
        return Measurement({"val_accuracy": 0.5})


@pytest.mark.parametrize("reserved", [False, True])
def test_as_long_as_nothing_has_completed_a_trial_is_told_to_end_with_what_it_has(reserved: bool) -> None:
    estimator = Asking()
    reserve = (lambda _: 100.0) if reserved else None
    Search(Sampling(Cell()), estimator).run(trials=4, time=1000, reserve=reserve)
    assert [settles for _, settles in estimator.given] == [True, True, True, False]
    assert estimator.given[0][0] == pytest.approx(600 if reserved else 1000, abs=30)
    assert estimator.given[3][0] == pytest.approx(1000 if reserved else 1100, abs=30)


def test_the_first_trial_begins_although_more_was_expected_of_it_than_there_is_time() -> None:
    estimator = Asking()
    estimator.failing = 0
    run = Search(Sampling(Cell()), estimator).run(time=1e-6, expected=100.0)
    assert len(run.trials) == 1 and estimator.given[0] == (pytest.approx(2, abs=1), True)


def test_an_executor_that_loses_trials_is_an_error() -> None:
    class Losing(Endless):
        def wait(self, timeout: float | None = None) -> list[Outcome]:
            return []

    with pytest.raises(NetwrightError, match=r"Losing lost the trials \[0, 1\]"):
        Search(Sampling(Cell()), Counting()).run(trials=5, executor=Losing(deaf=True))


def test_an_interruption_without_a_store_still_gives_the_trials() -> None:
    def stop(trial: Trial) -> None:
        if trial.number == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="no store to be resumed from") as caught:
        Search(Sampling(Cell()), Counting()).run(trials=10, on_trial=stop)
    assert isinstance(caught.value, Interrupted) and len(caught.value.run.trials) == 5


def test_progress_is_told_now_and_then_and_at_the_end() -> None:
    shown = []
    Search(Sampling(Cell()), Noisy(seconds=0.004)).run(trials=80, on_progress=shown.append)
    assert 2 <= len(shown) <= 3 + 10 * shown[-1].seconds  # whenever it is made to, and ten times a second
    assert (
        shown[-1].finished == 80
        and shown[-1].running == 0
        and shown[-1].stops.trials == 80
        and shown[-1].limits is shown[-1].stops
    )
    assert shown[-1].best.scores[0] == max(each.best.scores[0] for each in shown if each.best)


def test_an_error_in_the_callback_reaches_the_caller_and_leaves_a_resumable_run(tmp_path) -> None:
    search = Search(Climbing(Cell()), Counting())

    def on_trial(trial: Trial) -> None:
        if trial.number == 10:
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        search.run(trials=20, store=tmp_path / "p", name="r", on_trial=on_trial)
    resumed = search.run(trials=20, store=tmp_path / "p", name="r", resume=True)
    assert resumed.table() == search.run(trials=20).table()


def test_the_strategy_that_was_passed_is_left_as_it_was() -> None:
    strategy = Sampling(Cell())
    run = Search(strategy, Counting()).run(trials=5)
    assert strategy.told == [] and run.strategy.told == [0, 1, 2, 3, 4]


def test_a_metric_that_no_stage_gives_is_named_before_anything_is_measured() -> None:
    with pytest.raises(ConfigurationError, match=r"does not measure 'val_acc'; did you mean 'val_accuracy'\?"):
        Search(Sampling(Cell()), Counting(), objective="val_acc")
    with pytest.raises(ConfigurationError, match=r"does not measure 'parms'; did you mean 'params'\?"):
        Search(Sampling(Cell()), Stack(Counting()), constraints="parms <= 5")
    assert Search(Sampling(Cell()), Noisy(), objective="val_acc").objectives[0].metric == "val_acc"
    assert Search(Sampling(Cell()), Stack(Counting(), Noisy()), objective="val_acc")


def test_the_seed_may_be_any_whole_number() -> None:
    search = Search(Sampling(Cell()), Counting(), seed=np.int64(3))  # pyright: ignore
    assert (
        type(search.seed) is int
        and search.configuration() == Search(Sampling(Cell()), Counting(), seed=3).configuration()
    )
    assert search.run(trials=5).table() == Search(Sampling(Cell()), Counting(), seed=3).run(trials=5).table()
    for wrong in (True, 1.5, "3", None):
        with pytest.raises(ConfigurationError, match=r"seed .* a whole number"):
            Search(Sampling(Cell()), Counting(), seed=wrong)  # pyright: ignore
