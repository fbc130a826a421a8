"""What a mixture costs on average, against the sum over all architectures and finite differences; terms of the loss."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.core.decisions import INACTIVE
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.trial import Proposal
from netwright.estimators import Cost, SharedWeights
from netwright.estimators.terms import Entropy, ExpectedCost, Term, terms_of
from netwright.methods.two_level import darts
from netwright.testing.small_spaces import Layers

SHAPE = nw.TaskShape((3, 8, 8), 4)


class Nested(nw.DecisionSpace):
    """An option with a decision of its own, a node that keeps two of three sources, and an option that is soft."""

    additive_cost = True

    def network(self, choose: nw.Choose, shape: nw.TaskShape) -> nn.Module:
        def conv(k: int) -> nn.Module:
            return nn.Conv2d(3, 3, k, padding=k // 2)

        def inner() -> nn.Module:
            return choose.one("inner", {"one": lambda: conv(1), "three": lambda: conv(3), "skip": nn.Identity})

        outer = choose.one("outer", {"plain": lambda: conv(5), "nested": inner, "none": nn.Identity}, soft=("none",))
        node = choose.edges("node", [0, 1, 2], 2, {"c1": lambda _: conv(1), "c3": lambda _: conv(3)})
        return _Three(outer, node, nn.Linear(shape.features, shape.classes))


class _Three(nn.Module):
    def __init__(self, first: nn.Module, node: nn.Module, last: nn.Module) -> None:
        super().__init__()
        self.first, self.node, self.last = first, node, last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.node([x, self.first(x), x]).flatten(1))


class Built(Nested):
    additive_cost = False


def mixture_of(space: nw.DecisionSpace, seed: int = 0, sources: bool = True) -> nw.Mixture:
    generator = torch.Generator().manual_seed(seed)
    return nw.Mixture(
        {
            each.name: (
                torch.rand(
                    len(each.edges) if each.kind == "sources" else len(each.options) + len(each.soft),
                    generator=generator,
                    dtype=torch.float64,
                )
                + 0.1
            ).requires_grad_()
            for each in space.decisions
            if sources or each.kind != "sources"
        }
    )


def brute_force(space: nw.DecisionSpace, cost: Cost, mixture: nw.Mixture) -> list[float]:
    """The definition, in plain arithmetic."""
    total, sums = 0.0, [0.0, 0.0, 0.0]
    weights = {name: each.tolist() for name, each in mixture.weights.items()}
    for architecture in space.enumerate():
        probability = 1.0
        for decision, option in zip(space.decisions, architecture.point, strict=True):
            if option == INACTIVE:
                continue
            if decision.kind == "sources":
                own = dict(zip([s for s, _ in decision.edges], weights.get(decision.name, [1.0] * 3), strict=True))
                each = [math.prod(own[source] for source in label) for label in decision.options]  # pyright: ignore
            else:
                each = weights[decision.name][: len(decision.options)]
            probability *= each[option] / sum(each)
        total += probability
        for k, value in enumerate(cost.figures(architecture).values()):
            sums[k] += probability * value
    assert total == pytest.approx(1, abs=1e-12)
    return sums


@pytest.mark.parametrize("sources", [True, False])
@pytest.mark.parametrize(
    "space", [Nested(), Built(), Layers(3), nw.spaces.NasBench201(channels=2, cells=1)], ids=lambda each: each.name
)
def test_it_is_the_sum_over_all_architectures(space: nw.DecisionSpace, sources: bool) -> None:
    cost = Cost(space, SHAPE)
    if space.size > 5000:
        mixture = mixture_of(space)
        shares = {k: (v / v.sum()).tolist() for k, v in mixture.weights.items()}
        by_hand = cost.figures(space.at(0))["params"]
        first = space.at(0)
        for name, share in shares.items():  # each decision alone, for nothing else may change what an option adds
            options = space.decisions[space.decisions.places[name]].options
            changed = [space.architecture({**first.decisions, name: label}) for label in options]
            by_hand += sum(p * cost.figures(each)["params"] for p, each in zip(share, changed, strict=True))
            by_hand -= cost.figures(first)["params"]
        assert float(cost.expected(mixture)["params"].detach()) == pytest.approx(by_hand, rel=1e-9)
        return
    mixture = mixture_of(space, sources=sources)
    found = [float(each.detach()) for each in cost.expected(mixture).values()]
    assert found == pytest.approx(brute_force(space, cost, mixture), rel=1e-9)


@pytest.mark.parametrize("space", [Nested(), Built()], ids=lambda each: type(each).__name__)
def test_its_gradient_is_that_of_finite_differences(space: nw.DecisionSpace) -> None:
    cost, mixture = Cost(space, SHAPE), mixture_of(space)
    names = list(mixture.weights)

    def macs(*weights: torch.Tensor) -> torch.Tensor:
        return cost.expected(nw.Mixture(dict(zip(names, weights, strict=True))))["macs"] / 1e4

    assert torch.autograd.gradcheck(macs, [mixture.weights[name] for name in names])


def test_a_mixture_is_counted_as_its_mean_and_a_large_space_refused() -> None:
    space = Nested()
    found = Cost(space, SHAPE).estimate(Proposal(mixture_of(space)), 0).metrics
    assert found["macs"] == pytest.approx(float(Cost(space, SHAPE).expected(mixture_of(space))["macs"]))
    chain = nw.spaces.Chain()
    even = {each.name: torch.ones(len(each.options)) for each in chain.decisions}
    with pytest.raises(UserError, match=r"expected cost of a mixture over chain is not known: .* at most 20,000"):
        Cost(chain, nw.TaskShape((3, 32, 32), 10)).expected(nw.Mixture(even))


@pytest.fixture(scope="module")
def task() -> nw.Task:
    rng = np.random.default_rng(0)
    return nw.tasks.arrays(rng.integers(0, 255, size=(64, 8, 8, 3)).astype(np.uint8), np.arange(64) % 4)


def rounds(task: nw.Task, terms: str | list[Term]) -> SharedWeights:
    made = SharedWeights(Nested(), task, epochs=1, batch_size=8, terms=terms, device="cpu")
    made.begin(0)
    return made


def test_terms_add_to_the_loss_and_the_gradient_that_rounds_are_told(task: nw.Task) -> None:
    plain, added = rounds(task, ()), rounds(task, [ExpectedCost("macs", 0.5), Entropy(-0.25)])  # pyright: ignore
    mixture = nw.Mixture({k: v.detach().float().requires_grad_() for k, v in mixture_of(Nested()).weights.items()})
    before, after = (each.advance(Proposal(mixture, "probe")) for each in (plain, added))
    leaves = {name: each.detach().double().requires_grad_() for name, each in mixture.weights.items()}
    apart = nw.Mixture(leaves)
    cost = plain.cost
    term = 0.5 * cost.expected(apart)["macs"] / cost.of_uniform["macs"] - 0.25 * Entropy().value(apart, cost)
    term.backward()
    assert float(after.metrics["loss"] - before.metrics["loss"]) == pytest.approx(float(term), rel=1e-4)
    assert before.gradient is not None and after.gradient is not None
    for name, leaf in leaves.items():
        assert leaf.grad is not None
        assert torch.allclose(after.gradient[name] - before.gradient[name], leaf.grad.float(), atol=1e-5)
    path = Nested().at(5)
    a, b = (each.advance(Proposal(path, "probe")).metrics["loss"] for each in (plain, added))
    assert float(b - a) == pytest.approx(0.5 * cost.figures(path)["macs"] / cost.of_uniform["macs"], rel=1e-4)


def test_a_heavy_cost_has_darts_find_the_cheapest_network(task: nw.Task) -> None:
    space = Nested()
    found = darts(space, task, epochs=8, batch_size=8, architecture_rate=0.1, terms="30*macs", device="cpu").run()
    cost = Cost(space, task.shape)
    cheapest = min(cost.figures(each)["macs"] for each in space.enumerate())
    assert cost.figures(found.best.architecture)["macs"] == cheapest
    assert "terms" in found.search.configuration()["arguments"]["estimator"]["arguments"]


def test_terms_as_text() -> None:
    assert repr(terms_of("0.1*macs + -0.01*entropy+params")) == repr(
        (ExpectedCost("macs", 0.1), Entropy(-0.01), ExpectedCost("params", 1.0))
    )
    for text, message in (("0.1*macz", "did you mean 'macs'"), ("much*macs", "'much' is no number")):
        with pytest.raises(ConfigurationError, match=message):
            terms_of(text)
