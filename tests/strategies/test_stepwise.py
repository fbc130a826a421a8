"""Strategies that go step by step by cost: against exhaustive search, and the rules of their papers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import netwright as nw
from netwright.core.errors import ConfigurationError, StopSearch
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.spaces import Chain, GeneticCnn, Mlp, NasBench201, Tabular
from netwright.strategies.stepwise import CostBenefit, EdgeRemoval, NetAdapt, PartialOrder
from netwright.testing import check_strategy

SIZES = Tabular({"a": [1, 2, 3, 4], "b": [1, 2, 3, 4], "c": [1, 2, 3, 4]})
PRICES, WORTHS = {"a": 1.0, "b": 2.0, "c": 4.0}, {"a": 1.0, "b": 3.0, "c": 2.0}


def cost(architecture: nw.Architecture) -> dict[str, float]:
    return {"macs": sum(PRICES[name] * float(size) for name, size in architecture.decisions.items())}  # pyright: ignore


def score(architecture: nw.Architecture) -> float:
    """Rising in each size, less and less: a concave function of a sum is submodular."""
    return sum(WORTHS[name] * math.sqrt(float(size)) for name, size in architecture.decisions.items())  # pyright: ignore


def told(strategy: nw.Strategy) -> list[Trial]:
    """All trials of a search whose scores are known, to its end."""
    strategy.know(cost)
    trials: list[Trial] = []
    rng = np.random.default_rng(0)
    with pytest.raises(StopSearch):
        while True:
            proposal = strategy.ask(rng)
            assert proposal is not None
            asked = proposal.candidate
            assert isinstance(asked, nw.Architecture)
            value, found = score(asked), Measurement({"accuracy": score(asked), **cost(asked)})
            trials.append(Trial(len(trials), proposal, "completed", found, (value,)))
            strategy.tell(trials[-1])
    return trials


def test_net_adapt_takes_the_step_that_loses_least_for_what_it_saves() -> None:
    strategy = NetAdapt(SIZES, step=0.05, target=15)
    trials = told(strategy)
    assert trials[0].architecture.decisions == {"a": 4, "b": 4, "c": 4}
    here = trials[0].architecture
    while cost(here)["macs"] > 15:
        sizes, lower = here.decisions, list[nw.Architecture]()
        for name, size in sizes.items():
            less = [k for k in range(1, int(size)) if PRICES[name] * (size - k) >= 0.05 * 28]  # pyright: ignore
            if less:
                lower.append(SIZES.architecture({**sizes, name: max(less)}))
        now = cost(here)["macs"]
        here = max(lower, key=lambda each: (score(each) - score(here)) / (now - cost(each)["macs"]))
    assert strategy.recommend(trials) == here and cost(here)["macs"] <= 15
    numbers = {each.number for each in trials}
    assert all(each.proposal.parent in numbers for each in trials[1:])


def test_net_adapt_by_score_and_its_falling_step() -> None:
    whole = told(NetAdapt(SIZES, step=0.2, decay=0.5, choose="score"))
    savings = 0.2 * 28
    parents = {each.number: each for each in whole}
    for parent, round_of in itertools.groupby(whole[1:], key=lambda each: each.proposal.parent):
        before = cost(parents[parent].architecture)["macs"]  # pyright: ignore
        assert all(cost(each.architecture)["macs"] <= before - savings for each in round_of)
        savings *= 0.5


def test_net_adapt_begins_at_the_best_of_another_strategy() -> None:
    strategy = NetAdapt(SIZES, first=nw.strategies.RandomSearch(SIZES), trials=6, reward="score / macs", step=0.05)
    trials = told(strategy)
    best = max(trials[:6], key=lambda each: each.scores[0] / each.metrics["macs"])
    assert trials[6].proposal.parent == best.number
    with pytest.raises(ConfigurationError, match="expected both"):
        NetAdapt(SIZES, trials=3)


def test_a_metric_that_is_not_known_is_refused() -> None:
    strategy = NetAdapt(SIZES, metric="mac")
    strategy.know(cost)
    strategy.tell(Trial(0, strategy.ask(np.random.default_rng(0)), "completed", Measurement({}), (1.0,)))  # pyright: ignore
    with pytest.raises(ConfigurationError, match="did you mean 'macs'"):
        strategy.ask(np.random.default_rng(0))


def test_cost_benefit_is_near_the_best_within_the_budget() -> None:
    for budget in (10, 14, 18, 22):
        strategy = CostBenefit(SIZES, budget=budget)
        trials = told(strategy)
        best = max(score(each) for each in SIZES.enumerate() if cost(each)["macs"] <= budget)
        start = score(trials[0].architecture)
        found = max(each.scores[0] for each in trials)
        assert all(cost(each.architecture)["macs"] <= budget for each in trials)
        assert found - start >= (1 - 1 / math.e) / 2 * (best - start) and found >= 0.97 * best
        assert len({each.architecture for each in trials}) == len(trials) < 64


def greedy(budget: float, rule: str) -> nw.Architecture:
    """The search by hand, with every gain measured in every round."""
    here = SIZES.architecture({"a": 1, "b": 1, "c": 1})
    while True:
        now, paid = score(here), cost(here)["macs"]
        others = [each for each in SIZES.neighbors(here) if paid < cost(each)["macs"] <= budget]
        gains = {e: (score(e) - now) / (cost(e)["macs"] - paid if rule == "ratio" else 1) for e in others}
        if not gains or max(gains.values()) <= 0:
            return here
        here = max(gains, key=lambda each: gains[each])


@pytest.mark.parametrize("rule", ["ratio", "gain"])
def test_lazy_evaluation_goes_where_the_whole_one_goes(rule) -> None:
    for budget in (12, 17, 25):
        trials = told(CostBenefit(SIZES, budget=budget, rules=(rule,)))
        assert greedy(budget, rule) in {each.architecture for each in trials}


def test_partial_order_leaves_out_what_cannot_be_better() -> None:
    strategy = PartialOrder(SIZES, most=20, tries=50)
    trials = told(strategy)
    within = [each for each in SIZES.enumerate() if cost(each)["macs"] <= 20]
    asked = {each.architecture for each in trials}
    assert asked < set(within)
    assert front(asked) == front(set(within)), "what is left out would not have been on the front"
    for left in set(within) - asked:
        assert strategy.is_pruned(left)


def front(many: set[nw.Architecture]) -> set[nw.Architecture]:
    return {each for each in many if not any(_beats(other, each) for other in many)}


def _beats(first: nw.Architecture, second: nw.Architecture) -> bool:
    a, b = (cost(first)["macs"], -score(first)), (cost(second)["macs"], -score(second))
    return a != b and a[0] <= b[0] and a[1] <= b[1]


def test_the_order_is_partial_and_layers_that_are_not_there_are_below() -> None:
    space = Chain(width=4)
    strategy, rng = PartialOrder(space), np.random.default_rng(0)
    deep = [space.sample(rng) for _ in range(60)]
    for each in deep[:10]:
        assert strategy.is_below(each, each)
    pairs = [(a, b) for a in deep for b in deep if a != b and strategy.is_below(a, b)]
    assert not any(strategy.is_below(b, a) for a, b in pairs)
    other = PartialOrder(NasBench201())
    assert not other.is_below(other.space.at(0), other.space.at(1)), "operations have no order"


def test_edges_are_removed_one_after_the_other() -> None:
    space = GeneticCnn(nodes=(4,), widths=(2,), kernel=3)
    strategy, rng = EdgeRemoval(space, proposals=3, reward="score - macs", keep=0.3), np.random.default_rng(0)
    trials: list[Trial] = []

    def edges(architecture: nw.Architecture) -> int:
        return str(architecture).count("1")

    with pytest.raises(StopSearch, match="1 edges are left"):
        while True:
            proposal = strategy.ask(rng)
            assert proposal is not None
            assert isinstance(proposal.candidate, nw.Architecture)
            found = Measurement({"macs": 0.01 * edges(proposal.candidate)})
            trials.append(Trial(len(trials), proposal, "completed", found, (float(rng.random()),)))
            strategy.tell(trials[-1])
    assert edges(trials[0].architecture) == max(edges(each) for each in space.enumerate())
    best = max(trials, key=lambda each: each.scores[0] - each.metrics["macs"])
    assert strategy.recommend(trials) == best.architecture
    counts = [edges(each.architecture) for each in trials]
    assert counts == [6, 5, 5, 5, 4, 4, 4, 3, 3, 3, 2, 2, 2, 1, 1]
    with pytest.raises(ConfigurationError, match="decides about no edges"):
        EdgeRemoval(NasBench201())


@pytest.mark.parametrize("cls", [NetAdapt, CostBenefit, PartialOrder])
def test_they_keep_the_contract(cls) -> None:
    check_strategy(cls)


def test_costs_are_told_by_the_search() -> None:
    """What a search counts without training reaches the strategy, wrapped or not."""
    space = Mlp(widths=(4, 8, 16), most=2)
    cost_of = nw.estimators.Cost(space, nw.TaskShape((5,), 2))

    class Known(nw.Estimator):
        metrics = ("accuracy",)

        def __init__(self) -> None:
            self.space = space

        def estimate(self, proposal: Proposal, seed: int) -> Measurement:
            return Measurement({"accuracy": 1 / (1 + cost_of.figures(proposal.candidate)["params"])})  # pyright: ignore

    strategy = NetAdapt(space, "params", step=0.3, inherit=False)
    run = nw.Search(strategy, nw.estimators.Stack(cost_of, Known()), objective="accuracy").run(trials=8)
    first = run.trials[0].metrics["params"]
    assert all(each.metrics["params"] <= 0.7 * first for each in run.trials[1:])
