from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.optimize import approx_fprime, linprog

from netwright.core.graph import Edge, Graph, Node
from netwright.predictors.encodings import Paths
from netwright.predictors.kernels import (
    EditDistance,
    Exponential,
    LinearRbf,
    Matern52,
    Otmann,
    Rbf,
    WeisfeilerLehman,
)
from netwright.predictors.kernels.edit_distance import layer_edits, skip_edits
from netwright.predictors.kernels.labels import FAR, mismatch, relative_difference
from netwright.predictors.kernels.layers import layer_graph, layers_of
from netwright.predictors.kernels.transport import best_saving, best_savings, transport_cost
from netwright.spaces import Darts, NasBench201
from netwright.testing.small_spaces import Layers

SPACE = NasBench201(channels=4, cells=1)
KERNELS = [
    Exponential(SPACE),
    Exponential(SPACE, relevance=True),
    Matern52(SPACE),
    Matern52(SPACE, Paths(SPACE)),
    Rbf(SPACE, relevance=True),
    LinearRbf(SPACE),
    WeisfeilerLehman(SPACE),
    Otmann(SPACE, (0.1, 0.5)),
    EditDistance(SPACE),
]


def some(space, count, seed=0):
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


def logs_of(kernel, seed=1):
    start = np.log([each.start for each in kernel.hyperparameters()])
    return start + 0.3 * np.random.default_rng(seed).normal(size=len(start))


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: repr(kernel)[:40])
def test_a_kernel_is_symmetric_and_its_gradient_is_that_of_finite_differences(kernel):
    rows = kernel.features(some(SPACE, 8))
    measures, logs = kernel.measures(rows, rows), logs_of(kernel)
    covariance = kernel.covariance(measures, logs)
    assert covariance == pytest.approx(covariance.T, abs=1e-12)
    assert np.diag(covariance) == pytest.approx(kernel.covariance(kernel.own_measures(rows), logs), abs=1e-9)
    weights = np.random.default_rng(2).normal(size=covariance.shape)
    found = kernel.gradient(measures, covariance, logs, weights)
    expected = approx_fprime(logs, lambda at: float((weights * kernel.covariance(measures, at)).sum()), 1e-6)
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("kernel", KERNELS[:7], ids=lambda kernel: repr(kernel)[:40])
def test_these_kernels_are_positive_definite(kernel):
    rows = kernel.features(some(SPACE, 40))
    assert np.linalg.eigvalsh(kernel.covariance(kernel.measures(rows, rows), logs_of(kernel)))[0] > -1e-9


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: repr(kernel)[:40])
def test_equal_networks_are_the_same_to_every_kernel(kernel):
    # Two architectures that the benchmark calls isomorphic.
    first = SPACE.parse("|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|avg_pool_3x3~2|")
    second = next(a for a in SPACE.enumerate() if a != first and SPACE.canonical(a) == SPACE.canonical(first))
    rows = kernel.features([first, second])
    covariance = kernel.covariance(kernel.measures(rows, rows), logs_of(kernel))
    assert covariance[0, 1] == pytest.approx(covariance[0, 0])


def test_stationary_kernels_by_hand():
    first = SPACE.at(0)
    second = SPACE.architecture({**first.decisions, next(iter(first)): "nor_conv_3x3"})
    rows = Exponential(SPACE).features([first, second])
    apart = sum(a != b for a, b in zip(SPACE.canonical(first).point, SPACE.canonical(second).point, strict=True))
    measures = Exponential(SPACE).measures(rows, rows)
    assert measures[0, 0, 1] == apart
    assert Exponential(SPACE).covariance(measures, np.log([2.0]))[0, 1] == pytest.approx(np.exp(-apart / 2))
    assert Rbf(SPACE).covariance(measures, np.log([2.0]))[0, 1] == pytest.approx(np.exp(-apart / 4))
    u = np.sqrt(5 * apart / 2)
    assert Matern52(SPACE).covariance(measures, np.log([2.0]))[0, 1] == pytest.approx((1 + u + u * u / 3) * np.exp(-u))


def test_decisions_that_are_not_asked_count_as_equal_where_neither_asks_them():
    space = Layers()
    architectures = some(space, 30)
    rows = Exponential(space).features(architectures)
    expected = [
        [sum(a != b for a, b in zip(x.point, y.point, strict=True)) for y in architectures] for x in architectures
    ]
    assert np.array_equal(Exponential(space).measures(rows, rows)[0], expected)


class TestWeisfeilerLehman:
    def test_counts_by_hand(self):
        kernel = WeisfeilerLehman(SPACE, 1)
        chain = layer_graph(Graph((Node("a"), Node("b", "conv"), Node("c", "conv")), (Edge("a", "b"), Edge("b", "c"))))
        found = kernel.describe(chain)
        assert sorted(found[0].values()) == [1, 1, 2]  # input, output, two convolutions
        assert sorted(found[1].values()) == [1, 1, 1, 1]  # one behind the input, one behind a convolution

    def test_the_cosine_of_label_counts(self):
        kernel = WeisfeilerLehman(SPACE, 0)
        both = some(SPACE, 2)
        counts = [kernel.describe(layers_of(SPACE.canonical(each)))[0] for each in both]
        inner = sum(counts[0][label] * counts[1][label] for label in counts[0])
        lengths = [np.sqrt(sum(n * n for n in each.values())) for each in counts]
        rows = kernel.features(both)
        assert kernel.measures(rows, rows)[0, 0, 1] == pytest.approx(inner / lengths[0] / lengths[1])


class TestLayers:
    def test_operations_on_edges_are_layers_and_dead_ones_are_left_out(self):
        cell = SPACE.parse("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|avg_pool_3x3~2|")
        found = layers_of(cell)
        assert "nor_conv_3x3" not in found.labels and "avg_pool_3x3" not in found.labels
        assert list(np.array(found.labels)[found.is_operation]) == ["skip_connect"]

    @pytest.mark.parametrize("space", [SPACE, Darts(cells=2, channels=4)])
    def test_the_quick_way_draws_what_the_space_draws(self, space):
        for each in some(space, 4):
            quick, drawn = layers_of(each), layer_graph(space.graph(each))
            assert sorted(quick.labels) == sorted(drawn.labels)
            assert np.sort(quick.paths, axis=0) == pytest.approx(np.sort(drawn.paths, axis=0))

    def test_path_lengths_of_a_diamond(self):
        nodes = (Node("in"), Node("one", "conv"), Node("two", "conv"), Node("pool", "pool"), Node("sum"))
        edges = (Edge("in", "one"), Edge("one", "two"), Edge("two", "sum"), Edge("in", "pool"), Edge("pool", "sum"))
        found = layer_graph(Graph(nodes, edges))
        shortest, longest, walk = found.paths[-1, :3]  # from the input to the output: operations on the way
        assert (shortest, longest, walk) == (1, 2, 1.5)
        assert found.connections == [(0, 1), (0, 2), (1, 3), (2, 4), (3, 4)]


class TestTransport:
    @pytest.mark.parametrize(("supply", "demand"), [(1.0, 1.0), (0.3, 0.3), (0.3, 0.5), (2.0, 0.7)])
    def test_against_the_whole_linear_program(self, supply, demand):
        rng = np.random.default_rng(0)
        for rows, columns in ((1, 1), (2, 3), (4, 3)):
            costs = rng.uniform(0, 3, (rows, columns))
            assert transport_cost(costs, supply, demand) == pytest.approx(whole_program(costs, supply, demand))

    def test_against_every_matching(self):
        rng = np.random.default_rng(1)
        for _ in range(20):
            costs = rng.uniform(0, 4, (3, 3))
            best = min(
                sum(min(costs[i, j], 2.0) for i, j in enumerate(order)) for order in permutations(range(3))
            )  # a pair is matched, or both of it are left out
            assert transport_cost(costs, 1.0, 1.0) == pytest.approx(best)


def whole_program(costs, supply, demand):
    """Equation 1 of Kandasamy et al. 2018 with a layer more on either side that takes what is not assigned."""
    rows, columns = costs.shape
    full = np.block([[costs, np.ones((rows, 1))], [np.ones((1, columns)), np.zeros((1, 1))]])
    sums, right = [], []
    for i in range(rows + 1):
        sums.append(np.eye(rows + 1)[i][:, None].repeat(columns + 1, 1).ravel())
        right.append(supply if i < rows else demand * columns)
    for j in range(columns + 1):
        sums.append(np.eye(columns + 1)[j][None].repeat(rows + 1, 0).ravel())
        right.append(demand if j < columns else supply * rows)
    return linprog(full.ravel(), A_eq=np.array(sums), b_eq=right, bounds=(0, None)).fun


class TestOtmann:
    def test_distance_of_two_chains_by_hand(self):
        kernel = Otmann(SPACE, (0.0,))
        first, second = chain("conv_3x3"), chain("conv_3x3", "max_pool_3x3")
        profiles = [kernel.profile(each) for each in (first, second)]
        plain, normalised = kernel.distances(profiles[:1], profiles[1:])[:, 0]
        # The pooling stays alone, and of inputs and outputs 0.2 - 0.1 each.
        assert plain == pytest.approx(1 + 2 * 0.1)
        assert normalised == pytest.approx(1.2 / (1.2 + 2.4))

    def test_structure_is_felt(self):
        kernel = Otmann(SPACE, (0.5,))
        first, second = chain("conv_3x3", "max_pool_3x3"), chain("max_pool_3x3", "conv_3x3")
        profiles = [kernel.profile(each) for each in (first, second)]
        assert kernel.distances(profiles[:1], profiles[1:])[0, 0] > 0.1
        assert kernel.distances(profiles[:1], profiles[:1])[0, 0] == pytest.approx(0)

    def test_distances_are_symmetric(self):
        kernel = Otmann(SPACE)
        profiles = [kernel.profile(layers_of(each)) for each in some(SPACE, 6)]
        there, back = kernel.distances(profiles[:3], profiles[3:]), kernel.distances(profiles[3:], profiles[:3])
        assert there == pytest.approx(back)

    def test_labels(self):
        assert mismatch("conv_3x3", "conv_3x3") == 0
        assert mismatch("conv_3x3", "conv_5x5") == pytest.approx(2**0.5 / 10 * 2**0.5)
        assert mismatch("max_pool_3x3", "avg_pool_3x3") == 0.5
        assert mismatch("conv_3x3", "max_pool_3x3") == FAR


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 5), (6, 4), (8, 8), (9, 10), (0, 3)])
def test_many_savings_at_once_are_those_one_by_one(rows, columns):
    changes = -np.random.default_rng(0).random((20, rows, columns))
    changes[::3, rows // 2 :] = 0  # smaller problems, padded
    assert best_savings(changes) == pytest.approx([best_saving(each, 1.0, 1.0) for each in changes])


class TestEditDistance:
    def test_layers_against_the_textbook(self):
        # Levenshtein distance of kitten and sitting is 3.
        letters = {letter: k for k, letter in enumerate("kitensg")}
        costs = 1.0 - np.eye(len(letters))
        words = [np.array([letters[letter] for letter in word]) for word in ("kitten", "sitting", "kit", "")]
        words[-1] = words[-1].astype(np.int64)
        found = layer_edits([words[0], words[0], words[0]], [words[1], words[2], words[3]], costs)
        assert found.tolist() == [3, 3, 6]

    def test_sizes_of_one_kind_are_compared(self):
        assert relative_difference("conv_3x3", "conv_5x5") == pytest.approx(2 / 5)
        assert relative_difference("conv_3x3", "skip_connect") == 1

    def test_skip_connections_against_every_matching(self):
        rng = np.random.default_rng(0)
        for _ in range(10):
            first, second = rng.integers(1, 5, (3, 2)).astype(float), rng.integers(1, 5, (2, 2)).astype(float)
            best = min(
                1 + sum(one_skip(first[i], second[j]) for j, i in enumerate(order))
                for order in permutations(range(3), 2)
            )
            assert skip_edits([first, first[:1]], [second, first[:1]]) == pytest.approx([best, 0])

    def test_a_skip_connection_weighs_lambda(self):
        plain, skipping = SPACE.at(0), SPACE.at(0)
        plain = SPACE.parse("|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_3x3~2|")
        skipping = SPACE.parse("|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|")
        found = []
        for weight in (0.0, 1.0, 2.0):
            kernel = EditDistance(SPACE, weight)
            rows = kernel.features([plain, skipping])
            found.append(kernel.measures(rows, rows)[0, 0, 1])
        assert found[0] == 1  # one layer more
        assert found[2] - found[1] == pytest.approx(found[1] - found[0]) and found[1] > found[0]


def one_skip(a, b):
    return np.abs(a - b).sum() / np.maximum(a, b).sum()


def chain(*labels):
    """Layers one behind the other."""
    names = ["in", *(f"layer{k}" for k in range(len(labels)))]
    nodes = (Node("in"), *(Node(name, label) for name, label in zip(names[1:], labels, strict=True)))
    nodes = (*nodes, Node("output"))
    edges = tuple(Edge(a, b) for a, b in zip(names, [*names[1:], "output"], strict=True))
    return layer_graph(Graph(nodes, edges))
