"""The clock: medians of warm runs, their spread, and runs that others interrupted."""

import time

import pytest
import torch
from torch import nn

from netwright.core.errors import ConfigurationError
from netwright.core.task import TaskShape
from netwright.runtimes.machine import Place
from netwright.runtimes.running import checked_runtime, example_of, running
from netwright.runtimes.timing import Timing, timed, undisturbed


def busy(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_the_median_of_what_takes_two_milliseconds():
    found = timed(lambda: busy(0.002), 0.05)
    assert found.ms == pytest.approx(2, rel=0.1)
    assert found.high >= found.ms
    assert found.runs >= 15


def test_a_run_that_was_interrupted_counts_with_the_seconds_of_the_processor():
    assert undisturbed(0.010, 0.002) == 0.002
    assert undisturbed(0.00202, 0.002) == 0.00202
    assert undisturbed(4e-6, 1e-6) == 4e-6  # less than the clocks themselves take

    def interrupted() -> None:
        busy(0.001)
        time.sleep(0.003)

    found = timed(interrupted, 0.05, repeats=1)
    assert found.ms == pytest.approx(1, rel=0.3)
    assert found.disturbed > 0.9
    assert timed(interrupted, 0.05, one_thread=False, repeats=1).ms > 3.5


def test_a_measurement_that_spreads_is_repeated_and_then_said_to_be_unsure():
    calls = [0]

    def odd() -> None:
        calls[0] += 1
        busy(0.001 if calls[0] % 2 else 0.003)

    once = timed(odd, 0.02, repeats=1)
    before = calls[0]
    found = timed(odd, 0.02, repeats=3)
    assert once.unsure and found.unsure
    assert calls[0] - before > 2.5 * 15
    assert not Timing(1.0, 0.05, 1.0, 10).unsure


def test_a_network_answers_in_evaluation_mode_with_the_threads_that_are_asked_for():
    network, seen = nn.Sequential(nn.Linear(4, 2), nn.Dropout(0.5)).train(), []
    network.register_forward_hook(lambda module, *_: seen.append((module.training, torch.get_num_threads())))
    before = torch.get_num_threads()
    with running(network, example_of(TaskShape((4,), 2), 3), threads=1) as call:
        assert call().shape == (3, 2)
    assert seen == [(False, 1)]
    assert network.training and torch.get_num_threads() == before


def test_examples_of_tokens_are_tokens():
    found = example_of(TaskShape((7,), 5, vocabulary=9), 2)
    assert found.dtype == torch.int64 and found.shape == (2, 7) and int(found.max()) < 9


def test_an_onnx_file_answers_what_the_network_answers():
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    example = example_of(TaskShape((4,), 2), 1)
    with running(network, example, "onnxruntime") as call:
        (found,) = call()
    assert torch.allclose(torch.from_numpy(found), network(example), atol=1e-5)


def test_a_runtime_that_does_not_exist():
    with pytest.raises(ConfigurationError, match="no runtime 'onnx'; did you mean 'onnxruntime'"):
        checked_runtime("onnx")


def test_a_place_says_on_what_was_measured():
    found = Place("torch", 1, 2)
    assert found.described()["machine"] and found.described()["version"] == torch.__version__
    assert str(found) == "PyTorch, one thread, batches of 2"
    assert found.key != Place("torch", 2, 2).key
