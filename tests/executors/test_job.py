"""One job to its outcome: stages, limits, and every way to end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from netwright.core.errors import Diverged, OutOfMemory, TrialFailed
from netwright.core.estimator import Estimator
from netwright.core.executor import Job
from netwright.core.objective import Constraint
from netwright.core.trial import Measurement, Proposal
from netwright.executors import Inline, perform
from netwright.executors.job import LONGEST_REASON, LONGEST_TRACEBACK

PROPOSAL = Proposal(None)  # type: ignore[arg-type]  # the stages here do not look at it
HOST = "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"


class Stage(Estimator):
    """Gives, or raises, what it was made with."""

    def __init__(self, found: object, curve: Sequence[dict] = (), device: str = "") -> None:
        self.found = found
        self.curve = curve
        self.device = device
        self.calls = 0

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        self.calls += 1
        if isinstance(self.found, BaseException):
            raise self.found
        return Measurement(self.found, curve=self.curve)  # type: ignore[arg-type]


def job(*stages: Estimator, limits: Sequence[str] = ()) -> Job:
    return Job(3, PROPOSAL, 5, stages, [Constraint.parse(limit) for limit in limits])


def test_stages_run_in_order_and_their_metrics_are_merged() -> None:
    first, second = Stage({"params": 5, "a": 1}, [{"x": 1}]), Stage({"a": 2.5}, [{"x": 2}], device="cuda:1")
    outcome = perform(job(first, second))
    assert outcome.state == "completed" and outcome.reason == "" and outcome.number == 3
    assert outcome.measurement.metrics == {"params": 5.0, "a": 2.5}
    assert outcome.measurement.curve == ({"x": 1.0}, {"x": 2.0})
    assert outcome.device == "cuda:1" and outcome.seconds > 0


def test_a_broken_limit_ends_the_job_before_the_next_stage() -> None:
    dear = Stage({"val_accuracy": 0.9})
    outcome = perform(job(Stage({"params": 600_000}), dear, limits=["params <= 500k", "val_accuracy >= 0.95"]))
    assert (outcome.state, dear.calls) == ("infeasible", 0)
    assert outcome.reason == "params 600,000 breaks the limit params <= 500,000"
    later = perform(job(Stage({"params": 5}), dear, limits=["params <= 500k", "val_accuracy >= 0.95"]))
    assert (later.state, dear.calls) == ("infeasible", 1) and later.reason.startswith("val_accuracy 0.9")


def test_a_limited_metric_that_is_nan_breaks_the_limit() -> None:
    assert perform(job(Stage({"params": float("nan")}), limits=["params <= 5"])).state == "infeasible"


@pytest.mark.parametrize(
    ("problem", "state"),
    [
        (Diverged("loss is nan"), "diverged"),
        (OutOfMemory("no room"), "out_of_memory"),
        (TrialFailed("odd"), "error"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "out_of_memory"),
        (RuntimeError(HOST), "out_of_memory"),
        (RuntimeError("MPS backend out of memory"), "out_of_memory"),
        (MemoryError(), "out_of_memory"),
        (RuntimeError("shapes differ"), "error"),
        (ValueError("memory"), "error"),
        (SystemExit(3), "error"),
        (RecursionError("deep"), "error"),
    ],
)
def test_every_exception_is_an_outcome(problem: BaseException, state: str) -> None:
    outcome = perform(job(Stage({"params": 1}), Stage(problem)))
    assert outcome.state == state and outcome.reason and "\n" not in outcome.reason
    assert outcome.measurement.metrics == {"params": 1.0}
    assert bool(outcome.traceback) == (state == "error")


def test_a_real_allocation_that_is_too_large_is_out_of_memory() -> None:
    class Greedy(Estimator):
        def estimate(self, proposal: Proposal, seed: int) -> Measurement:
            return Measurement({"sum": torch.empty(2**50).sum()})  # type: ignore[dict-item]

    assert perform(job(Greedy())).state == "out_of_memory"


def test_what_a_failed_trial_measured_is_kept() -> None:
    outcome = perform(job(Stage(Diverged("loss is nan", {"epochs": 3}, [{"loss": 1}, {"loss": float("nan")}]))))
    assert outcome.measurement.metrics == {"epochs": 3.0} and len(outcome.measurement.curve) == 2
    assert outcome.reason == "loss is nan"


def test_an_estimator_may_use_its_mappings_again() -> None:
    found = {"a": 1.0}
    stage = Stage(found)
    first = perform(job(stage))
    found["a"] = 2.0
    assert (first.measurement.metrics, perform(job(stage)).measurement.metrics) == ({"a": 1.0}, {"a": 2.0})


def test_a_keyboard_interrupt_passes() -> None:
    with pytest.raises(KeyboardInterrupt):
        perform(job(Stage(KeyboardInterrupt())))


@pytest.mark.parametrize(
    "value", [torch.tensor(0.5), torch.tensor([0.5]), np.float32(0.5), np.array(0.5), 0.5, torch.tensor(0.5).bfloat16()]
)
def test_numbers_of_any_library_become_floats(value: object) -> None:
    found = perform(job(Stage({"a": value}, [{"b": value}]))).measurement
    assert type(found.metrics["a"]) is float and found.metrics["a"] == 0.5
    assert type(found.curve[0]["b"]) is float


@pytest.mark.parametrize("value", [None, "high", torch.ones(2), 1j, [1.0]])
def test_what_is_no_number_is_an_error_that_names_it(value: object) -> None:
    outcome = perform(job(Stage({"accuracy": value})))
    assert outcome.state == "error" and "'accuracy'" in outcome.reason and "one number" in outcome.reason


def test_reasons_and_tracebacks_are_bounded_and_can_be_written() -> None:
    outcome = perform(job(Stage(RuntimeError("x\ud800" * 50_000))))
    assert 0 < len(outcome.reason.encode()) <= LONGEST_REASON + 10
    assert 0 < len(outcome.traceback.encode()) <= LONGEST_TRACEBACK + 20


def test_inline_runs_one_job_a_wait_and_cancels_only_what_has_not_begun() -> None:
    executor = Inline()
    stage = Stage({"a": 1})
    assert executor.wait() == ()
    executor.submit(job(stage))
    executor.cancel(3)
    executor.cancel(4)
    (outcome,) = executor.wait()
    assert (outcome.state, outcome.number, stage.calls) == ("cancelled", 3, 0)
    executor.submit(job(stage))
    (outcome,) = executor.wait(0.0)
    assert (outcome.state, stage.calls) == ("completed", 1)
