from __future__ import annotations

import random

import numpy as np
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


class Noisy(torch.nn.Module):
    """Draws its weights and what it does in training from the generators of Python and NumPy."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(64, 10)
        self.shift = torch.nn.Parameter(torch.tensor(np.random.rand(10), dtype=torch.float32))  # noqa: NPY002

    def forward(self, x):
        return self.layer(x.flatten(1) * (1 + self.training * random.random())) + self.shift


def test_what_draws_from_python_and_numpy_is_repeatable():
    trained = []
    for state in (1, 2):
        random.seed(state)
        np.random.seed(state)  # noqa: NPY002
        before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
        with seeded(3):
            trained.append(Noisy())
        train(trained[-1], image_data(), TrainingSettings(epochs=2), seed=4)
        assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002
    assert same_bits(*trained)


def test_large_seeds_are_seeds_for_all_generators():
    with seeded(2**63 - 1):
        assert 0 <= np.random.rand() < 1  # noqa: NPY002
