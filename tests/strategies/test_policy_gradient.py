"""Controllers learn what their papers say: the gradients are those of brute force over all architectures of a space."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import UserError
from netwright.core.randomness import Generators
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.strategies.reinforcement import (
    ClippedRatio,
    Controller,
    Factorised,
    Learning,
    Lstm,
    PolicyGradient,
)
from netwright.strategies.reinforcement.policy import answers_of, log_probabilities, taken
from netwright.strategies.reinforcement.reward import RewardOf
from netwright.testing import check_strategy
from netwright.testing.small_spaces import Layers


class Few(DecisionSpace):
    """Fifteen architectures: what is asked second depends on what was answered first."""

    def network(self, choose, shape):
        def rich():
            skip = choose.value("skip", [False, True])
            return nn.Sequential(
                nn.Flatten() if skip else nn.Identity(), choose.one("deep", dict.fromkeys("wxyz", nn.Identity))
            )

        return nn.Sequential(
            choose.one("kind", {"poor": nn.Identity, "rich": rich, "plain": nn.Identity}),
            choose.one("last", dict.fromkeys("ab", nn.Identity)),
        )


POLICIES = {
    "lstm": Lstm(hidden=7, deviation=1.0),
    "two layers": Lstm(hidden=5, layers=2, temperature=2.0, tanh_constant=2.5, deviation=1.0, sharing="options"),
    "factorised": Factorised(deviation=1.0),
}


def controller(policy, seed=0, **learning):
    made = Controller(Few(), POLICIES[policy], Learning(**learning))
    made.network.double()
    made.draw(np.random.default_rng(seed))
    return made


def everything(made):
    architectures = list(made.space.enumerate())
    return architectures, answers_of(made.sequence, architectures)


def rewards(architectures):
    return [math.sin(1.0 + 3.0 * k) for k in range(len(architectures))]


def gradient(value, made):
    found = torch.autograd.grad(value, list(made.network.parameters()), allow_unused=True)
    return torch.cat(
        [
            (torch.zeros_like(p) if g is None else g).flatten()
            for g, p in zip(found, made.network.parameters(), strict=True)
        ]
    )


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_is_a_distribution_and_its_draws_follow_it(policy):
    made = controller(policy)
    architectures, answers = everything(made)
    with torch.no_grad():
        logs = taken(log_probabilities(made.network, answers), answers)
    chances = logs.sum(1).exp()
    assert chances.sum().item() == pytest.approx(1.0, abs=1e-9)
    counts = dict.fromkeys(architectures, 0)
    rng = np.random.default_rng(1)
    for _ in range(3000):
        draw = made.draw(rng)
        counts[draw.architecture] += 1
        row = logs[architectures.index(draw.architecture)]
        assert sum(draw.log_probabilities) == pytest.approx(row.sum().item(), abs=1e-9)
        assert draw.log_probabilities == pytest.approx(row[: len(draw.log_probabilities)].tolist(), abs=1e-9)
    for chance, count in zip(chances.tolist(), counts.values(), strict=True):
        assert abs(count - 3000 * chance) < 5 * math.sqrt(3000 * chance * (1 - chance)) + 1


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("baseline", [0.0, 0.7])
def test_the_policy_gradient_is_that_of_the_expected_reward(policy, baseline):
    made = controller(policy)
    architectures, answers = everything(made)
    worth = rewards(architectures)
    chances = taken(log_probabilities(made.network, answers), answers).sum(1).exp()
    exact = gradient((chances * torch.tensor(worth, dtype=torch.float64)).sum(), made)
    mean = torch.zeros_like(exact)
    for k, chance in enumerate(chances.tolist()):
        one = answers_of(made.sequence, [architectures[k]])
        mean -= chance * gradient(made.loss(one, [worth[k] - baseline]), made)
    assert torch.allclose(mean, exact, atol=1e-9, rtol=0) and exact.abs().max() > 1e-3


@pytest.mark.parametrize("policy", POLICIES)
def test_the_entropy_bonus_has_the_gradient_of_the_entropy(policy):
    made = controller(policy, entropy=0.3)
    architectures, answers = everything(made)
    logs = taken(log_probabilities(made.network, answers), answers).sum(1)
    exact = gradient(-0.3 * (logs.exp() * logs).sum(), made)
    mean = torch.zeros_like(exact)
    for architecture, chance in zip(architectures, logs.exp().tolist(), strict=True):
        mean -= chance * gradient(made.loss(answers_of(made.sequence, [architecture]), [0.0]), made)
    assert torch.allclose(mean, exact, atol=1e-9, rtol=0) and exact.abs().max() > 1e-4


@pytest.mark.parametrize("ratio", ["answer", "architecture"])
@pytest.mark.parametrize("policy", POLICIES)
def test_the_clipped_objective_is_the_expectation_over_what_the_old_policy_draws(policy, ratio):
    made, old = controller(policy, loss=ClippedRatio(0.2, ratio)), controller(policy, seed=1)
    for ours, theirs in zip(old.network.parameters(), made.network.parameters(), strict=True):
        ours.data = theirs.data + 0.6 * ours.data  # so that some ratios are clipped, and some are not
    architectures, answers = everything(made)
    worth = rewards(architectures)
    objective, clipped = torch.zeros((), dtype=torch.float64), 0
    mean = torch.zeros_like(gradient(made.loss(answers, worth), made))
    for architecture, advantage in zip(architectures, worth, strict=True):
        one = answers_of(made.sequence, [architecture])
        new = taken(log_probabilities(made.network, one), one)
        before = taken(log_probabilities(old.network, one), one).detach()
        chance = before.sum().exp()
        ratios = (new.sum(1) if ratio == "architecture" else new[one.asked]).exp()
        ratios = ratios / (before.sum(1) if ratio == "architecture" else before[one.asked]).exp()
        for each in ratios:  # the definition, one ratio after the other
            cut = min(max(each.item(), 0.8), 1.2)
            clipped += cut != each.item()
            objective = objective + chance * (
                each * advantage if each.item() * advantage <= cut * advantage else cut * advantage
            )
        mean -= chance * gradient(made.loss(one, [advantage], before), made)
    assert torch.allclose(mean, gradient(objective, made), atol=1e-9, rtol=0)
    asked = len(architectures) if ratio == "architecture" else int(answers.asked.sum())
    assert 0 < clipped < asked


def test_ppo_begins_with_the_policy_gradient():
    plain, clipped = controller("lstm"), controller("lstm", loss=ClippedRatio())
    architectures, answers = everything(plain)
    ours, theirs = (gradient(made.loss(answers, rewards(architectures)), made) for made in (plain, clipped))
    assert torch.allclose(ours, theirs, atol=1e-12)


def test_skips_are_drawn_to_their_target():
    """With no reward, the penalty alone moves the probability of yes to the target."""
    made = Controller(Few(), Factorised(), Learning(learning_rate=0.1, skip_weight=1.0, skip_target=0.1))
    rng = np.random.default_rng(0)
    for _ in range(150):
        made.learn([made.draw(rng).architecture for _ in range(4)], [0.0] * 4)
    skip = next(
        step.question for step in made.sequence.steps if made.space.decisions[step.decision].name.endswith("skip")
    )
    logits = made.network.logits.detach()[skip, :2]
    assert logits.softmax(0)[1].item() == pytest.approx(0.1, abs=0.02)


def test_the_baseline_is_the_average_of_the_rewards_before():
    made = Controller(Few(), Factorised(), Learning(baseline=0.5))
    assert made.baseline.advantages([1.0, 3.0]) == [-1.0, 1.0]
    assert made.baseline.value == pytest.approx((0.25 * 1 + 0.5 * 3) / 0.75)
    assert made.baseline.advantages([3.0]) == pytest.approx([3 - 1.75 / 0.75])


@pytest.mark.parametrize(
    ("policy", "learning", "repeats"),
    [
        (Lstm(hidden=4), Learning(ClippedRatio(), 0.05, steps=2, entropy=0.01), True),
        (Factorised(), Learning(learning_rate=0.05), False),
    ],
)
def test_it_keeps_to_the_protocol(policy, learning, repeats):
    check_strategy(
        lambda space: PolicyGradient(space, policy, learning, batch=3, repeats=repeats), trials=20, exhausts=not repeats
    )


def test_it_finds_the_best_of_a_small_space():
    space = Layers()
    worth = {each: -sum(option for option in each.point if option > 0) for each in space.enumerate()}
    for make in (
        lambda: PolicyGradient(space, Factorised(), Learning(learning_rate=0.1)),
        lambda: PolicyGradient(space, Lstm(16), Learning(ClippedRatio(), 0.02, steps=4), batch=5),
    ):
        strategy, generators, found = make(), Generators(3), []
        for number in range(300):
            proposal = strategy.ask(generators(number))
            score = float(worth[proposal.candidate])
            found.append(score)
            strategy.tell(Trial(number, proposal, "completed", Measurement({"score": score}), (score,)))
        assert np.mean(found[-50:]) > np.mean(found[:50]) + 0.5
        assert worth[strategy.controller.likeliest()] == max(worth.values())


def test_it_learns_of_a_batch_alike_in_whatever_order_it_is_told():
    def after(order):
        strategy, generators = PolicyGradient(Layers(), Lstm(8), Learning(ClippedRatio(), 0.05), batch=4), Generators(0)
        asked = [strategy.ask(generators(number)) for number in range(4)]
        for number in order:
            strategy.tell(Trial(number, asked[number], "completed", Measurement({}), (float(number),)))
        return strategy.ask(generators(4)).memo

    assert after([0, 1, 2, 3]) == after([1, 0, 3, 2])


def test_what_is_lost_teaches_nothing_and_what_fails_is_avoided():
    space = Layers()
    asked = [Proposal(space.at(k)) for k in range(4)]
    strategy = PolicyGradient(space, Factorised(), Learning(learning_rate=0.1))
    strategy.controller.draw(np.random.default_rng(0))
    strategy.tell(Trial(0, asked[0], "completed", Measurement({}), (1.0,)))
    strategy.tell(Trial(1, asked[1], "completed", Measurement({}), (2.0,)))

    def chance(number):
        return math.exp(sum(strategy.controller.described(asked[number].candidate).log_probabilities))

    before = chance(2)
    strategy.tell(Trial(2, asked[2], "lost", reason="the machine is gone"))
    assert chance(2) == before
    strategy.tell(Trial(2, asked[2], "diverged", reason="the loss is nan"))
    assert chance(2) < before


def test_the_reward_is_a_combination_of_metrics():
    rewards = RewardOf(Layers(), "accuracy * (macs / 2M) ^ -0.5")
    good = Trial(0, Proposal(Layers().at(0)), "completed", Measurement({"accuracy": 0.5, "macs": 8e6}), (0.5, -8e6))
    failed = Trial(1, Proposal(Layers().at(1)), "diverged")
    assert rewards.of(failed, rewards.see(failed)) is None
    assert rewards.of(good, rewards.see(good)) == rewards.of(failed, rewards.see(failed)) == pytest.approx(0.25)
    with pytest.raises(UserError, match="'macs', which was not measured"):
        rewards.see(Trial(2, Proposal(Layers().at(0)), "completed", Measurement({"accuracy": 1.0}), (1.0, 0.0)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PolicyGradient(Layers(), batch=0), "batch is 0; expected a whole number of at least 1"),
        (lambda: Lstm(temperature=0.0), "temperature is 0.0; expected a number above 0"),
        (lambda: Lstm(sharing="all"), "sharing is 'all'; expected 'question' or 'options'"),
        (lambda: ClippedRatio(1.5), "clip is 1.5; expected a share"),
        (lambda: PolicyGradient(Layers(), reward="score ^"), "score"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(UserError, match=message.replace("(", r"\(")):
        make()
