"""What a space gives beyond its decisions: identity, text, networks, graphs, and errors that say what to change."""

from __future__ import annotations

import json
import operator
import pickle
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from random_spaces import FromRecipe
from torch import nn

from netwright.core.architecture import Architecture, Mixture
from netwright.core.building import EdgeSum
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, InvalidArchitecture, UserError
from netwright.core.graph import Edge
from netwright.core.task import TaskShape
from netwright.core.tracing import plain_labels

SHAPE = TaskShape((3, 8, 8), 10)


class Example(DecisionSpace):
    """Two cells that share their decisions, and a block with a choice inside a choice."""

    width: int = 4
    cells: int = 2

    def network(self, choose, shape):
        c = self.width

        def cell():
            with choose.scope("cell"):
                first = choose.edges("node1", [0, 1], 1, self.operations(), soft=["none"])
                return nn.ModuleList([first, choose.edges("node2", [0, 1, 2], 2, self.operations(), soft=["none"])])

        def conv():
            kernel = choose.value("kernel", [1, 3])
            return nn.Conv2d(shape.channels, c, kernel, padding=kernel // 2)

        stem = choose.one("stem", {"conv": conv, "point": lambda: nn.Conv2d(shape.channels, c, 1)})
        return nn.ModuleList([stem, *(cell() for _ in range(self.cells))])

    def operations(self):
        return {
            "none": lambda source: nn.Identity(),
            "skip": lambda source: nn.Identity(),
            "conv": lambda source: nn.Conv2d(self.width, self.width, 1),
        }


LABELS = {
    "stem": "conv",
    "stem/conv/kernel": 3,
    "cell/node1/sources": (1,),
    "cell/node1/1": "conv",
    "cell/node2/sources": (0, 2),
    "cell/node2/0": "skip",
    "cell/node2/2": "conv",
}


def test_decisions_of_the_example():
    space = Example()
    assert space.size == (2 + 1) * (2 * 2) * (3 * 2 * 2)
    assert [each.name for each in space.decisions][:3] == ["stem", "stem/conv/kernel", "cell/node1/sources"]
    assert space.decisions[3].soft == ("none",)
    assert space.architecture(LABELS).decisions == LABELS


def test_identity_is_that_of_the_decisions():
    assert Example(cells=5).id == Example(width=8).id == Example().id
    assert Example(cells=5) != Example()
    assert Example(cells=5).architecture(LABELS) == Example().architecture(LABELS)
    assert FromRecipe((("value", 2),)).id != FromRecipe((("value", 3),)).id
    assert Example().id.startswith("example-v1-")


def test_architectures_are_values():
    space = Example()
    architecture = space.architecture(LABELS)
    assert architecture["stem"] == "conv"
    assert list(architecture) == list(LABELS)
    assert pickle.loads(pickle.dumps(architecture)) == architecture
    assert architecture != "something else"
    assert len({architecture, space.architecture(LABELS), space.at(0)}) == 2
    with pytest.raises(AttributeError):
        architecture.content = ()
    assert json.loads(architecture.to_json()) == {
        "space": space.id,
        "decisions": {name: list(label) if isinstance(label, tuple) else label for name, label in LABELS.items()},
    }
    assert len(architecture.digest) == 64 and architecture.digest != space.at(0).digest
    everything = list(space.enumerate())
    assert sorted(everything) == sorted(everything, key=lambda each: each.point)


def test_pickled_spaces_are_the_same_object_again():
    data = pickle.dumps(Example(width=6))
    assert pickle.loads(data) is pickle.loads(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "expected a JSON object of decisions, found list"),
        ('{"decisions": [1]}', "from names to labels"),
        ('{"decisions": {}, "space": "darts-v1-0"}', "belongs to space 'darts-v1-0', not to 'example"),
        ('{"decisions": {}, "space": {}}', "belongs to space {}"),
        ('{"stam": "conv"}', "did you mean 'stem'"),
        ('{"stem": "os.system"}', "cannot take 'os.system'"),
        ('{"stem": {"a": 1}}', "cannot take"),
        ('{"stem": [[1]]}', "cannot take"),
        ('{"stem": "point", "cell/node1/sources": [0], "cell/node1/0": "none"}', "exists in mixtures only"),
        ("{}", "'stem' is missing"),
    ],
)
def test_text_that_is_no_architecture(text, message):
    with pytest.raises(InvalidArchitecture, match=message):
        Example().parse(text)


def test_enormous_text_is_refused_at_once():
    began = time.perf_counter()
    for labels in ({"stem": "x" * 3_000_000}, {"x" * 3_000_000: 1}):
        with pytest.raises(InvalidArchitecture) as refusal:
            Example().parse(json.dumps(labels))
        assert len(str(refusal.value)) < 1_000
    assert time.perf_counter() - began < 2


def test_foreign_architectures_are_refused():
    other = FromRecipe((("value", 2),)).at(0)
    with pytest.raises(InvalidArchitecture, match="belongs to space 'fromrecipe"):
        Example().build(other, SHAPE)
    with pytest.raises(InvalidArchitecture, match="option index 7"):
        Example().build(Architecture(Example(), (7,) * len(Example().decisions)), SHAPE)
    with pytest.raises(InvalidArchitecture):
        Example().from_tokens([0])


def test_the_network_is_that_of_the_decisions():
    network = Example().build(Example().architecture(LABELS), SHAPE)
    stem, first, second = network
    assert isinstance(stem, nn.Conv2d) and stem.kernel_size == (3, 3)
    for cell in (first, second):
        assert [node.sources for node in cell] == [(1,), (0, 2)]
        assert [type(each) for each in cell[1].operations] == [nn.Identity, nn.Conv2d]
    states = [torch.randn(2, 4, 8, 8) for _ in range(3)]
    torch.testing.assert_close(first[1](states), states[0] + first[1].operations[1](states[2]))
    assert isinstance(first[1], EdgeSum)


def test_the_graph_draws_shared_cells_once():
    graph = Example().graph(Example().architecture(LABELS))
    cell = {edge for edge in graph.edges if edge.target.startswith("cell/")}
    assert cell == {
        Edge("cell/input1", "cell/node1", "conv"),
        Edge("cell/input0", "cell/node2", "skip"),
        Edge("cell/node1", "cell/node2", "conv"),
    }
    assert "conv(kernel=3)" in graph.operations


def test_encoding_is_one_hot():
    space = Example()
    architecture = space.architecture(LABELS)
    vector = space.encode(architecture)
    assert vector.dtype == np.float32 and len(vector) == sum(space.decisions.sizes)
    assert vector.sum() == len(LABELS)
    assert space.tokens(architecture)[:2] == (1, 2)
    assert space.from_tokens(space.tokens(architecture)) == architecture


def mixture(**changes):
    weights = {each.name: torch.ones(len(each.options) + len(each.soft)) for each in Example().decisions}
    weights |= {"cell/node1/sources": torch.ones(2), "cell/node2/sources": torch.ones(3)}
    return Mixture({**weights, **{name.replace("__", "/"): torch.tensor(value) for name, value in changes.items()}})


def test_a_mixture_stands_for_its_heaviest_options():
    found = Example().discretize(
        mixture(
            stem=[0.1, 0.9],
            cell__node2__0=[0.2, 0.1, 9.0],  # the soft option does not count
            cell__node2__1=[0.1, 0.3, 0.0],
            cell__node2__2=[0.1, 0.2, 0.0],
            cell__node2__sources=[1.0, 1.0, 2.0],
        )
    )
    assert found["stem"] == "point" and "stem/conv/kernel" not in found.decisions
    assert found["cell/node2/sources"] == (1, 2)  # 0.2 x 1, 0.3 x 1, 0.2 x 2
    assert (found["cell/node2/1"], found["cell/node2/2"]) == ("conv", "conv")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stam": [1.0]}, "did you mean 'stem'"),
        ({"stem": [1.0]}, "1 weights for 'stem', expected 2"),
        ({"cell__node2__sources": [1.0]}, "one for each of 3 sources"),
    ],
)
def test_wrong_mixtures_are_refused(change, message):
    with pytest.raises(InvalidArchitecture, match=message):
        Example().discretize(mixture(**change))


class Asks(DecisionSpace):
    """Its decisions are whatever the function asks."""

    asks: object = None

    def network(self, choose, shape):
        self.asks(choose)
        return nn.Identity()


@pytest.mark.parametrize(
    ("asks", "message"),
    [
        (lambda c: [c.value("a", [1, 2]), c.value("a", [1, 3])], "'a' is asked twice with different options"),
        (lambda c: c.value("a", []), "'a' has no option to take"),
        (lambda c: c.value("a", [1, 1]), "lists an option twice"),
        (lambda c: c.one("a", {"x": nn.Identity}, soft=["x"]), "no option to take"),
        (lambda c: c.one("a", {"x": nn.Identity}, soft=["y"]), r"calls \['y'\] soft"),
        (lambda c: c.repeat("a", 3, 2, lambda _: nn.Identity()), "3 to 2 repetitions"),
        (lambda c: c.edges("a", [0, 1], 3, {"x": nn.Identity}), "keeps 3 of 2 sources"),
        (lambda c: c.edges("a", [0, 0], 1, {"x": nn.Identity}), "names a source twice"),
        (lambda c: c.edges("a", range(40), 20, {"x": nn.Identity}), "137,846,528,820 sets of sources"),
    ],
)
def test_networks_that_cannot_be_traced(asks, message):
    with pytest.raises(UserError, match=message):
        Asks(asks).size  # noqa: B018


def test_the_constructor_is_the_configuration():
    space = Example(cells=3)
    assert repr(space) == "Example(cells=3)"
    assert space.configuration()["arguments"] == {"width": 4, "cells": 3}
    assert space.configuration()["class"].endswith(":Example")
    assert space.replace(width=8).arguments == {"width": 8, "cells": 3}
    with pytest.raises(ConfigurationError, match=r"no option 'cels'; did you mean 'cells'\? Its options: width, cells"):
        Example(cels=3)
    with pytest.raises(ConfigurationError, match="too many positional"):
        Example(1, 2, 3)
    with pytest.raises(AttributeError):
        space.cells = 4


def test_shapes_say_what_they_are():
    assert SHAPE.is_image and SHAPE.features == 192
    assert TaskShape((7,), 2).features == 7
    with pytest.raises(UserError, match="vectors of 7 features"):
        TaskShape((7,), 2).channels  # noqa: B018
    for wrong in [((), 2), ((0,), 2), ((7,), 0)]:
        with pytest.raises(UserError):
            TaskShape(*wrong)


def test_core_and_strategies_import_without_torch():
    code = (
        "import sys, netwright.core.space, netwright.core.strategy, netwright.strategies; print('torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


class ByHand(DecisionSpace):
    def __init__(self, widths):
        self.widths = tuple(widths)

    def network(self, choose, shape):
        return nn.Linear(3, choose.value("width", self.widths))


def test_an_inherited_constructor_written_by_hand_stays() -> None:
    class Heir(ByHand):
        limit: int = 3

    class Fields(Example):
        depth: int = 2

    assert Heir([1, 2, 3]).size == 3 and Heir([1, 2, 3]) == Heir((1, 2, 3)).replace(widths=[1, 2, 3])
    assert (Fields(depth=5).depth, Fields(7, 8, 9).depth) == (5, 9)


def test_a_space_that_is_declared_a_dataclass_again_stays_a_value() -> None:
    @dataclass
    class Again(DecisionSpace):
        width: int = 4

        def network(self, choose, shape):
            return nn.Linear(self.width, choose.value("width", [1, 2]))

    assert hash(Again(3)) == hash(Again(3)) and Again(3) == Again(3) != Again(4)
    assert repr(Again(3)) == "Again(width=3)" and Again(3).at(0) == Again(4).at(0)


def test_architectures_are_ordered_and_refuse_other_types() -> None:
    low, high = Example().at(0), Example().at(1)
    assert low < high and low <= high and high > low and high >= low and low <= low and low >= low
    assert not low > high
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        with pytest.raises(TypeError, match="not supported between"):
            compare(low, 3)


@pytest.mark.parametrize("wrong", [ByHand([1, 2]).at(0), None, "text"], ids=["another space's", "None", "text"])
@pytest.mark.parametrize(
    "use",
    [
        lambda space, given: space.mutate(given, np.random.default_rng(0)),
        lambda space, given: space.crossover(space.at(0), given, np.random.default_rng(0)),
        lambda space, given: space.neighbors(given),
        lambda space, given: space.canonical(given),
        lambda space, given: space.encode(given),
        lambda space, given: space.tokens(given),
        lambda space, given: space.validate(given),
    ],
)
def test_what_is_no_architecture_of_the_space_is_refused(use, wrong) -> None:
    with pytest.raises(InvalidArchitecture, match=r"byhand-v1|expected an architecture of 'example-v1"):
        use(Example(), wrong)


def test_arguments_of_the_wrong_kind_are_named() -> None:
    space = Example()
    with pytest.raises(ConfigurationError, match="did you mean 'architectures'"):
        space.sample(np.random.default_rng(0), uniform_over="architecture")  # pyright: ignore
    with pytest.raises(UserError, match=r"whole numbers; found 1\.5"):
        space.at(1.5)  # pyright: ignore
    assert space.at(np.int64(2)) == space.at(2)
    with pytest.raises(InvalidArchitecture, match="found NoneType None"):
        space.parse(None)  # pyright: ignore


@pytest.mark.parametrize(
    "options",
    [[nn.ReLU, nn.GELU], [None, 1], [(1, 2), (3, 4)], [[3, 3], [5, 5]], [1.0, float("inf")], [float("nan"), 0.0]],
    ids=str,
)
def test_options_that_json_cannot_hold_are_refused_when_traced(options) -> None:
    with pytest.raises(UserError, match=r"decision 'width' cannot offer .*: (options are text|numbers must be finite)"):
        _ = ByHand(options).size


def test_numbers_of_numpy_become_plain_ones() -> None:
    space = ByHand(np.arange(3, 6))
    assert [space.at(rank)["width"] for rank in range(3)] == [3, 4, 5] and space.id == ByHand([3, 4, 5]).id
    assert all(type(each) is int for each in space.decisions[0].options)
    assert space.parse(space.at(1).to_json()) == space.at(1)
    assert space.build(space.at(2), SHAPE).out_features == 5
    assert plain_labels("rate", np.array([0.25, 0.5])) == [0.25, 0.5]  # pyright: ignore
