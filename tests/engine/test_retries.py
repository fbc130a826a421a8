"""Attempts: what is lost is begun again and nothing counts twice, whatever an executor delivers and however often."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_parts import Cell, Climbing, Counting, Noisy, Sampling, Shuffled

from netwright.core.architecture import Architecture
from netwright.core.errors import (
    ConfigurationError,
    Diverged,
    NetwrightError,
    OutOfMemory,
    SearchFailed,
    TrialFailed,
    UserError,
)
from netwright.core.estimator import Estimator
from netwright.core.executor import Job, Outcome
from netwright.core.randomness import Generators
from netwright.core.strategy import untold
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.core.workplace import workplace
from netwright.engine import Interrupted, RetryPolicy, Search, execution
from netwright.executors.job import perform
from netwright.store import Store

AT_ONCE = RetryPolicy((0.0, 0.0, 0.0))


class Faulty:
    """Several places that lose jobs, deliver late, twice, and outcomes of attempts that were given up.

    A job that is lost may be finished all the same by the worker that was thought dead: its outcome comes later, with
    another measurement, so that counting it would show.
    """

    def __init__(self, slots: int, seed: int, loss: float = 0.3, cursed: str = "", most: int = 10**9) -> None:
        self.most_slots = slots
        self.rng = np.random.default_rng(seed)
        self.loss, self.cursed, self.most = loss, cursed, most
        self.running: dict[int, tuple[Job, str]] = {}
        self.late: list[Outcome] = []
        self.attempts: list[tuple[int, int, int, str]] = []  # number, attempt, seed, place
        self.avoided: set[str] = set()
        self.false = 0
        self.closed = False

    @property
    def slots(self) -> int:
        return int(self.rng.integers(1, self.most_slots + 1))  # nodes come and go

    def submit(self, job: Job) -> None:
        assert len(self.running) < self.most_slots and job.number not in self.running
        taken = {place for _, place in self.running.values()} | self.avoided
        place = self.rng.choice(
            [name for name in (f"node{i}" for i in range(2 * self.most_slots + len(self.avoided))) if name not in taken]
        )
        self.running[job.number] = (job, str(place))
        self.attempts.append((job.number, job.attempt, job.seed, str(place)))

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        assert self.running, "nothing is under way"
        if len(self.attempts) > self.most:
            raise KeyboardInterrupt
        count = int(self.rng.integers(1, len(self.running) + 1))
        again = [each for each in self.late if self.rng.random() < 0.3]  # what was said of an attempt first counts
        found = [self._end(int(number)) for number in self.rng.permutation(list(self.running))[:count]]
        twice = [each for each in found if self.rng.random() < 0.3]
        self.late += twice
        found += again + twice
        self.rng.shuffle(found)  # pyright: ignore
        return found

    def _end(self, number: int) -> Outcome:
        job, place = self.running.pop(number)
        done = replace(perform(job), place=place, attempt=job.attempt)
        if place != self.cursed and self.rng.random() >= self.loss:
            return done
        self.late.append(replace(done, measurement=Measurement({"val_accuracy": 99.0, "params": 1.0})))
        self.false += 1
        return Outcome(number, "lost", reason="its worker was killed", attempt=job.attempt, place=place)

    def cancel(self, number: int) -> None:
        self.running.pop(number, None)

    def close(self) -> None:
        self.closed = True

    def quarantine(self, place: str) -> bool:
        self.avoided.add(place)
        return True


class Model(Climbing):
    """The strategy, and a model of what may reach it: each ask is told of once, later, with its own measurement."""

    def __init__(self, space: Cell, population: int = 6) -> None:
        super().__init__(space, population)
        self.asked: list[Proposal] = []

    def ask(self, rng: np.random.Generator) -> Proposal:
        self.asked.append(super().ask(rng))
        return self.asked[-1]

    def tell(self, trial: Trial) -> None:
        assert all(trial.number != each.number for each in self.trials), "told twice"
        assert trial.proposal == self.asked[trial.number]
        assert trial.metrics.get("val_accuracy") != 99.0, "told of an attempt that was given up"
        super().tell(trial)


@given(st.integers(1, 5), st.integers(0, 10**6), st.sampled_from([0.0, 0.2, 0.5]), st.floats(0, 0.5))
@settings(max_examples=25, deadline=None)
def test_losses_duplicates_and_late_outcomes_change_nothing(slots: int, seed: int, loss: float, trouble: float) -> None:
    """R2 and R4, against a model: only the attempt that is under way can end a trial."""
    executor = Faulty(slots, seed, loss)
    search = Search(Model(Cell()), Noisy(trouble), seed=seed)
    try:
        run = search.run(trials=40, executor=executor, retries=AT_ONCE)
    except SearchFailed:
        return
    assert [trial.number for trial in run.trials] == list(range(40))
    tries: dict[int, list[int]] = {}
    seeds: dict[int, set[int]] = {}
    for number, attempt, own, _ in executor.attempts:
        tries.setdefault(number, []).append(attempt)
        seeds.setdefault(number, set()).add(own)
    assert all(len(each) == 1 for each in seeds.values()), "an attempt had another seed"
    for trial in run.trials:
        attempts = tries[trial.number]
        assert attempts == list(range(1, len(attempts) + 1)) and len(attempts) <= 3
        assert (trial.state != "lost") or len(attempts) == 3
    assert loss == 0 or executor.false > 0


@pytest.mark.parametrize("seed", range(4))
def test_one_worker_that_is_lost_again_and_again_gives_the_table_of_one_that_is_not(tmp_path: Path, seed: int) -> None:
    search = Search(Climbing(Cell()), Noisy(0.2), seed=seed)
    many = RetryPolicy((0.0,) * 40)
    executor = Faulty(1, seed)
    run = search.run(trials=50, store=tmp_path, executor=executor, retries=many)
    assert len(executor.attempts) > 55
    assert json.dumps(run.table()) == json.dumps(search.run(trials=50).table())
    with Store.open_readonly(tmp_path) as store:
        stored = store.attempts(run.name)
    ended = [(each.trial, each.attempt, each.place) for each in stored]
    assert sorted(ended) == sorted((number, attempt, place) for number, attempt, _, place in executor.attempts)
    assert Counter(each.state for each in stored)["lost"] == len(executor.attempts) - 50
    assert {each.reason for each in stored if each.state == "lost"} == {"its worker was killed"}


@pytest.mark.parametrize("seed", range(6))
def test_resumed_with_any_number_of_workers_it_proposes_what_follows_from_the_order_of_results(
    tmp_path: Path, seed: int
) -> None:
    """R3 with many workers: a strategy that is told in the stored order proposes what is stored."""
    dice = np.random.default_rng(seed)
    search = Search(Climbing(Cell()), Noisy(0.2), seed=seed)
    stops, resumed = 0, False
    while True:
        executor = Faulty(int(dice.integers(1, 6)), int(dice.integers(10**6)), most=int(dice.integers(5, 40)))
        try:
            run = search.run(trials=80, store=tmp_path, name="r", resume=resumed, executor=executor, retries=AT_ONCE)
            break
        except Interrupted:
            stops, resumed = stops + 1, True
    assert stops >= 2
    with Store.open_readonly(tmp_path) as store:
        stored = store.read_run("r").trials
        attempts = store.attempts("r")
    strategy, generators = untold(search.strategy), Generators(seed)
    by_number = {trial.number: trial for trial in run.trials}
    told = sorted(stored, key=lambda each: each.told or 0)
    for place, each in enumerate(told):
        for question in stored:
            if question.asked == place:
                candidate = strategy.ask(generators(question.number, 0)).candidate
                assert isinstance(candidate, Architecture) and candidate.digest == question.architecture_digest
        strategy.tell(by_number[each.number])
    assert sorted(each.number for each in stored) == list(range(80))
    for trial in stored:
        own = [each.attempt for each in attempts if each.trial == trial.number]
        assert own == list(range(1, trial.attempt + 1))


def test_an_attempt_that_went_with_its_driver_is_recorded_as_lost_but_does_not_count(tmp_path: Path) -> None:
    class Dying(Noisy):
        def estimate(self, proposal: Proposal, seed: int) -> Measurement:
            if len(deaths) < 5:
                deaths.append(workplace().attempt)
                raise KeyboardInterrupt
            return super().estimate(proposal, seed)

    deaths: list[int] = []
    search = Search(Climbing(Cell()), Dying())
    for resume in (False, True, True, True, True):
        with pytest.raises(Interrupted):
            search.run(trials=2, store=tmp_path, name="r", resume=resume)
    run = search.run(trials=2, store=tmp_path, name="r", resume=True)
    assert run.counts == {"completed": 2} and deaths == [1, 2, 3, 4, 5]
    with Store.open_readonly(tmp_path) as store:
        states = [(each.attempt, each.state) for each in store.attempts("r", 0)]
    assert states == [*((k, "lost") for k in range(1, 6)), (6, "completed")]


class Losing(Faulty):
    """Loses so many jobs, one after the other, and then no more; `dies` ends the driver in place of the next one."""

    def __init__(self, losses: int, dies: bool = False) -> None:
        super().__init__(1, seed=0, loss=0.0)
        self.losses, self.dies = losses, dies

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        if self.losses == 0 and self.dies:
            raise KeyboardInterrupt
        ((number, (job, place)),) = self.running.items()
        if self.losses == 0:
            del self.running[number]
            return [replace(perform(job), place=place, attempt=job.attempt)]
        self.losses -= 1
        del self.running[number]
        return [Outcome(number, "lost", reason="its worker was killed", attempt=job.attempt, place=place)]


@pytest.mark.parametrize(
    ("sessions", "counts"),
    [
        ([(0, True)] * 4 + [(2, False)], {"completed": 1}),  # four deaths of drivers, and the two losses that are let
        ([(1, True), (0, True), (1, False)], {"completed": 1}),
        ([(2, True), (1, False)], {"lost": 1}),  # the third loss is one too many
    ],
)
def test_deaths_of_drivers_are_no_losses_of_the_trial(
    tmp_path: Path, sessions: list[tuple[int, bool]], counts: dict[str, int]
) -> None:
    search = Search(Sampling(Cell()), Counting())
    for number, (losses, dies) in enumerate(sessions):
        place = Losing(losses, dies)
        with contextlib.suppress(Interrupted, SearchFailed):
            search.run(
                trials=1, store=tmp_path, name="r", executor=place, retries=AT_ONCE, resume=number > 0, preflight=False
            )
    with Store.open_readonly(tmp_path) as store:
        assert {each.state: 1 for each in store.read_run("r").trials} == counts


def test_the_folder_of_a_trial_is_kept_for_its_next_attempt_and_removed_when_it_is_told(tmp_path: Path) -> None:
    class Keeping(Counting):
        def estimate(self, proposal: Proposal, seed: int) -> Measurement:
            place = workplace()
            assert place.folder is not None
            place.folder.mkdir(parents=True, exist_ok=True)
            (place.folder / "epoch").write_text(f"{place.attempt}")
            found.append((place.folder, place.attempt))
            if place.attempt == 1 and place.folder.name == "3":
                raise KeyboardInterrupt
            return super().estimate(proposal, seed)

    found: list[tuple[Path, int]] = []
    search = Search(Sampling(Cell()), Keeping())
    with pytest.raises(Interrupted):
        search.run(trials=6, store=tmp_path, name="r")
    assert (tmp_path / "trials" / "r" / "3" / "epoch").read_text() == "1"
    moved = tmp_path.rename(tmp_path.with_name("elsewhere"))
    search.run(trials=6, store=moved, name="r", resume=True)
    assert [attempt for folder, attempt in found if folder.name == "3"] == [1, 2]
    assert found[4][0] == moved / "trials" / "r" / "3"
    assert not (moved / "trials" / "r").exists()


class Hungry(Counting):
    """Has no room for the whole batch."""

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        if workplace().share_of_batch(64) > 32:
            raise OutOfMemory("no room for 64 examples")
        return super().estimate(proposal, seed)


def test_half_the_batch_is_tried_once_where_that_was_asked_for(tmp_path: Path) -> None:
    search = Search(Sampling(Cell()), Hungry())
    run = search.run(trials=4, store=tmp_path, name="r", retries=RetryPolicy(auto_batch=True))
    assert run.counts == {"completed": 4}
    with Store.open_readonly(tmp_path) as store:
        assert [each.state for each in store.attempts("r", 2)] == ["out_of_memory", "completed"]
        assert [each.attempt for each in store.read_run("r").trials] == [2] * 4
    with pytest.raises(SearchFailed, match="no room for 64 examples"):
        search.run(trials=4)


def test_a_trial_without_room_for_half_the_batch_either_has_ended(tmp_path: Path) -> None:
    class Starving(Counting):
        def estimate(self, proposal: Proposal, seed: int) -> Measurement:
            shares.append(workplace().batch_share)
            if len(shares) > 4:
                return super().estimate(proposal, seed)
            raise OutOfMemory("no room for one example")

    shares: list[float] = []
    policy = RetryPolicy(auto_batch=True)
    run = Search(Sampling(Cell()), Starving()).run(trials=3, store=tmp_path, name="r", retries=policy)
    assert run.counts == {"out_of_memory": 2, "completed": 1} and shares == [1.0, 0.5, 1.0, 0.5, 1.0]
    with Store.open_readonly(tmp_path) as store:
        assert [each.state for each in store.attempts("r", 0)] == ["out_of_memory"] * 2


def test_half_the_batch_stays_half_after_a_resume(tmp_path: Path) -> None:
    class Stopping(Hungry):
        def estimate(self, proposal: Proposal, seed: int) -> Measurement:
            shares.append(workplace().batch_share)
            if len(shares) == 2:
                raise KeyboardInterrupt
            return super().estimate(proposal, seed)

    shares: list[float] = []
    search, policy = Search(Sampling(Cell()), Stopping()), RetryPolicy(auto_batch=True)
    with pytest.raises(Interrupted):
        search.run(trials=1, store=tmp_path, name="r", retries=policy)
    search.run(trials=1, store=tmp_path, name="r", retries=policy, resume=True)
    assert shares == [1.0, 0.5, 0.5]


@pytest.mark.parametrize("state", ["error", "out_of_memory", "timeout", "diverged"])
def test_what_a_model_brings_about_itself_is_not_tried_again(state: str) -> None:
    class Ending(Faulty):
        def _end(self, number: int) -> Outcome:
            job, place = self.running.pop(number)
            return Outcome(number, state, reason="its own", attempt=job.attempt, place=place)  # pyright: ignore

    executor = Ending(2, 0)
    with pytest.raises(SearchFailed, match="its own"):
        Search(Sampling(Cell()), Counting()).run(trials=20, executor=executor)
    assert {attempt for _, attempt, *_ in executor.attempts} == {1}


def test_a_place_where_one_trial_after_the_other_is_lost_gets_no_more(tmp_path: Path) -> None:
    executor = Faulty(3, 1, loss=0.0, cursed="node0")
    shown = []
    run = Search(Sampling(Cell()), Counting()).run(
        trials=80, store=tmp_path, executor=executor, retries=AT_ONCE, on_progress=shown.append
    )
    assert run.counts["completed"] >= 79 and executor.avoided == {"node0"}
    lost = [number for number, _, _, place in executor.attempts if place == "node0"]
    assert len(set(lost)) == 3
    text = f"trials {', '.join(map(str, sorted(set(lost))))} were lost at node0 and none completed there in between"
    assert text in run.notices[0] and run.notices == shown[-1].notices
    with Store.open_readonly(tmp_path) as store:
        (event,) = [each for each in store.events() if each["type"] == "quarantine"]
    assert event["data"]["place"] == "node0"


def test_attempts_wait_for_their_time_while_nothing_is_spun(monkeypatch: pytest.MonkeyPatch) -> None:
    class Once(Faulty):
        calls = 0

        def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
            self.calls += 1
            return super().wait(timeout)

        def _end(self, number: int) -> Outcome:
            job, place = self.running.pop(number)
            if number == 0 and job.attempt < 3:
                return Outcome(number, "lost", attempt=job.attempt, place=place)
            return replace(perform(job), attempt=job.attempt)

    executor = Once(1, 0)
    monkeypatch.setattr(execution, "_LOOK", 10.0)
    run = Search(Sampling(Cell()), Counting()).run(trials=2, executor=executor, retries=RetryPolicy((0.0, 0.15, 0.25)))
    assert run.counts == {"completed": 2} and 0.4 <= run.seconds < 9 and executor.calls == 4


def test_a_search_waits_for_a_place_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    class Growing(Shuffled):
        looks = 0

        @property
        def slots(self) -> int:
            self.looks += 1
            return 0 if self.looks < 8 else self._most

        @slots.setter
        def slots(self, most: int) -> None:
            self._most = most

    monkeypatch.setattr(execution, "_LOOK", 0.01)
    assert len(Search(Sampling(Cell()), Counting()).run(trials=5, executor=Growing(2)).trials) == 5
    monkeypatch.setattr(execution, "NOWHERE", 0.05)
    with pytest.raises(NetwrightError, match="had no place to run a trial"):
        Search(Sampling(Cell()), Counting()).run(trials=5, executor=Growing(0))


@pytest.mark.parametrize("waits", [(), (0.0, -1.0), (float("inf"),)])
def test_a_policy_is_valid_from_birth(waits: tuple[float, ...]) -> None:
    with pytest.raises(ConfigurationError, match="expected the seconds before each attempt"):
        RetryPolicy(waits)


def test_an_interruption_keeps_what_ended_meanwhile_and_begins_the_rest_again(tmp_path: Path) -> None:
    """First signal: nothing more is given out; jobs are cancelled, and their outcomes are waited for."""

    class Stopped(Shuffled):
        def __init__(self) -> None:
            super().__init__(3)
            self.cancelled: list[int] = []

        def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
            if self.cancelled:
                jobs, self._jobs = self._jobs, []
                ends = ("cancelled", "completed", "cancelled")
                return [
                    perform(job) if end == "completed" else Outcome(job.number, "cancelled", reason="as asked")
                    for job, end in zip(jobs, ends, strict=True)
                ]
            raise KeyboardInterrupt

        def cancel(self, number: int) -> None:
            self.cancelled.append(number)

    search = Search(Sampling(Cell()), Counting())
    with pytest.raises(Interrupted) as caught:
        search.run(trials=9, store=tmp_path, name="r", executor=Stopped())
    assert [trial.number for trial in caught.value.run.trials] == [1]
    with Store.open_readonly(tmp_path) as store:
        assert store.read_run("r").counts == {"running": 2, "completed": 1}
        ended = [(each.trial, each.state) for each in store.attempts("r") if each.state != "completed"]
        assert ended == [(0, "cancelled"), (2, "cancelled")]
    resumed = search.run(trials=9, store=tmp_path, name="r", resume=True)
    assert resumed.table() == search.run(trials=9).table()


class Taking(Shuffled):
    """Says that each trial took so many seconds, whatever the machine."""

    def __init__(self, seconds: float) -> None:
        super().__init__(1)
        self.seconds = seconds

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        jobs, self._jobs = self._jobs, []
        return [replace(perform(job), seconds=self.seconds) for job in jobs]


class Breaking(Estimator):
    """Fails for every second network, in one of the ways there are."""

    def __init__(self, problem: Exception) -> None:
        self.problem, self._asked = problem, 0

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        self._asked += 1
        if self._asked % 2:
            raise self.problem
        return Measurement({"val_accuracy": 0.5})


@pytest.mark.parametrize("seconds", [0.0, 1e-6, 0.0019, 0.0021, 3.0])
@pytest.mark.parametrize("problem", [ValueError("no"), Diverged("no"), TrialFailed("no")])
def test_a_failed_trial_keeps_its_attempts_however_fast_the_machine_is(
    tmp_path: Path, seconds: float, problem: Exception
) -> None:
    search = Search(Sampling(Cell()), Breaking(problem))
    search.run(trials=6, store=tmp_path, name="r", executor=Taking(seconds))
    with Store.open_readonly(tmp_path) as store:
        failed = [each.trial for each in store.attempts("r") if each.state != "completed"]
        assert failed == [0, 2, 4] == [each.number for each in store.read_run("r").trials if not each.completed]


@pytest.mark.parametrize("seconds", [0.0, 3.0])
def test_an_infeasible_trial_keeps_its_attempt_however_fast_the_machine_is(tmp_path: Path, seconds: float) -> None:
    search = Search(Sampling(Cell()), Counting(), constraints=["params <= 0"])
    with pytest.raises(UserError):
        search.run(trials=3, store=tmp_path, name="r", executor=Taking(seconds))
    with Store.open_readonly(tmp_path) as store:
        assert {each.state for each in store.attempts("r")} == {"infeasible"}
        assert len(store.attempts("r")) == len(store.read_run("r").trials)
