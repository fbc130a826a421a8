import pytest
import torch
from torch import nn

from netwright.networks.counting import count


class TiedWeights(nn.Module):
    """Two layers of their own that hold the same parameter, and a buffer that is held twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.register_buffer("scale", torch.ones(4))
        self.register_buffer("same_scale", self.scale)

    def forward(self, x):
        return self.second(self.first(x) * self.scale) * self.same_scale


def module_used_twice():
    shared = nn.Linear(4, 4)
    return nn.Sequential(shared, nn.ReLU(), shared, nn.Linear(4, 2))


@pytest.mark.parametrize(
    ("make", "params", "macs"), [(module_used_twice, 20 + 10, 16 + 16 + 8), (TiedWeights, 16 + 4 + 4, 32)]
)
def test_what_is_shared_stays_as_it_is(make, params, macs):
    network = make()
    before = {name: each.clone() for name, each in network.state_dict().items()}
    places = {name: id(each) for name, each in network.named_parameters(remove_duplicate=False)}
    for _ in range(2):
        found = count(network, (4,))
        assert (found.params, found.macs) == (params, macs)
    after = network.state_dict()
    assert {name: each.device.type for name, each in after.items()} == dict.fromkeys(before, "cpu")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert {name: id(each) for name, each in network.named_parameters(remove_duplicate=False)} == places
    assert network(torch.zeros(3, 4)).device.type == "cpu"


def recurrent_macs(gates, inputs, hidden, layers, directions, projected, steps):
    given = projected or hidden
    widths = [inputs] + [given * directions] * (layers - 1)
    one_step = sum(gates * hidden * (width + given) + projected * hidden for width in widths)
    return steps * directions * one_step


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize(
    ("kind", "gates", "options"),
    [
        (nn.LSTM, 4, {}),
        (nn.LSTM, 4, {"num_layers": 2, "bidirectional": True, "proj_size": 3}),
        (nn.GRU, 3, {"num_layers": 3, "bias": False}),
        (nn.RNN, 1, {"bidirectional": True}),
        (nn.RNN, 1, {"nonlinearity": "relu"}),
    ],
)
def test_recurrent_layers_meet_each_weight_once_a_step(kind, gates, options, device):
    layer = kind(5, 6, batch_first=True, device=device, **options)
    directions = 2 if layer.bidirectional else 1
    expected = recurrent_macs(gates, 5, 6, layer.num_layers, directions, layer.proj_size, steps=7)
    found = count(layer, (7, 5))
    assert found.macs == expected
    assert found.params == sum(each.numel() for each in layer.parameters())
    assert {each.device.type for each in layer.parameters()} == {device}
    assert {each.device.type for each in layer._flat_weights} == {device}


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTMCell, 4), (nn.GRUCell, 3), (nn.RNNCell, 1)])
def test_recurrent_cells(kind, gates, device):
    assert count(kind(5, 6, device=device), (5,)).macs == gates * (5 + 6) * 6
