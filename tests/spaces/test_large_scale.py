"""Backbone and LargeScale: what each mutation changes, weights that are inherited, and the networks."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from netwright import TaskShape
from netwright.core.errors import ConfigurationError, InvalidArchitecture, SpaceExhausted
from netwright.core.roles import ChoosesTraining
from netwright.estimators import Cost, Training
from netwright.networks.counting import count
from netwright.spaces import Backbone, LargeScale
from netwright.spaces.backbone import KINDS, corresponding, rows_of
from netwright.tasks import open_task

SPACE = Backbone(most=6, widest=16)
ROWS = [[[3, 3, 4, 1, 1], [5, 3, 8, 2, 0], [1, 1, 0, 1, 1], [3, 3, 8, 1, 1]], [[0, 2], [1, 4], [3, 4]]]
PARENT = SPACE.architecture(ROWS)
SHAPE = TaskShape((3, 9, 7), 4)


def changed(name, parent=PARENT, space=SPACE, draws=200):
    """What a kind of change makes of the parent, drawn many times."""
    rng = np.random.default_rng(0)
    found = {space.mutations[name](parent, rng) for _ in range(draws)}
    for each in found:
        space.validate(each)
    return found


def test_the_simplest_has_no_layers():
    simple = SPACE.simple(np.random.default_rng(0))
    network = SPACE.build(simple, SHAPE)
    assert simple.content == ((), ()) and count(network, SHAPE.input).params == 3 * 4 + 4


def test_an_inserted_convolution_has_as_many_channels_as_it_reads():
    children = {rows_of(each) for each in changed("insert-convolution")}
    assert {len(layers) for layers, _ in children} == {5}
    new = {next(k for k in range(5) if layers[:k] == PARENT.content[0][:k] and layers[k + 1 :] == PARENT.content[0][k:])
           for layers, _ in children}  # fmt: skip
    assert new == {0, 1, 2, 3, 4}
    first = {layers[0].channels for layers, _ in children if layers[1:] == PARENT.content[0] != layers[:4]}
    last = {layers[4].channels for layers, _ in children if layers[:4] == PARENT.content[0]}
    strides = {layers[4].stride for layers, _ in children if layers[:4] == PARENT.content[0]}
    assert (first - {4}, last, strides) == ({3}, {8}, {1, 2})  # 4: one more of the first, behind it


def test_skips_stay_where_they_were_when_a_layer_comes_or_goes():
    parent = SPACE.architecture([[layer for layer in ROWS[0] if layer[2]], [[0, 2], [1, 3], [2, 3]]])
    for child in changed("insert-one-to-one", parent):
        layers, skips = rows_of(child)
        place = next(k for k, layer in enumerate(layers) if not layer.channels)
        assert {(a - (a > place), b - (b > place)) for a, b in skips} == set(parent.content[1])
    for child in changed("remove-convolution"):
        layers, skips = rows_of(child)
        assert len(layers) == 3 and all(0 <= a < b <= 3 for a, b in skips)
    shorter = SPACE.architecture([ROWS[0][:1], [[0, 1]]])
    assert {each.content for each in changed("remove-convolution", shorter)} == {((), ())}


@pytest.mark.parametrize(
    ("name", "field", "known"),
    [
        ("alter-stride", 3, {4: {2}, 8: {1, 4, 2}}),
        ("alter-number-of-channels", 2, {4: {2, 3, 5, 6, 7, 8}, 8: {*range(4, 17)} - {8}}),
        ("filter-size", 0, {4: {3, 5}, 8: {3, 5, 7, 9}}),
    ],
)
def test_numbers_go_to_something_from_half_to_twice(name, field, known):
    for child in changed(name):
        pairs = [(a, b) for a, b in zip(PARENT.content[0], child.content[0], strict=True) if a != b]
        ((before, after),) = pairs
        differing = [k for k in range(5) if before[k] != after[k]]
        assert differing == [field] or (name == "filter-size" and differing == [1])
        assert after[differing[0]] in known[before[2]]


def test_skips_are_added_and_removed_one_at_a_time():
    pairs = {(a, b) for b in range(1, 5) for a in range(b)}
    added = {(set(each.content[1]) - set(PARENT.content[1])).pop() for each in changed("add-skip")}
    assert added == pairs - set(PARENT.content[1])
    assert {len(each.content[1]) for each in changed("remove-skip")} == {2} and len(changed("remove-skip")) == 3


def test_kinds_that_do_not_apply_say_so():
    simple = SPACE.simple(np.random.default_rng(0))
    for name in set(KINDS) - {"insert-convolution", "insert-one-to-one"}:
        with pytest.raises(SpaceExhausted):
            SPACE.mutations[name](simple, np.random.default_rng(0))
    full = SPACE.architecture([[[1, 1, 0, 1, 0]] * 6, []])
    with pytest.raises(SpaceExhausted):
        SPACE.mutations["insert-convolution"](full, np.random.default_rng(0))


def test_what_a_vertex_does():
    found = SPACE.architecture([[[3, 3, 2, 2, 1], [1, 1, 0, 1, 0]], [[0, 1], [1, 2]]])
    network = SPACE.build(found, SHAPE).eval()
    body, images = network[0], torch.randn(2, 3, 9, 7)
    first = body.layers[1](body.layers[0](images) + images[:, :2, ::2, ::2])
    assert torch.allclose(body(images), first + first)
    wide = SPACE.build(SPACE.architecture([[[3, 3, 5, 1, 0]], [[0, 1]]]), SHAPE)
    padded = torch.cat([images, torch.zeros(2, 2, 9, 7)], 1)
    assert torch.allclose(wide[0](images), wide[0].layers[0](images) + padded)


def test_its_cost_is_what_the_network_counts():
    space, rng = LargeScale(), np.random.default_rng(4)
    for _ in range(5):
        architecture = space.sample(rng)
        counted = count(space.build(architecture, SHAPE), SHAPE.input)
        assert Cost(space, SHAPE).figures(architecture)["params"] == counted.params


def test_layers_correspond_around_what_came_went_or_changed():
    layers = rows_of(PARENT)[0]
    new = layers[0]._replace(channels=9)
    assert corresponding(layers, (*layers[:2], new, *layers[2:])) == {1: 1, 2: 2, 4: 3, 5: 4}
    assert corresponding(layers, (layers[0], *layers[2:])) == {1: 1, 2: 3, 3: 4}
    assert corresponding(layers, (layers[0], layers[1]._replace(stride=1), *layers[2:])) == {1: 1, 2: 2, 3: 3, 4: 4}


def test_a_child_takes_over_all_layers_whose_shapes_are_the_same():
    faster = SPACE.architecture([[ROWS[0][0], [5, 3, 8, 1, 0], *ROWS[0][2:]], ROWS[1]])
    before, after = (SPACE.build(each, SHAPE) for each in (PARENT, faster))
    assert SPACE.inherit(before, after, PARENT, faster) == count(after, SHAPE.input).params
    wider = SPACE.architecture([[ROWS[0][0], [5, 3, 9, 2, 0], *ROWS[0][2:]], ROWS[1]])
    network = SPACE.build(wider, SHAPE)
    taken = SPACE.inherit(before, network, PARENT, wider)
    fourth = sum(each.numel() for each in network[0].layers[7].parameters())  # the vertex behind the last convolution
    first = sum(each.numel() for place in (0, 1) for each in network[0].layers[place].parameters())
    assert taken == first + fourth + sum(each.numel() for each in network[1].parameters())


class TestLargeScale:
    space = LargeScale(most=6, widest=16)
    parent = space.architecture([0.1, 2, *ROWS])

    def test_it_has_the_eleven_mutations_of_the_paper(self):
        assert len(self.space.mutations) == 11
        assert set(self.space.mutations) == {*KINDS, "alter-learning-rate", "identity", "reset-weights"}
        for name in KINDS:
            for child in changed(name, self.parent, self.space, draws=5):
                assert child.content[:2] == (0.1, 2) and child.content[2:] != PARENT.content

    def test_the_learning_rate_goes_to_something_from_half_to_twice(self):
        rates = [each.content[0] for each in changed("alter-learning-rate", self.parent, self.space)]
        assert 0.05 <= min(rates) < 0.06 and 0.18 < max(rates) <= 0.2

    def test_an_architecture_says_how_it_is_trained(self):
        assert isinstance(self.space, ChoosesTraining)
        training = Training(self.space, open_task("digits", limit=60), epochs=1, device="cpu")
        slow = self.space.architecture([0.02, 0, *ROWS])
        assert training.settings_of(slow).learning_rate == 0.02
        assert self.space.trained_as(self.parent, slow).content == (0.02, 0, *PARENT.content)
        assert self.space.untrained(slow) == self.space.untrained(self.parent)

    def test_reset_weights_are_not_inherited_and_make_no_other_network(self):
        (reset,) = changed("reset-weights", self.parent, self.space, draws=1)
        (same,) = changed("identity", self.parent, self.space, draws=1)
        networks = [self.space.build(self.parent, SHAPE) for _ in range(2)]
        assert self.space.inherit(*networks, self.parent, reset) == 0
        assert self.space.inherit(*networks, self.parent, same) == count(networks[0], SHAPE.input).params
        assert self.space.key(reset) == self.space.key(self.parent) and reset != self.parent == same


WRONG = {
    "nothing": ("3", "expected a list of layers and a list of skips"),
    "too many": (json.dumps([[[1, 1, 0, 1, 0]] * 7, []]), "at most 6 layers"),
    "even": (json.dumps([[[2, 3, 4, 1, 1]], []]), "layer 1: height is 2; expected 1, 3, 5"),
    "stride": (json.dumps([[[3, 3, 4, 3, 1]], []]), "layer 1: stride is 3; expected 1, 2, 4, 8"),
    "wide": (json.dumps([[[3, 3, 17, 1, 1]], []]), "channels is 17; expected 0 to 16"),
    "truth": (json.dumps([[[3, 3, 4, 1, True]], []]), "activated is True"),
    "a large nothing": (json.dumps([[[3, 1, 0, 1, 1]], []]), "height is 3; expected 1"),
    "no layer": (json.dumps([[3], []]), "layer 1 is 3"),
    "backwards": (json.dumps([[[3, 3, 4, 1, 1]], [[1, 0]]]), "0 <= from < to <= 1"),
    "nowhere": (json.dumps([[[3, 3, 4, 1, 1]], [[0, 2]]]), "is no skip"),
    "no skip": (json.dumps([[[3, 3, 4, 1, 1]], [3]]), "3 is no skip"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_network_is_refused_in_one_line(what):
    text, said = WRONG[what]
    with pytest.raises(InvalidArchitecture) as told:
        SPACE.parse(text)
    assert said in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize("head", ["[0, 0]", "[11, 0]", '["fast", 0]', "[0.1, -1]", "[0.1, true]"])
def test_what_is_no_training_is_refused(head):
    with pytest.raises(InvalidArchitecture, match=r"learning rate|weights were reset"):
        LargeScale().parse(f"[{head[1:-1]}, [], []]")


@pytest.mark.parametrize("options", [{"most": 0}, {"widest": 0}, {"grown": 0}, {"learning_rate": 0.0}])
def test_settings_that_make_no_space_are_refused(options):
    with pytest.raises(ConfigurationError, match=r"Backbone|LargeScale"):
        LargeScale(**options)
