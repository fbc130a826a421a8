"""Training in a ball around the mixture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bilevel import Bilevel, Cell, drive, rng_of
from torch import Tensor

from netwright.core.architecture import Mixture
from netwright.core.trial import Proposal, Trial
from netwright.spaces import Darts
from netwright.strategies.differentiable import AdversarialPerturbation, Differentiable, RandomPerturbation, Schedule
from netwright.strategies.differentiable.layout import Layout
from netwright.strategies.differentiable.perturbation import moved


def weights_of(proposal: Proposal) -> dict[str, Tensor]:
    assert isinstance(proposal.candidate, Mixture)
    return {name: w.detach() for name, w in proposal.candidate.weights.items()}


def test_moved_weights_are_weights_again() -> None:
    layout = Layout(Darts(), edge_weights=True)
    weights = torch.rand(layout.exists.shape) * layout.exists
    weights = weights / weights.sum(-1, keepdim=True)
    result = moved(weights, torch.empty_like(weights).uniform_(-0.3, 0.3), layout)
    assert torch.allclose(result.sum(-1), torch.ones(len(layout.names)))
    assert float(result.min()) >= 0.0
    assert not result[~layout.exists].any()
    sources = layout.is_source.flatten()
    assert torch.equal(result[sources], weights[sources])
    assert not torch.equal(result[~sources], weights[~sources])


def test_a_row_that_would_vanish_keeps_its_largest() -> None:
    layout = Layout(Cell())
    weights = torch.tensor([[0.2, 0.5, 0.3, 0.0]] * len(layout.names))
    result = moved(weights, torch.tensor([-1.0, -0.9, -0.8, 1.0]), layout)
    assert torch.equal(result[0], torch.tensor([0.0, 1.0, 0.0, 0.0]))  # -0.8, -0.4, -0.5: the second


def test_by_hand() -> None:
    layout = Layout(Cell())
    weights = torch.tensor([[0.2, 0.5, 0.3, 0.0]] * len(layout.names))
    result = moved(weights, torch.tensor([-0.3, 0.1, 0.1, 0.1]), layout)
    assert torch.allclose(result[0], torch.tensor([0.0, 0.6, 0.4, 0.0]))


def test_random_noise_moves_only_what_is_trained() -> None:
    space = Cell()
    strategy = Differentiable(space, perturbation=RandomPerturbation(Schedule(0.05)))
    problem = Bilevel(space, epochs=1, steps=3)
    drive(strategy, problem)
    probe, train = problem.asked[2:4]
    assert (probe.purpose, train.purpose) == ("probe", "train")
    plain, noisy = weights_of(probe), weights_of(train)
    for name, weights in plain.items():
        assert float(noisy[name].sum()) == pytest.approx(1.0, abs=1e-6)
        assert 0 < float((noisy[name] - weights).abs().max()) < 0.1


def test_the_adversary_is_projected_gradient_ascent() -> None:
    """The first training mixture, found again by a loop of its own."""
    space, radius, steps = Cell(), 0.2, 4
    strategy = Differentiable(space, perturbation=AdversarialPerturbation(Schedule(radius), steps), warm_up=1.0)
    problem = Bilevel(space, epochs=1, steps=1)
    drive(strategy, problem)
    assert [each.purpose for each in problem.asked] == ["rehearse"] * (steps + 2) + ["train"]
    here = weights_of(problem.asked[0])
    point = weights_of(problem.asked[1])

    def normalised(weights: Tensor) -> Tensor:
        clipped = weights.clamp(0, 1)
        return clipped / clipped.sum()

    reference = Bilevel(space, epochs=1, steps=1)
    for step in range(steps):
        asked = weights_of(problem.asked[1 + step])
        assert all(torch.allclose(asked[name], point[name], atol=1e-6) for name in point)
        leaves = {name: w.clone().requires_grad_() for name, w in point.items()}
        loss = reference.loss(leaves, {}, 2.0)
        gradients = torch.autograd.grad(loss, list(leaves.values()))
        for (name, w), gradient in zip(leaves.items(), gradients, strict=True):
            moved_to = w.detach() + 2 * radius / steps * gradient.sign()
            point[name] = normalised(here[name] + (moved_to - here[name]).clamp(-radius, radius))
    trained = weights_of(problem.asked[-1])
    worse = reference.loss(point, {}, 2.0) >= reference.loss(here, {}, 2.0)
    assert worse  # or the test would show nothing
    assert all(torch.allclose(trained[name], point[name], atol=1e-6) for name in point)


@pytest.mark.parametrize("loss_after", [0.0, 9.0])
def test_a_mixture_that_the_ascent_made_easier_is_not_used(loss_after: float) -> None:
    space = Cell()
    strategy = Differentiable(space, perturbation=AdversarialPerturbation(steps=1), warm_up=1.0)
    problem = Bilevel(space, epochs=1, steps=1)
    for number in range(4):
        proposal = strategy.ask(rng_of(0, number))
        assert proposal is not None
        measured = problem.advance(proposal)
        if number == 2:
            measured.metrics["loss"] = torch.tensor(loss_after)  # type: ignore[index]
        strategy.tell(Trial(number, proposal, "completed", measured))
    trained, plain, worst = (weights_of(problem.asked[i])["other"] for i in (3, 0, 2))
    assert torch.equal(trained, worst if loss_after else plain)
    assert not torch.equal(plain, worst)


def test_the_radius_grows_as_the_search_goes_on() -> None:
    assert RandomPerturbation().figures(0.0) == pytest.approx({"perturbation": 0.03})
    assert AdversarialPerturbation().figures(1.0) == pytest.approx({"perturbation": 0.3})
    assert np.isclose(RandomPerturbation().radius.at(0.5), 0.165)
