"""Encodings against a plain reading of each architecture's graph."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from netwright import spaces
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.predictors.encodings import Adjacency, Flow, OneHot, Paths
from netwright.predictors.encodings.cells import cells_of
from netwright.testing.small_spaces import Layers

CELLS = {"darts": spaces.Darts(), "nasbench201": spaces.NasBench201(), "nasnet": spaces.NasNet(nodes=3)}
ALL = {
    **CELLS,
    "chain": spaces.Chain(),
    "mlp": spaces.Mlp(),
    "nasbench101": spaces.NasBench101(),
    "one_operation": spaces.Darts(operations=("skip_connect",)),
}
ENCODINGS = (OneHot, Adjacency, Paths, Flow)


def some(space, count=20, seed=0):
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


def walked(space, architecture, ends):
    """Each cell's paths by following its drawn edges one by one: (cell, first state, operations)."""
    graph = space.graph(architecture)
    group = {node.name: node.group for node in graph.nodes}
    found = set()

    def follow(state, first, operations):
        if state in ends and operations:
            found.add((group[state], first, operations))
        for edge in graph.edges:
            if edge.source == state:
                follow(edge.target, first, (*operations, edge.operation))

    for node in graph.nodes:
        if not any(edge.target == node.name for edge in graph.edges):
            follow(node.name, node.name, ())
    return found


def ends_by_name(space):
    cells = cells_of(space)
    return {cells.states[cell][state] for cell in range(len(cells.names)) for state in cells.ends[cell]}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ALL)
def test_rows_have_their_dimension_and_are_the_same_each_time(name, encoding):
    space = ALL[name]
    made, known = encoding(space), some(space)
    rows = made.encode(known)
    assert rows.shape == (20, made.dimension) and rows.dtype == np.float32 and np.isfinite(rows).all()
    alone = np.concatenate([encoding(space).encode([each]) for each in known[:3]])
    assert np.array_equal(alone, rows[:3]) and np.array_equal(made.encode(known[::-1]), rows[::-1])
    rows[:] = -5  # what is given is a copy
    assert np.array_equal(made.encode(known[:3]), alone)
    assert made.encode([]).shape == (0, made.dimension)


@pytest.mark.parametrize("name", ALL)
def test_one_hot_is_the_spaces_own(name):
    known = some(ALL[name])
    assert np.array_equal(OneHot(ALL[name]).encode(known), [ALL[name].encode(each) for each in known])


@pytest.mark.parametrize("name", CELLS)
def test_paths_are_those_that_a_walk_finds(name):
    space, longest = CELLS[name], 3
    encoding, known = Paths(space, longest), some(CELLS[name], 5)
    rows = encoding.encode(known)
    ends = ends_by_name(space)
    column: dict[tuple, int] = {}
    walks = [{each for each in walked(space, one, ends) if len(each[2]) <= longest} for one in known]
    for own, row in zip(walks, rows, strict=True):
        ones = np.flatnonzero(row)
        assert len(own) == len(ones) and set(row[ones]) == {1.0}
        for walk in own:  # every path keeps to one column
            shared = set(ones) if walk not in column else set(ones) & column[walk]
            assert shared, walk
            column[walk] = shared
    # Two architectures' rows are as different as their sets of paths.
    for a, b in product(range(len(known)), repeat=2):
        assert np.abs(rows[a] - rows[b]).sum() == len(walks[a] ^ walks[b])


def test_known_numbers_of_paths():
    """155 in NAS-Bench-201; in DARTS 2 cells x 2 inputs x (7 + 49 + 343 + 2401), by default cut at 3 operations."""
    assert Paths(CELLS["nasbench201"]).dimension == 5 + 25 + 125
    assert Paths(CELLS["darts"], longest=4).dimension == 4 * (7 + 49 + 343 + 2401)
    assert Paths(CELLS["darts"]).dimension == 4 * (7 + 49 + 343)
    assert Paths(spaces.NasNet()).dimension == 4 * (13 + 169)


def test_outputs_of_cells():
    assert cells_of(CELLS["nasbench201"]).ends == ((3,),)
    assert cells_of(CELLS["darts"]).ends == ((2, 3, 4, 5), (2, 3, 4, 5))


@pytest.mark.parametrize("name", CELLS)
def test_adjacency_counts_the_edges_that_are_drawn(name):
    space = CELLS[name]
    cells, known = cells_of(space), some(space, 4)
    for architecture, row in zip(known, Adjacency(space).encode(known), strict=True):
        drawn = Counter((edge.source, edge.target, edge.operation) for edge in space.graph(architecture).edges)
        pairs = dict.fromkeys((slot.cell, slot.source, slot.target) for slot in cells.slots)
        expected = []
        for cell, source, target in pairs:
            own = {
                op: drawn[cells.states[cell][source], cells.states[cell][target], op] for op in cells.operations(cell)
            }
            expected += [sum(count for op, count in own.items() if op != "none"), *own.values()]
        assert row.tolist() == expected


def test_flow_of_a_cell_by_hand():
    """Two paths, of 1 and 3 edges; the edge 0~2 leads nowhere without 2~3 ... it joins the longer one."""
    space = CELLS["nasbench201"]
    encoding = Flow(space)
    cell = space.parse("|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_1x1~2|")
    raw = encoding._raw(np.array([cell.point]))[0]
    operations = [each for each in cells_of(space).operations(0) if each != "none"]
    number, rest = raw[0], raw[1:].reshape(5, len(operations) + 3)
    kinds = [*operations, "all", "computing", "weighted"]
    live, most, least, total, without = (dict(zip(kinds, each, strict=True)) for each in rest)
    assert number == 2
    assert (live["all"], most["all"], least["all"], total["all"]) == (4, 3, 1, 4)
    assert (live["weighted"], most["weighted"], least["weighted"], total["weighted"]) == (2, 2, 0, 2)
    assert (most["computing"], without["computing"], without["nor_conv_3x3"], without["all"]) == (3, 1, 1, 0)


def test_flow_is_the_same_for_cells_that_compute_the_same():
    space = CELLS["nasbench201"]
    dead = [
        "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|",
        "|none~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|",
    ]
    rows = Flow(space).encode([space.parse(each) for each in dead])
    assert np.array_equal(rows[0], rows[1])


def test_flow_has_mean_zero_and_deviation_one_over_the_space():
    rows = Flow(CELLS["nasbench201"]).encode(some(CELLS["nasbench201"], 2000, seed=3))
    varies = rows.std(axis=0) > 0
    assert np.abs(rows.mean(axis=0)).max() < 0.2 and np.abs(rows[:, varies].std(axis=0) - 1).max() < 0.35
    assert varies.sum() == 35 and not rows[:, ~varies].any()  # no path is without operations


def test_paths_of_a_nasbench101_cell_by_hand():
    """The best cell's first four vertices (Ying et al. 2019), with an operation each and a skip connection."""
    space = ALL["nasbench101"]
    matrix = [[0, 1, 1, 1, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
    operations = ["input", "conv3x3-bn-relu", "maxpool3x3", "conv1x1-bn-relu", "output"]  # numbers 0, 2, 1
    cell = space.from_matrix(matrix, operations)
    whole = np.flatnonzero(Paths(space).encode([cell])[0])
    # maxpool; conv1x1; conv3x3 then conv1x1: after the empty path, 3 of one operation, then 3 * second + first
    assert whole.tolist() == [1 + 1, 1 + 2, 1 + 3 + 3 * 1 + 0]
    assert (Paths(space).dimension, Paths(space, 3).dimension, Paths(space, 1).dimension) == (364, 40, 4)
    assert np.array_equal(Paths(space, 1).encode([cell])[0], Paths(space).encode([cell])[0, :4])
    straight = space.from_matrix([[0, 1], [0, 0]], ["input", "output"])
    assert np.flatnonzero(Paths(space).encode([straight])[0]).tolist() == [0]


def test_adjacency_of_a_nasbench101_cell_is_the_matrix_and_its_operations():
    space = ALL["nasbench101"]
    for architecture in some(space, 5):
        bits, *operations = str(architecture).split()
        labels = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
        expected = [*map(int, bits), *(float(own == label) for own in operations for label in labels)]
        row = Adjacency(space).encode([architecture])[0]
        assert row.tolist() == expected and len(row) == 21 + 15


def test_cells_that_differ_only_off_the_paths_have_the_same_paths():
    space = ALL["nasbench101"]
    for architecture in some(space, 20):
        rows = Paths(space).encode([architecture, space.canonical(architecture)])
        assert np.array_equal(rows[0], rows[1])


class Odd(DecisionSpace):
    """Decisions that are named like a cell's without being drawn as one."""

    def network(self, choose, shape):
        from torch import nn

        body = choose.one("node/0", {"a": lambda: nn.Linear(4, 4), "b": lambda: nn.Identity()})
        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, 4), body, nn.Linear(4, shape.classes))


@pytest.mark.parametrize("space", [Odd(), Layers(), ALL["mlp"], ALL["one_operation"]])
def test_a_space_whose_cells_cannot_be_read_counts_as_one_without(space):
    if not cells_of(space).slots:
        assert np.array_equal(Paths(space).encode(some(space)), OneHot(space).encode(some(space)))
        assert np.array_equal(Adjacency(space).encode(some(space)), OneHot(space).encode(some(space)))
    else:
        assert space is ALL["one_operation"]


def test_rows_are_kept_within_a_limit(monkeypatch):
    monkeypatch.setattr("netwright.predictors.encodings.encoding.MOST_BYTES", 30 * 4 * 8)
    space = CELLS["nasbench201"]
    encoding, known = OneHot(space), some(space, 40)
    for start in range(0, 40, 5):
        part = known[start : start + 5]
        assert np.array_equal(encoding.encode(part), [space.encode(each) for each in part])
        assert len(encoding._places) <= 8
    assert np.array_equal(encoding.encode(known), [space.encode(each) for each in known])


def test_another_spaces_architecture_is_refused():
    with pytest.raises(InvalidArchitecture, match="belongs to space"):
        OneHot(CELLS["nasbench201"]).encode(some(CELLS["darts"], 1))
    with pytest.raises(ConfigurationError, match="at least 1"):
        Paths(CELLS["darts"], longest=0)
