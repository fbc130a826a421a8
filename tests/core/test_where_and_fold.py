"""Rows that end where an answer says so, and rules that follow a number through the answers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from torch import nn

import netwright as nw
from netwright.core.choose import Choose
from netwright.core.errors import UserError
from netwright.testing import check_space

SHAPE = nw.TaskShape((3, 16, 16), 4)


class Row(nw.DecisionSpace):
    """Convolutions and poolings until one answer is "end"; a pooling needs more pixels than its kernel has."""

    most: int = 3
    pixels: int = 8

    def network(self, choose: Choose, shape: nw.TaskShape) -> nn.Module:
        layers: list[nn.Module] = [nn.Conv2d(shape.channels, 4, 1)]
        self.ask(choose, 0, layers)
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, shape.classes))

    def ask(self, choose: Choose, number: int, layers: list[nn.Module]) -> None:
        if number == self.most:
            return
        choose.allow(f"layer{number}", self.rule)
        label = choose.value(f"layer{number}", LABELS)

        def on() -> None:
            layers.append(nn.MaxPool2d(PIXELS[label]) if label in PIXELS else nn.Conv2d(4, 4, 1))
            self.ask(choose, number + 1, layers)

        choose.where(f"layer{number}", LABELS[:-1], on)

    def rule(self, answers):
        left = answers.fold("pixels", self.pixels, lambda pixels, _, label: pixels // PIXELS.get(label, 1))
        return [label for label in LABELS if PIXELS.get(label, 0) < left]


LABELS = ("conv", "pool2", "pool3", "end")
PIXELS = {"pool2": 2, "pool3": 3}


def rows(most: int, pixels: int) -> Iterator[tuple[str, ...]]:
    """Every row by plain recursion, without a word from the core."""
    if not most:
        yield ()
        return
    yield ("end",)
    for label in LABELS[:-1]:
        size = PIXELS.get(label, 1)
        if label == "conv" or size < pixels:
            yield from ((label, *rest) for rest in rows(most - 1, pixels // size))


@pytest.mark.parametrize(("most", "pixels"), [(3, 8), (4, 8), (4, 7), (5, 30)])
def test_the_rows_are_those_of_plain_recursion(most: int, pixels: int) -> None:
    space = Row(most, pixels)
    expected = set(rows(most, pixels))
    found = [tuple(each.decisions.values()) for each in space.enumerate()]
    assert len(found) == space.size == len(expected) and set(found) == expected
    assert [space.at(rank) for rank in range(space.size)] == list(space.enumerate())


def test_what_comes_behind_the_end_is_not_asked() -> None:
    space = Row()
    assert list(space.architecture({"layer0": "end"}).decisions) == ["layer0"]
    assert len(space.build(space.architecture({"layer0": "end"}), SHAPE)) == 4
    assert len(space.build(space.parse('{"layer0":"conv","layer1":"pool3","layer2":"end"}'), SHAPE)) == 6
    check_space(space, SHAPE)


def test_neighbours_are_all_that_one_change_can_give() -> None:
    space = Row(4, 8)
    everything = list(space.enumerate())
    for architecture in everything[:: len(everything) // 20]:
        ours = architecture.decisions
        expected = {
            each for each in everything if sum(each.decisions[n] != ours[n] for n in ours if n in each.decisions) == 1
        }
        found = list(space.neighbors(architecture))
        assert len(found) == len(set(found)) and set(found) == expected


def test_draws_over_architectures_are_uniform() -> None:
    space, rng = Row(2, 8), np.random.default_rng(0)
    counts = np.zeros(space.size)
    numbers = {each: rank for rank, each in enumerate(space.enumerate())}
    for _ in range(200 * space.size):
        counts[numbers[space.sample(rng, uniform_over="architectures")]] += 1
    assert abs(counts - 200).max() < 5 * 200**0.5


def test_many_layers_take_no_longer_than_their_states() -> None:
    """With one answer after the other a rule would tell 4^24 rows apart."""
    space = Row(24, 4096)
    assert space.size == count(24, 4096)


def count(most: int, pixels: int, known: dict[tuple[int, int], int] | None = None) -> int:
    known = {} if known is None else known
    if not most:
        return 1
    if (most, pixels) not in known:
        sizes = [1, *(size for size in PIXELS.values() if size < pixels)]
        known[most, pixels] = 1 + sum(count(most - 1, pixels // size, known) for size in sizes)
    return known[most, pixels]


def test_rules_are_kept_as_what_they_leave_for_each_number() -> None:
    """All of them, so that a space has one identity in whatever order a process meets them."""
    rules = Row(3, 8).decisions.describe()[-1]["rules"]
    everything, narrow = (0, 1, 2, 3), (0, 3)
    assert rules["layer1"] == [["fold pixels"], [[(2,), narrow], [(4,), everything], [(8,), everything]]]
    assert rules["layer2"] == [
        ["fold pixels"],
        [[(1,), narrow], [(2,), narrow], [(4,), everything], [(8,), everything]],
    ]


class Wrong(Row):
    """Speaks of what was not asked, or of an option that there is not."""

    name_of: str = "layer7"
    label: str = "conv"

    def ask(self, choose: Choose, number: int, layers: list[nn.Module]) -> None:
        choose.value("layer0", LABELS)
        choose.where(self.name_of, (self.label,), lambda: None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "choose.where speaks of decision 'layer7', which was not asked before it"),
        ({"name_of": "layer0", "label": "conw"}, "choose.where: 'layer0' has no option 'conw'"),
    ],
)
def test_conditions_on_what_there_is_not_are_refused(options: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Wrong(**options).decisions  # noqa: B018
