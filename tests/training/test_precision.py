from __future__ import annotations

import pytest
import torch
from torch import nn
from training_parts import small

from netwright.training import TrainingSettings, precision
from netwright.training.precision import choose_precision, multiply_adds, slow_layers_in_float32

CPU = torch.device("cpu")


def dense(width: int = 32) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))


def depthwise(width: int = 32) -> nn.Module:
    large = nn.Conv2d(width, width, 5, padding=2, groups=width)
    small = nn.Conv2d(width, width, 3, padding=1, groups=width)
    return nn.Sequential(nn.Conv2d(3, width, 1), large, small)


def chosen(network: nn.Module, side: int = 16, **options) -> precision.Precision:
    return choose_precision(network, torch.zeros(2, 3, side, side), TrainingSettings(**options), CPU)


def test_multiply_adds_are_counted_for_one_example():
    convolutions = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, 2, 1, groups=4)
    network = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(72, 5))
    counts = list(multiply_adds(network, torch.zeros(2, 3, 6, 6)).values())
    assert counts == [36 * 8 * 27, 9 * 8 * 18, 72 * 5]


def test_counting_leaves_the_network_as_it_was():
    network = small().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    multiply_adds(network, torch.randn(2, 1, 8, 8))
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_dense_convolutions_take_bfloat16_where_the_processor_has_it(monkeypatch):
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: True)
    assert chosen(dense()) == precision.Precision("bfloat16", True)
    assert chosen(dense(), batch_size=2, side=4).dtype == "float32"
    assert chosen(depthwise()).dtype == "float32"


def test_a_processor_without_bfloat16_gets_float32(monkeypatch):
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: False)
    assert chosen(dense()).dtype == "float32"


def test_what_the_settings_say_goes_before_the_rule():
    assert chosen(depthwise(), precision="bfloat16", channels_last=False) == precision.Precision("bfloat16", False)
    assert chosen(dense(), precision="float32").dtype == "float32"


def test_vectors_have_no_channels_last():
    found = choose_precision(nn.Linear(4, 2), torch.zeros(2, 4), TrainingSettings(), CPU)
    assert found == precision.Precision("float32", False)


def test_large_depthwise_convolutions_are_held_in_float32_inside_autocast():
    network, seen = depthwise(), {}

    def note(name: str):
        def hook(module, inputs, output):
            seen[name] = output.dtype

        return hook

    inputs = torch.randn(2, 3, 8, 8)
    with slow_layers_in_float32(network, CPU):
        for name, module in network.named_children():
            module.register_forward_hook(note(name), prepend=True)
        with torch.autocast("cpu", torch.bfloat16):
            output = network(inputs)
            assert torch.is_autocast_enabled("cpu")
    assert seen == {"0": torch.bfloat16, "1": torch.float32, "2": torch.bfloat16}
    output.sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in network.parameters())
    assert not network[1]._forward_pre_hooks


def test_applied_gives_the_memory_order_for_the_block_alone():
    network = dense()
    with precision.Precision("bfloat16", True).applied(network, CPU):
        assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert network[0].weight.is_contiguous()


@pytest.mark.parametrize("failing", ["before", "inside"])
def test_a_failing_layer_leaves_autocast_on(failing):
    network = nn.Sequential(nn.Conv2d(4, 4, 5, groups=4))
    inputs = torch.zeros(1, 4, 2, 2)  # smaller than the kernel
    with slow_layers_in_float32(network, CPU), torch.autocast("cpu", torch.bfloat16):
        with pytest.raises(RuntimeError):
            network(inputs if failing == "inside" else inputs[:, :3])
        assert torch.is_autocast_enabled("cpu")
