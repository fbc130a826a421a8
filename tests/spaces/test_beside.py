"""Networks of somebody's own beside a space: drawn, changed, built, written and refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.core.task import TaskShape
from netwright.spaces import Among, Beside, Chain, FreeGraph, Mlp, NasBench101, NasBench201, WithTraining
from netwright.testing import check_space

SHAPE = TaskShape((3, 8, 8), 5)


def build(shape: TaskShape) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, shape.outputs))


class Net(nn.Module):
    """Without arguments, as for a data set of one's own."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(3 * 8 * 8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(x.flatten(1))


def beside(space: nw.Space | None = None) -> Beside:
    return Beside(space or NasBench201(channels=4, cells=1), {"mine": build, "net": Net})


def some(space: nw.DecisionSpace) -> Among:
    rng = np.random.default_rng(0)
    return Among(space, [space.sample(rng) for _ in range(12)])


def test_a_space_with_networks_beside_it_keeps_to_the_contract():
    check_space(Beside(NasBench201(channels=4, cells=1), {"mine": build}), TaskShape((3, 16, 16), 5), samples=4)


@pytest.mark.parametrize("inner", [Mlp(), Chain(), NasBench101(channels=8)], ids=lambda space: space.name)
def test_what_may_not_be_combined_is_not_beside_other_networks_either(inner):
    space, rng = beside(inner), np.random.default_rng(0)
    drawn = [space.sample(rng) for _ in range(20)]
    changed = [space.mutate(each, rng) for each in drawn]
    crossed = [space.crossover(*pair, rng) for pair in zip(drawn, changed, strict=True)]
    for each in (*drawn, *changed, *crossed, space.at(space.size - 1), space.at(space.size // 2)):
        space.validate(each)
    mask = space.decisions.options_after_each(1, np.array([each.content for each in drawn]))
    assert mask is None or mask[[each.content[0] != 0 for each in drawn]].all()


def test_of_listed_architectures_only_these_are_drawn_and_reached():
    listed, rng = some(NasBench201(channels=4, cells=1)), np.random.default_rng(0)
    space = beside(listed)
    there = {(0, *each) for each in listed.points} | {space.own(name).content for name in ("mine", "net")}
    drawn = [space.sample(rng) for _ in range(60)]
    changed = [space.mutate(each, rng) for each in drawn]
    assert {each.content for each in (*drawn, *changed)} <= there
    assert all(a != b for a, b in zip(drawn, changed, strict=True))
    assert {each.content for each in space.enumerate()} == there


def test_it_is_an_architecture_like_any_other():
    space, rng = beside(), np.random.default_rng(0)
    mine, inner = space.own("mine"), space.space
    assert space.size == inner.size + 2
    assert str(mine) == '{"network":"mine"}' and space.parse(str(mine)) == mine
    assert list(space.known(SHAPE)) == ["mine", "net"]
    theirs = inner.sample(rng)
    assert space.searched(space.parse(str(theirs))) == theirs, "what the space alone writes is read, too"
    changed = {space.mutate(mine, rng).decisions["network"] for _ in range(40)}
    assert changed == {"searched", "net"}
    drawn = [space.sample(rng) for _ in range(400)]
    assert 0 < sum(each.decisions["network"] != "searched" for each in drawn) < 200
    assert space.canonical(mine) == mine and space.graph(mine).operations == ("mine",)
    with pytest.raises(InvalidArchitecture, match="did you mean 'mine'"):
        space.parse('{"network":"mind"}')


def test_networks_are_those_of_the_functions():
    space = beside()
    torch.manual_seed(0)
    mine = space.build(space.own("mine"), SHAPE)
    torch.manual_seed(0)
    assert torch.equal(mine[1].weight, build(SHAPE)[1].weight)
    assert isinstance(space.build(space.own("net"), SHAPE), Net)
    theirs = space.space.at(7)
    twin = space.parse(str(theirs))
    assert repr(space.build(twin, SHAPE)) == repr(space.space.build(theirs, SHAPE))
    child = space.build(space.own("mine"), SHAPE)
    assert space.inherit(mine, child, space.own("mine"), space.own("mine")) == 5 * 193


def test_it_travels_and_is_told_by_where_its_networks_stand():
    space = beside()
    again = pickle.loads(pickle.dumps(space))
    assert again == space and again.id == space.id != space.space.id
    assert space.configuration()["arguments"]["networks"]["net"].endswith(":Net")
    assert "0x" not in repr(space)


def answers(outputs: int):
    return lambda shape: nn.Sequential(nn.Flatten(), nn.Linear(shape.features, outputs))


def raising(shape):
    raise OSError("no such file: weights.pt\nand more")


def of_two(width, depth):
    return nn.Linear(width, depth)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (answers(4), r"network 'mine' answers 2 examples .* \(2, 4\); expected \(2, 5\), 5 outputs an example"),
        (lambda shape: "resnet", r"network 'mine' is 'resnet'; expected its function to give an nn.Module"),
        (raising, r"network 'mine' cannot be made: OSError: no such file: weights.pt$"),
        (lambda: nn.Linear(7, 5), r"network 'mine' fails on 2 examples of shape \(3, 8, 8\): RuntimeError"),
        (of_two, r"needs the arguments width, depth; expected one, the task's shape, or none"),
        (lambda: nn.LSTM(8, 5), r"network 'mine' (fails|answers with tuple; expected one tensor)"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line_before_anything_is_trained(network, message):
    with pytest.raises(ConfigurationError, match=message) as found:
        Beside(Mlp(), {"mine": network}).require_fits(SHAPE)
    assert "\n" not in str(found.value)


def test_looking_at_it_leaves_the_random_numbers_as_they_were():
    state = torch.get_rng_state()
    beside().require_fits(SHAPE)
    assert torch.equal(state, torch.get_rng_state())


def test_what_cannot_be_beside_a_space_is_refused():
    with pytest.raises(ConfigurationError, match="FreeGraph has none"):
        Beside(FreeGraph(), {"mine": build})
    with pytest.raises(ConfigurationError, match="so that each training begins with fresh weights"):
        Beside(Mlp(), {"mine": nn.Linear(1, 1)})  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigurationError, match="cannot be called 'searched'"):
        Beside(Mlp(), {"searched": build})
    with pytest.raises(ConfigurationError, match="give all of them at once"):
        Beside(beside(), {"other": build})
    with pytest.raises(ConfigurationError, match="put WithTraining around Beside"):
        Beside(WithTraining(Mlp(), {"learning_rate": (0.1, 0.2)}), {"mine": build})


def test_how_it_is_trained_is_searched_around_it():
    space, rng = (
        WithTraining(beside(), {"learning_rate": (0.1, 0.2), "label_smoothing": (0.0,)}),
        np.random.default_rng(0),
    )
    assert list(space.known(SHAPE)) == ["mine", "net"]
    mine = space.known(SHAPE)["mine"]
    assert mine.decisions == {"network": "mine", "training/learning_rate": 0.1}
    assert isinstance(space.build(mine, SHAPE), nn.Sequential)
    changed = [space.mutate(mine, rng) for _ in range(30)]
    for each in (*changed, *(space.sample(rng) for _ in range(30)), space.at(space.size - 1)):
        space.validate(each)
    assert {0.2} <= {space.training_of(each)["learning_rate"] for each in changed}
    assert space.parse(str(mine)) == mine and space.size == 2 * beside().size
