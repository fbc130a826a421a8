"""Each relaxation against a computation of its own."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from bilevel import Cell
from torch import Tensor

from netwright.spaces import Darts, NasBench201
from netwright.strategies.differentiable import (
    BinaryGates,
    Experts,
    ExponentiatedGradient,
    GumbelSoftmax,
    OneHot,
    Proximal,
    Rectified,
    Relaxation,
    Schedule,
    Sigmoid,
    Softmax,
    StraightThrough,
)
from netwright.strategies.differentiable.binary_gates import keep_mass
from netwright.strategies.differentiable.layout import Layout
from netwright.strategies.differentiable.optimiser import Horizon
from netwright.strategies.differentiable.parameters import Parameters
from netwright.strategies.differentiable.rectified import distance
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Situation

LAYOUT = Layout(NasBench201())
SHAPE = tuple(LAYOUT.exists.shape)


def situation(logits: Tensor, seed: int = 0, progress: float = 0.5, layout: Layout = LAYOUT) -> Situation:
    leaf = logits.clone().requires_grad_()
    return Situation(layout, leaf, layout.exists, {}, progress, np.random.default_rng(seed))


def drawn(relaxation: Relaxation, logits: Tensor, seed: int = 0, purpose: Purpose = "learn") -> Draw:
    return relaxation.draw(situation(logits, seed), purpose)


@pytest.mark.parametrize("relaxation", [Softmax(), Sigmoid()])
def test_the_gradient_equals_finite_differences(relaxation: Relaxation) -> None:
    logits = torch.randn(SHAPE, dtype=torch.float64)
    target = torch.rand(SHAPE, dtype=torch.float64)

    def loss(at: Tensor) -> Tensor:
        return (drawn(relaxation, at).weights - target).square().sum()

    draw = drawn(relaxation, logits)
    told = 2 * (draw.weights.detach() - target)
    found = relaxation.gradient(draw, told)
    for row, option in ((0, 0), (2, 3), (5, 4)):
        step = torch.zeros_like(logits)
        step[row, option] = 1e-6
        slope = (loss(logits + step) - loss(logits - step)) / 2e-6
        assert float(found[row, option]) == pytest.approx(float(slope.detach()), abs=1e-8)


def test_softmax_by_hand() -> None:
    logits = torch.zeros(SHAPE)
    logits[0] = torch.tensor([0.0, math.log(2.0), math.log(3.0), 0.0, 0.0])
    draw = drawn(Softmax(), logits)
    assert torch.allclose(draw.weights[0], torch.tensor([1.0, 2.0, 3.0, 1.0, 1.0]) / 8)
    told = torch.zeros(SHAPE)
    told[0, 1] = 1.0
    # dw_1/da = w_1 (delta - w) = 1/4 (delta - w)
    expected = torch.tensor([-1 / 32, 3 / 16, -3 / 32, -1 / 32, -1 / 32])
    assert torch.allclose(Softmax().gradient(draw, told)[0], expected)


def test_concrete_samples() -> None:
    logits = torch.randn(SHAPE)
    draw = drawn(GumbelSoftmax(Schedule(0.7)), logits, seed=3)
    noise = torch.from_numpy(np.random.default_rng(3).gumbel(size=SHAPE)).float()
    assert torch.allclose(draw.weights, ((logits + noise) / 0.7).softmax(-1), atol=1e-6)
    told = torch.randn(SHAPE)
    weights = draw.weights.detach()
    expected = weights * (told - (weights * told).sum(-1, keepdim=True)) / 0.7
    assert torch.allclose(GumbelSoftmax(Schedule(0.7)).gradient(draw, told), expected, atol=1e-6)


def frequencies(relaxation: Relaxation, logits: Tensor, count: int = 2000) -> Tensor:
    rng = np.random.default_rng(0)
    total = torch.zeros(SHAPE)
    for _ in range(count):
        at = Situation(LAYOUT, logits, LAYOUT.exists, {}, 0.5, rng)
        with torch.no_grad():
            draw = relaxation.draw(at, "train")
        total += (draw.weights == draw.weights.amax(-1, keepdim=True)).float()
    return total / count


@pytest.mark.parametrize("relaxation", [GumbelSoftmax(Schedule(0.5)), StraightThrough(), OneHot(), BinaryGates()])
def test_options_are_drawn_by_the_softmax_of_the_logits(relaxation: Relaxation) -> None:
    logits = torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))
    found = frequencies(relaxation, logits)
    assert float((found - logits.softmax(-1)).abs().max()) < 0.05  # 4.5 standard deviations of 2000 draws


def test_straight_through_forward_is_discrete_and_backward_is_concrete() -> None:
    logits = torch.randn(SHAPE)
    relaxation = StraightThrough(Schedule(2.0))
    draw = drawn(relaxation, logits, seed=5)
    assert sorted(draw.weights.detach().unique().tolist()) == [0.0, 1.0]
    chosen = {name: (int(draw.weights[i].argmax()),) for i, name in enumerate(LAYOUT.names)}
    assert draw.active == chosen
    noise = torch.from_numpy(np.random.default_rng(5).gumbel(size=SHAPE)).float()
    soft = ((logits + noise) / 2.0).softmax(-1)
    told = torch.randn(SHAPE) * draw.weights.detach()  # options that were not computed have no gradient
    expected = soft * (told - (soft * told).sum(-1, keepdim=True)) / 2.0
    assert torch.allclose(relaxation.gradient(draw, told), expected, atol=1e-6)


def test_several_samples_give_the_union_of_their_options() -> None:
    logits = torch.randn(SHAPE)
    relaxation = StraightThrough(Schedule(1.5), samples=3)
    draw = drawn(relaxation, logits, seed=9)
    rng = np.random.default_rng(9)
    noises = [torch.from_numpy(rng.gumbel(size=SHAPE)).float() for _ in range(3)]
    leaf = logits.clone().requires_grad_()
    union = torch.zeros(SHAPE)
    pieces = torch.zeros(SHAPE)
    for noise in noises:
        hard = torch.nn.functional.one_hot((logits + noise).argmax(-1), 5).float()
        soft = ((leaf + noise) / 1.5).softmax(-1)
        pieces = pieces + (hard * (1 - union)) * soft
        union = torch.maximum(union, hard)
    # Option `none` comes first and does not count; a row in which it alone was drawn stays as it is.
    assert torch.allclose(draw.weights.detach(), union / union[:, 1:].sum(-1, keepdim=True).clamp(min=1.0))
    assert draw.active == {name: tuple(union[i].nonzero().flatten().tolist()) for i, name in enumerate(LAYOUT.names)}
    straight = union - pieces.detach() + pieces
    total = straight[:, 1:].sum(-1, keepdim=True)
    weights = straight / torch.where(total > 0, total, torch.ones_like(total))
    told = torch.randn(SHAPE) * union
    (expected,) = torch.autograd.grad(weights, leaf, told)
    assert torch.allclose(relaxation.gradient(draw, told), expected, atol=1e-6)


def test_rectified_samples_follow_the_loss_and_a_tenth_of_the_distance() -> None:
    """Written out: p = relu / sum, noise on log p, the union divided without `none`, and the mean of |p - w|."""
    logits = torch.randn(SHAPE) + 0.5
    relaxation = Rectified(Schedule(2.0), samples=2)
    draw = drawn(relaxation, logits, seed=4)
    rng = np.random.default_rng(4)
    noises = [torch.from_numpy(rng.gumbel(size=SHAPE)).float() for _ in range(2)]
    leaf = logits.clone().requires_grad_()
    p = leaf.relu() / (leaf.relu().sum(-1, keepdim=True) + 1e-7)
    union, straight = torch.zeros(SHAPE), torch.zeros(SHAPE)
    for noise in noises:
        scores = (p + 1e-10).log() + noise
        hard = torch.nn.functional.one_hot(scores.argmax(-1), 5).float()
        soft = (scores / 2.0).softmax(-1)
        straight = straight + (hard * (1 - union)) * (1 + soft - soft.detach())
        union = torch.maximum(union, hard)
    total = straight[:, 1:].sum(-1, keepdim=True)
    weights = straight / torch.where(total > 0, total, torch.ones_like(total))
    assert torch.allclose(draw.weights.detach(), weights.detach())
    told = torch.randn(SHAPE) * union
    loss = (weights * told).sum() + 0.1 * torch.nn.functional.l1_loss(p, weights.detach())
    (expected,) = torch.autograd.grad(loss, leaf)
    found = relaxation.gradient(draw, told)
    assert torch.allclose(found, expected, atol=1e-6)
    assert not found[logits < 0].any() and found[logits > 0].any()


def test_the_distance_is_a_mean_over_each_kind_of_cell() -> None:
    layout = Layout(Darts(nodes=2))
    p, weights = torch.rand(layout.exists.shape), torch.rand(layout.exists.shape)
    expected = sum(
        torch.cat(
            [(p[i] - weights[i])[layout.exists[i]] for i, name in enumerate(layout.names) if name.startswith(kind)]
        )
        .abs()
        .mean()
        for kind in ("normal/", "reduce/")
    )
    assert torch.allclose(distance(p, weights, layout), torch.as_tensor(expected))


def test_rectified_parameters_stand_for_their_positive_parts() -> None:
    parameters = Parameters(LAYOUT)
    parameters.logits = torch.tensor([3.0, 1.0, -2.0, 0.0, -1.0]).expand(SHAPE).clone()
    assert torch.allclose(Rectified().stands_for(parameters)[0], torch.tensor([0.75, 0.25, 0.0, 0.0, 0.0]))
    started = Rectified().initial(LAYOUT, np.random.default_rng(0))
    assert float(started.mean()) == pytest.approx(1.0, abs=0.01) and 0 < float(started.std()) < 0.01


def test_the_policy_gradient_is_unbiased() -> None:
    """Brute force over all draws of one decision, with a loss that is linear in the gate."""
    logits = torch.randn(SHAPE, dtype=torch.float64, requires_grad=True)
    cost = torch.randn(5, dtype=torch.float64)
    probabilities = logits[0].softmax(-1)
    (exact,) = torch.autograd.grad((probabilities * cost).sum(), logits)
    mean = torch.zeros(SHAPE, dtype=torch.float64)
    for option in range(5):
        draw = drawn(OneHot(), logits.detach())
        draw.weights = torch.zeros(SHAPE, dtype=torch.float64)
        draw.weights[0, option] = 1.0
        told = torch.zeros_like(draw.weights)
        told[0, option] = cost[option]  # of the chosen option alone
        mean += float(probabilities[option].detach()) * OneHot().gradient(draw, told)
    assert torch.allclose(mean, exact, atol=1e-12)


def test_binary_gates_draw_two_without_replacement() -> None:
    logits = torch.zeros(SHAPE)
    logits[0] = torch.tensor([0.5, 1.5, 0.0, -0.5, 1.0])
    p = logits[0].softmax(0)
    pairs: Counter[tuple[int, ...]] = Counter()
    on: Counter[int] = Counter()
    count = 2000
    rng = np.random.default_rng(0)
    for _ in range(count):
        draw = BinaryGates().draw(Situation(LAYOUT, logits, LAYOUT.exists, {}, 0.0, rng), "learn")
        pair = draw.active[LAYOUT.names[0]]
        pairs[pair] += 1
        if pair == (1, 4):
            on[int(draw.weights[0].argmax())] += 1
        assert float(draw.weights[0].sum()) == 1.0
        assert draw.weights[0, list(pair)].sum() == 1.0
    for i in range(5):
        for j in range(i + 1, 5):
            expected = float(p[i] * p[j] / (1 - p[i]) + p[j] * p[i] / (1 - p[j]))
            assert pairs[i, j] / count == pytest.approx(expected, abs=0.05)
    between = float(p[1] / (p[1] + p[4]))
    assert on[1] / pairs[1, 4] == pytest.approx(between, abs=0.1)


def test_binary_gates_by_hand() -> None:
    logits = torch.zeros(SHAPE)
    logits[0] = torch.tensor([0.0, math.log(3.0), 5.0, 1.0, 2.0])
    moving = torch.zeros(SHAPE, dtype=torch.bool)
    moving[0, :2] = True
    draw = Draw(torch.zeros(SHAPE), {}, logits, moving)
    told = torch.zeros(SHAPE)
    told[0, :2] = torch.tensor([2.0, -1.0])
    # p' = (1/4, 3/4); sum_j p'_j dL/dg_j = -1/4; dL/da = p' (dL/dg + 1/4)
    found = BinaryGates().gradient(draw, told)[0]
    assert torch.allclose(found, torch.tensor([0.5625, -0.5625, 0.0, 0.0, 0.0]))


def test_options_that_were_not_drawn_keep_their_probabilities() -> None:
    before = torch.randn(SHAPE, dtype=torch.float64)
    moved = torch.rand(SHAPE) < 0.5
    after = keep_mass(before, torch.where(moved, before + torch.randn(SHAPE), before), moved)
    some = moved.any(-1) & ~moved.all(-1)
    assert some.any()
    left = ~moved & some[:, None]
    assert torch.allclose(after.softmax(-1)[left], before.softmax(-1)[left], atol=1e-12)
    assert torch.equal(after[~moved], before[~moved])


def test_proximal_is_discrete_and_keeps_the_strongest_edges() -> None:
    layout = Layout(Darts())
    relaxation = Proximal()
    parameters = Parameters(layout)
    parameters.logits = torch.rand(layout.exists.shape)
    alive = layout.exists
    at = Situation(layout, parameters.logits, alive, {}, 0.0, np.random.default_rng(0))
    learning, training = relaxation.draw(at, "learn"), relaxation.draw(at, "train")
    assert torch.equal(learning.weights, training.weights)
    assert not learning.active
    for node in layout.nodes:
        rows = [row for row in node.rows if row is not None]
        strongest = sorted(rows, key=lambda row: float(parameters.logits[row].max()), reverse=True)[:2]
        for row in rows:
            kept = row in strongest
            expected = torch.eye(8)[parameters.logits[row].argmax()] * kept
            assert torch.equal(training.weights[row], expected)
            assert training.active[layout.names[row]] == ((int(parameters.logits[row].argmax()),) if kept else ())
    told = torch.randn(layout.exists.shape)
    assert torch.equal(relaxation.gradient(learning, told), told)
    parameters.logits = parameters.logits + told
    relaxation.settle(learning, parameters.logits, parameters)
    assert float(parameters.logits.min()) == 0.0
    assert float(parameters.logits.max()) == 1.0


def test_experts_by_hand() -> None:
    """Rewards are clipped to the bound, weights multiplied by exp(eta R), and who cannot catch up is out."""
    parameters = Parameters(Layout(Cell()))
    row = parameters.layout.places["other"]
    optimiser = ExponentiatedGradient(learning_rate=0.5, bound=2.0)
    told = torch.zeros(parameters.logits.shape)
    told[row, :3] = torch.tensor([-3.0, 1.0, 0.0])  # rewards 2 (clipped), -1, 0
    optimiser.step({}, parameters, told, None, Horizon(0, 2))
    assert torch.allclose(parameters.logits[row, :3].exp(), torch.tensor([1.0, -0.5, 0.0]).exp())
    assert parameters.alive[row].tolist() == [True, True, True, False]  # one step is left: the gap may be 2
    optimiser.step({}, parameters, told, None, Horizon(1, 2))
    assert torch.allclose(parameters.logits[row, :3], torch.tensor([2.0, -1.0, 0.0]))
    assert parameters.alive[row].tolist() == [True, False, False, False]  # no step is left: the leader remains
    weights = Experts().draw(Situation(parameters.layout, parameters.logits, parameters.alive, {}, 1.0, None), "train")  # pyright: ignore
    assert weights.weights[row].tolist() == [1.0, 0.0, 0.0, 0.0]


def test_the_learning_rate_of_experts_is_that_of_the_bound() -> None:
    parameters = Parameters(Layout(Cell()))
    row = parameters.layout.places["other"]
    told = torch.full(parameters.logits.shape, -0.5)
    ExponentiatedGradient(wipe_out=False).step({}, parameters, told, None, Horizon(0, 50))
    assert float(parameters.logits[row, 0]) == pytest.approx(0.5 * math.sqrt(2 * math.log(3) / 50))


def test_an_expert_is_out_once_it_can_no_longer_catch_up() -> None:
    """Whatever the rewards still to come: at best it gains eta a step, and the leader loses as much."""
    rng = np.random.default_rng(0)
    wiped_early = 0
    for _ in range(20):
        parameters = Parameters(Layout(Cell()))
        row, total = parameters.layout.places["other"], 6
        optimiser = ExponentiatedGradient(learning_rate=0.3)
        hopeless = torch.zeros(3, dtype=torch.bool)
        for step in range(total):
            told = torch.from_numpy(rng.uniform(-1.5, 1.5, parameters.logits.shape)).float()
            optimiser.step({}, parameters, told, None, Horizon(step, total))
            values = parameters.logits[row, :3].masked_fill(hopeless, -torch.inf)
            hopeless |= values + 2 * 0.3 * (total - step - 1) < values.max()
            assert torch.equal(parameters.alive[row, :3], ~hopeless)
            wiped_early += step < total - 1 and bool(hopeless.any())
        assert int((~hopeless).sum()) == 1
    assert wiped_early
