import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.core.errors import ConfigurationError, UserError
from netwright.core.task import TaskShape
from netwright.networks.blocks import Residual
from netwright.spaces.chain import Chain
from netwright.testing import check_space

SPACE = Chain()
SHAPES = [TaskShape((1, 8, 8), 10), TaskShape((3, 32, 32), 7), TaskShape((3, 75, 224), 3), TaskShape((2, 1, 5), 2)]


def test_keeps_the_contract_of_spaces():
    check_space(Chain(width=4, most=2))


def test_size_by_hand():
    blocks = 2 + 3 + 3 * 2  # conv, separable, mbconv with two expansions
    stage = 4 * sum(blocks**depth for depth in range(1, 4))
    assert SPACE.size == stage**3


@settings(max_examples=25, deadline=None)
@given(st.integers(0, SPACE.size - 1), st.sampled_from(SHAPES))
def test_every_architecture_runs_forward_and_backward(rank, shape):
    network = SPACE.build(SPACE.at(rank), shape)
    logits = network(torch.randn(2, *shape.input))
    logits.sum().backward()
    assert logits.shape == (2, shape.classes)
    assert all(each.grad is not None for each in network.parameters())


def test_the_network_is_what_was_decided():
    labels = {}
    for stage, (width, operation, depth) in enumerate(((0.5, "conv", 1), (2.0, "separable", 2), (1.5, "mbconv", 3)), 1):
        labels |= {f"stage{stage}/width": width, f"stage{stage}/depth": depth}
        for block in range(depth):
            prefix = f"stage{stage}/depth/{block}/operation"
            labels |= {prefix: operation, f"{prefix}/{operation}/kernel": 5}
            labels |= {f"{prefix}/mbconv/expansion": 3} if operation == "mbconv" else {}
    network = SPACE.build(SPACE.architecture(labels), TaskShape((3, 32, 32), 10))
    assert network.entry1[0][0].out_channels == 8
    assert network.entry2[0][0].out_channels == 64
    assert network.entry3[0][0].out_channels == 96
    assert [len(stage) for stage in (network.stage1, network.stage2, network.stage3)] == [1, 2, 3]
    assert network.stage3[0].body[1][0].kernel_size == (5, 5)
    assert network.stage3[0].body[1][0].out_channels == 3 * 96
    assert sum(isinstance(part, Residual) for part in network.modules()) == 6


def test_photographs_are_halved_before_the_first_stage():
    network = SPACE.build(SPACE.at(0), TaskShape((3, 224, 224), 10))
    assert network.entry1(torch.zeros(1, 3, 224, 224)).shape[2:] == (56, 56)
    digits = SPACE.build(SPACE.at(0), TaskShape((1, 8, 8), 10))
    assert digits[:-1](torch.zeros(1, 1, 8, 8)).shape[2:] == (2, 2)


def test_the_width_belongs_to_the_setting_not_to_the_architecture():
    wide = SPACE.replace(width=32)
    assert wide.id == SPACE.id
    architecture = SPACE.sample(np.random.default_rng(0))
    narrow_entry = SPACE.build(architecture, SHAPES[0]).entry1[0][0]
    assert wide.build(architecture, SHAPES[0]).entry1[0][0].out_channels == 2 * narrow_entry.out_channels


def test_a_space_with_nothing_to_decide():
    one = Chain(multipliers=(1.0,), least=2, most=2, kernels=(3,), depthwise_kernels=(3,), expansions=(2,), stages=1)
    assert one.size == 3**2
    assert math.prod(one.build(one.at(4), SHAPES[0])(torch.randn(2, 1, 8, 8)).shape) == 20


@pytest.mark.parametrize(
    "options",
    [
        {"width": 0},
        {"stages": 0},
        {"least": 3, "most": 2},
        {"kernels": (3, 4)},
        {"multipliers": ()},
        {"multipliers": (0.0,)},
        {"expansions": (-1,)},
        {"widht": 8},
    ],
)
def test_settings_that_cannot_be(options):
    with pytest.raises(ConfigurationError, match="Chain"):
        Chain(**options)


def test_vectors_are_refused_with_the_space_that_takes_them():
    with pytest.raises(UserError, match="mlp"):
        SPACE.build(SPACE.at(0), TaskShape((16,), 3))
