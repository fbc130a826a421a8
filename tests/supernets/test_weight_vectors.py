"""The weights of a selected architecture, each as often as paths lead through it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.networks.operations import Zero
from netwright.supernets import Supernet
from netwright.supernets.mixed import MixedEdges
from netwright.supernets.selection import setting_of
from netwright.supernets.weight_vectors import entries, matrices

SHAPE = nw.TaskShape((3, 8, 8), 10)


@pytest.mark.parametrize(
    "space",
    [
        nw.spaces.Mobile("proxylessnas", width=0.1, last=8),
        nw.spaces.Mobile(width=0.1, last=8),
        nw.spaces.Mobile("atomnas", width=0.1, last=8),
        nw.spaces.Chain(width=4),
        nw.spaces.DenseNas(width=0.1, layers=0, last=8),
        nw.spaces.NasNet(cells=3, channels=2, nodes=2),
        nw.spaces.NasBench101(channels=8, stacks=1, modules=1),
    ],
    ids=["layers", "elastic", "atoms", "depths", "routes", "cells", "graphs"],
)
def test_they_are_the_matrices_and_kernels_of_the_network_itself(space: Any) -> None:
    network, rng = Supernet(space, SHAPE), np.random.default_rng(0)
    for _ in range(5):
        architecture = space.sample(rng)
        alone = [each for each in network.extract(architecture).parameters() if each.dim() > 1]
        with network.selection.during(setting_of(architecture)), torch.no_grad():
            weights = [weight for each in entries(network.network) for _, weight in matrices(each.layer)]
            found = [each for each in weights if each.numel()]
            assert Counter(_fingerprint(each) for each in found) == Counter(_fingerprint(each) for each in alone)


def _fingerprint(weight: torch.Tensor) -> tuple[Any, ...]:
    return tuple(weight.shape), round(float(weight.detach().double().square().sum()), 6)


@pytest.mark.parametrize(
    ("space", "inputs"), [(nw.spaces.Darts(cells=2, channels=2, nodes=3), 2), (nw.spaces.NasBench201(2, 1), 1)]
)
def test_an_edge_counts_for_every_path_over_it(space: Any, inputs: int) -> None:
    network, rng = Supernet(space, SHAPE, fused=False), np.random.default_rng(1)
    cell = next(each for each in network.modules() if hasattr(each, "nodes"))
    for _ in range(20):
        architecture = space.sample(rng)
        with network.selection.during(setting_of(architecture)):
            edges = [(s, inputs + k, op) for k, node in enumerate(cell.nodes) for s, op in _sum(node).kept()]
            last = [*getattr(cell, "output", [inputs + len(cell.nodes) - 1])]
            times = {id(each.layer): each.times for each in entries(network.network)}
        paths = [path for end in last for path in _paths(edges, end, inputs)]
        for source, state, operation in edges:
            for layer in operation.modules():
                if any(True for _ in layer.parameters(recurse=False)):
                    assert times[id(layer)] == sum((source, state) in path for path in paths)


def _sum(node: Any) -> MixedEdges:
    return node if isinstance(node, MixedEdges) else next(each for each in node.modules() if type(each) is MixedEdges)


def _paths(edges: list[Any], end: int, inputs: int) -> list[list[tuple[int, int]]]:
    """All ways from an input to a state, each as its edges; brute force."""
    if end < inputs:
        return [[]]
    into = [(s, t) for s, t, operation in edges if t == end and not isinstance(operation, Zero)]
    return [[*path, (s, t)] for s, t in into for path in _paths(edges, s, inputs)]


def test_pooling_that_is_chosen_counts_as_fixed_weights() -> None:
    space = nw.spaces.Darts(cells=2, channels=6, nodes=1)
    network = Supernet(space, SHAPE)
    names = {each.name: "avg_pool_3x3" for each in space.decisions}
    with network.selection.during(setting_of(space.architecture(names))):
        pooled = [each for each in entries(network.network) if each.pooled]
    assert len(pooled) == 4, "two edges in each of two cells"
    widths = {round(each.pooled / (9 * (1 / 9) ** 2)) for each in pooled}
    assert widths == {6, 12}, "k*k weights of 1/k^2 for each channel, of which reduction doubles the number"
