"""Counts against formulas written out by hand, and against PyTorch's own counter on real tensors."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from netwright.networks.counting import Count, count, count_layers
from netwright.networks.resnet import resnet


def reference_macs(module, shape):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module.eval()(torch.randn(1, *shape))
    return counter.get_total_flops() // 2


def test_a_network_counted_by_hand():
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(128, 5),
    )
    params = (3 * 8 * 9 + 8) + 16 + (128 * 5 + 5)
    macs = 4 * 4 * 8 * 3 * 9 + 128 * 5
    assert count(network, (3, 8, 8)) == Count(params, macs, 4 * (8 * 16 + 8 * 16 + 5))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 6, 3, padding=1, groups=2),
        nn.Conv2d(4, 4, (1, 5), stride=(2, 1), dilation=(1, 2), groups=4),
        nn.Conv2d(4, 6, 3, padding="same"),
        nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"),
        nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2),
        nn.Sequential(nn.Flatten(2), nn.Conv1d(4, 3, 5), nn.Linear(140, 7)),
    ],
)
def test_layers_against_pytorch(layer):
    assert count(layer, (4, 12, 12)).macs == reference_macs(layer, (4, 12, 12)) > 0


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 33, 47), (3, 224, 224)])
@pytest.mark.parametrize("depth", [8, 20])
def test_a_residual_network_against_pytorch(shape, depth):
    network = resnet(shape, 10, depth)
    assert network(torch.randn(2, *shape)).shape == (2, 10)
    found = count(network, shape)
    assert found.macs == reference_macs(network, shape)
    assert found.params == sum(each.numel() for each in network.parameters())
    with torch.device("meta"):
        assert count(resnet(shape, 10, depth), shape) == found


def test_a_residual_network_has_as_many_layers_as_it_says():
    convolutions = [each for each in resnet((3, 32, 32), 10, 14).modules() if isinstance(each, nn.Conv2d)]
    assert len([each for each in convolutions if each.kernel_size == (3, 3)]) == 13  # and one linear layer
    with pytest.raises(ValueError, match="8, 14, 20"):
        resnet((3, 32, 32), 10, 18)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x)[0]


def test_attention_by_hand():
    assert count(Attention(), (7, 16)).macs == 4 * 7 * 16 * 16 + 2 * 7 * 7 * 16


class Twice(nn.Module):
    """One layer run twice, weights used in plain function calls, and a parameter that two layers share."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 6, bias=False)
        self.tied = nn.Linear(6, 6, bias=False)
        self.tied.weight = self.layer.weight
        self.weight = nn.Parameter(torch.ones(6, 3))

    def forward(self, x):
        return self.tied(self.layer(self.layer(x))) @ self.weight


def test_use_counts_each_time_and_a_parameter_once():
    assert count(Twice(), (6,)) == Count(36 + 18, 3 * 36 + 18, 3 * 6 * 4)
    assert count(nn.Sequential(Twice()), (6,)) == count(Twice(), (6,))


def test_nothing_changes_in_the_module():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
    network[1].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    generator = torch.get_rng_state()
    count(network, (3, 9, 9))
    assert [part.training for part in network] == [True, False, True] and network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in network.modules())
    assert torch.equal(generator, torch.get_rng_state())


def test_what_cannot_be_counted_raises_and_leaves_no_hooks():
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 2))
    with pytest.raises(RuntimeError):
        count(network, (3,))
    assert not any(part._forward_hooks for part in network) and network.training


def test_a_network_that_fits_nowhere_is_counted():
    with torch.device("meta"):
        network = nn.Linear(10**6, 10**6)
    assert count(network, (10**6,)) == Count(10**12 + 10**6, 10**12, 4 * 10**6)


def test_layers_have_their_own_counts():
    network = nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.ReLU(), nn.Linear(8, 2)))
    layers = count_layers(network, (4,))
    assert layers == {"0": Count(40, 32, 32), "1.0": Count(0, 0, 32), "1.1": Count(18, 16, 8)}
