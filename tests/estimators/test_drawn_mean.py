"""The mean cost of networks drawn from a mixture has no bias, nor has its gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.estimators.test_expected_cost import Nested, mixture_of

import netwright as nw
from netwright.estimators import Cost
from netwright.estimators.costs import Costs
from netwright.estimators.drawn_mean import DrawnMean
from netwright.spaces import Chain

SHAPE = nw.TaskShape((3, 8, 8), 4)


class Unknown(Cost):
    """Counts, and does not know a mean."""

    @property
    def knows_mean(self) -> bool:
        return False

    local = None


def test_its_mean_and_gradient_are_the_exact_ones_on_average() -> None:
    space = Nested()
    exact, drawn = Cost(space, SHAPE), DrawnMean(Unknown(space, SHAPE), draws=32)
    mixture = mixture_of(space)
    names = list(mixture.weights)
    truth = exact.expected(mixture)["macs"]
    wanted = torch.cat(torch.autograd.grad(truth, [mixture.weights[name] for name in names]))
    values: list[float] = []
    slopes: list[torch.Tensor] = []
    for turn in range(300):
        # Another number in the last place, so that other networks are drawn.
        weights = {k: (v.detach() * (1 + 1e-9 * turn)).requires_grad_() for k, v in mixture.weights.items()}
        found = drawn.expected(nw.Mixture(weights))["macs"]
        values.append(float(found.detach()))
        slopes.append(torch.cat(torch.autograd.grad(found, [weights[name] for name in names])))
    error = np.std(values) / len(values) ** 0.5
    assert abs(np.mean(values) - float(truth.detach())) < 4 * error < 0.02 * float(truth.detach())
    stacked = torch.stack(slopes)
    deviation = stacked.std(0) / len(slopes) ** 0.5
    assert ((stacked.mean(0) - wanted).abs() < 4.5 * deviation + 1e-9).all()
    assert float(deviation.max()) < 0.1 * float(wanted.abs().max())


def test_what_is_known_is_exact_and_draws_repeat() -> None:
    space = Nested()
    mixture = mixture_of(space)
    exact = Cost(space, SHAPE)
    assert DrawnMean(exact).expected(mixture)["macs"] == exact.expected(mixture)["macs"]
    drawn = DrawnMean(Unknown(space, SHAPE))
    assert drawn.expected(mixture) == drawn.expected(mixture) and drawn.knows_mean


@pytest.mark.parametrize("space", [Chain(width=4)], ids=["chain"])
def test_sizes_that_multiply_have_a_mean_that_follows_them(space: nw.DecisionSpace) -> None:
    costs: Costs = DrawnMean(Cost(space, SHAPE))
    assert costs.knows_mean and not costs.costs.knows_mean  # pyright: ignore
    logits = {each.name: torch.zeros(len(each.options), dtype=torch.float64) for each in space.decisions}
    even = float(costs.expected(nw.Mixture({k: v.softmax(0) for k, v in logits.items()}))["macs"])
    leaves = {name: each.requires_grad_() for name, each in logits.items()}
    optimiser = torch.optim.Adam(leaves.values(), 0.3)
    for _ in range(8):
        loss = costs.expected(nw.Mixture({k: v.softmax(0) for k, v in leaves.items()}))["macs"] / even
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    ended = costs.expected(nw.Mixture({k: v.detach().softmax(0) for k, v in leaves.items()}))["macs"]
    assert float(ended) < 0.7 * even
