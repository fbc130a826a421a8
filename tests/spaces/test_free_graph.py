"""FreeGraph: graphs of layers of any size, equal for isomorphic drawings, valid after every change."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch

from netwright import Search, TaskShape
from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.estimators import Cost
from netwright.networks.counting import count
from netwright.spaces import FreeGraph
from netwright.spaces.isomorphism import canonical_order
from netwright.strategies import GeneticAlgorithm, LocalSearch, RandomSearch, RegularizedEvolution
from netwright.testing import check_space

SPACE = FreeGraph(widths=(2, 4, 8))
SHAPE = TaskShape((3, 7, 5), 4)


def renumbered(content, order):
    """The same graph with its inner layers listed in another order."""
    place = {0: 0, **{old: new for new, old in enumerate(order, 1)}}
    layers = [content[old - 1] for old in order] + [content[-1]]
    return [[*layer[:4], [place[source] for source in reversed(layer[4])]] for layer in layers]


@pytest.mark.parametrize("inputs", ["images", "vectors"])
def test_it_keeps_the_contract_of_a_space(inputs: str) -> None:
    space = FreeGraph(widths=(2, 4), inputs=inputs)
    check_space(space, SHAPE if inputs == "images" else TaskShape((5,), 3))


def test_every_order_of_the_layers_is_one_architecture() -> None:
    rng = np.random.default_rng(0)
    for _ in range(15):
        architecture = SPACE.sample(rng)
        inner = len(architecture.content) - 1
        for order in itertools.islice(itertools.permutations(range(1, inner + 1)), 130):
            data = renumbered(architecture.content, order)
            other = SPACE.parse(json.dumps(data))
            assert other == architecture and SPACE.key(other) == SPACE.key(architecture)
            assert other.digest == architecture.digest


def smallest(labels, sources):
    """The canonical form by brute force: the smallest of all numberings."""
    forms = []
    for order in itertools.permutations(range(len(labels))):
        place = {vertex: k for k, vertex in enumerate(order)}
        forms.append(tuple((labels[v], tuple(sorted(place[s] for s in sources[v]))) for v in order))
    return min(forms)


def test_only_isomorphic_graphs_have_one_form() -> None:
    rng = np.random.default_rng(1)
    ours: dict[object, set[object]] = {}
    theirs: dict[object, set[object]] = {}
    for _ in range(300):
        labels = ["ab"[int(k)] for k in rng.integers(2, size=rng.integers(2, 6))]
        sources = [[s for s in range(v) if rng.random() < 0.5] for v in range(len(labels))]
        order = canonical_order(labels, sources)
        place = {vertex: k for k, vertex in enumerate(order)}
        form = tuple((labels[v], tuple(sorted(place[s] for s in sources[v]))) for v in order)
        ours.setdefault(form, set()).add(smallest(labels, sources))
        theirs.setdefault(smallest(labels, sources), set()).add(form)
    assert len(ours) > 40
    assert max(map(len, ours.values())) == max(map(len, theirs.values())) == 1


def test_many_alike_branches_take_no_time() -> None:
    branches = 20  # 20! numberings of each depth
    labels = ["in", *["layer"] * (2 * branches), "out"]
    sources = [[], *([0] for _ in range(branches)), *([k + 1] for k in range(branches)), range(branches + 1, 41)]
    order = canonical_order([{"in": 0, "layer": 1, "out": 2}[each] for each in labels], [list(s) for s in sources])
    assert order[0] == 0 and order[-1] == 41


def test_a_long_walk_stays_within_its_limits() -> None:
    space = FreeGraph(least=2, most=6, widths=(2, 3))
    rng, sizes = np.random.default_rng(2), set()
    architecture = space.sample(rng)
    for _ in range(400):
        child = space.mutate(architecture, rng)
        assert child != architecture
        space.validate(child)
        sizes.add(len(child.content) - 1)
        architecture = child
    assert sizes == {2, 3, 4, 5, 6}
    network = space.build(architecture, SHAPE)
    assert network(torch.randn(2, *SHAPE.input)).shape == (2, 4)


def test_a_crossover_has_layers_of_both_parents() -> None:
    first = SPACE.architecture([["conv_1x1", 2, 1, "sum", [0]], ["conv_1x1", 4, 1, "sum", [1]], end(2)])
    second = SPACE.architecture([["conv_5x5", 2, 1, "sum", [0]], ["conv_5x5", 8, 1, "sum", [1]], end(2)])
    found = {SPACE.crossover(first, second, np.random.default_rng(seed)) for seed in range(40)}
    operations = [{layer[0] for layer in each.content[:-1]} for each in found]
    assert all(each == {"conv_1x1", "conv_5x5"} for each in operations) and len(found) == 4


@pytest.mark.parametrize("wiring", ["er", "ba", "ws"])
def test_samples_may_be_random_graphs(wiring: str) -> None:
    space, rng = FreeGraph(widths=(2, 4), most=12, start=8, wiring=wiring), np.random.default_rng(0)
    drawn = [space.sample(rng) for _ in range(20)]
    assert {len(each.content) - 1 for each in drawn} == {8}
    edges = {sum(sum(source > 0 for source in layer[4]) for layer in each.content[:-1]) for each in drawn}
    assert {"ba": edges == {7}, "ws": edges == {8}, "er": len(edges) > 5}[wiring]
    assert space.id == FreeGraph(widths=(2, 4), most=12).id  # how they are drawn does not say which there are
    check_space(space, SHAPE, samples=5)


def end(*sources: int) -> list[object]:
    return ["output", 0, 1, "sum", list(sources)]


CONV = ["conv_3x3", 4, 1, "sum", [0]]
WRONG = {
    "no list": ("3", "expected a list of layers"),
    "nothing": ("[]", "expected a list of layers"),
    "no layer": (json.dumps([end(0)]), "0 layers beside its output; expected 1 to 16"),
    "too many": (json.dumps([CONV] * 17 + [end(1)]), "expected 1 to 16"),
    "a circle": (json.dumps([["conv_3x3", 4, 1, "sum", [2]], ["conv_3x3", 4, 1, "sum", [1]], end(2)]), "in a circle"),
    "itself": (json.dumps([["conv_3x3", 4, 1, "sum", [1, 0]], end(1)]), "in a circle"),
    "unread": (json.dumps([CONV, CONV, end(1)]), "layer 2 is read by none"),
    "operation": (json.dumps([["conv_3x", 4, 1, "sum", [0]], end(1)]), "did you mean 'conv_3x3'"),
    "width": (json.dumps([["conv_3x3", 5, 1, "sum", [0]], end(1)]), "no width for conv_3x3 5"),
    "width of a pooling": (json.dumps([["max_pool_3x3", 4, 1, "sum", [0]], end(1)]), "no width for max_pool_3x3 4"),
    "stride": (json.dumps([["conv_3x3", 4, 3, "sum", [0]], end(1)]), "no stride for conv_3x3 3"),
    "merge": (json.dumps([["conv_3x3", 4, 1, "max", [0]], end(1)]), "no merge 'max'"),
    "nowhere": (json.dumps([["conv_3x3", 4, 1, "sum", [9]], end(1)]), "numbers from 0 to 1"),
    "truth": (json.dumps([["conv_3x3", 4, True, "sum", [0]], end(1)]), "no stride for conv_3x3 True"),
    "no sources": (json.dumps([["conv_3x3", 4, 1, "sum", []], end(1)]), "expected a list of layers"),
    "twice": (json.dumps([["conv_3x3", 4, 1, "sum", [0, 0]], end(1)]), "reads a layer twice"),
    "an inner output": (json.dumps([end(0), end(1)]), "no operation 'output'"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_graph_is_refused_in_one_line(what: str) -> None:
    text, said = WRONG[what]
    with pytest.raises(InvalidArchitecture) as told:
        SPACE.parse(text)
    assert said in str(told.value) and "\n" not in str(told.value)


def test_a_graph_of_another_space_is_refused() -> None:
    architecture = SPACE.sample(np.random.default_rng(0))
    with pytest.raises(InvalidArchitecture, match="belongs to space"):
        FreeGraph().parse(architecture.to_json())


@pytest.mark.parametrize(
    "options",
    [
        {"least": 0},
        {"least": 5, "most": 4},
        {"most": 65},
        {"widths": ()},
        {"widths": (0, 4)},
        {"operations": ("conv_9x9",)},
        {"operations": ()},
        {"inputs": "words"},
        {"start": 0},
        {"wiring": "wx"},
        {"wiring": "ws", "start": 2},
    ],
)
def test_settings_that_make_no_space_are_refused(options) -> None:
    with pytest.raises(ConfigurationError, match="FreeGraph"):
        FreeGraph(**options)


def test_vectors_need_a_space_of_vectors() -> None:
    architecture = SPACE.sample(np.random.default_rng(0))
    with pytest.raises(ConfigurationError, match="inputs='vectors'"):
        SPACE.build(architecture, TaskShape((8,), 3))


def test_its_cost_is_what_the_network_counts() -> None:
    rng, cost = np.random.default_rng(4), Cost(SPACE, SHAPE)
    for _ in range(5):
        architecture = SPACE.sample(rng)
        counted = count(SPACE.build(architecture, SHAPE), SHAPE.input)
        figures = cost.figures(architecture)
        assert (figures["params"], figures["macs"]) == (counted.params, counted.macs)


@pytest.mark.parametrize("strategy", [RandomSearch, RegularizedEvolution, GeneticAlgorithm, LocalSearch])
def test_strategies_search_it_unchanged(strategy) -> None:
    run = Search(strategy(SPACE), Cost(SPACE, SHAPE), "params:maximize").run(trials=30, progress=False)
    assert len(run.trials) == 30 and all(trial.completed for trial in run.trials)
    assert len({SPACE.key(trial.architecture) for trial in run.trials}) > 10
