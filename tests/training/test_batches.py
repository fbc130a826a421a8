from __future__ import annotations

import pytest
import torch
from torch import nn
from training_parts import image_data, small, vector_data

from netwright.core.errors import DataError
from netwright.training import TrainingSettings, train
from netwright.training.batches import epoch_order, steps_per_epoch

CPU = torch.device("cpu")


class Watch(nn.Module):
    """Remembers how many examples each training batch held."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def forward(self, x):
        if self.training:
            self.sizes.append(len(x))
        return x


@pytest.mark.parametrize(
    ("examples", "batch_size", "sizes"),
    [
        (2, 2, [2]),
        (2, 4, [2]),
        (3, 2, [2]),
        (3, 4, [3]),
        (5, 4, [4]),
        (7, 2, [2, 2, 2]),
        (7, 4, [4, 3]),
        (8, 4, [4, 4]),
    ],
)
def test_no_batch_holds_one_example(examples, batch_size, sizes):
    watch = Watch()
    network = nn.Sequential(watch, nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    result = train(network, vector_data(examples, 3), TrainingSettings(epochs=2, batch_size=batch_size), seed=0)
    assert watch.sizes == sizes * 2
    assert steps_per_epoch(examples, batch_size) == len(sizes)
    assert result.epochs == 2


@pytest.mark.parametrize("batch_size", [2, 4])
def test_one_example_cannot_be_trained_on(batch_size):
    with pytest.raises(DataError, match="at least 2 examples, found 1"):
        train(small(), image_data(1, 3), TrainingSettings(batch_size=batch_size), seed=0)


def test_nothing_held_out_is_refused_before_training():
    with pytest.raises(DataError, match="no examples to judge"):
        train(small(), image_data(8, 0), TrainingSettings(), seed=0)


def test_an_order_is_a_permutation_new_in_each_epoch_and_for_each_seed():
    orders = [epoch_order(50, seed, epoch, CPU) for seed in range(3) for epoch in range(3)]
    assert all(torch.equal(order.sort().values, torch.arange(50)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == 9
    assert torch.equal(epoch_order(50, 1, 2, CPU), epoch_order(50, 1, 2, CPU))


def test_every_place_is_equally_likely():
    first = torch.stack([epoch_order(5, seed, 0, CPU) for seed in range(4000)])[:, 0]
    counts = torch.bincount(first, minlength=5).double()
    # Chi-squared with 4 degrees of freedom: 23.5 is its 0.9999 quantile.
    assert ((counts - 800) ** 2 / 800).sum() < 23.5
