"""Small parts to search with: no torch, free estimators, and strategies that depend on everything they are told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Decision, DecisionTable
from netwright.core.errors import Diverged, OutOfMemory, SpaceExhausted, TrialFailed
from netwright.core.estimator import Estimator
from netwright.core.executor import Job, Outcome
from netwright.core.objective import fitness
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.executors.job import perform


class Cell(DecisionSpace):
    """Six five-way decisions, 15,625 architectures, as many as NAS-Bench-201 has."""

    edges: int = 6
    operations: int = 5

    @cached_property
    def decisions(self) -> DecisionTable:
        options = tuple(f"op{k}" for k in range(self.operations))
        return DecisionTable([Decision(f"edge{i}", options, "one") for i in range(self.edges)])

    def network(self, choose, shape):
        raise NotImplementedError


class Sampling(Strategy):
    """Random architectures."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.told: list[int] = []

    def ask(self, rng: np.random.Generator) -> Proposal:
        return Proposal(self.space.sample(rng))

    def tell(self, trial: Trial) -> None:
        self.told.append(trial.number)


class Climbing(Strategy):
    """Mutates the fittest of the latest `population` trials: what it asks depends on every tell and their order."""

    def __init__(self, space: Space, population: int = 6) -> None:
        self.space = space
        self.population = population
        self.trials: list[Trial] = []

    def ask(self, rng: np.random.Generator) -> Proposal:
        if len(self.trials) < self.population:
            return Proposal(self.space.sample(rng))
        parent = max(self.trials[-self.population :], key=fitness)
        if not isinstance(parent.proposal.candidate.point, tuple):
            raise AssertionError
        return Proposal(self.space.mutate(parent.architecture, rng), fidelity=0.5, parent=parent.number)

    def tell(self, trial: Trial) -> None:
        self.trials.append(trial)


class Listing(Strategy):
    """Every architecture once; with `together` it wants all answers before it asks for the next few."""

    def __init__(self, space: Space, together: int = 0) -> None:
        self.space = space
        self.together = together
        self._asked = self._told = 0

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        if self.together and self._asked and self._asked % self.together == 0 and self._told < self._asked:
            return None
        if self._asked == self.space.size:
            raise SpaceExhausted(f"all {self.space.size} architectures were asked")
        self._asked += 1
        return Proposal(self.space.at(self._asked - 1))

    def tell(self, trial: Trial) -> None:
        self._told += 1


class Counting(Estimator):
    """The share of op4; free of charge."""

    metrics = ("val_accuracy", "params")

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        point = proposal.candidate.point
        return Measurement({"val_accuracy": point.count(4) / len(point), "params": float(1000 * sum(point))})


class Noisy(Estimator):
    """Accuracy with noise from the trial's seed; ends in every way a trial can, and takes `seconds`."""

    def __init__(self, trouble: float = 0.0, seconds: float = 0.0) -> None:
        self.trouble = trouble
        self.seconds = seconds

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        rng = np.random.default_rng(seed)
        if self.seconds:
            time.sleep(self.seconds * 2 * (seed % 1000) / 1000)
        kind = int(rng.integers(8)) if rng.random() < self.trouble else -1
        if kind in (0, 1):
            raise Diverged("the loss is inf", {"loss": float("inf")}, [{"loss": 1.0}, {"loss": float("inf")}])
        if kind == 2:
            raise OutOfMemory("no room")
        if kind == 3:
            raise TrialFailed("gave up")
        if kind == 4:
            return Measurement({"val_accuracy": float("nan"), "params": 1.0})
        if kind == 5:
            raise MemoryError
        if kind == 6:
            return Measurement({"val_accuracy": 0.5, "params": 1e9})
        accuracy = proposal.candidate.point.count(4) / 6 + 0.1 * rng.random()
        return Measurement(
            {"val_accuracy": accuracy, "params": 1.0, "train_seconds": time.perf_counter()},
            curve=({"loss": float(rng.random())}, {"loss": float(rng.random())}),
        )


class Shuffled:
    """Runs jobs when asked to wait, and gives their outcomes back in another order, some of them twice."""

    def __init__(self, slots: int, seed: int = 0) -> None:
        self.slots = slots
        self._rng = np.random.default_rng(seed)
        self._jobs: list[Job] = []
        self._last: list[Outcome] = []

    def submit(self, job: Job) -> None:
        assert len(self._jobs) < self.slots
        self._jobs.append(job)

    def wait(self, timeout: float | None = None) -> Sequence[Outcome]:
        count = int(self._rng.integers(1, len(self._jobs) + 1))
        chosen = [self._jobs.pop(int(self._rng.integers(len(self._jobs)))) for _ in range(count)]
        again, self._last = self._last, [perform(job) for job in chosen]
        return [*self._last, *again]

    def cancel(self, number: int) -> None:
        self._jobs = [job for job in self._jobs if job.number != number]
