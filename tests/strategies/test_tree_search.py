from __future__ import annotations

import math

import numpy as np
import pytest
from free_search import Cell, Sorted, search
from torch import nn

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, SpaceExhausted
from netwright.core.randomness import Generators
from netwright.core.space import Space
from netwright.methods import alphax, deep_architect
from netwright.predictors import Prediction, Predictor
from netwright.spaces import NasBench101
from netwright.strategies import MonteCarloTreeSearch, RandomSearch
from netwright.strategies.tree_search.tree import Node, Tree, upper_bounds
from netwright.testing import check_strategy


class Widths(DecisionSpace):
    """One ordered decision of eight options, then one of three without order."""

    def network(self, choose, shape):
        choose.value("width", [1, 2, 3, 4, 5, 6, 7, 8])
        return choose.one("op", dict.fromkeys("abc", nn.Identity))


class Knowing(Predictor):
    """A predictor that knows the share of first options, and notes what it was fitted to."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.sizes: list[int] = []

    def fit(self, architectures, values, seed=0):
        self.sizes.append(len(architectures))

    def predict(self, architectures):
        found = np.array([each.point.count(0) / len(each.point) for each in architectures])
        return Prediction(found, np.zeros(len(found)))

    def update(self, architectures, values, seed=0):
        raise NotImplementedError


def test_upper_bounds_by_hand():
    """N = 4: mean + c sqrt(2 ln 4 / n)."""
    root = Node((), 0, 3)
    root.visits = 4
    root.children = [Node((k,), 0, 0) for k in range(4)]
    for child, visits, total in zip(root.children, (3, 1, 0, 1), (1.5, 0.2, 0.0, 1.0), strict=True):
        child.visits, child.total = visits, total
    root.children[3].closed = True
    bonus = math.sqrt(2 * math.log(4))
    assert upper_bounds(root, 0.5) == pytest.approx(
        [0.5 + 0.5 * bonus / math.sqrt(3), 0.2 + 0.5 * bonus, math.inf, -math.inf]
    )


def test_a_pending_visit_is_a_virtual_loss():
    root = Node((), 0, 1)
    root.visits, root.pending = 2, 2
    root.children = [Node((0,), 0, 0)]
    root.children[0].visits, root.children[0].pending, root.children[0].total = 2, 2, 1.0
    assert upper_bounds(root, 1.0) == pytest.approx([1.0 / 4 + math.sqrt(2 * math.log(4) / 4)])


def test_rewards_reach_every_node_of_the_walk():
    """The sums in the tree equal those taken anew from the trials, whose scale has changed on the way."""
    strategy = MonteCarloTreeSearch(Cell(3), exploration=0.5)
    trials = search(strategy, 60, score=lambda a: (float(sum(a.point)) ** 2,))
    root = strategy._tree.root
    assert root.visits == len(strategy._counted) >= 60 and root.pending == 0
    assert root.visits == sum(child.visits for child in root.children)
    high = max(trial.scores[0] for trial in trials)
    for child in root.children:
        rewards = [strategy._rewards.of(t) for walk, t in strategy._counted if child in walk.nodes]
        assert child.total == pytest.approx(sum(rewards)) and child.visits == len(rewards)
        assert all(0 <= each <= 1 for each in rewards)
    assert high == 144.0  # it found (4, 4, 4)


def test_the_more_promising_child_is_visited_more():
    strategy = MonteCarloTreeSearch(Cell(6), exploration=0.3)
    search(strategy, 300, score=lambda a: (float(a.point[0] == 2) + 0.1 * (a.point[3] == 1),))
    visits = [child.visits for child in strategy._tree.root.children]
    assert visits[2] > 2 * max(visits[:2] + visits[3:])


def test_parallel_walks_part():
    strategy = MonteCarloTreeSearch(Cell(4))
    generators = Generators(0)
    firsts = {strategy.ask(generators(number)).candidate.point[0] for number in range(5)}
    assert firsts == {0, 1, 2, 3, 4}


def test_ordered_options_are_split_in_halves():
    tree = Tree(Widths().decisions, halved=[0])
    node = tree.root
    seen = []
    while node.prefix == ():
        seen.append((node.low, node.high))
        tree.expand(node)
        node = node.children[1]
    assert seen == [(0, 8), (4, 8), (6, 8)] and node.prefix == (7,)
    tree.expand(node)
    assert [child.prefix for child in node.children] == [(7, 0), (7, 1), (7, 2)]
    assert tree.path((7, 2))[-1] is node.children[2]


def test_every_architecture_is_reached_by_halves():
    strategy = deep_architect(Widths())
    assert strategy.halve == "ordered"
    trials = search(strategy, 24, score=lambda a: (float(a.point[0]),), slots=4)
    assert {trial.architecture for trial in trials} == set(Widths().enumerate())
    with pytest.raises(SpaceExhausted):
        strategy.ask(Generators(0)(24))


def test_predictions_are_averaged_into_the_reward():
    space = Cell(3)
    strategy = alphax(space, predictor=Knowing(space), simulations=4, refit=10)
    assert strategy.exploration == 4.0 and strategy.predictor is not None
    search(strategy, 35, score=lambda a: (float(a.point.count(0)),))
    assert strategy.predictor.sizes == [10, 20, 30]
    counted = [(walk, trial) for walk, trial in strategy._counted if walk.expected is not None]
    assert counted and all(0 <= walk.expected <= 1 for walk, _ in counted)
    walk, trial = counted[-1]
    assert strategy._reward(walk, trial) == pytest.approx((strategy._rewards.of(trial) + walk.expected) / 2)


def test_better_than_random_search():
    def score(architecture):
        return (float(sum(k == 0 for k in architecture.point)) + 2 * (architecture.point[0] == 0),)

    best = {
        make: np.mean([max(t.scores[0] for t in search(make(Cell(7)), 150, score, seed)) for seed in range(8)])
        for make in (RandomSearch, MonteCarloTreeSearch)
    }
    assert best[MonteCarloTreeSearch] > best[RandomSearch] + 0.5


@pytest.mark.parametrize(
    "make",
    [MonteCarloTreeSearch, lambda space: MonteCarloTreeSearch(space, halve="all")],
    ids=["branches", "halves"],
)
def test_it_keeps_to_the_protocol(make):
    check_strategy(make, exhausts=True, trials=20)
    check_strategy(make, Sorted(), trials=12)


def test_a_predictor_keeps_to_the_protocol():
    check_strategy(lambda space: alphax(space, refit=8, simulations=3), trials=16)


def test_operations_come_before_the_edges_between_them():
    space = NasBench101()
    strategy = MonteCarloTreeSearch(space)
    tree = strategy._planted()
    names = [space.decisions[place].name for place in tree.order]
    assert (
        names[:5] == [f"vertex{i}" for i in range(1, 6)] and names[5:] == [each.name for each in space.decisions][:21]
    )
    assert MonteCarloTreeSearch(space, order="space")._planted().order == tuple(range(26))
    assert MonteCarloTreeSearch(Cell(5))._planted().order == tuple(range(len(Cell(5).decisions)))
    rng = np.random.default_rng(0)
    tree.expand(tree.root)
    for child in tree.root.children:
        point = tree.rollout(child, rng)
        space.decisions.check(point)
        assert point[21] == child.prefix[0] and tree.path(point)[-1] is child


def test_better_than_random_search_where_a_space_asks_for_edges_first():
    """Mean score of the last 30 of 90, over 6 seeds: operations make it, and edges a little."""
    space = NasBench101()

    def score(architecture):
        cell = space.cell(architecture)
        return (float(sum(label == 0 for label in architecture.point[21:])) + 0.1 * len(cell.edges),)

    late = {
        make: np.mean([[t.scores[0] for t in search(make(space), 90, score, seed)][-30:] for seed in range(6)])
        for make in (RandomSearch, MonteCarloTreeSearch)
    }
    assert late[MonteCarloTreeSearch] > late[RandomSearch] + 0.5


@pytest.mark.parametrize(
    "arguments", [{"exploration": -1}, {"order": "deep"}, {"halve": "half"}, {"simulations": 0}, {"refit": 0}]
)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ConfigurationError, match="MonteCarloTreeSearch"):
        MonteCarloTreeSearch(Cell(2), **arguments)
