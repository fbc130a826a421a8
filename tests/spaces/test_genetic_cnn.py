"""GeneticCnn: bits, their text, which of them give one graph, and its network."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from netwright import TaskShape
from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.spaces import GeneticCnn
from netwright.spaces.genetic_cnn import reads_of

SPACE = GeneticCnn(nodes=(4,), widths=(2,), kernel=3)
SHAPE = TaskShape((3, 7, 5), 4)


def bits(architecture):
    labels = architecture.decisions
    return {(a, b): labels[f"stage1/bit{a}_{b}"] for a, b in itertools.combinations(range(1, 5), 2)}


def form(architecture):
    """The smallest drawing of the connected part of the graph, by trying all orders."""
    reads = reads_of(bits(architecture), 4)
    count = len(reads) - 1
    edges = {(source, node) for node, each in enumerate(reads[:-1], 1) for source in each if source}
    names = range(1, count + 1)
    orders = (dict(zip(names, order, strict=True)) for order in itertools.permutations(names))
    return count, min(tuple(sorted((order[a], order[b]) for a, b in edges)) for order in orders) if reads else ()


def test_the_papers_space_has_19_bits():
    assert GeneticCnn().size == 2**19
    assert str(next(GeneticCnn().enumerate())) == "0-00|0-00-000|0-00-000-0000"


def test_exactly_the_bits_of_one_graph_have_one_key():
    found = {}
    for architecture in SPACE.enumerate():
        found.setdefault(SPACE.key(architecture), set()).add(form(architecture))
    assert sum(len(each) for each in found.values()) == len(found) == len({form(each) for each in SPACE.enumerate()})


def test_what_nodes_read():
    architecture = SPACE.parse("1-00-010")  # node 1 to 2, node 2 to 4, and node 3 alone
    assert reads_of(bits(architecture), 4) == [[0], [1], [2], [3]]
    branches = SPACE.parse("0-11-000")
    assert reads_of(bits(branches), 4) == [[0], [0], [1, 2], [3]]


def test_a_stage_without_connections_is_one_convolution():
    network = SPACE.build(SPACE.parse("0-00-000"), SHAPE)
    assert sum(isinstance(each, nn.Conv2d) for each in network.modules()) == 1
    whole = SPACE.build(SPACE.parse("1-11-111"), SHAPE)
    assert sum(isinstance(each, nn.Conv2d) for each in whole.modules()) == 5
    assert whole(torch.randn(2, 3, 7, 5)).shape == (2, 4)


def test_every_architecture_reads_back_from_its_bits():
    space, rng = GeneticCnn(), np.random.default_rng(0)
    for _ in range(20):
        architecture = space.sample(rng)
        assert space.parse(str(architecture)) == architecture


@pytest.mark.parametrize("text", ["1-01", "1-01-1111", "1-01-21", "nothing", "1-0a-111", "1-01-111|1"])
def test_what_are_no_bits_is_refused_in_one_line(text):
    with pytest.raises(InvalidArchitecture, match=r"expected bits, as '0-00-000'") as told:
        SPACE.parse(text)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "options",
    [{"nodes": ()}, {"nodes": (3, 4)}, {"nodes": (1, 4, 5)}, {"widths": (0, 1, 2)}, {"kernel": 4}, {"kernel": 0}],
)
def test_settings_that_make_no_space_are_refused(options):
    with pytest.raises(ConfigurationError, match="GeneticCnn"):
        GeneticCnn(**options)
