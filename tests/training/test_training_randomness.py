from __future__ import annotations

import pytest
import torch
from training_parts import image_data, same_bits, small

from netwright.training import TrainingSettings, seeded, train


def test_a_seeded_block_neither_depends_on_nor_changes_the_global_generator():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    with seeded(5):
        first = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    with seeded(5):
        assert torch.equal(torch.rand(3), first)
    with seeded(6):
        assert not torch.equal(torch.rand(3), first)


def test_the_generator_comes_back_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(KeyError), seeded(5):
        torch.rand(3)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)


def test_training_neither_depends_on_nor_changes_the_global_generator():
    networks = []
    for state in (1, 2):
        torch.manual_seed(state)
        before = torch.get_rng_state()
        network = small(dropout=0.5)
        train(network, image_data(), TrainingSettings(epochs=2, drop_path=0.3), seed=4)
        assert torch.equal(torch.get_rng_state(), before)
        networks.append(network)
    assert same_bits(*networks)
