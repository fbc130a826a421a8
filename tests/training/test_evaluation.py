from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from training_parts import image_data, small, vector_data

from netwright.core.errors import DataError
from netwright.core.task import Examples
from netwright.training import evaluate, predict


@pytest.mark.parametrize("batch_size", [1, 7, 256])
def test_predictions_and_measurements_are_those_of_the_whole_split_at_once(batch_size):
    data, network = image_data(channels=3), small(channels=3, auxiliary=True).train()
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (data.mean, data.std))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    logits = predict(network, data.held_out, data, batch_size=batch_size)
    found = evaluate(network, data.held_out, data, batch_size=batch_size)
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    with torch.no_grad():
        expected = network.eval()((data.held_out.inputs.float() / 255 - mean) / std)
    assert logits.dtype == torch.float32
    assert torch.allclose(logits, expected, atol=1e-4)
    assert found["loss"] == pytest.approx(F.cross_entropy(expected, data.held_out.targets).item(), abs=1e-4)
    assert found["accuracy"] == (expected.argmax(1) == data.held_out.targets).double().mean().item()
    right = expected.argmax(1) == data.held_out.targets
    shares = [right[data.held_out.targets == each].double().mean() for each in data.held_out.targets.unique()]
    assert found["balanced_accuracy"] == pytest.approx(torch.stack(shares).mean().item())


def test_always_naming_the_frequent_class_is_at_the_level_of_chance_for_each_class_alike():
    data = vector_data()
    labels = torch.tensor([0] * 95 + [1] * 5)
    network = nn.Linear(6, 3)
    with torch.no_grad():
        network.weight.zero_()
        network.bias.copy_(torch.tensor([1.0, 0.0, 0.0]))
    found = evaluate(network, Examples(torch.randn(100, 6), labels), data)
    assert (found["accuracy"], found["balanced_accuracy"]) == (0.95, 0.5)


def test_vectors():
    data = vector_data()
    assert predict(nn.Linear(6, 2), data.held_out, data).shape == (20, 2)


def test_no_examples_are_refused():
    data = image_data()
    empty = Examples(data.train.inputs[:0], data.train.targets[:0])
    with pytest.raises(DataError, match="no examples"):
        evaluate(small(), empty, data)
    with pytest.raises(DataError, match="no examples"):
        predict(small(), empty, data)
