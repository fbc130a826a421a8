"""Graphs that a space of a user's own declares, by the names of its decisions or by drawing them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau
from torch import nn

import netwright as nw
from netwright.core.graph import Edge, Graph, Node
from netwright.predictors.encodings import Adjacency, Flow, Paths
from netwright.predictors.encodings.cells import cells_of
from netwright.predictors.encodings.naming import named_graphs
from netwright.predictors.encodings.vertices import vertices_of
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.kernels import Matern52
from netwright.spaces import Among, NasBench101, NasBench201, Tabular

PAIRS = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
LABELS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
VERTEX_LABELS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")


class OnEdges(nw.DecisionSpace):
    """Decisions on edges in a network of a user's own, by a name that says between which states."""

    form: str = "edge{}_{}"

    def network(self, choose, shape):
        for a, b in PAIRS:
            choose.one(self.form.format(a, b), dict.fromkeys(LABELS, nn.Identity))
        return nn.Linear(1, 1)


class Drawn(nw.DecisionSpace):
    """Names that say nothing, and a drawing."""

    def network(self, choose, shape):
        for name in "abcdef":
            choose.one(name, dict.fromkeys(LABELS, nn.Identity))
        choose.value("width", [8, 16])
        return nn.Linear(1, 1)

    def graph(self, architecture):
        edges = [Edge(str(a), str(b), architecture[name]) for (a, b), name in zip(PAIRS, "abcdef", strict=True)]
        return Graph(tuple(Node(str(k)) for k in range(4)), tuple(edges))


class OnVertices(nw.DecisionSpace):
    vertices: int = 5

    def network(self, choose, shape):
        for a in range(self.vertices):
            for b in range(a + 1, self.vertices):
                choose.value(f"link/{a}/{b}", [False, True])
        for vertex in range(1, self.vertices - 1):
            choose.one(f"op{vertex - 1}", dict.fromkeys(VERTEX_LABELS, nn.Identity))
        return nn.Linear(1, 1)


@pytest.mark.parametrize("form", ["edge{}_{}", "e{}{}", "link/{}/{}", "op_on_{}_to_{}"])
def test_operations_on_edges_told_by_names_are_encoded_like_the_shipped_cells(form):
    own, shipped = OnEdges(form), NasBench201()
    points = [each.point for each in (shipped.sample(np.random.default_rng(k)) for k in range(20))]
    theirs = [nw.Architecture(shipped, point) for point in points]
    places = {(slot.source, slot.target): slot.decision for slot in cells_of(shipped).slots}
    order = [places[pair] for pair in PAIRS]
    names = [each.options for each in shipped.decisions]
    labels = [
        {form.format(*pair): names[place][each.point[place]] for pair, place in zip(PAIRS, order, strict=True)}
        for each in theirs
    ]
    ours = [own.architecture(each) for each in labels]
    for encoding in (Flow, Paths, Adjacency):
        found, expected = encoding(own).encode(ours), encoding(shipped).encode(theirs)
        assert found.shape == expected.shape
        same = [[np.array_equal(a, b) for b in rows] for rows in (found, expected) for a in rows]
        assert same[: len(ours)] == same[len(ours) :]  # tells apart what the shipped one tells apart
    assert len(cells_of(own).slots) == 6


def test_tables_with_a_column_a_decision_have_graphs_too():
    for form in ("e{}{}", "node{}/{}"):
        assert len(cells_of(Tabular({form.format(a, b): LABELS for a, b in PAIRS})).slots) == 6
    space = Tabular({f"e{a}{b}": LABELS for a, b in PAIRS})
    assert len(cells_of(space).slots) == 6 and Flow(space).dimension < Paths(space).dimension
    part = Among(space, [space.at(k) for k in range(0, 900, 7)])
    assert len(cells_of(part).slots) == 6


def test_vertices_told_by_names_are_those_of_nas_bench_101():
    own, shipped, rng = OnVertices(), NasBench101(vertices=5), np.random.default_rng(0)
    assert vertices_of(own) is not None and vertices_of(shipped) is not None
    theirs = [shipped.sample(rng) for _ in range(30)]
    ours = [nw.Architecture(own, each.point) for each in theirs]  # the decisions come in the same order
    assert np.array_equal(Paths(own).encode(ours), Paths(shipped).encode(theirs))
    assert np.array_equal(Adjacency(own).encode(ours), Adjacency(shipped).encode(theirs))
    raw = [encoding._raw(np.array([each.point for each in theirs])) for encoding in (Flow(own), Flow(shipped))]
    assert np.array_equal(*raw)  # before each is scaled to the architectures of its own space


def test_what_has_no_effect_on_the_graph_has_none_on_its_flow():
    space = NasBench101()
    one = space.parse("100000000010000000000 conv3x3-bn-relu" + " conv3x3-bn-relu" * 4)
    other = space.parse("100000000010100000000 conv3x3-bn-relu maxpool3x3" + " conv1x1-bn-relu" * 3)
    rows = Flow(space).encode([one, other, space.canonical(one)])
    assert np.array_equal(rows[0], rows[1]) and np.array_equal(rows[0], rows[2])


def test_a_graph_that_a_space_draws_is_read_and_other_decisions_follow():
    space, rng = Drawn(), np.random.default_rng(0)
    flow = Flow(space)
    architecture = space.sample(rng)
    other = space.architecture({**architecture.decisions, "width": 24 - architecture["width"]})
    one, two = flow.encode([architecture, other])
    assert np.array_equal(one[:-2], two[:-2]) and not np.array_equal(one[-2:], two[-2:])
    cut = {**dict.fromkeys("abcdef", "none"), "d": "nor_conv_3x3", "width": 8}
    rows = flow.encode([space.architecture({**cut, "a": label}) for label in LABELS])
    assert all(np.array_equal(rows[0], each) for each in rows)  # an edge that leads nowhere


@pytest.mark.parametrize(
    "names",
    [
        ["block0/op1", "block1/op1", "block2/op1"],  # state 1 is reached by two, 2 leads back
        ["s0b0", "s0b1", "s1b0", "s1b1"],
        ["layer1", "layer2", "layer3"],
        ["width_8_16", "width_16_32"],
        ["x0_1", "x2_3", "x4_5"],
    ],
)
def test_numbers_that_make_no_graph_are_none(names):
    space = Tabular({name: ["a", "b", "c"] for name in names})
    assert not named_graphs(space.decisions) and not cells_of(space).slots and vertices_of(space) is None


def test_shipped_spaces_without_cells_stay_without():
    for space in (nw.spaces.Chain(), nw.spaces.Mlp(), nw.spaces.NasBenchMacro()):
        assert not named_graphs(space.decisions)


def test_a_process_on_the_flow_of_vertices_ranks_better_than_on_decisions_alone():
    """A score of the graph alone: the number of convolutions on the longest path."""
    space, rng = OnVertices(), np.random.default_rng(0)
    cell = vertices_of(space)
    assert cell is not None
    known = list(dict.fromkeys(space.sample(rng) for _ in range(160)))

    def score(each: nw.Architecture) -> float:
        points = np.array([each.point])
        routes = [route for route in cell.routes if cell.leads(route, points)[0]]
        return max((sum(each.point[cell.vertices[v]] < 2 for v in route) for route in routes), default=-1)

    values = [float(score(each)) for each in known]
    taus = []
    for encoding in (Flow(space), nw.predictors.encodings.OneHot(space)):
        process = GaussianProcess(space, Matern52(space, encoding))
        process.fit(known[:80], values[:80], seed=0)
        taus.append(kendalltau(process.predict(known[80:]).mean, values[80:])[0])
    assert taus[0] > taus[1] + 0.1
