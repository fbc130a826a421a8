"""The cost that follows from the decisions against the cost of the network, built and counted."""

import hashlib
import json
import time
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import netwright as nw
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import InvalidArchitecture, UserError
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.estimators.cost import Cost
from netwright.networks.counting import count
from netwright.spaces import Chain, Darts, EncoderDecoder, Mlp, NasBench201, NasNet, UNetCells
from netwright.testing import check_estimator

CIFAR = TaskShape((3, 32, 32), 10)
CASES: Mapping[str, tuple[Space, TaskShape, int]] = {
    "chain on digits": (Chain(), TaskShape((1, 8, 8), 10), 40),
    "chain on photographs": (Chain(width=24, stages=4, most=2), TaskShape((3, 200, 333), 100), 20),
    "chain with few decisions": (Chain(multipliers=(1.0,), kernels=(3,), least=2, most=2), CIFAR, 20),
    "mlp": (Mlp(), TaskShape((20,), 3), 150),
    "mlp on images": (Mlp(widths=(8,), normalisations=("batch",), most=3), TaskShape((1, 8, 8), 10), 30),
    "nasbench201": (NasBench201(cells=2), CIFAR, 25),
    "nasbench201 on odd images": (NasBench201(channels=5, cells=1), TaskShape((1, 27, 13), 4), 40),
    "darts": (Darts(cells=3, channels=4), CIFAR, 12),
    "darts with auxiliary head": (Darts(cells=4, channels=6, nodes=2, auxiliary=True), CIFAR, 10),
    "darts on photographs": (Darts(cells=3, channels=4, nodes=2), TaskShape((3, 160, 160), 5), 20),
    "nasnet with loose ends": (NasNet(cells=3, channels=4, nodes=3, operations="enas"), CIFAR, 25),
    "unet cells": (UNetCells(depth=2, channels=4), TaskShape((1, 21, 32), 2, dense=True), 4),
    "encoder and decoder": (EncoderDecoder(cells=3, channels=4), TaskShape((3, 130, 140), 2, dense=True), 3),
    "nasnet with all nodes": (NasNet(cells=3, channels=4, nodes=2, operations="darts", output="all"), CIFAR, 20),
}


def counted(space, architecture, shape):
    with torch.device("meta"):
        network = space.build(architecture, shape)
    found = count(network, shape.input)
    assert found.params == sum(each.numel() for each in network.parameters())
    return {"params": found.params, "macs": found.macs, "activation_memory": found.activation_memory}


@pytest.mark.parametrize("case", CASES)
def test_equals_what_the_network_counts(case):
    space, shape, samples = CASES[case]
    cost, rng = Cost(space, shape), np.random.default_rng(5)
    for _ in range(samples):
        architecture = space.sample(rng)
        assert cost.figures(architecture) == counted(space, architecture, shape), architecture


@pytest.mark.parametrize("case", ["chain on digits", "mlp", "nasbench201", "darts", "nasnet with all nodes"])
def test_takes_under_a_tenth_of_a_millisecond(case):
    space, shape, _ = CASES[case]
    cost, rng = Cost(space, shape), np.random.default_rng(6)
    architectures = [space.sample(rng) for _ in range(300)]
    cost.figures(architectures[0])
    rounds = []
    for _ in range(5):
        start = time.process_time()
        for architecture in architectures:
            cost.figures(architecture)
        rounds.append((time.process_time() - start) / len(architectures))
    assert min(rounds) < 1e-4


CHAIN = Cost(Chain(), TaskShape((1, 8, 8), 10))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, CHAIN.space.size - 1))
def test_equals_what_any_chain_counts(rank):
    architecture = CHAIN.space.at(rank)
    assert CHAIN.figures(architecture) == counted(CHAIN.space, architecture, CHAIN.shape)


def test_all_cells_of_nas_bench_201():
    """The digest is that of the benchmark's table: number, parameters and multiply-adds of its 15,625 networks."""
    space = NasBench201()
    cost = Cost(space, CIFAR)
    digest = hashlib.sha256()
    for architecture in sorted(space.enumerate(), key=str):
        figures = cost.figures(architecture)
        digest.update(f"{architecture},{figures['params']},{figures['macs']}\n".encode())
    assert digest.hexdigest() == NAS_BENCH_201


NAS_BENCH_201 = "aa752db858a79ad9e0ded84030e5dbc3bcf88120b721fda803384e396e483d17"


class Own(DecisionSpace):
    """A space that says nothing of its cost."""

    built = 0

    def network(self, choose, shape):
        type(self).built += 1
        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, choose.value("width", [2, 3]), bias=False))


def test_a_space_that_says_nothing_is_built_once_for_each_architecture():
    space = Own()
    cost = Cost(space, TaskShape((1, 2, 2), 3))
    first = space.architecture({"width": 3})
    Own.built = 0
    for _ in range(3):
        assert cost.figures(first) == {"params": 12, "macs": 12, "activation_memory": 12}
    assert Own.built == 1


class Values(DecisionSpace):
    """Says that its options add up, though a plain value decides its width."""

    additive_cost = True

    def network(self, choose, shape):
        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, choose.value("width", [2, 3])))


class WrongTerms(Own):
    """Its part has the same width whatever was decided."""

    def cost_terms(self, point):
        return [point[0]]

    def cost_part(self, term, shape):
        return nn.Linear(shape.features, 2, bias=False), (shape.features,)


@pytest.mark.parametrize(("space", "match"), [(Values(), "'width'"), (WrongTerms(), "WrongTerms.*cost_terms")])
def test_a_wrong_claim_is_found_out(space, match):
    with pytest.raises(UserError, match=match):
        Cost(space, TaskShape((1, 2, 2), 3)).figures(space.at(0))


class WrongSum(DecisionSpace):
    """Says that its options add up, though the second one's cost depends on the first."""

    additive_cost = True

    def network(self, choose, shape):
        first = choose.one("first", {"a": nn.Identity, "b": lambda: nn.Linear(4, 4)})
        more = isinstance(first, nn.Linear)
        second = choose.one("second", {"a": nn.Identity, "b": lambda: nn.Linear(4, 4, bias=more)})
        return nn.Sequential(nn.Flatten(), first, second)


def test_options_that_do_not_add_up_are_found_out():
    space = WrongSum()
    with pytest.raises(UserError, match=r"WrongSum\(\).*additive_cost.*does not hold"):
        Cost(space, TaskShape((1, 2, 2), 3)).figures(space.at(0))


def test_repeats_add_up():
    class Deep(DecisionSpace):
        additive_cost = True

        def network(self, choose, shape):
            return nn.Sequential(nn.Flatten(), choose.repeat("depth", 1, 4, lambda i: nn.Linear(4, 4)))

    space = Deep()
    cost = Cost(space, TaskShape((1, 2, 2), 3))
    assert [cost.figures(each)["params"] for each in space.enumerate()] == [20, 40, 60, 80]


def test_keeps_the_contract_and_is_made_again_from_its_configuration():
    cost = Cost(Mlp(), TaskShape((20,), 3))
    check_estimator(cost, cost.space)
    arguments = json.loads(json.dumps(cost.configuration()))["arguments"]
    assert Cost(cost.space, arguments["shape"]).shape == cost.shape


def test_refuses_what_is_not_an_architecture_of_the_space():
    cost = Cost(Mlp(), TaskShape((20,), 3))
    with pytest.raises(InvalidArchitecture):
        cost.figures(Chain().at(0))
    with pytest.raises(UserError, match="mixture"):
        cost.estimate(nw.Proposal(nw.Mixture({})), 0)
