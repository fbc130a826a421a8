"""Facts of the space of MetaQNN (Baker et al. 2017)."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.errors import ConfigurationError, InvalidArchitecture, UserError
from netwright.core.task import TaskShape
from netwright.spaces import MetaQnn

GREY = TaskShape((1, 8, 8), 10)


@cache
def count(layers: int, side: int, kind: str = "start", dense: int = 0, width: int = 0) -> int:
    """Networks by the transitions of the authors' program: libs/grammar/state_enumerator.py."""
    total = 1  # it may always end
    if not layers:
        return total
    on_map = kind in ("start", "conv", "pool")
    if on_map:
        total += 4 * sum(kernel < side for kernel in (1, 3, 5)) * count(layers - 1, side, "conv")
        total += count(layers - 1, 1, "gap")
    if kind == "conv":
        for kernel, stride in ((5, 3), (3, 2), (2, 2)):
            if kernel < side:
                total += count(layers - 1, -(-(side - kernel + 1) // stride), "pool")
    if (on_map and side <= 4) or (kind == "fc" and dense < 2):
        for size in (512, 256, 128):
            if kind != "fc" or size <= width:
                total += count(layers - 1, 1, "fc", dense + 1, size)
    return total


@pytest.mark.parametrize(("layers", "side"), [(1, 32), (3, 8), (5, 10), (18, 32)])
def test_there_are_as_many_networks_as_by_the_authors_transitions(layers: int, side: int) -> None:
    assert MetaQnn(layers=layers, side=side).size == count(layers, side)


def test_text_is_the_authors_form() -> None:
    space = MetaQnn()
    architecture = space.parse("[C(512,5,1), C(256,3,1), P(3,2), P(2,2)]".replace(", P(2,2)", ", GAP(10), SM(10)"))
    assert str(architecture) == "C(512,5,1), C(256,3,1), P(3,2), GAP"
    assert [*architecture.decisions.values()][-2:] == ["GAP", "end"]
    assert space.parse(str(architecture)) == space.parse(architecture.to_json()) == architecture
    assert str(space.parse("SM(10)")) == "end"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("C(64,3,1), P(3,2), P(2,2)", r"'layer2' cannot be 'P\(2,2\)' after the answers before it"),
        ("P(2,2)", r"'layer0' cannot be 'P\(2,2\)'"),
        ("C(64,3,1), FC(128)", r"'layer1' cannot be 'FC\(128\)'"),
        ("C(63,3,1)", r"no layer 'C\(63,3,1\)'.*did you mean 'C\(64,3,1\)'"),
        ("C(64,1,1), " * 19, "found 19 layers, expected at most 18"),
    ],
)
def test_what_may_not_follow_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidArchitecture, match=said):
        MetaQnn().parse(text)


def test_networks_are_what_the_code_says() -> None:
    space = MetaQnn(side=8, filters=(4, 8), dense=(16, 8), dropout=False)
    network = space.build(space.parse("C(4,3,1), P(2,2), C(8,1,1), FC(16), FC(8)"), GREY)
    kinds = [type(each) for part in network for each in (part if isinstance(part, nn.Sequential) else [part])]
    convolution = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert kinds == [
        *convolution,
        nn.MaxPool2d,
        *convolution,
        nn.Flatten,
        nn.Linear,
        nn.ReLU,
        nn.Linear,
        nn.ReLU,
        nn.Linear,
    ]
    assert network[3][1].in_features == 8 * 4 * 4
    bare = MetaQnn(side=8, filters=(4, 8), normalised=False).build(
        MetaQnn(side=8, filters=(4, 8)).parse("C(4,3,1)"), GREY
    )
    assert bare[0][0].bias is not None and bare[2].in_features == 4 * 8 * 8


def test_a_search_fits_it_to_the_images_unless_their_side_is_given() -> None:
    assert MetaQnn().fitted(GREY).side == 8
    assert MetaQnn().fitted(TaskShape((3, 224, 200), 10)).side == 32
    assert MetaQnn(side=16).fitted(GREY).side == 16
    assert MetaQnn() != MetaQnn(side=32) and MetaQnn().id == MetaQnn(side=32).id


def test_dropout_follows_every_second_layer_and_rises() -> None:
    space = MetaQnn(side=8, filters=(4, 8))
    network = space.build(space.parse("C(4,3,1), C(4,3,1), C(4,3,1), C(4,3,1), C(4,3,1)"), GREY)
    assert [each.p for each in network.modules() if isinstance(each, nn.Dropout)] == [0.25, 0.5]


def test_images_are_brought_to_the_side_or_refused() -> None:
    space = MetaQnn(side=8, filters=(4, 8), dense=(16, 8))
    network = space.build(space.parse("C(4,3,1), P(3,2), FC(8)"), TaskShape((3, 20, 40), 5))
    assert network[0](torch.randn(2, 3, 20, 40)).shape == (2, 3, 8, 16)
    assert network(torch.randn(2, 3, 20, 40)).shape == (2, 5)
    with pytest.raises(UserError, match="images of 32 pixels, but these have 8 on their shorter side; use side=8"):
        MetaQnn().build(MetaQnn().sample(np.random.default_rng(0)), GREY)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layers": 33}, "1 to 32 layers"),
        ({"kernels": (2,)}, "kernels must be odd"),
        ({"filters": ()}, "filters must list different numbers"),
        ({"pools": ((2, 3),)}, r"a stride up to it, found \(2, 3\)"),
    ],
)
def test_settings_outside_of_what_can_be_are_refused(options, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        MetaQnn(**options)


def test_mutations_keep_to_the_rules_though_neighbours_are_too_many_to_list() -> None:
    """Where a row ends early, most changes open layers behind it, and few of what they could be fits."""
    space, rng = MetaQnn(side=8), np.random.default_rng(0)
    parent = space.parse("C(64,3,1), P(5,3), GAP")
    for _ in range(20):
        child = space.mutate(parent, rng)
        space.validate(child)
        ours, theirs = parent.decisions, child.decisions
        assert sum(ours[name] != theirs[name] for name in ours if name in theirs) == 1


def test_questions_mask_what_does_not_fit() -> None:
    space = MetaQnn(side=8, layers=4)
    state = space.sequence().start
    assert {label for label, may in zip(state.next.options, state.next.mask, strict=True) if may} == {
        *(f"C({filters},{kernel},1)" for filters in (64, 128, 256, 512) for kernel in (1, 3, 5)),
        "GAP",
        "end",
    }
    state = state.answer(0)
    state = state.answer(state.next.options.index("P(5,3)"))
    left = {label for label, may in zip(state.next.options, state.next.mask, strict=True) if may}
    assert left == {
        *(f"C({filters},1,1)" for filters in (64, 128, 256, 512)),
        "FC(512)",
        "FC(256)",
        "FC(128)",
        "GAP",
        "end",
    }
    assert state.answer(state.next.options.index("end")).next is None
