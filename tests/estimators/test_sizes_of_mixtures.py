"""Limits on bytes lead a mixture: sums over parts, their mean over mixtures, and what is decoded within."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.core.architecture import Mixture
from netwright.core.objective import Constraint
from netwright.estimators import Footprint
from netwright.estimators.machine.sizes import Sizes
from netwright.estimators.shared_weights import SharedWeights
from netwright.estimators.terms import ExpectedCost
from netwright.spaces import NasBench201
from netwright.tasks import open_task

SHAPE = nw.TaskShape((1, 8, 8), 10)
SPACE = NasBench201(channels=4, cells=1)
SPACES = [
    SPACE,
    nw.spaces.Darts(cells=3, channels=4, nodes=2),
    nw.spaces.NasNet(cells=3, channels=4),
    nw.spaces.Mobile(form="mobilenetv3"),
    nw.spaces.Residual(),
    nw.spaces.DenseNas(),
]


@pytest.mark.parametrize("space", SPACES, ids=lambda each: each.name)
def test_bytes_in_eight_bits_are_exact_and_a_file_is_known_within_two_per_cent(space: Any) -> None:
    shape = nw.TaskShape((3, 16, 16), 10)
    found, footprint, rng = Sizes(space, shape), Footprint(space, shape), np.random.default_rng(5)
    for _ in range(6):
        architecture = space.sample(rng)
        known, counted = found.figures(architecture), footprint.figures(architecture)
        assert known["size_int8"] == counted["size_int8"]
        assert 0.999 * counted["size"] <= known["size"] <= 1.02 * counted["size"]


def test_the_mean_is_that_of_all_networks_and_options_add_up_to_each() -> None:
    found, draws = Sizes(SPACE, SHAPE), torch.Generator().manual_seed(0)
    weights = {each.name: torch.rand(len(each.options), generator=draws).double() for each in SPACE.decisions}
    shares = [each / each.sum() for each in weights.values()]
    total = 0.0
    for architecture in SPACE.enumerate():
        point = SPACE.indices(architecture)
        likely = np.prod([float(share[k]) for share, k in zip(shares, point, strict=True)])
        total += likely * found.figures(architecture)["size"]
    assert float(found.expected(Mixture(weights))["size"]) == pytest.approx(total, rel=1e-9)
    assert found.additive is not None
    frame, options = found.additive
    point = SPACE.indices(SPACE.sample(np.random.default_rng(0)))
    added = frame[0] + sum(each[k][0] for each, k in zip(options, point, strict=True))
    assert added == pytest.approx(found.figures(SPACE.from_indices(point))["size"])


@pytest.mark.parametrize("metric", ["size", "size_int8"])
def test_a_limit_on_bytes_is_kept_by_what_a_mixture_stands_for(metric: str) -> None:
    weights = SharedWeights(SPACE, open_task("digits", limit=60), epochs=1, device="cpu")
    found = [Footprint(SPACE, SHAPE).figures(SPACE.at(k))[metric] for k in range(0, SPACE.size, 500)]
    limit = Constraint(metric, float(np.median(found)))
    decoder = weights.within([limit])
    largest = Mixture({each.name: torch.tensor([0.0, 0.0, 0.1, 0.8, 0.1]) for each in SPACE.decisions})
    decoded = decoder.decode(largest)
    assert 0.75 * limit.limit <= Footprint(SPACE, SHAPE).figures(decoded)[metric] <= limit.limit < max(found)
    assert weights.leading.limited == [metric]


def test_bytes_may_be_a_term_of_the_loss() -> None:
    weights = SharedWeights(SPACE, open_task("digits", limit=60), epochs=1, device="cpu", terms="0.5*size")
    even = Mixture({each.name: torch.ones(len(each.options)) for each in SPACE.decisions})
    assert float(ExpectedCost("size").value(even, weights.costs)) == pytest.approx(1.0)
