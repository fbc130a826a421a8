from __future__ import annotations

import pytest
import torch
from torch import nn
from training_parts import image_data, same_bits, small

from netwright.core.errors import ConfigurationError
from netwright.training import TrainingSettings, evaluate, train
from netwright.training.threads import LARGE_WORK, choose_threads, using_threads

CPU = torch.device("cpu")
SETTINGS = TrainingSettings(epochs=1, batch_size=16)


class Watching(nn.Module):
    """Notes how many threads each forward pass of the training has."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.seen = small(), []

    def forward(self, x):
        self.seen.append(torch.get_num_threads())
        return self.inner(x)


@pytest.mark.parametrize(("threads", "expected"), [("auto", 1), (1, 1), (3, 3)])
def test_training_has_its_own_number_of_threads(threads, expected):
    torch.set_num_threads(2)
    network = Watching()
    result = train(network, image_data(), SETTINGS.replace(threads=threads), seed=0)
    assert result.threads == expected and torch.get_num_threads() == 2
    assert set(network.seen[1:]) == {expected}  # the first one counts multiply-adds


def test_the_number_comes_back_after_an_error():
    torch.set_num_threads(2)

    def stop(entry):
        assert torch.get_num_threads() == 1
        raise KeyError

    with pytest.raises(KeyError):
        train(small(), image_data(), SETTINGS, seed=0, on_epoch=stop)
    assert torch.get_num_threads() == 2


def test_the_bits_do_not_depend_on_the_number_outside(tmp_path):
    networks, results = [], []
    for outside in (1, 2):
        torch.set_num_threads(outside)
        networks.append(small())
        results.append(train(networks[-1], image_data(), SETTINGS, seed=0, checkpoint=tmp_path / str(outside)))
    assert same_bits(*networks) and results[0].metrics == results[1].metrics
    found = results[1]
    options = {"precision": found.precision, "channels_last": found.channels_last, "threads": found.threads}
    data = image_data()
    assert evaluate(networks[1], data.held_out, data, **options)["loss"] == found.metrics["val_loss"]


def test_the_rule():
    torch.set_num_threads(2)
    below, enough = LARGE_WORK / 64 - 1, LARGE_WORK / 64
    assert choose_threads({"a": 2 * below, "b": 0}, TrainingSettings(), CPU) == 1
    assert choose_threads({"a": enough}, TrainingSettings(), CPU) == 2
    assert choose_threads({"a": below}, TrainingSettings(batch_size=128), CPU) == 2
    assert choose_threads({}, TrainingSettings(), CPU) == 2
    assert choose_threads({"a": enough}, TrainingSettings(threads=1), CPU) == 1
    assert choose_threads({"a": 1}, TrainingSettings(threads=1), torch.device("cuda")) == 2


@pytest.mark.parametrize("threads", [0, -1, 1.0, True, "all", None])
def test_numbers_that_cannot_be(threads):
    with pytest.raises(ConfigurationError, match="threads"):
        TrainingSettings(threads=threads)


def test_no_number_changes_nothing():
    before = torch.get_num_threads()
    with using_threads(None):
        assert torch.get_num_threads() == before
