"""Architectures that are known to be good are found in a space whatever options it has."""

import torch
from torch import nn

from netwright.core.closest import closest, named
from netwright.core.decision_space import DecisionSpace
from netwright.core.task import TaskShape
from netwright.spaces import Among, Chain, Mlp, Series

IMAGES = TaskShape((3, 8, 8), 4)


class Rows(DecisionSpace):
    """Layers of which no more than one may be large."""

    sizes: tuple[int, ...] = (4, 8, 32)

    def network(self, choose, shape):
        widths = []
        for i in range(2):
            choose.allow(f"row{i}/width", lambda answers: self.sizes[:2] if answers.count(32) else None)
            widths.append(choose.value(f"row{i}/width", self.sizes))
        choose.value("kind", ["plain", "other"])
        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, widths[0]), nn.Linear(widths[0], shape.outputs))


def test_the_longest_end_of_a_name_counts_and_numbers_are_the_nearest():
    found = closest(Rows(), {"width": 9, "row1/width": 3, "kind": "other"})
    assert found.decisions == {"row0/width": 8, "row1/width": 4, "kind": "other"}
    assert closest(Rows(), {"kind": "unheard of"}).decisions["kind"] == "plain"


def test_rules_are_kept():
    found = closest(Rows(), {"width": 100})
    assert [found.decisions[f"row{i}/width"] for i in range(2)] == [32, 8]


def test_each_is_named_once():
    wanted = ({"width": 4}, {"width": 5}, {"width": 8})
    found = named(Rows(), wanted, lambda each: f"rows of {each.decisions['row0/width']}")
    assert list(found) == ["rows of 4", "rows of 8"]


def test_names_are_true_of_whatever_options_a_space_has():
    assert list(Chain().known(IMAGES)) == [
        "chain of 2 convolutions a stage",
        "chain of 1 convolutions a stage",
        "chain of 2 inverted bottlenecks a stage",
    ]
    assert list(Chain(least=3, most=3, multipliers=(0.5,), kernels=(5,)).known(IMAGES)) == [
        "chain of 3 convolutions a stage",
        "chain of 3 inverted bottlenecks a stage",
    ]
    assert list(Mlp().known(IMAGES)) == ["MLP of 2 x 256", "MLP of 3 x 256", "MLP of 2 x 64", "MLP of 1 x 128"]
    assert list(Mlp(widths=(8,), least=1, most=1).known(IMAGES)) == ["MLP of 1 x 8"]
    assert list(Series(widths=(8,), operations=("conv_3",)).known(TaskShape((1, 20), 2))) == [
        "residual network of conv_3, width 8"
    ]


def test_a_known_network_is_what_its_name_says():
    network = Mlp().build(Mlp().known(TaskShape((5,), 2))["MLP of 2 x 64"], TaskShape((5,), 2))
    sizes = [(each.in_features, each.out_features) for each in network.modules() if isinstance(each, nn.Linear)]
    assert sizes == [(5, 64), (64, 64), (64, 2)]
    assert network(torch.zeros(3, 5)).shape == (3, 2)


def test_a_part_of_a_space_knows_those_that_are_listed():
    space = Mlp(widths=(8, 16), most=2)
    first, *_ = known = space.known(TaskShape((5,), 2))
    part = Among(space, [known[first], space.at(0)])
    assert list(part.known(TaskShape((5,), 2))) == [first]
    assert Among(space, [space.at(0)]).known(TaskShape((5,), 2)) == {}
