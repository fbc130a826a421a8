"""Connections: rows of bits, what depends on what, and the networks of single units."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from netwright import TaskShape
from netwright.cli.explaining import how_many
from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.networks.counting import count
from netwright.spaces import Connections

SPACE = Connections(inputs=2, outputs=1, hidden=2)
SHAPE = TaskShape((2,), 1)


def test_a_row_is_what_a_unit_reads():
    found = SPACE.architecture(["101", "0011", "10001"])  # bias and input 1; input 1 and unit 0; bias and unit 1
    network = SPACE.build(found, SHAPE).eval()
    hidden, outputs = network[1].hidden, network[1].outputs
    x = torch.randn(5, 2)
    first = torch.sigmoid(hidden[0].linear(x[:, 1:2]))
    second = torch.sigmoid(hidden[1].linear(torch.cat([x[:, 1:2], first], 1)))
    assert torch.allclose(network(x), outputs[0].linear(second))
    assert count(network, (2,)).params == 2 + 2 + 2


def test_units_without_connections_are_constant():
    network = SPACE.build(SPACE.architecture(["000", "0000", "00000"]), SHAPE)
    assert torch.equal(network(torch.randn(3, 2)), torch.zeros(3, 1))


def test_the_number_of_matrices():
    assert SPACE.size == 2 ** (3 + 4 + 5)


def test_samples_have_half_of_all_connections_and_mutations_flip_at_the_rate():
    space, rng = Connections(inputs=20, outputs=5, hidden=10, rate=0.02), np.random.default_rng(0)
    bits = ["".join(space.sample(rng).content) for _ in range(50)]
    assert np.mean([each.count("1") / len(each) for each in bits]) == pytest.approx(0.5, abs=0.02)
    parent = space.sample(rng)
    flips = [
        sum(a != b for a, b in zip("".join(parent.content), "".join(space.mutate(parent, rng).content), strict=True))
        for _ in range(300)
    ]
    assert min(flips) >= 1 and np.mean(flips) == pytest.approx(0.02 * len(bits[0]) + 1, rel=0.15)


def test_a_crossover_takes_one_row():
    first, second = SPACE.architecture(["000", "0000", "00000"]), SPACE.architecture(["111", "1111", "11111"])
    children = {SPACE.crossover(first, second, np.random.default_rng(seed)).content for seed in range(30)}
    assert children == {("111", "0000", "00000"), ("000", "1111", "00000"), ("000", "0000", "11111")}


def test_what_no_output_depends_on_makes_no_other_network():
    dead = SPACE.architecture(["101", "1101", "11100"])
    assert SPACE.canonical(dead).content == ("000", "0000", "11100")
    through = SPACE.architecture(["101", "1101", "10001"])
    assert SPACE.canonical(through) == through


def test_it_is_fitted_to_the_data():
    open_space = Connections(hidden=3)
    fitted = open_space.fitted(TaskShape((1, 8, 8), 10))
    assert (fitted.inputs, fitted.outputs, fitted.hidden) == (64, 10, 3)
    assert fitted.build(fitted.sample(np.random.default_rng(0)), TaskShape((1, 8, 8), 10))(
        torch.randn(2, 1, 8, 8)
    ).shape == (2, 10)
    with pytest.raises(ConfigurationError, match=r"say inputs= and outputs="):
        open_space.sample(np.random.default_rng(0))
    with pytest.raises(ConfigurationError, match="the data have 8 and 3"):
        SPACE.build(SPACE.sample(np.random.default_rng(0)), TaskShape((8,), 3))


@pytest.mark.parametrize(
    "data", [["101", "1101"], ["101", "1101", "1110"], ["102", "1101", "11100"], [101, 1101, 1], 3]
)
def test_what_is_no_matrix_is_refused_in_one_line(data):
    with pytest.raises(InvalidArchitecture, match="bits") as told:
        SPACE.parse(json.dumps(data))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("options", [{"inputs": -1}, {"hidden": 0}, {"rate": 2.0}])
def test_settings_that_make_no_space_are_refused(options):
    with pytest.raises(ConfigurationError, match="Connections"):
        Connections(**options)


def test_the_size_of_a_space_is_said_however_large_it_is():
    assert how_many(2**20_000) == "about 4.0 x 10^6,020 architectures"
    assert how_many(2**1_000) == "about 1.1 x 10^301 architectures"
    assert how_many(Connections(inputs=64, outputs=10).size).startswith("about ")
