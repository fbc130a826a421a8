"""BayesNAS, PGNAS, UNAS and TAS: their formulas, and that estimates have no bias."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import netwright as nw
from netwright.core.trial import Measurement, Trial
from netwright.spaces import NasBench201
from netwright.strategies.differentiable import Differentiable
from netwright.strategies.differentiable.control_variate import ControlVariate
from netwright.strategies.differentiable.few_sampled import FewSampled
from netwright.strategies.differentiable.layout import Layout
from netwright.strategies.differentiable.posterior import DropoutPosterior
from netwright.strategies.differentiable.relevance import RelevanceDetermination, relevance
from netwright.strategies.differentiable.schedules import Schedule
from netwright.testing import check_round_strategy
from netwright.testing.small_spaces import Layers

SPACE = NasBench201(channels=2, cells=1)


class Known:
    """A loss of mixtures and architectures whose gradient and Hessian are known: quadratic in the weights."""

    def __init__(self, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.layout = Layout(SPACE)
        shape = tuple(self.layout.exists.shape)
        self.slope = torch.randn(shape, generator=generator)
        self.curve = torch.rand(shape, generator=generator) + 0.1

    def weights(self, candidate: nw.Architecture | nw.Mixture) -> torch.Tensor:
        if isinstance(candidate, nw.Mixture):
            return self.layout.matrix(candidate.weights, self.slope)
        found = torch.zeros_like(self.slope)
        for name, label in candidate.decisions.items():
            row = self.layout.places[name]
            found[row, self.layout.labels[row].index(label)] = 1.0
        return found

    def told(self, proposal: nw.Proposal, share: float) -> Trial:
        w = self.weights(proposal.candidate)
        loss = (self.slope * w + 0.5 * self.curve * w**2).sum()
        gradient = self.slope + self.curve * w
        if proposal.along is not None:
            gradient = self.curve * self.layout.matrix(proposal.along, self.slope)
        metrics = {"loss": loss, "accuracy": 0.5, "score": 0.5, "epoch": 0.0, "steps": 10.0, "progress": share}
        asked = isinstance(proposal.candidate, nw.Mixture)
        return Trial(0, proposal, "completed", Measurement(metrics, self.layout.rows(gradient) if asked else None))


def turn(strategy: Any, known: Known, rng: np.random.Generator, share: float = 0.5) -> None:
    """One script of a strategy."""
    script = strategy.script(rng)
    make = next(script)
    while True:
        try:
            make = script.send(known.told(make(rng), share))
        except StopIteration:
            return


def test_the_relevance_of_switches_is_the_formula() -> None:
    switch, curvature = torch.tensor([0.5, -2.0, 0.0]), torch.tensor([3.0, 1.0, 2.0])
    covariance = 1 / (1 / 1.0 + curvature)
    wanted = switch.abs() / (1.0 - covariance).sqrt()
    assert torch.allclose(relevance(switch, curvature), wanted)
    assert float(relevance(torch.tensor(1.0), torch.tensor(1e9))) == pytest.approx(1.0, rel=1e-4)


def test_the_curvature_of_every_switch_is_exact() -> None:
    strategy, known = RelevanceDetermination(SPACE, origin=0.5, child=0.25), Known()
    generator = torch.Generator().manual_seed(1)
    strategy.options = torch.rand(strategy.options.shape, generator=generator) * known.layout.exists
    strategy.edges = torch.rand(strategy.edges.shape, generator=generator) + 0.5
    strategy.progress.share = 1.0
    turn(strategy, known, np.random.default_rng(0), 1.0)
    of_options = known.curve * strategy.edges**2 / 0.25
    of_edges = (known.curve * strategy.options**2).sum(1, keepdim=True) / 0.5
    options, edges = relevance(strategy.options, of_options), relevance(strategy.edges, of_edges)
    wanted = 1 / (1 / options.clamp(min=1e-12) + 1 / edges)
    assert torch.allclose(strategy.relevance, wanted * known.layout.exists, rtol=1e-5)
    assert strategy.is_over
    best = {name: int(row.argmax()) for name, row in known.layout.rows(strategy.relevance).items()}
    point = SPACE.indices(strategy.result())
    assert list(point) == [best[each.name] for each in SPACE.decisions]


def test_switches_follow_the_loss_and_the_lasso() -> None:
    strategy, known = RelevanceDetermination(SPACE, 0.2, 0.1, rate=0.01, momentum=0.0, plain=0.3), Known()
    before = strategy.options.clone()
    turn(strategy, known, np.random.default_rng(0), 0.1)
    assert torch.equal(strategy.options, before), "at first the weights learn alone"
    strategy.progress.share = 0.5
    turn(strategy, known, np.random.default_rng(0), 0.5)
    gradient = known.slope + known.curve * before
    assert torch.allclose(strategy.options, before - 0.01 * (gradient + 0.1 * before), atol=1e-6)
    by_edges = (gradient * before).sum(1, keepdim=True) + 0.2
    assert torch.allclose(strategy.edges, 1 - 0.01 * by_edges, atol=1e-5)


def test_probabilities_of_staying_follow_loss_and_divergence() -> None:
    strategy = DropoutPosterior(SPACE, prior=0.3, entropy=0.2, start=0.7)
    leaf = strategy.logits.values
    found = torch.autograd.grad(strategy.divergence(), leaf)[0]
    p = torch.sigmoid(leaf + strategy.offset)
    wanted = (0.3 - 0.2 * ((1 - p) / p).log()) * p * (1 - p)  # d/dp (prior p - entropy H), times dp/dlogit
    assert torch.allclose(found, wanted.detach(), atol=1e-6)
    draws = torch.stack([strategy.relaxed(np.random.default_rng(k)).detach() for k in range(400)])
    assert float((draws > 0.5).float().mean()) == pytest.approx(0.7, abs=0.02)


def test_networks_are_drawn_by_their_odds() -> None:
    strategy = DropoutPosterior(SPACE, start=0.5)
    strategy.logits._parameters.logits[0, 3] = 2.0
    rng = np.random.default_rng(0)
    first = [SPACE.indices(strategy.drawn(rng))[0] for _ in range(2000)]
    odds = np.array([1, 1, 1, np.exp(2.0), 1])
    shares = np.bincount(first, minlength=5) / len(first)
    assert shares == pytest.approx(odds / odds.sum(), abs=0.04)


def test_the_gradient_of_drawn_networks_has_no_bias_and_less_variance_than_reinforce() -> None:
    strategy, known = ControlVariate(SPACE, gap=0.0), Known()
    start = 0.5 * torch.randn(strategy.logits.values.shape, generator=torch.Generator().manual_seed(2))
    strategy.logits._parameters.logits, strategy.logits._values = start.clone(), None
    found: list[torch.Tensor] = []
    plain: list[torch.Tensor] = []

    def follow(loss: torch.Tensor) -> None:
        found.append(torch.autograd.grad(loss, strategy.logits.values)[0].double())

    strategy.logits.follow = follow  # pyright: ignore
    rng = np.random.default_rng(0)
    leaf = start.double().requires_grad_()
    p = leaf.softmax(-1)
    loss_of = (known.slope + 0.5 * known.curve).double()
    wanted = torch.autograd.grad((p * loss_of).sum(), leaf)[0]
    for _ in range(1500):
        turn(strategy, known, rng)
        z = torch.distributions.Categorical(p.detach()).sample()
        one = torch.zeros_like(start, dtype=torch.float64).scatter_(1, z[:, None], 1.0)
        plain.append((one * loss_of).sum() * (one - p.detach()))
    told = torch.stack(found)
    error = told.std(0) / len(told) ** 0.5
    assert ((told.mean(0) - wanted).abs() < 4.5 * error + 1e-3).all()
    assert float(told.var(0).mean()) < 0.5 * float(torch.stack(plain).var(0).mean())


def test_the_distance_between_losses_is_part_of_the_loss() -> None:
    """Where training and validation loss are one there is none, and nothing changes."""
    near, far = ControlVariate(SPACE, gap=0.5), ControlVariate(SPACE, gap=0.0)
    for strategy in (near, far):
        turn(strategy, Known(), np.random.default_rng(0))
    # |v - t| is 0, and its slope by either side cancels, as both gradients are one.
    assert torch.allclose(near.logits.values, far.logits.values, atol=1e-6)


def test_two_sizes_are_drawn_and_weighed_by_a_gumbel_softmax() -> None:
    strategy = Differentiable(SPACE, FewSampled(2, Schedule(0.1, 0.1)))
    taken: list[list[int]] = []
    for seed in range(300):
        proposal = strategy.ask(np.random.default_rng(seed))
        assert proposal is not None and isinstance(proposal.candidate, nw.Mixture)
        weights = next(iter(proposal.candidate.weights.values()))
        assert float(weights.detach().sum()) == pytest.approx(1.0, abs=1e-5)
        taken.append(torch.nonzero(weights.detach() > 1e-12).flatten().tolist())
        strategy = strategy.replace()
    assert all(1 <= len(each) <= 2 for each in taken)
    assert len({option for each in taken for option in each}) == 5


@pytest.mark.parametrize(
    "make",
    [RelevanceDetermination, lambda space: DropoutPosterior(space, candidates=3), ControlVariate],
    ids=["relevance", "posterior", "control"],
)
def test_the_contract_of_rounds_is_kept(make: Any) -> None:
    check_round_strategy(make, Layers())
