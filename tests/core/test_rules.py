"""Options that depend on what was answered before: a rule, or a clear refusal; never another network than was said."""

from __future__ import annotations

from itertools import islice
from math import comb

import numpy as np
import pytest
import torch
from torch import nn

import netwright as nw
from netwright import DecisionSpace, TaskShape
from netwright.core.architecture import Mixture
from netwright.core.errors import ConfigurationError, InvalidArchitecture, SpaceExhausted, UserError
from netwright.spaces import Among
from netwright.supernets import Supernet
from netwright.testing import check_space, check_strategy

SHAPE = TaskShape((3, 16, 16), 4)


def conv(channels, kernel):
    return nn.Sequential(nn.Conv2d(channels, channels, kernel, padding=kernel // 2), nn.ReLU())


class MetaQnn(DecisionSpace):
    """Layers in a row: convolutions, poolings while the map is large, and then an end (after Baker et al. 2017)."""

    layers: int = 4
    poolings: int = 2
    traced_shape = SHAPE

    def network(self, choose, shape):
        c = 4
        made = [nn.Conv2d(shape.channels, c, 1)]
        for i in range(self.layers):
            choose.allow(f"layer{i}", self.rule(i))
            options = {
                "conv": lambda: conv(c, choose.value("kernel", [1, 3])),
                "pool": lambda: nn.MaxPool2d(2),
                "end": nn.Identity,
            }
            made.append(choose.one(f"layer{i}", options))
        return nn.Sequential(*made, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, shape.classes))

    def rule(self, i):
        def allowed(answers):
            if i and answers[f"layer{i - 1}"] == "end":
                return ["end"]
            return ["conv", "end"] if answers.count("pool", "layer") >= self.poolings else None

        return allowed


def kept(labels, layers, poolings):
    """Whether the labels keep to the rule, without a word from the core."""
    row = [labels[f"layer{i}"] for i in range(layers)]
    ended = row.index("end") if "end" in row else layers
    return row.count("pool") <= poolings and all(each == "end" for each in row[ended:])


def everything(layers, poolings):
    """Every architecture by plain recursion."""
    rows = [[]]
    for _ in range(layers):
        rows = [[*row, each] for row in rows for each in ("conv1", "conv3", "pool", "end")]
    plain = [[each.rstrip("13") for each in row] for row in rows]
    return sum(kept({f"layer{i}": each for i, each in enumerate(row)}, layers, poolings) for row in plain)


@pytest.mark.parametrize(("layers", "poolings"), [(4, 2), (3, 1), (5, 1), (2, 5)])
def test_what_may_follow_is_counted_listed_and_numbered(layers: int, poolings: int) -> None:
    space = MetaQnn(layers, poolings)
    found = list(space.enumerate())
    assert space.size == len(found) == len(set(found)) == everything(layers, poolings)
    assert all(kept(each.decisions, layers, poolings) for each in found)
    assert [space.at(rank) for rank in range(space.size)] == found


def test_the_contract_of_spaces_holds() -> None:
    check_space(MetaQnn(3, 1), SHAPE)
    check_space(MetaQnn(8, 2), SHAPE, samples=8)


def test_twelve_layers_are_counted_though_there_are_many() -> None:
    space = MetaQnn(12, 3)
    assert space.size == sum(comb(n, pools) * 2 ** (n - pools) for n in range(13) for pools in range(min(n, 3) + 1))
    rng = np.random.default_rng(0)
    for how in ("decisions", "architectures"):
        for _ in range(20):
            assert kept(space.sample(rng, uniform_over=how).decisions, 12, 3)


def test_what_is_drawn_over_architectures_is_uniform() -> None:
    space, rng = MetaQnn(2, 1), np.random.default_rng(0)
    counts = np.zeros(space.size)
    everyone = {each: i for i, each in enumerate(space.enumerate())}
    for _ in range(4000):
        counts[everyone[space.sample(rng, uniform_over="architectures")]] += 1
    expected = 4000 / space.size
    assert ((counts - expected) ** 2 / expected).sum() < 2 * space.size


def test_changes_and_crossings_keep_to_the_rule() -> None:
    space, rng = MetaQnn(6, 2), np.random.default_rng(1)
    for _ in range(60):
        first, second = space.sample(rng), space.sample(rng)
        for child in (
            space.mutate(first, rng),
            space.crossover(first, second, rng),
            *islice(space.neighbors(first), 9),
        ):
            assert kept(child.decisions, 6, 2)
            space.validate(child)


def test_networks_are_what_the_labels_say() -> None:
    space = MetaQnn(4, 2)
    for each in islice(space.enumerate(), 0, None, 9):
        network = space.build(each, SHAPE)
        made = [str(each.decisions[f"layer{i}"]) for i in range(4)]
        pools = sum(isinstance(module, nn.MaxPool2d) for module in network.modules())
        assert pools == made.count("pool") and network(torch.zeros(2, 3, 16, 16)).shape == (2, 4)


def test_what_breaks_the_rule_is_refused_in_words() -> None:
    space = MetaQnn(3, 1)
    labels = {"layer0": "pool", "layer1": "pool", "layer2": "end"}
    said = r"'layer1' cannot be 'pool' after the answers before it; by its rule it may be \['conv', 'end'\]"
    with pytest.raises(InvalidArchitecture, match=said):
        space.architecture(labels)
    with pytest.raises(InvalidArchitecture, match=said):
        space.from_tokens(tuple({"pool": 2, "end": 3}.get(labels.get(each.name), 0) for each in space.decisions))


def test_other_rules_make_another_space() -> None:
    assert MetaQnn(3, 1).id != MetaQnn(3, 2).id
    assert MetaQnn(3, 1).id == MetaQnn(3, 1).id
    with pytest.raises(InvalidArchitecture, match="belongs to space"):
        MetaQnn(3, 1).validate(MetaQnn(3, 2).at(0))


def test_questions_mask_what_may_not_follow() -> None:
    state = MetaQnn(3, 1).sequence().start
    assert state.next.mask == (True, True, True)
    state = state.answer(1)
    assert (state.next.name, state.next.mask) == ("layer1", (True, False, True))
    assert state.answer(2).next.mask == (False, False, True)


def test_a_supernet_and_a_mixture_keep_to_the_rule() -> None:
    space = MetaQnn(3, 1)
    network = Supernet(space, SHAPE)
    assert network(torch.zeros(2, 3, 16, 16), space.at(5)).shape == (2, 4)
    weights = {each.name: torch.full((len(each.options),), 0.9) for each in space.decisions}
    for name, pool in (("layer0", 0.8), ("layer1", 0.7), ("layer2", 0.75)):
        weights[name] = torch.tensor([0.2, pool, 0.05])
    found = space.discretize(Mixture(weights)).decisions
    assert [found[f"layer{i}"] for i in range(3)] == ["pool", "conv", "conv"]
    weights["layer0"] = torch.tensor([0.6, 0.61, 0.05])
    found = space.discretize(Mixture(weights)).decisions
    assert [found[f"layer{i}"] for i in range(3)] == ["conv", "conv", "pool"]


def test_strategies_search_such_a_space() -> None:
    space = MetaQnn(3, 1)
    for strategy in (nw.strategies.RegularizedEvolution, nw.strategies.LocalSearch, nw.strategies.TreeParzen):
        check_strategy(strategy, space)
    part = Among(space, list(islice(space.enumerate(), 0, None, 3)))
    check_strategy(nw.strategies.RegularizedEvolution, part)
    batch = part.sequence().encode(list(part.enumerate()))
    assert np.exp(-np.log(batch.masks.sum(axis=2)).sum(axis=1)).sum() == pytest.approx(1, abs=1e-12)


# Rules that cannot be.


class Asks(DecisionSpace):
    asks: object = None
    traced_shape = TaskShape((4,), 3)

    def network(self, choose, shape):
        parts = self.asks(choose, shape)  # type: ignore[operator]
        return nn.Sequential(nn.Flatten(), *parts, nn.Linear(shape.features, shape.classes))


TWO = {"a": nn.ReLU, "b": nn.Tanh}


def ruled(rule, before=True):
    def asks(choose, _shape):
        first = [choose.one("first", TWO)] if before else []
        choose.allow("then", rule)
        return [*first, choose.one("then", TWO), *([] if before else [choose.one("first", TWO)])]

    return Asks(asks)


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (ruled(lambda answers: []), "the rule of 'then' leaves nothing to take"),
        (ruled(lambda answers: ["c"]), "'then' allows 'c', which is no option"),
        (ruled(lambda answers: "a"), "'then' allows 'a'"),
        (ruled(lambda answers: answers["frist"]), "reads 'frist', which is no decision; did you mean 'first'"),
        (ruled(lambda answers: answers["first"] and None, before=False), "reads 'first', which is not asked before it"),
        (ruled(lambda answers: 1 / 0), "the rule of 'then' fails: ZeroDivisionError"),
    ],
)
def test_rules_that_cannot_be_are_refused_in_words(space, said: str) -> None:
    with pytest.raises(UserError, match=said):
        _ = space.decisions


def test_a_rule_for_what_is_never_asked_is_refused() -> None:
    def asks(choose, _shape):
        choose.allow("oen", lambda answers: None)
        return [choose.one("one", TWO)]

    with pytest.raises(UserError, match="a rule for decision 'oen', which is never asked; did you mean 'one'"):
        _ = Asks(asks).decisions


def test_a_rule_that_tells_too_much_apart_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwright.core.ruled.MOST_STATES", 1_000)  # of 20,000, to which it takes seconds to come

    def asks(choose, _shape):
        made = [choose.one(f"l{i}", TWO) for i in range(18)]
        choose.allow("last", lambda answers: ["a"] if [answers[f"l{i}"] for i in range(18)].count("b") > 3 else None)
        return [*made, choose.one("last", TWO)]

    with pytest.raises(UserError, match=r"'last' tells more than 1,000 combinations .* answers.count\(label\)"):
        _ = Asks(asks).decisions


def test_a_rule_that_hangs_on_a_value_outside_of_the_answers_is_refused() -> None:
    def asks(choose, _shape):
        wide = choose.value("wide", [True, False])
        choose.allow("then", lambda answers: ["a"] if wide else None)
        return [choose.one("then", TWO)]

    with pytest.raises(UserError, match=r"'then' leaves .* at one time and .* at another after the same answers"):
        _ = Asks(asks).decisions


def test_a_rule_that_hangs_on_the_shape_is_refused_where_it_says_something_else() -> None:
    def asks(choose, shape):
        choose.allow("one", lambda answers: ["a"] if shape.features < 4 else None)
        return [choose.one("one", TWO)]

    space = Asks(asks)
    space.build(space.architecture({"one": "b"}), TaskShape((4,), 3))
    with pytest.raises(InvalidArchitecture, match=r"its rule leaves .'a'. here; a rule may depend on nothing but"):
        space.build(space.architecture({"one": "b"}), TaskShape((2,), 3))


def inside_scopes(choose, _shape):
    def block(i):
        choose.allow("op", lambda answers: ["b"] if answers["kind"] == "x" else None)
        return choose.one("op", TWO)

    with choose.scope("body"):
        kind = choose.one("kind", {"x": nn.ReLU, "y": lambda: choose.one("inner", TWO)})
        choose.allow("depth", lambda answers: [0, 1] if answers["kind/y/inner"] == "a" else None)
        return [kind, choose.repeat("depth", 0, 2, block)]


def test_rules_inside_scopes_repetitions_and_conditions() -> None:
    space = Asks(inside_scopes)
    # x: one way for each of 0, 1, 2 blocks; y/a: 1 + 2 ways; y/b: 1 + 2 + 4
    assert space.size == 3 + 3 + 7
    check_space(space)


def test_a_space_in_which_nothing_may_be_changed_is_exhausted() -> None:
    space = ruled(lambda answers: [answers["first"]])
    assert space.size == 2
    with pytest.raises(SpaceExhausted):
        space.mutate(space.at(0), np.random.default_rng(0))


def test_strategies_that_need_every_combination_refuse() -> None:
    from netwright.strategies.paths.fair import FairPaths

    with pytest.raises(ConfigurationError, match="does not allow every combination"):
        FairPaths(MetaQnn(3, 1))


# What hangs on something else than answers is refused when the space is first used.


def counting_options(choose, _shape):
    """A counter in a Python variable: poolings so far."""
    pools: list[int] = []

    def pool():
        pools.append(1)
        return nn.ReLU()

    return [
        choose.one(f"l{i}", {"conv": nn.Tanh, "pool": pool} if len(pools) < 2 else {"conv": nn.Tanh, "end": nn.ELU})
        for i in range(3)
    ]


def an_option_less(choose, _shape):
    pools: list[int] = []

    def pool():
        pools.append(1)
        return nn.ReLU()

    made = []
    for i in range(3):
        options = {"conv": nn.Tanh, "end": nn.ELU}
        if len(pools) < 2:
            options["pool"] = pool
        made.append(choose.one(f"l{i}", options))
    return made


def an_if_on_a_module(choose, _shape):
    first = choose.one("first", {"linear": lambda: nn.Linear(4, 4), "none": nn.Identity})
    return [first, choose.one("then", TWO)] if isinstance(first, nn.Identity) else [first]


def an_if_on_the_length(choose, _shape):
    row = choose.repeat("depth", 1, 3, lambda i: nn.ReLU())
    return [choose.one(f"l{i}", TWO) for i in range(len(row))]


def as_many_as_were_counted(choose, _shape):
    deep: list[int] = []
    first = choose.one("first", {"a": nn.ReLU, "b": lambda: deep.append(1) or nn.ReLU()})
    return [first, choose.repeat("depth", 1, 2 + len(deep), lambda i: nn.ReLU())]


def an_option_that_asks_under_a_condition(choose, _shape):
    seen: list[int] = []
    first = choose.one("first", {"a": nn.ReLU, "b": lambda: seen.append(1) or nn.ReLU()})
    return [first, choose.one("then", {"rich": lambda: nn.ReLU() if seen else choose.one("in", TWO), "plain": nn.ReLU})]


def sources_that_decide(choose, _shape):
    node = choose.edges("node", range(3), 1, {"a": lambda _: nn.ReLU(), "b": lambda _: nn.Tanh()})
    return [choose.one("then", TWO)] if 0 in node.sources else []


def a_value_from_a_counter(choose, _shape):
    made: list[int] = []
    row = choose.repeat("depth", 1, 3, lambda i: made.append(i) or nn.ReLU())
    choose.value("width", list(range(1, len(made) + 2)))
    return [row]


CALLS: list[int] = []


def other_modules_each_time(choose, _shape):
    CALLS.append(1)
    return [choose.one("then", TWO), nn.ReLU() if len(CALLS) % 2 else nn.Tanh()]


def another_name_each_time(choose, _shape):
    CALLS.append(1)
    return [choose.one(f"l{len(CALLS)}", TWO)]


@pytest.mark.parametrize(
    ("asks", "said"),
    [
        (counting_options, r"'l\d' offers .*, and not .* as when it was traced, where l0 is .*choose\.allow"),
        (
            an_option_less,
            r"'l2' offers \['conv', 'end', 'pool'\], and not \['conv', 'end'\] as when it was traced, where",
        ),
        (an_if_on_a_module, "'then' is asked, though it was not when .*, where first is 'none'; .*choose.allow"),
        (an_if_on_the_length, "'l1' is not asked, though it was when .*, where depth is 1"),
        (
            as_many_as_were_counted,
            r"'depth' offers \[1, 2\], and not \[1, 2, 3\] as when it was traced, where first is 'a'",
        ),
        (an_option_that_asks_under_a_condition, "'then/rich/in' is asked, though it was not when .* first is 'a'"),
        (sources_that_decide, r"'then' is not asked, though .* where node/sources is \(1,\)"),
        (a_value_from_a_counter, r"'width' offers \[1, 2\], and not \[1, 2, 3, 4\] .* where depth is 1"),
        (
            other_modules_each_time,
            "of one architecture has another '2' each time that it is written down, where then is",
        ),
        (another_name_each_time, "otherwise each time that it is written down; .* such as a counter"),
    ],
)
def test_what_hangs_on_anything_but_answers_is_refused_at_once(asks, said: str) -> None:
    with pytest.raises(UserError, match=said):
        _ = Asks(asks).decisions


def other_modules_after_other_answers(choose, _shape):
    first = choose.one("first", {"linear": lambda: nn.Linear(4, 4), "none": nn.Identity})
    after = nn.ReLU() if isinstance(first, nn.Linear) else nn.Tanh()
    return [first, after, choose.one("then", TWO)]


def options_in_another_order(choose, _shape):
    turned: list[int] = []
    first = choose.one("first", {"a": nn.ReLU, "b": lambda: turned.append(1) or nn.ReLU()})
    return [first, choose.one("then", dict(reversed(TWO.items())) if turned else TWO)]


@pytest.mark.parametrize("asks", [other_modules_after_other_answers, options_in_another_order])
def test_what_asks_alike_is_a_space_whose_networks_are_what_was_said(asks) -> None:
    space = Asks(asks)
    assert space.size == 4
    shape = TaskShape((4,), 3)
    for each in space.enumerate():
        assert isinstance(list(space.build(each, shape))[-2], TWO[str(each["then"])])
