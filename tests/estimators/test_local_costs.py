"""Costs taken apart decision by decision, and the worthiest architecture within a limit on them, against all."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.core.decisions import INACTIVE
from netwright.core.objective import Constraint
from netwright.estimators import Cost
from netwright.estimators.decoding import Within
from netwright.estimators.drawn_mean import DrawnMean
from netwright.estimators.local_costs import local_costs
from netwright.spaces import Chain, Mobile, NasBench201

SHAPE = nw.TaskShape((1, 8, 8), 10)
WIDTHS = Mobile("mobilenetv1", multipliers=(0.1, 0.3), width=0.4)
CHAIN = Chain(width=8, stages=2, multipliers=(0.5, 1.0, 2.0), most=2, kernels=(3,), depthwise_kernels=(3, 5))


SPACES = {
    "widths": WIDTHS,
    "chain": CHAIN,
    "layers": Mobile("mobilenetv3", width=0.25, kernels=(3, 5), expansions=(2, 3)),
    "depths": Mobile("mcu", multipliers=(0.5, 1.0), resolutions=(1.0,), kernels=(3,), expansions=(2, 3)),
}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_what_decisions_add_comes_to_the_cost_of_any_network(space: nw.DecisionSpace) -> None:
    cost, rng = Cost(space, SHAPE), np.random.default_rng(5)
    local = cost.local
    assert local is not None
    for _ in range(20):
        architecture = space.sample(rng)
        figures = cost.figures(architecture)
        assert local.total(architecture.point) == pytest.approx([figures[name] for name in cost.metrics])


def test_a_width_adds_what_follows_from_the_width_before() -> None:
    local, places = Cost(WIDTHS, SHAPE).local, WIDTHS.decisions.places
    assert local is not None
    for stage in range(2, 14):
        if f"stage{stage - 1}/width" in places and f"stage{stage}/width" in places:
            assert local.before[places[f"stage{stage}/width"]] == (places[f"stage{stage - 1}/width"],)


def test_a_kernel_adds_what_follows_from_its_own_layer_and_stage() -> None:
    space = SPACES["depths"]
    local, table = Cost(space, SHAPE).local, space.decisions
    assert local is not None
    place = table.places["stage2/depth/1/expansion"]
    assert {table[each].name for each in local.before[place]} == {"stage2/width", "stage2/depth"}


def test_what_cannot_be_taken_apart_is_said() -> None:
    assert local_costs(Cost(Mobile("fbnetv2"), SHAPE)) is None, "a layer follows from seven decisions"
    assert local_costs(Cost(NasBench201(channels=4, cells=1), SHAPE)) is None, "options add up there by themselves"


@pytest.mark.parametrize("space", [WIDTHS, CHAIN], ids=["widths", "chain"])
@pytest.mark.parametrize("metric", ["macs", "params"])
def test_the_worthiest_within_a_limit_is_found(space: nw.DecisionSpace, metric: str) -> None:
    cost, table = Cost(space, SHAPE), space.decisions
    points = list(table.completions())
    costs = np.array([cost.figures(space.from_indices(each, check=False))[metric] for each in points])
    within_reach = False
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)
        mixture = nw.Mixture({each.name: torch.rand(len(each.options), generator=generator) for each in table})
        logs = [[math.log(float(weight)) for weight in mixture.weights[each.name]] for each in table]

        def worth(point: tuple[int, ...], logs: list[list[float]] = logs) -> float:
            return sum(logs[i][option] for i, option in enumerate(point) if option != INACTIVE)

        worths = np.array([worth(each) for each in points])
        for share in (0.01, 0.1, 0.5):
            bound = float(np.quantile(costs, share))
            for relation in ("<=", ">="):
                limit = Constraint(metric, bound, relation)
                kept = costs <= bound if relation == "<=" else costs >= bound
                within = Within(cost, [limit])
                found = within.decode(mixture)
                assert limit.holds(cost.figures(found))
                if not within.holds(space.discretize(mixture)):
                    within_reach = True
                    assert worth(found.point) == pytest.approx(worths[kept].max(), abs=1e-6)
    assert within_reach


@pytest.mark.parametrize("space", [WIDTHS, CHAIN], ids=["widths", "chain"])
def test_the_mean_over_a_mixture_is_the_sum_over_all_networks(space: nw.DecisionSpace) -> None:
    cost, table = Cost(space, SHAPE), space.decisions
    generator = torch.Generator().manual_seed(3)
    weights = {each.name: torch.rand(len(each.options), generator=generator, dtype=torch.float64) for each in table}
    shares = [(weights[each.name] / weights[each.name].sum()).requires_grad_() for each in table]
    points = torch.tensor(list(table.completions()))
    chances = torch.ones(len(points), dtype=torch.float64)
    for options, share in zip(points.T, shares, strict=True):
        chances = chances * torch.where(options == INACTIVE, 1.0, share[options.clamp(min=0)])
    costs = [[*cost.figures(space.from_indices(each, check=False)).values()] for each in points.tolist()]
    wanted = chances @ torch.tensor(costs, dtype=torch.float64)
    assert cost.local is not None
    found = cost.local.expected(shares)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=0.0)
    ours, theirs = (torch.autograd.grad(each[1], shares, retain_graph=True) for each in (found, wanted))
    # Shares that do not sum to 1 count differently; along those that do the slopes are the same.
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one - one.mean(), other - other.mean(), rtol=1e-7, atol=1e-6)
    mixture = nw.Mixture(weights)
    assert float(DrawnMean(cost).expected(mixture)["macs"]) == pytest.approx(float(wanted[1].detach()))
