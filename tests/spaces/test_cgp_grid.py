"""CgpGrid: which genes count, what mutations change, and the networks of sums and poolings."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from netwright import TaskShape
from netwright.core.errors import ConfigurationError, InvalidArchitecture, SpaceExhausted
from netwright.spaces import CgpGrid
from netwright.spaces.cgp_grid import active, genes_of

SPACE = CgpGrid(rows=2, columns=4, level_back=2, widths=(2, 4), widest=32, most=8)
SHAPE = TaskShape((3, 9, 7), 4)
CONV = ["conv_2_3", 0, 0]


def architecture(*nodes, output):
    """Nodes by number; all others are convolutions of what they can read first."""
    genes = [
        ["conv_2_3", (k - 1) // 2 * 2 - 3 if k > 4 else 0, 0 if k < 5 else (k - 1) // 2 * 2 - 3] for k in range(1, 9)
    ]
    for number, gene in nodes:
        genes[number - 1] = gene
    return SPACE.architecture([*genes, ["output", output, output]])


def test_what_leads_to_the_output_counts():
    found = architecture((3, ["sum", 1, 2]), (5, ["max_pool", 3, 1]), output=5 + 2)
    genes = genes_of(found)
    assert active(genes) == {9, 7, genes[6].first, *active_of(genes, genes[6].first)}


def active_of(genes, node):
    """The nodes behind one, by the definition."""
    if node == 0:
        return set()
    gene = genes[node - 1]
    sources = gene[1:] if gene.function in ("sum", "concat") else gene[1:2]
    return {each for source in sources for each in (source, *active_of(genes, source))} - {0}


def test_active_is_what_the_definition_says():
    rng = np.random.default_rng(0)
    for _ in range(30):
        genes = genes_of(SPACE.sample(rng))
        assert active(genes) == {9, genes[8].first, *active_of(genes, genes[8].first)}


def test_a_forced_mutation_gives_another_network_and_a_neutral_one_the_same():
    rng, drifted = np.random.default_rng(1), 0
    for _ in range(60):
        parent = SPACE.sample(rng)
        child = SPACE.mutate(parent, rng)
        SPACE.validate(child)
        assert SPACE.key(child) != SPACE.key(parent)
        neutral = SPACE.mutations["neutral"](parent, rng)
        SPACE.validate(neutral)
        assert SPACE.key(neutral) == SPACE.key(parent)
        drifted += neutral != parent
    assert drifted > 10


def test_the_rate_is_that_of_each_gene():
    space, rng = CgpGrid(), np.random.default_rng(2)
    parent = space.sample(rng)
    inactive = set(range(1, 151)) - active(genes_of(parent))
    changed = 0
    for _ in range(200):
        child = genes_of(space.neutral(parent, rng))
        changed += sum(child[node - 1][0] != parent.content[node - 1][0] for node in inactive)
    assert changed / (200 * len(inactive)) == pytest.approx(space.rate, rel=0.15)


def test_genotypes_of_one_network_have_one_key():
    first = architecture((1, ["sum", 0, 0]), (3, ["conv_4_5", 1, 0]), output=3 + 4)
    moved = architecture((2, ["sum", 0, 0]), (3, ["conv_4_5", 2, 1]), output=3 + 4)
    other = architecture((1, ["concat", 0, 0]), (3, ["conv_4_5", 1, 0]), output=3 + 4)
    assert SPACE.key(first) == SPACE.key(moved) != SPACE.key(other) and first != moved


@pytest.mark.parametrize("blocks", ["conv", "res"])
def test_networks_of_all_kinds_of_meetings_run(blocks):
    space = CgpGrid(rows=2, columns=4, level_back=4, blocks=blocks, widths=(2, 4), widest=32, most=8, rate=0.3)
    rng, seen = np.random.default_rng(3), set()
    for _ in range(40):
        found = space.sample(rng)
        seen |= {genes_of(found)[node - 1].function for node in active(genes_of(found))}
        assert space.build(found, SHAPE)(torch.randn(2, 3, 9, 7)).shape == (2, 4)
    assert seen == {*space.functions, "output"}


def test_a_sum_adds_zeros_to_the_fewer_channels_and_pools_the_larger():
    space = CgpGrid(rows=2, columns=3, level_back=3, widths=(2, 4), widest=32, most=6)
    genes = [["conv_2_3", 0, 0], ["max_pool", 0, 0], ["sum", 1, 2], ["conv_4_3", 0, 0]]
    found = space.architecture([*genes, ["sum", 3, 0], CONV, ["output", 5, 5]])
    network = space.build(found, SHAPE).eval()
    body, images = network[0], torch.randn(2, 3, 9, 7)
    small = nn.MaxPool2d(2)(body.layers[0](images))
    summed = torch.cat([small, torch.zeros_like(small[:, :1])], 1) + nn.MaxPool2d(2)(images)
    assert torch.allclose(body(images), summed + nn.MaxPool2d(2)(images))


def test_poolings_end_where_the_image_does():
    space = CgpGrid(rows=1, columns=6, level_back=1, widths=(2,), kernels=(3,), least=6, most=6)
    found = space.architecture([*(["max_pool", k, k] for k in range(6)), ["output", 6, 6]])
    network = space.build(found, TaskShape((1, 8, 8), 3))
    assert sum(isinstance(each, nn.MaxPool2d) for each in network.modules()) == 3


def test_a_child_takes_over_the_nodes_that_are_the_same():
    parent, child = (
        architecture((1, CONV), (3, [function, 1, 1]), (5, ["conv_2_5", 3, 3]), (7, ["conv_2_3", 5, 5]), output=7)
        for function in ("conv_2_5", "avg_pool")
    )
    before, after = (SPACE.build(each, SHAPE) for each in (parent, child))
    taken = SPACE.inherit(before, after, parent, child)
    expected = sum(p.numel() for place in (0, 2, 3) for p in before[0].layers[place].parameters())
    assert taken == expected + sum(p.numel() for p in before[1].parameters())
    assert torch.equal(before[0].layers[2][0].weight, after[0].layers[2][0].weight)


GENES = [list(each) for each in SPACE.sample(np.random.default_rng(0)).content]
WRONG = {
    "short": (GENES[:5], "expected \\[function, first, second\\] of 8 nodes"),
    "function": ([["conv_2_4", 0, 0], *GENES[1:]], "did you mean 'conv_2_5'"),
    "later": ([["conv_2_3", 3, 0], *GENES[1:]], "node 1 reads 3; expected numbers from 0 to 0"),
    "truth": ([["conv_2_3", False, 0], *GENES[1:]], "node 1 reads False"),
    "no output": ([*GENES[:-1], ["sum", 7, 7]], "there is no function 'sum'"),
    "two outputs": ([*GENES[:-1], ["output", 7, 8]], "expected one number twice"),
    "no node": ([3, *GENES[1:]], "node 1 is 3"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_genotype_is_refused_in_one_line(what):
    data, said = WRONG[what]
    with pytest.raises(InvalidArchitecture, match=said) as told:
        SPACE.parse(json.dumps(data))
    assert "\n" not in str(told.value)


def test_networks_that_grow_too_wide_are_none_of_the_space():
    space = CgpGrid(rows=1, columns=6, level_back=1, widths=(2,), kernels=(3,), widest=64)
    with pytest.raises(InvalidArchitecture, match=r"192 channels; expected at most widest=64"):
        space.architecture([*(["concat", k, k] for k in range(6)), ["output", 6, 6]])


@pytest.mark.parametrize(
    "options",
    [
        {"rows": 0},
        {"least": 5, "most": 4},
        {"least": 151, "most": 151},
        {"widths": ()},
        {"kernels": (2,)},
        {"widths": (1024,)},
        {"blocks": "dense"},
        {"rate": 0.0},
    ],
)
def test_settings_that_make_no_space_are_refused(options):
    with pytest.raises(ConfigurationError, match="CgpGrid"):
        CgpGrid(**options)


def test_where_nothing_fits_that_is_said(monkeypatch):
    monkeypatch.setattr("netwright.spaces.cgp_grid.TRIES", 20)
    space = CgpGrid(rows=2, columns=2, level_back=1, widths=(4,), kernels=(3,), least=4, most=4, widest=4)
    with pytest.raises(SpaceExhausted, match="none of 20"):
        space.sample(np.random.default_rng(0))
