from __future__ import annotations

import numpy as np
import pytest
from free_search import Cell, Single, count_a, search

from netwright.core.errors import ConfigurationError, SpaceExhausted, UserError
from netwright.core.randomness import Generators
from netwright.predictors import Prediction, Predictor
from netwright.spaces import Chain, Darts, NasBench201, NasNet
from netwright.strategies import ProgressiveBeam
from netwright.strategies.progressive import IDLE, Folds
from netwright.strategies.progressive.growth import Growth
from netwright.testing import check_strategy
from netwright.testing.small_spaces import Layers


class Counting(Predictor):
    """Knows how often the second option is taken, and notes the sizes of what it was fitted to."""

    def __init__(self, space, log=()) -> None:
        self.space = space
        self.fitted_to = []

    def fit(self, architectures, values, seed=0):
        self.fitted_to.append((len(architectures), [a.point for a in architectures]))

    def update(self, architectures, values, seed=0):
        raise NotImplementedError

    def predict(self, architectures):
        found = np.array([float(each.point.count(1)) for each in architectures])
        return Prediction(found, np.zeros(len(found)))


def growth(space, idle=IDLE):
    return Growth(space, idle)


def names(space, idle=IDLE):
    return [block.name for block in growth(space, idle).blocks]


def test_blocks_of_cells_grow_in_turn():
    assert names(NasNet(nodes=3, operations="darts")) == [
        *("normal/node0", "reduce/node0", "normal/node1", "reduce/node1", "normal/node2", "reduce/node2")
    ]
    assert names(NasBench201()) == ["cell/node1", "cell/node2", "cell/node3"]
    assert names(Layers(3)) == ["depth/0", "depth/1", "depth/2"]


@pytest.mark.parametrize(
    "space", [Darts(nodes=2), NasNet(nodes=2, operations="pnas"), Layers(3), Chain(stages=1, most=2)], ids=repr
)
def test_every_architecture_can_be_grown(space):
    """The ways to decide the blocks multiply to the size of the space, and random ones are valid architectures."""
    grow = growth(space)
    rng = np.random.default_rng(0)
    if not any(block.repeat >= 0 for block in grow.blocks):
        assert np.prod([float(len(grow.assignments(block))) for block in grow.blocks]) == space.size
    for _ in range(20):
        wishes = grow.nothing
        for block in grow.blocks:
            ways = grow.assignments(block)
            wishes = grow.grown(wishes, block, ways[rng.integers(len(ways))])
            space.decisions.check(grow.point(wishes))


def test_what_is_not_decided_is_idle_and_as_short_as_may_be():
    space = Darts(nodes=3)
    grow = growth(space)
    partial = space.from_tokens([option + 1 for option in grow.point(grow.nothing)])
    assert {label for label in partial.decisions.values() if isinstance(label, str)} == {"skip_connect"}
    layers = growth(Layers(4))
    first = layers.grown(layers.nothing, layers.blocks[0], layers.assignments(layers.blocks[0])[0])
    second = layers.grown(first, layers.blocks[1], layers.assignments(layers.blocks[1])[1])
    depths = [Layers(4).decisions.labels(layers.point(each))["depth"] for each in (first, second)]
    assert depths == [1, 2]


def test_stages_by_hand():
    """Three decisions of five options, beam 3: all 4 others than idle and idle itself, then the predicted best."""
    space = Cell(3)
    predictor = Counting(space)
    strategy = ProgressiveBeam(space, beam=10, predictor=predictor, idle=("a",))
    trials = search(strategy, 25, score=count_a)
    points = [trial.architecture.point for trial in trials]
    assert set(points[:5]) == {(k, 0, 0) for k in range(5)}
    second = points[5:15]
    assert all(point[2] == 0 and point[1] != 0 for point in second)
    assert sum(point[1] == 1 or point[0] == 1 for point in second) >= 8  # what the predictor counts comes first
    assert second[0][:2] == (1, 1)
    assert all(point[2] != 0 for point in points[15:])
    assert [size for size, _ in strategy._predictor.fitted_to] == [5, 15]
    assert not predictor.fitted_to  # its own copy was fitted


def test_extensions_are_those_of_the_evaluated():
    space = Cell(3)
    strategy = ProgressiveBeam(space, beam=4, predictor=Counting(space), idle=("a",))
    points = [trial.architecture.point for trial in search(strategy, 12)]
    pairs = {point[:2] for point in points[:8]}
    assert all(point[:2] in pairs for point in points[8:])


def test_after_the_last_stage_it_goes_on_to_the_end():
    strategy = ProgressiveBeam(Cell(2), beam=4, predictor=Counting(Cell(2)), idle=("a",))
    trials = search(strategy, 25, slots=3)
    assert {trial.architecture for trial in trials} == set(Cell(2).enumerate())
    with pytest.raises(SpaceExhausted):
        strategy.ask(Generators(0)(25))


def test_a_space_without_idle_options_is_refused():
    with pytest.raises(UserError, match=r"'edge0' has no option that computes nothing.*found a, b, c, d, e"):
        ProgressiveBeam(Cell(3))
    with pytest.raises(ConfigurationError, match="idle"):
        ProgressiveBeam(Cell(3), idle="a")


def test_folds_leave_out_a_fifth_each():
    space = Cell(3)
    folds = Folds(Counting(space))
    architectures = [space.at(k) for k in range(20)]
    folds.fit(architectures, [0.0] * 20, seed=3)
    seen = [set(member.fitted_to[0][1]) for member in folds._members]
    assert [len(each) for each in seen] == [16] * 5
    left_out = [{a.point for a in architectures} - each for each in seen]
    assert set.union(*left_out) == {a.point for a in architectures} and sum(map(len, left_out)) == 20
    prediction = folds.predict(architectures[:4])
    assert prediction.mean.shape == (4,) and (prediction.deviation == 0).all()


def test_it_keeps_to_the_protocol():
    check_strategy(lambda space: ProgressiveBeam(space, beam=8), exhausts=True, trials=40)


def test_a_single_architecture_is_asked_once():
    strategy = ProgressiveBeam(Single())
    search(strategy, 1)
    with pytest.raises(SpaceExhausted):
        strategy.ask(Generators(0)(1))
