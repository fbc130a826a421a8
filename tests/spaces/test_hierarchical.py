"""Hierarchical: motifs of motifs, which edges count, what is put side by side, and mutations of the paper."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from netwright import TaskShape
from netwright.core.errors import ConfigurationError
from netwright.networks.counting import count
from netwright.spaces import Hierarchical
from netwright.spaces.hierarchical import live

SPACE = Hierarchical(motifs=2, nodes=(3, 3), channels=4)
SHAPE = TaskShape((3, 8, 8), 4)


def architecture(**labels):
    """By "motif1_0_1" or "cell_0_2" what is on an edge; nothing on all others."""
    names = [each.name for each in SPACE.decisions]
    given = {f"{scope}/edge{a}_{b}": label for key, label in labels.items() for scope, a, b in [key.rsplit("_", 2)]}
    assert set(given) <= set(names)
    return SPACE.architecture({name: given.get(name, "none") for name in names})


def test_the_papers_space():
    space = Hierarchical()
    assert len(space.decisions) == 6 * 6 + 10 and space.size == 7**46


@pytest.mark.parametrize("edges", [e for n in range(4) for e in itertools.combinations([(0, 1), (0, 2), (1, 2)], n)])
def test_edges_count_that_lie_on_a_way_through(edges):
    ways = [[(0, 2)], [(0, 1), (1, 2)]]
    expected = {edge for way in ways if set(way) <= set(edges) for edge in way}
    assert set(live(set(edges), 3)) == expected


@pytest.mark.parametrize("projected", [True, False])
def test_what_meets_is_put_side_by_side(projected):
    found = architecture(
        motif1_0_1="identity",
        motif1_0_2="max_pool_3x3",
        motif1_1_2="sep_conv_3x3",
        cell_0_1="motif1",
        cell_1_2="motif1",
    )
    network = SPACE.replace(projected=projected).build(SPACE.replace(projected=projected).adopt(found), SHAPE)
    cell = network.cell1
    assert cell(torch.randn(2, 4, 8, 8)).shape == (2, 4 if projected else 12, 8, 8)  # of 4 that become 8, then 12
    assert network(torch.randn(2, 3, 8, 8)).shape == (2, 4)


def test_a_cell_that_leads_nowhere_passes_its_input_on():
    network = SPACE.build(architecture(cell_0_1="motif1", cell_1_2="motif2", motif1_0_2="identity"), SHAPE)
    assert isinstance(network.cell1, nn.Identity)


def test_one_key_for_all_that_differ_in_edges_on_which_nothing_depends():
    used = {"motif1_0_2": "conv_1x1", "cell_0_2": "motif1"}
    plain = architecture(**used)
    others = [
        architecture(**used, motif1_0_1="identity"),
        architecture(**used, motif2_0_2="sep_conv_3x3"),
        architecture(**used, cell_0_1="motif2", motif2_0_2="identity"),
        architecture(**used, cell_0_1="motif1", cell_1_2="motif2"),
    ]
    assert {SPACE.key(each) for each in others} == {SPACE.key(plain)} == {plain.content}
    rng = np.random.default_rng(0)
    for _ in range(15):
        drawn = SPACE.sample(rng)
        sizes = {count(SPACE.build(each, SHAPE), SHAPE.input).params for each in (drawn, SPACE.canonical(drawn))}
        assert len(sizes) == 1


def test_mutations_draw_levels_alike():
    space, rng = Hierarchical(), np.random.default_rng(1)
    parent = space.simple(rng)
    changed = []
    for _ in range(600):
        child = space.mutate(parent, rng)
        (name,) = [each for each, label in child.decisions.items() if label != parent.decisions[each]]
        changed.append(name.partition("/")[0])
    assert 240 < changed.count("cell") < 360
    assert len(set(changed)) == 7


def test_it_begins_with_chains_of_identities():
    simple = Hierarchical().simple(np.random.default_rng(0))
    network = Hierarchical().build(simple, SHAPE)
    convolutions = [each for each in network.modules() if isinstance(each, nn.Conv2d)]
    assert len(convolutions) == 1 + 2 * 2  # those between cells


@pytest.mark.parametrize(
    "options", [{"motifs": 0}, {"nodes": (1, 5)}, {"nodes": (4, 9)}, {"channels": 0}, {"operations": ("conv_3x3",)}]
)
def test_settings_that_make_no_space_are_refused(options):
    with pytest.raises(ConfigurationError, match="Hierarchical"):
        Hierarchical(**options)
