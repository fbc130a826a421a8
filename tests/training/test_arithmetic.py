"""What a CUDA device rounds and repeats, when CUDA is begun with, and how many examples are judged at once.

The switches are PyTorch's own and can be watched without a device.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import netwright as nw
from netwright.core.placing import placed
from netwright.core.task import Augmentation, Data, Examples
from netwright.problems.classification import Classification
from netwright.supernets import Supernet
from netwright.training import evaluate, predict
from netwright.training.arithmetic import arithmetic
from netwright.training.evaluation import EVALUATION_BATCH, LARGEST_BATCH, evaluation_batch
from netwright.training.out_of_memory import reset_peak_memory

CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")


def switches() -> tuple[Any, ...]:
    cudnn = torch.backends.cudnn
    return (
        torch.backends.cuda.matmul.fp32_precision,
        cudnn.conv.fp32_precision,
        cudnn.deterministic,
        cudnn.benchmark,
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
    )


@pytest.mark.parametrize(("dtype", "form"), [("float32", "ieee"), ("tf32", "tf32"), ("bfloat16", "tf32")])
def test_convolutions_and_products_of_matrices_are_rounded_alike(dtype: str, form: str) -> None:
    before = switches()
    with arithmetic(CUDA, dtype, deterministic=True):
        assert switches() == (form, form, True, False, True, True, False)
    assert switches() == before
    with arithmetic(CUDA, dtype, deterministic=False):
        assert switches() == (form, form, False, True, *before[4:])
    assert switches() == before


def test_the_switches_are_as_before_after_a_failure_and_untouched_on_a_cpu() -> None:
    before = switches()
    with pytest.raises(ZeroDivisionError), arithmetic(CUDA, "tf32", deterministic=True):
        raise ZeroDivisionError
    assert switches() == before
    with arithmetic(CPU, "tf32", deterministic=True):
        assert switches() == before


def test_a_device_has_the_name_of_tensors_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    assert placed("cuda") == torch.device("cuda:0")
    assert placed("cuda:1") == torch.device("cuda:1")
    assert placed(CPU) == CPU
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)
    assert placed("cuda") == torch.device("cuda:3")


def test_peak_memory_is_reset_once_cuda_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(torch.cuda, "init", lambda: called.append("init"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: called.append(f"reset {device}"))
    reset_peak_memory(torch.device("cuda:1"))
    reset_peak_memory(CPU)
    assert called == ["init", "reset cuda:1"]


def test_making_a_supernet_reseeds_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: int) -> None:
        raise AssertionError("the generators of all GPUs were reseeded")

    monkeypatch.setattr(torch.cuda, "manual_seed_all", refused)
    Supernet(nw.spaces.NasBench201(channels=2, cells=1), nw.TaskShape((3, 8, 8), 3))


@pytest.mark.parametrize(("memory", "expected"), [(2**30, 256), (16 * 2**30, 2048), (80 * 2**30, LARGEST_BATCH)])
def test_a_gpu_judges_as_many_at_once_as_its_memory_has_room_for(
    memory: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (0, memory))
    examples = Examples(torch.zeros(2, 3, 32, 32, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64))
    assert evaluation_batch(examples, CUDA) == expected
    assert evaluation_batch(examples, CPU) == EVALUATION_BATCH


class Tight(nn.Module):
    """Has room for 256 examples."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)
        self.sizes: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.sizes.append(len(x))
        if len(x) > EVALUATION_BATCH:
            raise torch.OutOfMemoryError("no room")
        return self.layer(x)


def test_where_many_at_once_do_not_fit_fewer_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    given = Examples(torch.randn(600, 4), torch.arange(600) % 2)
    data, network = Data(given, given, (0.0,) * 4, (1.0,) * 4, Classification("ab"), Augmentation()), Tight()
    found = evaluate(network, given, data, batch_size=512)
    assert network.sizes == [512, 256, 256, 88]
    assert found == evaluate(network, given, data)
    assert len(predict(network, given, data, batch_size=512)) == 600
