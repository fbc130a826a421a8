"""Stages with fewer options (P-DARTS), and edges decided one after the other (SGAS)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from bilevel import Bilevel, Cell, drive
from torch import nn

from netwright.core.architecture import Mixture
from netwright.core.choose import Choose
from netwright.core.errors import ConfigurationError
from netwright.core.task import TaskShape
from netwright.spaces import Darts, NasBench201
from netwright.strategies.differentiable import Adam, Differentiable, GreedyDecisions, ProgressiveShrinking
from netwright.strategies.differentiable.greedy import cells, decisions_of
from netwright.strategies.differentiable.layout import Layout


def computed(problem: Bilevel, name: str) -> list[int]:
    """How many options of a decision each training round computed."""
    return [
        len(each.candidate.active.get(name, each.candidate.weights[name]))
        for each in problem.asked
        if each.purpose == "train" and isinstance(each.candidate, Mixture)
    ]


def test_stages_compute_fewer_options_each() -> None:
    space = Darts(nodes=2)
    problem = Bilevel(space, epochs=6, steps=5)
    strategy = Differentiable(space, warm_up=0.4, shrinking=ProgressiveShrinking())
    drive(strategy, problem)
    assert computed(problem, "normal/node0/0") == [8] * 10 + [5] * 10 + [3] * 10
    stage = ["train"] * 4 + ["probe", "train"] * 6
    assert [each.purpose for each in problem.asked] == stage * 3
    assert strategy.figures() == {"options": 3.0 * len(strategy._layout.names)}


def test_the_strongest_stay_and_one_of_them_is_hard() -> None:
    layout = Layout(Darts(nodes=2))
    weights = torch.rand(layout.exists.shape)
    weights[0, 7] = 2.0  # none
    kept = ProgressiveShrinking().survivors(layout, layout.exists, weights, 5 / 8)
    assert kept.sum(-1).tolist() == [5] * len(layout.names)
    assert all(set(kept[i].nonzero().flatten().tolist()) == set(weights[i].topk(5).indices.tolist()) for i in range(4))
    # Two kept of four, both soft: the weakest of them gives way to the strongest hard option.
    layout = Layout(_TwoSoft())
    kept = ProgressiveShrinking().survivors(layout, layout.exists, torch.tensor([[0.1, 0.2, 0.4, 0.3]]), 0.5)
    assert kept.tolist() == [[False, True, True, False]]


class _TwoSoft(Cell):
    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        options = dict.fromkeys(["a", "b", "none", "nothing"], nn.Identity)
        return nn.Sequential(choose.one("only", options, soft=("none", "nothing")), nn.Linear(shape.features, 2))


def test_logits_begin_anew_with_each_stage() -> None:
    space = Cell()
    strategy = Differentiable(space, optimiser=Adam(0.5), shrinking=ProgressiveShrinking())
    problem = Bilevel(space, epochs=3, steps=4)
    drive(strategy, problem, epochs=1)
    learnt = strategy.mixture().weights["other"]
    assert float(learnt.max()) > 0.5
    proposal = strategy.ask(np.random.default_rng(0))
    assert proposal is not None
    assert isinstance(proposal.candidate, Mixture)
    weights = proposal.candidate.weights["other"].detach()
    assert sorted(weights.tolist()) == pytest.approx([0.0, 0.5, 0.5], abs=1e-3)
    assert int(learnt.argmin()) == int(weights.argmin())


def test_skips_give_way_to_the_next_strongest() -> None:
    space = Darts()
    layout = Layout(space)
    weights = torch.rand(layout.exists.shape) * 0.1
    skip = layout.labels[0].index("skip_connect")
    weights[:, skip] = torch.linspace(0.5, 0.9, len(layout.names))
    found = ProgressiveShrinking().discretize(space, layout, Mixture(layout.rows(weights)))
    labels = found.decisions
    normal = [name for name, label in labels.items() if label == "skip_connect" and name.startswith("normal/")]
    reduced = [name for name, label in labels.items() if label == "skip_connect" and name.startswith("reduce/")]
    assert len(normal) == 2
    assert len(reduced) == 8
    free = ProgressiveShrinking(most_skips=None).discretize(space, layout, Mixture(layout.rows(weights)))
    assert sum(label == "skip_connect" for label in free.decisions.values()) == 16


def test_the_limit_of_skips_holds_for_other_spaces_and_for_those_without_any() -> None:
    space = NasBench201()
    layout = Layout(space)
    weights = torch.rand(layout.exists.shape) * 0.1
    weights[:, 1] = 0.9
    found = ProgressiveShrinking().discretize(space, layout, Mixture(layout.rows(weights)))
    assert sum(label == "skip_connect" for label in found.decisions.values()) == 2
    (trial,) = drive(Differentiable(Cell(), shrinking=ProgressiveShrinking()), Bilevel(Cell()))
    Cell().validate(trial.architecture)


@pytest.mark.parametrize(
    "wrong", [{"ends": (0.5,)}, {"ends": (0.5, 0.4)}, {"keep": (0.5, 1.5)}, {"ends": (), "keep": (0.5,)}]
)
def test_stages_that_make_no_sense(wrong: dict) -> None:
    with pytest.raises(ConfigurationError, match="expected"):
        ProgressiveShrinking(**wrong)


def test_decisions_fall_on_the_papers_epochs() -> None:
    greedy = GreedyDecisions()
    assert [round(50 * greedy.date(i, 8)) for i in range(8)] == [10, 15, 20, 25, 30, 35, 40, 45]
    layout = Layout(Darts())
    assert {cell: decisions_of(layout, rows) for cell, rows in cells(layout).items()} == {"normal": 8, "reduce": 8}
    assert decisions_of(Layout(NasBench201()), range(6)) == 6


def test_the_criteria_by_hand() -> None:
    layout = Layout(Darts(nodes=2))
    rows = cells(layout)["normal"][:3]
    weights = torch.zeros(layout.exists.shape)
    weights[rows[0], :8] = torch.tensor([0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5])  # importance 0.5, certainty 1
    weights[rows[1], :8] = torch.tensor([0.4, 0.4, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2])  # 0.8, 1 - log 2 / log 7
    weights[rows[2], :8] = torch.tensor([1 / 7] * 7 + [0.0])  # 1.0, 0
    certainty = 1 - math.log(2) / math.log(7)
    expected = [0.0 * 1.0, 0.6 * certainty, 1.0 * 0.0]
    found = GreedyDecisions(1).scores(layout, rows, weights, [])
    assert list(found.values()) == pytest.approx(expected, abs=1e-6)
    past = torch.zeros(layout.exists.shape)
    past[rows[0], 0] = 1.0  # overlap 1
    past[rows[1], 0] = 1.0  # overlap 1/2
    past[rows[2], :7] = torch.tensor([1.0, 0, 0, 0, 0, 0, 0])  # overlap 1/7
    overlap = (1 / 2 - 1 / 7) / (1 - 1 / 7)
    found = GreedyDecisions(2).scores(layout, rows, weights, [past])
    assert list(found.values()) == pytest.approx([0.0, 0.6 * certainty * overlap, 0.0], abs=1e-6)


@pytest.mark.parametrize("criterion", [1, 2])
def test_every_node_ends_with_its_edges_decided(criterion: int) -> None:
    space = Darts(nodes=3)
    problem = Bilevel(space, epochs=20, steps=1)
    strategy = Differentiable(space, optimiser=Adam(0.02), shrinking=GreedyDecisions(criterion))
    (trial,) = drive(strategy, problem)
    last = problem.asked[-1].candidate
    assert isinstance(last, Mixture)
    labels = trial.architecture.decisions
    for node in strategy._layout.nodes:
        names = [strategy._layout.names[row] for row in node.rows if row is not None]
        sizes = sorted(len(last.active[name]) for name in names)
        assert sizes == [0] * (len(names) - 2) + [1, 1]
        for name in names:
            if last.active[name]:
                decision = space.decisions[space.decisions.places[name]]
                assert labels[name] == decision.options[last.active[name][0]]
                assert last.weights[name].sum() == 1.0
            else:
                assert not last.weights[name].any()
    counts = [sum(computed(problem, name)[i] == 1 for name in strategy._layout.names) for i in range(20)]
    assert counts == sorted(counts)  # what is decided stays decided
    assert counts[3] == 0
    assert counts[4] == 2  # one edge of each cell at a fifth of the training


def test_more_decisions_than_epochs_are_taken_together() -> None:
    space = Darts()
    strategy = Differentiable(space, shrinking=GreedyDecisions(2))
    (trial,) = drive(strategy, Bilevel(space, epochs=2, steps=1))
    space.validate(trial.architecture)


def test_a_criterion_is_one_or_two() -> None:
    with pytest.raises(ConfigurationError, match="expected 1 or 2"):
        GreedyDecisions(3)
