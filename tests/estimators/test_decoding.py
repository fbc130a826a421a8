"""What a mixture stands for under limits, against all architectures of a space."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.core.decisions import INACTIVE
from netwright.core.objective import Constraint
from netwright.estimators import Cost
from netwright.estimators.decoding import Within
from netwright.spaces import NasBench201
from netwright.testing.small_spaces import Layers

SHAPE = nw.TaskShape((3, 8, 8), 4)


class Conditional(nw.DecisionSpace):
    """Options with decisions of their own, two that share one, and a node that keeps two of three sources."""

    additive_cost = True

    def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
        def conv(k: int) -> nn.Module:
            return nn.Conv2d(3, 3, k, padding=k // 2)

        def inner(name: str) -> nn.Module:
            return choose.one(name, {"one": lambda: conv(1), "three": lambda: conv(3), "skip": nn.Identity})

        def outer(name: str) -> nn.Module:
            return choose.one(name, {"plain": lambda: conv(5), "nested": lambda: inner("inner")})

        node = choose.edges("node", [0, 1, 2], 2, {"c1": lambda _: conv(1), "c3": lambda _: conv(3)})
        return _Chain(outer("first"), outer("second"), node, nn.Linear(shape.features, shape.classes))


class _Chain(nn.Module):
    def __init__(self, first: nn.Module, second: nn.Module, node: nn.Module, last: nn.Module) -> None:
        super().__init__()
        self.first, self.second, self.node, self.last = first, second, node, last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.node([x, self.first(x), self.second(x)]).flatten(1))


class Ruled(nw.DecisionSpace):
    """No layer may have a smaller kernel than the one before."""

    additive_cost = True

    def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
        kernels, layers = ("1", "3", "5"), list[nn.Module]()
        for i in range(4):
            before = f"kernel{i - 1}"
            if i:
                choose.allow(
                    f"kernel{i}", lambda answers, before=before: kernels[kernels.index(str(answers[before])) :]
                )
            made = {k: lambda k=k: nn.Conv2d(3, 3, int(k), padding=int(k) // 2) for k in kernels}
            layers.append(choose.one(f"kernel{i}", made))
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(shape.features, shape.classes))


def mixture_of(space: nw.DecisionSpace, seed: int) -> nw.Mixture:
    generator = torch.Generator().manual_seed(seed)
    sizes = {each.name: len(each.options) + len(each.soft) for each in space.decisions if each.kind != "sources"}
    return nw.Mixture({name: torch.rand(size, generator=generator) for name, size in sizes.items()})


def worth(space: nw.DecisionSpace, architecture: nw.Architecture, mixture: nw.Mixture) -> float:
    """The sum of the logarithms of what was chosen, by hand."""
    found = 0.0
    for decision, option in zip(space.decisions, space.indices(architecture), strict=True):
        if option != INACTIVE and decision.kind != "sources":
            found += math.log(float(mixture.weights[decision.name][option]))
    return found


@pytest.mark.parametrize(
    ("space", "metric"),
    [
        (Conditional(), "params"),
        (Conditional(), "activation_memory"),
        (Ruled(), "macs"),
        (NasBench201(cells=1, channels=4), "macs"),
    ],
    ids=["conditional", "memory", "ruled", "cells"],
)
def test_the_worthiest_within_a_limit_is_found(space: nw.DecisionSpace, metric: str) -> None:
    cost = Cost(space, SHAPE)
    everyone = list(space.enumerate())
    costs = np.array([cost.figures(each)[metric] for each in everyone])
    for seed in range(2):
        mixture = mixture_of(space, seed)
        worths = np.array([worth(space, each, mixture) for each in everyone])
        for share in (0.02, 0.2, 0.6):
            bound = float(np.quantile(costs, share))
            for limit in (Constraint(metric, bound), Constraint(metric, bound, ">=")):
                kept = costs <= bound if limit.relation == "<=" else costs >= bound
                within = Within(cost, [limit])
                found = within.decode(mixture)
                assert within.holds(found) and limit.holds(cost.figures(found))
                if not within.holds(space.discretize(mixture)):
                    assert worth(space, found, mixture) == pytest.approx(worths[kept].max(), abs=1e-5)


def test_without_a_limit_that_binds_it_is_what_the_mixture_stands_for() -> None:
    space = NasBench201(cells=1, channels=4)
    within = Within(Cost(space, SHAPE), [Constraint("params", 1e9)])
    for seed in range(5):
        mixture = mixture_of(space, seed)
        assert within.decode(mixture) == space.discretize(mixture)


@pytest.mark.parametrize(
    ("space", "limits"),
    [
        (Conditional(), {"params": 0.4, "macs": 0.4}),
        (NasBench201(cells=1, channels=4), {"params": 0.3, "activation_memory": 0.3}),
        (Layers(most=3), {"params": 0.3}),
        (Layers(most=3), {"params": 0.5, "macs": 0.5}),
    ],
    ids=["two", "two of cells", "no sum", "two and no sum"],
)
def test_what_is_looked_for_is_among_the_best(space: nw.DecisionSpace, limits: dict[str, float]) -> None:
    cost = Cost(space, SHAPE)
    everyone = list(space.enumerate())
    figures = [cost.figures(each) for each in everyone]
    bounds = {name: float(np.quantile([each[name] for each in figures], share)) for name, share in limits.items()}
    asked = [Constraint(name, bound) for name, bound in bounds.items()]
    within = Within(cost, asked)
    for seed in range(2):
        mixture = mixture_of(space, seed)
        found = within.decode(mixture)
        assert within.holds(found)
        space.validate(found)
        kept = [worth(space, each, mixture) for each, f in zip(everyone, figures, strict=True) if _keeps(f, bounds)]
        own = worth(space, found, mixture)
        better = np.sum(np.array(kept) > own + 1e-6)
        assert better <= max(2, 0.01 * len(kept)), "two, or one in a hundred, are better at most"


def _keeps(figures: dict[str, int], bounds: dict[str, float]) -> bool:
    return all(figures[name] <= bound for name, bound in bounds.items())


def test_where_nothing_keeps_them_the_nearest_is_taken() -> None:
    space = NasBench201(cells=1, channels=4)
    cost = Cost(space, SHAPE)
    found = Within(cost, [Constraint("macs", 1.0)]).decode(mixture_of(space, 0))
    assert cost.figures(found)["macs"] == min(cost.figures(each)["macs"] for each in space.enumerate())


def test_many_decisions_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty-five choices of nine, with costs that hardly ever add up to the same."""
    from netwright.estimators import decoding

    class Long(nw.DecisionSpace):
        additive_cost = True

        def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
            def option(i: int, k: int) -> Any:
                return lambda: nn.Sequential(nn.Linear(3, 7 * i + 11 * k + 1), nn.Linear(7 * i + 11 * k + 1, 3))

            return nn.Sequential(*(choose.one(f"d{i}", {str(k): option(i, k) for k in range(9)}) for i in range(25)))

    space = Long()
    cost = Cost(space, nw.TaskShape((3,), 3))
    mixture = mixture_of(space, 0)
    least, wanted = (cost.figures(each)["params"] for each in (space.at(0), space.discretize(mixture)))
    limit = Constraint("params", (least + wanted) / 2)
    fine = worth(space, Within(cost, [limit]).decode(mixture), mixture)
    monkeypatch.setattr(decoding, "MOST_KEPT", 1000)
    found = Within(cost, [limit]).decode(mixture)
    assert limit.holds(cost.figures(found))
    assert fine - 0.05 < worth(space, found, mixture) <= fine + 1e-9
