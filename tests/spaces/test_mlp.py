import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from netwright.core.errors import ConfigurationError
from netwright.core.task import TaskShape
from netwright.spaces.mlp import Mlp
from netwright.testing import check_space

SPACE = Mlp()


def test_keeps_the_contract_of_spaces():
    check_space(SPACE)


def test_size_by_hand():
    assert SPACE.size == 3 * 3 * 3 * (5 + 5**2 + 5**3 + 5**4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, SPACE.size - 1), st.sampled_from([TaskShape((7,), 3), TaskShape((3, 4, 5), 2)]))
def test_every_architecture_runs_forward_and_backward(rank, shape):
    network = SPACE.build(SPACE.at(rank), shape)
    logits = network(torch.randn(2, *shape.input))
    logits.sum().backward()
    assert logits.shape == (2, shape.classes)
    assert all(each.grad is not None for each in network.parameters())


def test_the_network_is_what_was_decided():
    labels = {"activation": "gelu", "normalisation": "layer", "dropout": 0.2, "depth": 2}
    network = SPACE.build(SPACE.architecture({**labels, "depth/0/width": 32, "depth/1/width": 16}), TaskShape((9,), 4))
    linear = [(each.in_features, each.out_features) for each in network.modules() if isinstance(each, nn.Linear)]
    assert linear == [(9, 32), (32, 16), (16, 4)]
    assert [type(each) for each in network.hidden[0]] == [nn.Linear, nn.LayerNorm, nn.GELU, nn.Dropout]
    assert network.hidden[1][3].p == 0.2


def test_samples_reach_every_depth():
    rng = np.random.default_rng(0)
    assert {SPACE.sample(rng)["depth"] for _ in range(60)} == {1, 2, 3, 4}


@pytest.mark.parametrize(
    "options",
    [{"widths": ()}, {"widths": (0,)}, {"activations": ("rellu",)}, {"dropouts": (1.0,)}, {"least": 0}, {"most": 0}],
)
def test_settings_that_cannot_be(options):
    with pytest.raises(ConfigurationError, match="Mlp"):
        Mlp(**options)


def test_an_unknown_activation_names_the_nearest():
    with pytest.raises(ConfigurationError, match="did you mean 'relu'"):
        Mlp(activations=("rellu",))
