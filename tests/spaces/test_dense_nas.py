"""Routes through blocks: which there are, what they cost on average, and the network of all of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.architecture import Architecture, Mixture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import UserError
from netwright.core.objective import Constraint
from netwright.core.task import TaskShape
from netwright.estimators import Cost
from netwright.estimators.decoding import Within
from netwright.estimators.penalties import LogSum
from netwright.methods.mobile import densenas
from netwright.networks.blocks import ClassifierHead
from netwright.networks.counting import count
from netwright.spaces import DenseNas
from netwright.strategies.differentiable import Adam
from netwright.strategies.differentiable.layout import Layout
from netwright.strategies.differentiable.relaxation import Situation
from netwright.strategies.differentiable.sampled_on_routes import SampledOnRoutes
from netwright.supernets import Supernet
from netwright.tasks import open_task

SMALL = TaskShape((1, 8, 8), 10)


class Ways(DecisionSpace):
    """Five blocks, of which the first leads to the second; few enough to go through all routes."""

    additive_cost = True
    exclusive_conditions = True
    widths = (4, 4, 6, 8, 5)
    following = ((1,), (2, 3), (3, 4), (4, 5), (5,))

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(shape.channels, 4, 3, 2), choose.route(Parts(choose)), ClassifierHead(7, shape.classes)
        )


class Parts:
    following = Ways.following

    def __init__(self, choose: Choose) -> None:
        self.choose = choose

    def block(self, number: int) -> nn.Module:
        width = Ways.widths[number]
        fixed = nn.Conv2d(width, width, 1) if number in (1, 3) else nn.Identity()
        if number == 2:
            return self.choose.one(
                "inner", {"plain": lambda: fixed, "wide": lambda: nn.Conv2d(width, width, 3, padding=1)}
            )
        return fixed

    def between(self, number: int, after: int) -> nn.Module:
        inputs, outputs = Ways.widths[number], [*Ways.widths, 7][after]
        options = {str(k): lambda k=k: nn.Conv2d(inputs, outputs, k, padding=k // 2) for k in (1, 3)}
        return self.choose.one("kernel", options) if after < 4 else nn.Conv2d(inputs, outputs, 1)


WAYS = Ways()


def routes(following: Any, start: int = 0) -> Iterator[tuple[int, ...]]:
    """All ways from a block to the end, by plain recursion."""
    if start == len(following):
        yield ()
    else:
        for after in following[start]:
            yield from ((start, *rest) for rest in routes(following, after))


def random_mixture(space: DecisionSpace, seed: int = 0) -> Mixture:
    drawn = np.random.default_rng(seed)
    return Mixture(
        {each.name: torch.from_numpy(drawn.dirichlet(np.ones(len(each.options)))) for each in space.decisions}
    )


def probability(space: DecisionSpace, architecture: Architecture, mixture: Mixture) -> float:
    shares = [
        float(mixture.weights[decision.name][option].detach())
        for decision, option in zip(space.decisions, architecture.point, strict=True)
        if option >= 0
    ]
    return math.prod(shares)


def test_the_space_has_as_many_networks_as_its_routes() -> None:
    found = sum(
        math.prod(2 for _ in (0,) if 2 in route) * 2 ** sum(b < 4 for b in (*route[1:],))
        for route in routes(WAYS.following)
    )
    assert WAYS.size == found == len([*WAYS.enumerate()])
    space, total = DenseNas(), 0
    for route in routes(space.following):
        stacked = sum(each in range(1, 14) for each in route)
        total += 6 ** (len(route) - 1) * 7 ** (3 * stacked)
    assert space.size == total


def test_decisions_are_asked_on_the_route_only() -> None:
    for architecture in WAYS.enumerate():
        decided, number = architecture.decisions, 1
        on = {0, 1}
        while number < 4:
            number = int(str(decided[f"block{number}/next"]).removeprefix("block"))
            on.add(number)
        assert all(int(name[5]) in on for name in decided) and ("block2/inner" in decided) == (2 in on)


@pytest.mark.parametrize("seed", range(3))
def test_the_chained_cost_is_the_mean_over_all_routes_and_has_its_slopes(seed: int) -> None:
    cost, mixture = Cost(WAYS, SMALL), random_mixture(WAYS, seed)
    for weights in mixture.weights.values():
        weights.requires_grad_()
    found = cost.expected(mixture)
    everything = [(probability(WAYS, each, mixture), cost.figures(each)) for each in WAYS.enumerate()]
    assert sum(share for share, _ in everything) == pytest.approx(1.0, abs=1e-9)
    for metric in cost.metrics:
        expected = sum(share * figures[metric] for share, figures in everything)
        assert float(found[metric]) == pytest.approx(expected, rel=1e-9)
    found["macs"].backward()
    name, step = "block2/next", 1e-4
    for k in range(2):
        ends: list[float] = []
        for sign in (1, -1):
            moved = {n: each.detach().clone() for n, each in mixture.weights.items()}
            moved[name][k] += sign * step
            ends.append(float(cost.expected(Mixture(moved))["macs"]))
        slope = mixture.weights[name].grad
        assert slope is not None and float(slope[k]) == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-4)


def test_each_network_counts_what_the_space_says() -> None:
    cost = Cost(WAYS, SMALL)
    for each in WAYS.enumerate():
        with torch.device("meta"):
            found = count(WAYS.build(each, SMALL), SMALL.input)
        assert cost.figures(each) == {
            "params": found.params,
            "macs": found.macs,
            "activation_memory": found.activation_memory,
        }


@pytest.mark.parametrize("space", [WAYS, DenseNas(width=0.1, layers=1, last=8)], ids=["ways", "dense"])
def test_a_route_in_the_network_of_all_is_its_own_network(space: DecisionSpace) -> None:
    torch.manual_seed(0)
    supernet = Supernet(space, SMALL, affine=True).eval()
    rng, images = np.random.default_rng(1), torch.randn(8, *SMALL.input)
    with torch.no_grad():
        for _ in range(3):
            architecture = space.sample(rng)
            alone = supernet.extract(architecture).train()
            torch.testing.assert_close(supernet(images, architecture), alone(images), rtol=1e-4, atol=1e-4)
            decided = {  # on blocks that are not on the route, what would lead to those that are
                each.name: torch.eye(len(each.options))[max(0, option)]
                for each, option in zip(space.decisions, architecture.point, strict=True)
            }
            torch.testing.assert_close(supernet(images, Mixture(decided)), alone(images), rtol=1e-4, atol=1e-4)


def test_a_mixture_sums_what_leads_to_a_block() -> None:
    torch.manual_seed(0)
    supernet, images = Supernet(WAYS, SMALL), torch.randn(4, *SMALL.input)
    mixture = Mixture({name: each.float() for name, each in random_mixture(WAYS).weights.items()})
    stem, route, head = supernet.network.children()  # pyright: ignore
    states: dict[int, Any] = {0: stem(images)}
    with supernet.selection.during((None, mixture.weights, {})):
        for number, after in enumerate(WAYS.following):
            given = route.blocks[number](states[number])  # pyright: ignore
            shares = mixture.weights.get(f"block{number}/next", torch.ones(1))
            for place, j in enumerate(after):
                states[j] = states.get(j, 0) + shares[place] * route.ways[number].options[place](given)  # pyright: ignore
        expected = head(states[5])
    torch.testing.assert_close(supernet(images, mixture), expected)


@pytest.mark.parametrize("seed", range(4))
def test_the_likeliest_route_is_found(seed: int) -> None:
    space = DenseNas(width=0.1, layers=1, last=8)
    mixture = random_mixture(space, seed)

    def share(route: tuple[int, ...]) -> float:
        ways = zip(route, (*route[1:], len(space.following)), strict=True)
        places = [(f"block{i}/next", space.following[i].index(j)) for i, j in ways]
        return math.prod(float(mixture.weights[name][k]) for name, k in places if name in mixture.weights)

    best = max(routes(space.following), key=share)
    found = space.discretize(mixture)
    assert tuple(space.route_of(found)) == best
    assert all(
        int(mixture.weights[name].argmax()) == option
        for name, option in zip((each.name for each in space.decisions), found.point, strict=True)
        if option >= 0 and not name.endswith("/next")
    )


@pytest.mark.parametrize("limit", [0.9, 1.0, 1.1])
def test_within_a_limit_the_worthiest_network_is_found(limit: float) -> None:
    cost, mixture = Cost(WAYS, SMALL), random_mixture(WAYS, 5)
    middle = float(np.median([cost.figures(each)["macs"] for each in WAYS.enumerate()]))
    asked = Constraint("macs", middle * limit)
    keeping = [each for each in WAYS.enumerate() if asked.holds(cost.figures(each))]
    found = Within(cost, [asked]).decode(mixture)
    assert asked.holds(cost.figures(found))
    if not asked.holds(cost.figures(WAYS.discretize(mixture))):
        assert found == max(keeping, key=lambda each: probability(WAYS, each, mixture))


def test_a_network_has_the_parameters_of_the_authors_program() -> None:
    """models/model_derived.py of JaminFong/DenseNAS counts 4,503,912 for this route, with 1,000 classes."""
    space, shape = DenseNas(), TaskShape((3, 224, 224), 1000)
    architecture = space.known(shape)["like mobilenet_v2"]
    assert space.route_of(architecture) == [0, 1, 2, 5, 8, 11, 14]
    assert Cost(space, shape).figures(architecture)["params"] == 4_503_912


def situation(layout: Layout, logits: torch.Tensor) -> Situation:
    return Situation(layout, logits, layout.exists, {}, 0.5, np.random.default_rng(0))


def test_ways_are_all_computed_and_operations_drawn() -> None:
    layout, relaxation = Layout(WAYS), SampledOnRoutes()
    logits = torch.randn(layout.exists.shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for purpose, most in (("train", 1), ("learn", 2)):
        draw = relaxation.draw(situation(layout, logits), purpose)  # pyright: ignore
        for name, row in layout.rows(draw.weights).items():
            assert float(row.sum()) == pytest.approx(1.0)
            wanted = len(row) if name.endswith("/next") else min(most, len(row))
            assert len(draw.active[name]) == int((row > 0).sum()) == wanted
            full = layout.rows(logits)[name].softmax(-1)
            if name.endswith("/next"):
                torch.testing.assert_close(row, full)


def test_the_cost_is_added_by_its_logarithm() -> None:
    term = LogSum("macs", 0.15, 15.0)
    loss = term.joined(torch.tensor(2.0), torch.tensor(225.0))
    assert float(loss) == pytest.approx(2.0 + 0.15 * 2)


def test_blocks_that_lead_nowhere_are_refused() -> None:
    class Wrong(Ways):
        def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
            parts: Any = Parts(choose)
            parts.following = ((1, 2), (3,), (3, 4), (4,))
            return nn.Sequential(choose.route(parts))

    with pytest.raises(UserError, match=r"block 1 leads to \[3\]"):
        _ = Wrong().decisions


def test_the_method_has_the_numbers_of_the_program() -> None:
    task = open_task("digits", limit=160)
    search = densenas(DenseNas(width=0.1, layers=1, last=8), task, device="cpu")
    strategy, estimator = search.strategy, search.estimator
    assert repr(estimator.terms) == repr((LogSum("macs", 0.15),))  # pyright: ignore
    assert estimator.settings.epochs == 150 and strategy.warm_up == pytest.approx(50 / 150)  # pyright: ignore
    assert estimator.settings.weight_decay == 4e-5 and estimator.validation == 0.2  # pyright: ignore
    assert repr(strategy.relaxation.optimiser) == repr(Adam(3e-4, (0.5, 0.999), 1e-3))  # pyright: ignore


@pytest.mark.parametrize("side", [8, 32, 96])
def test_images_of_any_size_are_taken(side: int) -> None:
    space = DenseNas(width=0.25, layers=1)
    shape = TaskShape((3, side, side), 4)
    network = space.build(space.sample(np.random.default_rng(2)), shape).eval()
    assert network(torch.zeros(2, 3, side, side)).shape == (2, 4)
