"""Networks that make the weights of others: what they see of a network, that their weights fit, learn and are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import netwright as nw
from kinds import text
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.trial import Measurement, Proposal
from netwright.estimators import SharedWeights
from netwright.estimators.hypernetworks import GraphHypernetwork, MemoryBankHypernetwork, StaticHypernetwork
from netwright.estimators.hypernetworks.banks import operations
from netwright.estimators.hypernetworks.computation import Computation, Weight, computation
from netwright.estimators.hypernetworks.decoding import Decoder
from netwright.estimators.hypernetworks.generated import GeneratedNetwork
from netwright.methods import ghn, smash
from netwright.spaces.recurrent import Recurrent
from netwright.strategies.paths import TrainThenSearch, UniformPaths
from netwright.supernets import Sharing
from netwright.supernets.statistics import statistics_per_batch

SHAPE = nw.TaskShape((1, 8, 8), 10)
HYPERNETWORKS: dict[str, Sharing] = {
    "static": StaticHypernetwork(width=8),
    "graph": GraphHypernetwork(width=8),
    "memory bank": MemoryBankHypernetwork(unit=4, growth=4, layers=(2, 1)),
}
SPACES: dict[str, nw.Space] = {
    "cells": nw.spaces.Darts(cells=2, channels=4, nodes=2),
    "nasbench201": nw.spaces.NasBench201(channels=4, cells=1),
    "residual": nw.spaces.Residual(widths=(4, 8), most_stages=3, most=2),
    "graphs": nw.spaces.FreeGraph(widths=(4, 8), most=6),
    "vectors": nw.spaces.Mlp(widths=(4, 8), most=2),
}
DIGITS = nw.tasks.digits(limit=80)


def made(name: str, space: nw.Space, shape: nw.TaskShape = SHAPE) -> Any:
    torch.manual_seed(0)
    return HYPERNETWORKS[name].network(space, shape, drop_path=False, skip_dropout=False, twice=False)


# What a network computes.


class Branches(nn.Module):
    """Two convolutions of one state, their sum beside it, and a layer that reads both."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        self.left = nn.Conv2d(4, 4, 1)
        self.right = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.head = nn.Linear(8, 10)
        self.spare = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        both = self.left(x) + self.right(x)
        return self.head(torch.cat((both, x), 1).mean((2, 3)))


def test_a_computation_has_the_layers_and_what_each_reads() -> None:
    found = computation(Branches(), SHAPE.example(2))
    nodes = [(each.label, each.sources, each.channels) for each in found.nodes]
    assert nodes == [
        ("input", (), 0),
        ("conv2d 3x3 (1, 1) (1, 1) (1, 1)", (0,), 4),
        ("conv2d 1x1 (1, 1) (0, 0) (1, 1)", (1,), 4),
        ("conv2d 3x3 (1, 1) (1, 1) (1, 1) depthwise", (1,), 4),
        ("add", (2, 3), 4),
        ("cat", (4, 1), 8),
        ("mean", (5,), 8),
        ("linear", (6,), 10),
        ("output", (7,), 10),
        ("unreached", (), 0),
    ]
    owners = {each.name: each.node for each in found.weights}
    assert owners == {
        "stem.0.weight": 1,
        "stem.1.weight": 1,
        "stem.1.bias": 1,
        "left.weight": 2,
        "left.bias": 2,
        "right.weight": 3,
        "right.bias": 3,
        "head.weight": 7,
        "head.bias": 7,
        "spare.weight": 9,
        "spare.bias": 9,
    }
    assert {each.name: each.start for each in found.weights}["stem.1.weight"] == 1.0
    assert found.levels()[:3] == [[0, 9], [1], [2, 3]] and found.levels(backwards=True)[-1] == [0]


def test_states_that_are_alive_together_lie_in_different_banks() -> None:
    found = operations(computation(Branches(), SHAPE.example(2)))
    told = [(each.label.split()[0], each.reads, each.writes) for each in found]
    stem, both = found[0].writes, found[1].writes
    assert stem != both
    assert told[1:3] == [("conv2d", ((stem, 4),), both), ("conv2d", ((stem, 4),), both)]  # a sum is written twice
    assert told[3] == ("mean", ((both, 4), (stem, 4)), found[3].writes)  # side by side


@pytest.mark.parametrize("space", SPACES)
def test_no_bank_is_written_before_what_is_in_it_was_read(space: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        network = SPACES[space].build(SPACES[space].sample(rng), SHAPE)
        found = computation(network, SHAPE.example(2))
        _replayed(found)


def _replayed(found: Computation) -> None:
    """Run the operations on banks, and see that each reads what the nodes that it stands for gave."""
    banks: dict[int, set[int]] = {}
    for each in operations(found):
        read = {node for bank, _ in each.reads for node in banks.get(bank, {0})}
        wanted = _layers_behind(found, found.nodes[each.node].sources)
        assert each.label == "copy" or wanted <= read | {0}, (each, wanted, read)
        new = read if each.label == "copy" else {each.node}
        there = banks.get(each.writes, set())
        banks[each.writes] = new | (there if _are_summed(found, new | there) else set())


def _layers_behind(found: Computation, sources: tuple[int, ...]) -> set[int]:
    """The layers whose outputs these nodes are, through sums and places where states lie side by side."""
    behind: set[int] = set()
    weighted = {each.node for each in found.weights}
    for source in sources:
        through = found.nodes[source].name in ("add", "cat") and source not in weighted
        behind |= _layers_behind(found, found.nodes[source].sources) if through else {source}
    return behind


def _are_summed(found: Computation, layers: set[int]) -> bool:
    """Whether some sum adds up all of these."""
    return any(layers <= _layers_behind(found, each.sources) for each in found.nodes if each.name == "add")


# Weights.


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", HYPERNETWORKS)
def test_every_network_of_a_space_gets_weights_that_learn(name: str, space: str) -> None:
    network = made(name, SPACES[space]).eval()  # without dropout
    rng, images = np.random.default_rng(1), torch.randn(6, *SHAPE.input)
    output = torch.empty(0)
    for _ in range(3):
        architecture, before = SPACES[space].sample(rng), torch.get_rng_state()
        output = network(images, architecture)
        assert torch.equal(before, torch.get_rng_state())
        alone = network.extract(architecture).eval()
        statistics_per_batch(alone)
        assert torch.allclose(output, alone(images), atol=1e-5) and output.isfinite().all()
        with torch.no_grad():
            assert torch.allclose(network(images, architecture), output, atol=1e-5)
    nn.functional.cross_entropy(output, torch.arange(6)).backward()
    assert any(each.grad is not None and each.grad.abs().sum() > 0 for each in network.generator.parameters())


def test_what_all_networks_have_outside_of_decisions_is_learnt_as_it_is() -> None:
    network = made("graph", SPACES["nasbench201"])
    assert {"0/0/weight", "6/4/weight"} <= set(network.common)
    assert not [name for name in network.common if "nodes" in name]
    layers = made("graph", SPACES["vectors"]).common
    assert not [name for name, each in layers.items() if each.dim() > 1 and each.shape[0] != SHAPE.classes]


def _weights(network: GeneratedNetwork, architecture: nw.Architecture) -> dict[str, Tensor]:
    with torch.no_grad():
        return {name: each.clone() for name, each in network.extract(architecture).named_parameters()}


FIRST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|nor_conv_1x1~1|nor_conv_3x3~2|"
OTHER_LAST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|nor_conv_1x1~1|skip_connect~2|"
LAYER = "1.nodes.0.operations.0.1.weight"


@pytest.mark.parametrize(("name", "sees"), [("graph", True), ("memory bank", True), ("static", False)])
def test_a_layers_weights_follow_from_what_comes_later_where_the_network_is_seen(name: str, sees: bool) -> None:
    space: Any = SPACES["nasbench201"]
    network = made(name, space)
    first, other = (_weights(network, space.parse(each))[LAYER] for each in (FIRST, OTHER_LAST))
    assert torch.equal(first, other) is not sees


def test_larger_layers_repeat_and_smaller_ones_take_the_first() -> None:
    torch.manual_seed(0)
    small, large = Weight("s", (3, 2, 1, 1), 0, 0), Weight("l", (10, 6, 5, 5), 0, 0)
    beyond, series = Weight("b", (4, 4, 7, 7), 0, 0), Weight("t", (4, 2, 3), 0, 0)
    decoder = Decoder(4, [small, large], largest=4)
    same = torch.randn(1, 4).expand(4, -1)
    found = decoder(same, [small, large, beyond, series])
    assert [found[name].shape for name in "slbt"] == [each.shape for each in (small, large, beyond, series)]
    assert torch.equal(found["l"][:4], found["l"][4:8]) and torch.equal(found["l"][:, :2], found["l"][:, 4:6])
    middle = found["l"][:3, :2, 2:3, 2:3] * (found["l"][0].numel() / 2) ** 0.5
    assert torch.allclose(found["s"], middle, atol=1e-6)
    assert not found["b"][:, :, 0].any() and found["b"][:, :, 1:6, 1:6].all()


@pytest.mark.parametrize("sharing", [StaticHypernetwork(4, 2), GraphHypernetwork(4, 1, 2)], ids=["static", "graph"])
def test_no_answer_is_another_ones_repetition(sharing: Sharing) -> None:
    space = nw.spaces.FreeGraph(widths=(4, 8), most=2, start=2)
    network: Any = sharing.network(space, SHAPE, drop_path=False, skip_dropout=False, twice=False)
    weights = _weights(network, space.sample(np.random.default_rng(0)))
    (head,) = (each for name, each in weights.items() if name.endswith("linear.weight"))
    assert len(head.unique(dim=0)) == SHAPE.classes


# Searches.


def search(name: str, space: nw.Space, epochs: int = 2, **settings: Any) -> nw.Search:
    options: dict[str, Any] = {"optimiser": "adamw", "learning_rate": 3e-3, "batch_size": 10, "device": "cpu"}
    estimator = SharedWeights(space, DIGITS, weights=HYPERNETWORKS[name], epochs=epochs, **{**options, **settings})
    return nw.Search(TrainThenSearch(UniformPaths(space), nw.strategies.RandomSearch(space), 3), estimator)


@pytest.mark.parametrize("name", HYPERNETWORKS)
def test_it_learns_a_task(name: str) -> None:
    space = nw.spaces.FreeGraph(widths=(8,), most=3, operations=("conv_1x1", "conv_3x3"))
    network, rng = made(name, space), np.random.default_rng(0)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    classes = torch.arange(40) % 4
    images = 0.3 * torch.randn(40, *SHAPE.input) + (classes - 1.5).view(-1, 1, 1, 1)  # told by their brightness
    seen = [space.sample(rng) for _ in range(8)]

    def loss(architecture: nw.Architecture) -> Tensor:
        return nn.functional.cross_entropy(network(images, architecture), classes)

    with torch.no_grad():
        before = sum(loss(each).item() for each in seen)
    for _ in range(40):
        optimiser.zero_grad()
        loss(space.sample(rng)).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
    with torch.no_grad():
        assert sum(loss(each).item() for each in seen) < 0.9 * before


@pytest.mark.parametrize("space", ["vectors", "graphs"])
@pytest.mark.parametrize("name", HYPERNETWORKS)
def test_a_search_that_is_cut_off_ends_as_the_whole_one(
    name: str, space: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = search(name, SPACES[space]).run(store=tmp_path / "whole", name="r")
    advance, count = SharedWeights.advance, 0

    def cut_off(self: SharedWeights, proposal: Proposal) -> Measurement:
        nonlocal count
        count += 1
        if count == 5:  # behind the first epoch
            raise KeyboardInterrupt
        return advance(self, proposal)

    with monkeypatch.context() as patch:
        patch.setattr(SharedWeights, "advance", cut_off)
        with pytest.raises(KeyboardInterrupt):
            search(name, SPACES[space]).run(store=tmp_path / "p", name="r")
    resumed = search(name, SPACES[space]).run(store=tmp_path / "p", name="r", resume=True)
    assert [_plain(row) for row in resumed.table()] == [_plain(row) for row in whole.table()]
    folder = str(tmp_path / "whole" / "shared" / "r")
    trained = SharedWeights(SPACES[space], DIGITS, weights=HYPERNETWORKS[name], trained=folder, device="cpu")
    last = whole.trials[-1]
    assert trained.estimate(last.proposal, 0).metrics["val_loss"] == last.metrics["val_loss"]


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is measured on the machine."""
    return {**row, "metrics": {key: value for key, value in row["metrics"].items() if key != "peak_memory"}}


def test_paths_are_dropped_in_what_is_built() -> None:
    space = nw.spaces.Darts(cells=2, channels=4, nodes=2)
    network = made("static", space)
    architecture = space.sample(np.random.default_rng(0))
    images = torch.randn(4, *SHAPE.input)
    plain = network(images, architecture)
    network.drop_path_probability = 0.9
    assert not torch.allclose(network(images, architecture), plain)
    assert torch.allclose(network.eval()(images, architecture), plain, atol=1e-5)


def test_what_does_not_fit_is_refused_in_a_sentence() -> None:
    space: Any = SPACES["cells"]
    with pytest.raises(UserError, match="one architecture at a time, not of a mixture"):
        nw.methods.gdas(space, DIGITS, epochs=1, device="cpu", weights=HYPERNETWORKS["graph"]).run()
    with pytest.raises(UserError, match="carry a state on"):
        made("graph", Recurrent(nodes=2, channels=4), text().shape)
    with pytest.raises(ConfigurationError, match=r"SharedWeights: space is .*has no decisions"):
        SharedWeights(SPACES["graphs"], DIGITS, device="cpu")  # pyright: ignore
    with pytest.raises(ConfigurationError, match="GraphHypernetwork: passes is 0"):
        GraphHypernetwork(passes=0)


def test_the_methods_have_their_papers_settings() -> None:
    settings = smash(SPACES["nasbench201"], DIGITS, device="cpu").estimator.settings  # pyright: ignore
    assert (settings.epochs, settings.batch_size, settings.momentum, settings.learning_rate) == (100, 50, 0.5, 1e-3)
    strategy: Any = smash(SPACES["graphs"], DIGITS, evaluations=70, device="cpu").strategy
    assert (strategy.search.drawn, strategy.search.changed, strategy.search.steps) == (50, 10, 10)
    found: Any = ghn(SPACES["nasbench201"], DIGITS, epochs=10_000, device="cpu")
    assert found.strategy.evaluations == 1000 and found.estimator.sharing.passes == 1
