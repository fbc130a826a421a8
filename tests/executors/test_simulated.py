"""The virtual clock: a search in simulated time is the search that would have run in real time."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.core.errors import ConfigurationError, TrialFailed, UserError
from netwright.core.estimator import Estimator
from netwright.core.executor import Job, Outcome
from netwright.core.randomness import Generators, derived_seed
from netwright.core.strategy import untold
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.engine import Interrupted, RetryPolicy, Search
from netwright.executors import Simulated, perform
from netwright.strategies import RegularizedEvolution

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))

from search_parts import Cell, Climbing, Listing


class Priced(Estimator):
    """Better where the options are high; takes from one to five seconds, hardly ever as long as another."""

    def __init__(self, cost: str = "cost_seconds", grain: float = 1e-6) -> None:
        self.cost, self.grain = cost, grain

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        point: tuple[int, ...] = proposal.candidate.point  # type: ignore[union-attr]
        share = np.random.default_rng(point).random()
        return Measurement({"val_accuracy": sum(point) / 24, self.cost: 1 + round(4 * share / self.grain) * self.grain})


def evolution(seed: int, grain: float = 1e-6) -> Search:
    return Search(RegularizedEvolution(Cell(), population=8, tournament=3), Priced(grain=grain), seed=seed)


def order(run_of: Search, trials: int, **options: object) -> tuple[list[int], list[tuple[int, ...]]]:
    """The numbers of the trials in the order of tells, and the architectures in the order of asks."""
    told: list[int] = []
    run = run_of.run(trials=trials, on_trial=lambda trial: told.append(trial.number), **options)  # type: ignore[arg-type]
    return told, [trial.architecture.point for trial in run.trials]


def by_hand(search: Search, workers: int, trials: int) -> tuple[list[int], list[tuple[int, ...]], list[float]]:
    """The same as `order`, and the ends, from a list of what runs and nothing else."""
    strategy, generators = untold(search.strategy), Generators(search.seed)
    running: list[tuple[float, int, float, Proposal]] = []
    told, asked, ends, now = [], [], [], 0.0
    while len(told) < trials:
        while len(running) < workers and len(asked) < trials:
            number = len(asked)
            proposal = strategy.ask(generators(number))
            assert proposal is not None
            asked.append(proposal.candidate.point)  # type: ignore[union-attr]
            found = search.estimator.estimate(proposal, derived_seed(search.seed, number))
            running.append((now + found.metrics["cost_seconds"], number, found.metrics["val_accuracy"], proposal))
        first = min(running, key=lambda each: each[:2])
        running.remove(first)
        now, number, value, proposal = first
        strategy.tell(Trial(number, proposal, "completed", Measurement({"val_accuracy": value}), (value,)))
        told.append(number)
        ends.append(now)
    return told, asked, ends


@given(st.integers(1, 9), st.integers(0, 10**6), st.sampled_from([1e-6, 0.5]))
@settings(max_examples=20, deadline=None)
def test_a_search_is_what_a_list_of_running_trials_gives(workers: int, seed: int, grain: float) -> None:
    search, told, ends = evolution(seed, grain), [], []
    executor = Simulated(workers)

    def note(trial: Trial) -> None:
        told.append(trial.number)
        ends.append(executor.now())

    run = search.run(trials=60, executor=executor, on_trial=note)
    asked = [trial.architecture.point for trial in run.trials]
    assert (told, asked, ends) == by_hand(search, workers, 60)
    assert run.seconds == ends[-1]
    assert all(trial.seconds == trial.metrics["cost_seconds"] for trial in run.trials)


class Sleeping:
    """Threads that sleep for as long as a trial says it takes, in real seconds of another length."""

    def __init__(self, workers: int, scale: float) -> None:
        self.slots, self.scale = workers, scale
        self._ended: queue.Queue[Outcome] = queue.Queue()

    def submit(self, job: Job) -> None:
        threading.Thread(target=self._run, args=(job, time.monotonic()), daemon=True).start()

    def _run(self, job: Job, began: float) -> None:
        outcome = perform(job)
        end = began + outcome.measurement.metrics["cost_seconds"] * self.scale
        time.sleep(max(0.0, end - time.monotonic()))
        self._ended.put(outcome)

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        try:
            return (self._ended.get(timeout=timeout),)
        except queue.Empty:
            return ()

    def cancel(self, number: int) -> None: ...

    def close(self) -> None: ...


def test_a_search_in_real_time_finishes_and_tells_in_the_same_order() -> None:
    """Three workers that really sleep. They sleep longer where the machine was too busy to wake them in time."""
    trials, workers = 16, 3
    gaps = {seed: np.diff(by_hand(evolution(seed), workers, trials)[2]).min() for seed in range(60)}
    seed = max(gaps, key=lambda each: gaps[each])
    expected = order(evolution(seed), trials, executor=Simulated(workers))
    assert expected[0] != sorted(expected[0]), "no trial overtakes another"
    scale = 0.012 / gaps[seed]
    longer = (1, 2, 4, 8)
    assert any(order(evolution(seed), trials, executor=Sleeping(workers, scale * each)) == expected for each in longer)


class Scripted(Estimator):
    """Takes the seconds of a list, one trial after the other; None is a trial that fails."""

    def __init__(self, seconds: Sequence[float | None]) -> None:
        self.seconds = seconds
        self._left = list(seconds)

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        seconds = self._left.pop(0)
        if seconds is None:
            raise TrialFailed("no result")
        return Measurement({"val_accuracy": 0.5, "cost_seconds": seconds})


def test_what_would_not_end_in_time_is_cancelled_when_the_time_is_up() -> None:
    """At most a tenth over the time, as in every search."""
    run = Search(Listing(Cell()), Scripted([1, 2, 1, 100, 1.5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])).run(
        time=10, executor=Simulated(2)
    )
    long = run.trials[3]
    assert run.counts == {"completed": 11, "cancelled": 1}
    assert long.state == "cancelled" and long.seconds == 11 - 2
    assert run.seconds == 11 and run.stopped == "time is up: 10s"


def test_a_trial_that_cannot_end_in_time_is_not_begun() -> None:
    run = Search(Listing(Cell()), Scripted([3] * 9)).run(time=10, executor=Simulated(2))
    assert run.counts == {"completed": 6} and run.seconds == 9


def test_trials_that_fail_take_the_time_they_say_or_none() -> None:
    run = Search(Listing(Cell()), Scripted([2, None, 3, None, 4])).run(trials=5, executor=Simulated())
    assert [trial.seconds for trial in run.trials] == [2, 0, 3, 0, 4] and run.seconds == 9


def test_a_missing_cost_is_an_error_that_names_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match=r"'cost_second'.*did you mean 'cost_seconds'.*val_accuracy"):
        evolution(0).run(trials=2, executor=Simulated(1, "cost_second"))
    for seconds in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UserError, match=f"trial 0 has cost_seconds {seconds}; expected a number of seconds"):
            Search(Listing(Cell()), Scripted([seconds])).run(trials=1, executor=Simulated())
    for workers in (0, True, 1.5):
        with pytest.raises(ConfigurationError, match=r"workers is .*; expected a whole number"):
            Simulated(workers)  # type: ignore[arg-type]


def test_another_attempt_waits_in_simulated_time() -> None:
    class Losing(Simulated):
        lost = 0

        def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
            outcomes = super().wait(timeout)
            if outcomes and outcomes[0].number == 2 and self.lost < 2:
                self.lost += 1
                return (Outcome(2, "lost", seconds=outcomes[0].seconds, attempt=outcomes[0].attempt),)
            return outcomes

    began = time.monotonic()
    run = Search(Listing(Cell()), Scripted([10] * 9)).run(
        trials=3, executor=Losing(), retries=RetryPolicy((0.0, 500.0, 7000.0))
    )
    assert run.counts == {"completed": 3} and run.seconds == 50 + 500 + 7000
    assert time.monotonic() - began < 5


def test_an_executor_can_be_used_again() -> None:
    executor = Simulated(3)
    first, second = (evolution(1).run(trials=20, executor=executor) for _ in range(2))
    assert first.table() == second.table() and first.seconds == second.seconds
    executor.close()


@pytest.mark.parametrize("workers", [1, 4])
def test_a_stored_run_is_resumed_at_its_simulated_time(tmp_path: Path, workers: int) -> None:
    """What was under way goes on from when it had begun: the run is the one that was never stopped."""
    stops: list[int] = []

    class Stopping(Priced):
        def estimate(self, proposal: Proposal, seed: int) -> Measurement:
            if stops:
                stops[0] -= 1
                if stops[0] == 0:
                    stops.clear()
                    raise KeyboardInterrupt
            return super().estimate(proposal, seed)

    search = Search(Climbing(Cell()), Stopping(), seed=5)
    whole = search.run(trials=60, executor=Simulated(workers), store=tmp_path, name="whole")
    for resume in (False, True, True):
        stops.append(15)
        with pytest.raises(Interrupted) as stopped:
            search.run(trials=60, executor=Simulated(workers), store=tmp_path, name="r", resume=resume)
        assert 0 < stopped.value.run.seconds < whole.seconds
    run = search.run(trials=60, executor=Simulated(workers), store=tmp_path, name="r", resume=True)
    assert run.table() == whole.table() and run.seconds == whole.seconds
    assert [trial.seconds for trial in run.trials] == [trial.seconds for trial in whole.trials]
    assert search.load(tmp_path, "r").seconds == whole.seconds


def test_the_example_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).parents[2] / "docs" / "virtual-clock.md"
    code = page.read_text().split("```python\n")[1].split("```")[0]
    exec(compile(code, str(page), "exec"), {})
    assert 12_000 < float(capsys.readouterr().out.split()[0]) < 13_201
