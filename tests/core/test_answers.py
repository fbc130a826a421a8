"""What hangs on the answer of a value: traced as a condition, or refused when the space is first used."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from netwright import DecisionSpace, TaskShape
from netwright.core.errors import InvalidArchitecture, UntrainableSpace, UserError
from netwright.testing import check_space

SHAPE = TaskShape((4,), 3)
BIT = [False, True]


class Asks(DecisionSpace):
    """A layer whose width is the sum of what the function asked."""

    asks: object = None
    traced_shape = SHAPE

    def network(self, choose, shape):
        found = self.asks(choose)  # type: ignore[operator]
        return nn.Sequential(nn.Linear(shape.features, 1 + found), nn.ReLU(), nn.Linear(1 + found, shape.classes))


def asked_inside(c):
    return c.value("k", [8, 16]) if c.value("extra", [True, False]) else 0


def asked_where_it_is_not_first(c):
    return c.value("k", [8, 16]) if c.value("extra", BIT) else 0


def asked_for_some_of_many(c):
    return c.value("k", [200, 400]) if c.value("size", list(range(50))) > 40 else 0


def asked_in_a_chain(c):
    if not c.value("a", BIT):
        return 0
    if not c.value("b", BIT):
        return 1
    return c.value("c", [2, 3, 4])


def asked_with_short_circuit(c):
    return c.value("k", [3, 4]) if c.value("a", BIT) and c.value("b", BIT) else 1


def asked_under_either(c):
    a, b = c.value("a", BIT), c.value("b", BIT)
    return 10 * a + 20 * b + (c.value("k", [1, 2]) if a or b else 0)


def asked_in_the_same_option(c):
    inner: list[int] = [0]

    def option():
        if c.value("extra", BIT):
            inner[0] = c.value("k", [8, 16])
        return nn.Identity()

    c.one("op", {"plain": nn.Identity, "rich": option})
    return inner[0]


def one_of_each_name(c):
    w = c.value("w", [1, 2, 3])
    return 100 * w + c.value(f"k_{w}", list(range(w + 1)))


def options_that_shrink_to_one(c):
    return c.value("k", [8, 16][: c.value("n", [1, 2])])


def a_module_of_two_decisions(c):
    if c.value("extra", BIT):
        c.repeat("depth", 0, 2, lambda i: c.one("op", {"a": nn.Identity, "b": nn.ReLU}))
    return 0


def among_many_values(c):
    found = [c.value(f"v{i}", [0, 1, 2, 3]) for i in range(12)]
    return c.value("k", [1, 2]) if found[7] in (1, 3) else 0


def several_in_one_branch_of_a_repetition(c):
    def layer(_):
        if c.value("kind", ["plain", "rich"]) == "rich":
            c.value("k", [3, 5])
            c.value("e", [2, 4])
        return nn.Identity()

    c.repeat("depth", 1, 2, layer)
    return 0


@pytest.mark.parametrize(
    ("asks", "size"),
    [
        (asked_inside, 3),
        (asked_where_it_is_not_first, 3),
        (asked_for_some_of_many, 41 + 9 * 2),
        (asked_in_a_chain, 5),
        (asked_with_short_circuit, 4),
        (asked_under_either, 1 + 3 * 2),
        (asked_in_the_same_option, 1 + 3),
        (one_of_each_name, 2 + 3 + 4),
        (options_that_shrink_to_one, 3),
        (a_module_of_two_decisions, 1 + 7),
        (several_in_one_branch_of_a_repetition, 5 + 5**2),
        (among_many_values, 4**11 * (2 + 2 * 2)),
    ],
)
def test_what_is_asked_in_a_plain_if_is_a_decision_with_a_condition(asks, size: int) -> None:
    assert Asks(asks).size == size


@pytest.mark.parametrize("asks", [asked_inside, asked_in_a_chain, asked_under_either, one_of_each_name])
def test_each_of_these_architectures_is_a_network_of_its_own(asks) -> None:
    space = Asks(asks)
    check_space(space, SHAPE)
    widths = [space.build(each, SHAPE)[0].out_features for each in space.enumerate()]
    assert len(set(widths)) == space.size


def options_that_shrink(c):
    return c.value("k", [8, 16, 32][: c.value("n", [2, 3])])


def options_of_another_kind(c):
    return int(c.value("k", [8, 16] if c.value("n", BIT) else [9, 17]))


def a_depth_that_follows_a_value(c):
    c.repeat("depth", 1, c.value("most", [2, 3]), lambda i: nn.Identity())
    return 0


def both_at_once(c):
    a, b = c.value("a", BIT), c.value("b", BIT)
    return c.value("k", [8, 16]) if a and b else 0


def outside_of_the_option(c):
    extra = c.value("extra", BIT)

    def option():
        return nn.Linear(2, c.value("k", [8, 16])) if extra else nn.Identity()

    c.one("op", {"plain": nn.Identity, "rich": option})
    return 0


@pytest.mark.parametrize(
    ("asks", "message"),
    [
        (options_that_shrink, r"'k' offers \[8, 16\] where n is 2 but \[8, 16, 32\] where n is 3.*k_\{answer\}"),
        (options_of_another_kind, r"'k' offers \[9, 17\] where n is False but \[8, 16\] where n is True"),
        (a_depth_that_follows_a_value, r"'depth' offers \[1, 2\] where most is 2 but \[1, 2, 3\]"),
        (both_at_once, r"'k' is asked where .* is True.*, but not where .*is False.*not on several together"),
        (outside_of_the_option, r"'op/rich/k' is asked where extra is True, but not where extra is False"),
    ],
)
def test_what_conditions_cannot_say_is_refused_when_the_space_is_first_used(asks, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Asks(asks).size  # noqa: B018


def test_a_combination_that_cannot_be_built_hides_no_decision() -> None:
    def network(c):
        w, groups = c.value("w", [6, 8, 12]), c.value("groups", [4, 1])
        nn.GroupNorm(groups, w)
        return w + c.value("k", [0, 100])

    space = Asks(network)
    assert space.size == 12
    assert space.build(space.architecture({"w": 6, "groups": 1, "k": 0}), SHAPE)[0].out_features == 7


def test_an_option_that_cannot_be_built_hides_no_other() -> None:
    def network(c):
        w = c.value("w", [6, 10])
        c.one("norm", {"four": lambda: nn.GroupNorm(4, w), "one": lambda: nn.GroupNorm(1, w)})
        c.one("op", {"a": nn.Identity, "b": lambda: nn.Linear(w, c.value("k", [1, 2]))})
        return w

    assert Asks(network).size == 2 * 2 * 3


def test_a_network_that_cannot_be_built_at_all_says_why_and_where() -> None:
    def network(c):
        return c.value("w", [6, 10]) + undefined  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(UntrainableSpace, match=r"NameError: name 'undefined' .*test_answers.py, line \d+"):
        Asks(network).size  # noqa: B018


class Shrinking(DecisionSpace):
    """Offers fewer options for other shapes."""

    traced_shape = SHAPE

    def network(self, choose, shape):
        return nn.Linear(shape.features, choose.value("k", [8, 16, 32][: 3 if shape == SHAPE else 2]))


def test_options_that_hang_on_the_task_are_refused_where_the_network_is_built() -> None:
    space = Shrinking()
    with pytest.raises(InvalidArchitecture, match=r"'k' is 32, but the network offers \[8, 16\] here"):
        space.build(space.architecture({"k": 32}), TaskShape((5,), 3))


class Ignoring(DecisionSpace):
    traced_shape = SHAPE

    def network(self, choose, shape):
        k = choose.value("k", [8, 16]) if shape == SHAPE else 8
        return nn.Linear(shape.features, k)


def test_a_decision_that_a_network_does_not_ask_for_is_refused_where_it_is_built() -> None:
    space = Ignoring()
    with pytest.raises(InvalidArchitecture, match=r"does not ask for decision 'k'"):
        space.build(space.architecture({"k": 16}), TaskShape((5,), 3))


def test_tracing_leaves_the_generator_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    Asks(among_many_values).size  # noqa: B018
    assert torch.rand(1).equal(expected)
