"""RandWire: the graphs that generators draw, and stages that are wired by them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from netwright import TaskShape
from netwright.core.errors import ConfigurationError, InvalidArchitecture, SpaceExhausted
from netwright.networks.wired import WiredStage
from netwright.spaces import RandWire
from netwright.spaces.wiring import unread, wired

SPACE = RandWire(nodes=5, stages=2, channels=2, edges=2, final=4)


def connections(wiring):
    return sum(map(len, wiring))


def test_generators_draw_as_many_connections_as_theirs_have():
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert connections(wired("ws", 32, 4, 0.75, rng)) == 32 * 4 // 2
        assert connections(wired("ba", 32, 5, 0.0, rng)) == (32 - 5) * 5
    mean = np.mean([connections(wired("er", 32, 0, 0.2, rng)) for _ in range(100)])
    assert mean == pytest.approx(32 * 31 / 2 * 0.2, rel=0.05)
    assert wired("ws", 6, 2, 0.0, rng) == ((), (0,), (1,), (2,), (3,), (0, 4))


def test_every_graph_leads_from_lower_to_higher_numbers():
    rng = np.random.default_rng(1)
    for kind in ("ws", "ba", "er"):
        wiring = wired(kind, 16, 4, 0.5, rng)
        assert len(wiring) == 16 and all(source < node for node, each in enumerate(wiring) for source in each)
        assert 15 in unread(wiring)


def test_a_stage_adds_weighted_and_averages_its_ends():
    stage = WiredStage(3, 2, ((), (), (0, 1), (0,)), stride=2).eval()
    torch.nn.init.normal_(stage.weights[2])
    images = torch.randn(2, 3, 8, 8)
    first, second = stage.nodes[0](images), stage.nodes[1](images)
    a, b = torch.sigmoid(stage.weights[2])
    expected = (stage.nodes[2](a * first + b * second) + stage.nodes[3](first)) / 2
    assert stage.ends == (2, 3) and torch.allclose(stage(images), expected, atol=1e-6)
    assert stage(images).shape == (2, 2, 4, 4)


def test_a_mutation_draws_one_stage_anew_and_a_rewiring_leads_one_connection_elsewhere():
    rng = np.random.default_rng(2)
    for _ in range(20):
        parent = SPACE.sample(rng)
        child = SPACE.mutate(parent, rng)
        assert sum(a != b for a, b in zip(parent.content, child.content, strict=True)) == 1
        other = SPACE.mutations["rewire"](parent, rng)
        SPACE.validate(other)
        changed = [(a, b) for one, two in zip(parent.content, other.content, strict=True)
                   for a, b in zip(one, two, strict=True) if a != b]  # fmt: skip
        assert len(changed) == 1 and len(changed[0][0]) == len(changed[0][1])
    full = RandWire(nodes=3, stages=1, wiring="er", probability=1.0)
    assert sum(map(connections, full.mutate(full.sample(rng), rng).content)) == 2
    with pytest.raises(SpaceExhausted):
        full.rewire(full.sample(rng), rng)


def test_a_crossover_has_stages_of_both():
    rng = np.random.default_rng(3)
    space = RandWire(nodes=8, stages=3)
    first, second = space.sample(rng), space.sample(rng)
    children = [space.crossover(first, second, rng).content for _ in range(40)]
    assert len(set(children)) == 8
    assert all(
        part in (a, b) for each in children for part, a, b in zip(each, first.content, second.content, strict=True)
    )


def test_spaces_of_one_size_share_their_architectures():
    drawn = RandWire(nodes=5, stages=2, wiring="ba", edges=2).sample(np.random.default_rng(4))
    assert SPACE.adopt(drawn).content == drawn.content and SPACE.id != RandWire(nodes=6, stages=2).id


def test_images_are_halved_from_the_second_stage_on():
    network = SPACE.build(SPACE.sample(np.random.default_rng(5)), TaskShape((1, 8, 8), 3))
    assert network.stage1(network.stem(torch.randn(2, 1, 8, 8))).shape == (2, 2, 8, 8)
    assert network(torch.randn(2, 1, 8, 8)).shape == (2, 3)
    assert network[:3](torch.randn(2, 1, 8, 8)).shape == (2, 4, 4, 4)


GOOD = [[], [0], [1], [0, 2], [3]]
WRONG = {
    "a stage": ([GOOD], "expected the wirings of 2 stages"),
    "nodes": ([GOOD, GOOD[:4]], "stage 2 is"),
    "later": ([GOOD, [[], [2], [1], [0], [3]]], "stage 2: node 1 reads"),
    "twice": ([GOOD, [[], [0, 0], [1], [0], [3]]], "different nodes before it"),
    "truth": ([GOOD, [[], [False], [1], [0], [3]]], "node 1 reads"),
    "no list": ([GOOD, [[], 0, [1], [0], [3]]], "node 1 reads 0"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_wiring_is_refused_in_one_line(what):
    data, said = WRONG[what]
    with pytest.raises(InvalidArchitecture) as told:
        SPACE.parse(json.dumps(data))
    assert said in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize(
    "options",
    [
        {"nodes": 1},
        {"nodes": 65},
        {"stages": 0},
        {"wiring": "sw"},
        {"edges": 3},
        {"edges": 32},
        {"wiring": "ba", "edges": 32},
        {"probability": 1.5},
    ],
)
def test_settings_that_make_no_space_are_refused(options):
    with pytest.raises(ConfigurationError, match="RandWire"):
        RandWire(**options)
