"""The decisions as a controller asks them: every architecture once, nothing else, and the same in batches."""

from __future__ import annotations

import math
from collections import Counter
from functools import cached_property
from itertools import combinations, islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from random_spaces import FromRecipe, decisions, everything, recipes
from torch import nn

from netwright import DecisionSpace, TaskShape
from netwright.core.decisions import Condition, Decision, DecisionTable
from netwright.core.errors import InvalidArchitecture, UserError
from netwright.core.restricted import Restriction
from netwright.core.steps import ROLES
from netwright.spaces import Among, Chain, Darts, Mlp, NasBench101, NasBench201, NasBenchMacro, NasNet, Tabular

TWO = {"a": lambda _: nn.Identity(), "b": lambda _: nn.ReLU()}


def ends(sequence):
    """Every architecture that answering leads to, with its probability where all allowed answers are as likely."""
    stack = [(sequence.start, 1.0)]
    while stack:
        state, probability = stack.pop()
        if state.next is None:
            yield state.architecture, probability
            continue
        allowed = [option for option, may in enumerate(state.next.mask) if may]
        assert allowed, "a question without an answer"
        stack.extend((state.answer(option), probability / len(allowed)) for option in allowed)


def uniform_probabilities(batch):
    """Of each architecture of a batch, under a controller that takes all allowed answers alike."""
    return np.exp(-np.log(batch.masks.sum(axis=2)).sum(axis=1))


def random_end(sequence, rng):
    state = sequence.start
    while state.next is not None:
        state = state.answer(int(rng.choice(np.flatnonzero(state.next.mask))))
    return state


def check_every_architecture_once(space):
    sequence = space.sequence()
    found = dict(ends(sequence))
    reached = Counter(architecture for architecture, _ in ends(sequence))
    assert set(reached) == set(space.enumerate()) and set(reached.values()) == {1}
    assert math.fsum(found.values()) == pytest.approx(1, abs=1e-12)
    batch = sequence.encode(list(found))
    assert uniform_probabilities(batch) == pytest.approx(list(found.values()), abs=1e-12)
    assert sequence.decode(batch.tokens) == list(found)
    assert batch.lengths.max() == batch.tokens.shape[1] == sequence.length


@settings(max_examples=60, deadline=None)
@given(recipes)
def test_every_architecture_of_a_random_space_is_reached_once_and_nothing_else(recipe):
    space = FromRecipe(recipe)
    if space.size <= 200:
        check_every_architecture_once(space)
        assert space.size == len({tuple(sorted(each.items())) for each in everything(recipe)})


@settings(max_examples=60, deadline=None)
@given(decisions())
def test_decisions_with_several_conditions_each_are_asked_alike(made):
    check_every_architecture_once(Given(tuple(made)))


class AtMostOneBit(Restriction):
    leading = 3

    def reason(self, point):
        return "two bits are set" if sum(point[:3]) > 1 else ""

    def allowed(self):
        bits = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)])
        return bits.sum(axis=1) <= 1


class Restricted(DecisionSpace):
    """Three bits of which one may be set, a plain decision, and two sources of three."""

    traced_shape = TaskShape((4,), 2)

    def network(self, choose, shape):
        for name in ("x", "y", "z"):
            choose.value(name, (0, 1))
        choose.value("width", (8, 16))
        choose.edges("node", range(3), 2, {"only": lambda _: nn.Identity()})
        return nn.Linear(4, 2)

    def restriction(self):
        return AtMostOneBit()


class SourcesTogether(DecisionSpace):
    """Two sets of sources, of which the second may not begin before the first."""

    traced_shape = TaskShape((4,), 2)

    def network(self, choose, shape):
        for name in ("first", "second"):
            choose.edges(name, (3, 1, 2, 0), 2, {"only": lambda _: nn.Identity()})
        return nn.Linear(4, 2)

    def restriction(self):
        return NotBefore()


class NotBefore(Restriction):
    leading = 2

    def reason(self, point):
        return "" if point[0] <= point[1] else "the second comes first"

    def allowed(self):
        return np.triu(np.ones((6, 6), dtype=bool)).ravel()


class Nested(DecisionSpace):
    """Choices inside repeats inside operations on sources, sources inside them, a scope, elastic values."""

    traced_shape = TaskShape((4,), 2)
    most: int = 1

    def network(self, choose, shape):
        def block(source):
            inner = choose.repeat("depth", 0, self.most, lambda _: choose.one("act", {"r": nn.ReLU, "t": nn.Tanh}))
            return nn.Sequential(inner, choose.edges("deeper", range(3), 2, {"only": lambda _: nn.Identity()}))

        with choose.scope("cell"):
            choose.edges("node", range(3), 2, {"plain": lambda _: nn.Identity(), "rich": block})
        choose.value("width", (4, 8))
        return nn.Linear(4, 2)


class Given(DecisionSpace):
    """A table made by hand."""

    made: tuple = ()

    def network(self, choose, shape):
        return nn.Identity()

    @cached_property
    def decisions(self):
        return DecisionTable(self.made)


def asked_by_several_sources():
    """Two of three sources; a decision that operations on two of them ask under one name, and one after it."""
    kept = tuple(combinations(range(3), 2))

    def when(source):
        return (Condition("s", frozenset(each for each in kept if source in each)),)

    operations = [Decision(f"s/{source}", ("a", "b"), "one", conditions=when(source)) for source in range(3)]
    common = Decision(
        "common", ("x", "y"), "value", conditions=tuple(Condition(f"s/{i}", frozenset("b")) for i in (0, 2))
    )
    last = Decision("last", (1, 2), "value", conditions=(Condition("common", frozenset("y")),))
    edges = tuple((source, f"s/{source}") for source in range(3))
    return Given((Decision("s", kept, "sources", edges=edges), *operations, common, last))


def some_of_darts():
    space = Darts(nodes=2)
    rng = np.random.default_rng(3)
    return Among(space, [space.sample(rng) for _ in range(300)])


@pytest.mark.parametrize(
    "space",
    [
        Restricted(),
        SourcesTogether(),
        Nested(),
        asked_by_several_sources(),
        some_of_darts(),
        Among(Tabular({"width": [8, 16], "op": ["a", "b"]}), [(0, 1), (1, 0), (1, 1)]),
        Tabular({"width": [8, 16], "op": ["a", "b", "c"], "flag": [True, False]}),
        Tabular({"width": [8]}),
        NasBench101(vertices=4, edges=3),
        Darts(nodes=(1, 1), operations=("skip_connect", "sep_conv_3x3")),
        Mlp(widths=(8, 16), most=2, activations=("relu",)),
        Chain(stages=1, most=1),
        NasNet(nodes=1, operations=("skip_connect", "sep_conv_3x3")),
    ],
    ids=lambda space: repr(space)[:40],
)
def test_every_architecture_is_reached_once_and_nothing_else(space):
    check_every_architecture_once(space)


@pytest.mark.parametrize(
    "space",
    [NasBench201(), NasBenchMacro(), Darts(nodes=(1, 3), operations=("skip_connect", "sep_conv_3x3"))],
    ids=lambda s: s.name,
)
def test_probabilities_of_all_architectures_of_a_larger_space_sum_to_one(space):
    batch = space.sequence().encode(list(space.enumerate()))
    assert math.fsum(uniform_probabilities(batch)) == pytest.approx(1, abs=1e-12)
    rows = {row.tobytes() for row in batch.tokens}
    assert len(rows) == space.size


@pytest.mark.parametrize(
    "space", [Chain(), Darts(), NasNet(), NasBench101(), Nested(most=2), Mlp()], ids=lambda s: s.name
)
def test_a_random_controller_gives_valid_architectures_only(space):
    rng = np.random.default_rng(0)
    sequence = space.sequence()
    states = [random_end(sequence, rng) for _ in range(40)]
    found = [state.architecture for state in states]
    for each in found:
        space.validate(each)
    assert len(set(found)) > 20
    batch = sequence.encode(found)
    for row, state in enumerate(states):
        assert tuple(batch.tokens[row, : batch.lengths[row]].tolist()) == state.tokens
    assert sequence.decode(batch.tokens) == found


@pytest.mark.parametrize("space", [Darts(), NasBench101(), Nested(most=2), some_of_darts()], ids=lambda s: s.name)
def test_batches_say_what_the_questions_say(space):
    rng = np.random.default_rng(1)
    sequence = space.sequence()
    drawn = [space.sample(rng) for _ in range(10)]
    batch = sequence.encode(drawn)
    for row, architecture in enumerate(drawn):
        state = sequence.start
        for place in range(batch.lengths[row]):
            asked, size = state.next, len(state.next.options)
            assert asked.mask == tuple(batch.masks[row, place, :size].tolist())
            assert not batch.masks[row, place, size:].any()
            assert asked.index == batch.questions[row, place] < sequence.questions
            assert asked.role == ROLES[batch.roles[row, place]]
            state = state.answer(int(batch.tokens[row, place]))
        assert state.architecture == architecture
        assert not batch.tokens[row, batch.lengths[row] :].any()
        assert (batch.masks[row, batch.lengths[row] :].sum(axis=1) == 1).all()


def test_a_node_is_asked_source_by_source_each_with_its_operation():
    state = Darts(nodes=2).sequence().start
    assert state.next.name == "normal/node0/0" and state.next.role == "operation"
    state = state.answer(0).answer(0)  # both states of the first node are read in any case
    assert (state.next.name, state.next.role) == ("normal/node1/sources[0]", "source")
    assert (state.next.options, state.next.mask) == ((0, 1, 2), (True, True, False))
    state = state.answer(1)
    assert state.next.name == "normal/node1/1"
    state = state.answer(3)
    assert (state.next.name, state.next.mask) == ("normal/node1/sources[1]", (False, False, True))
    assert state.answer(2).next.name == "normal/node1/2"


def test_the_limit_on_edges_closes_what_would_break_it():
    state = NasBench101(vertices=4, edges=3).sequence().start  # edges 01, 02, 03, 12, 13, 23
    for option in (1, 1, 1, 0, 1):
        state = state.answer(option)
    assert (state.next.name, state.next.mask) == ("edge2_3", (True, False))  # 0, 1, 2, 3 would make five of three


def test_roles():
    roles = {each.name: each.role for each in asked(Chain(stages=1, most=2))}
    assert roles["stage1/depth"] == "count" and roles["stage1/width"] == "size"
    assert roles["stage1/depth/0/operation"] == "operation" and roles["stage1/depth/0/operation/conv/kernel"] == "size"
    assert {each.role for each in asked(Tabular({"flag": [True, False], "name": ["a", "b"], "bit": [0, 1]}))} == {
        "other"
    }


def asked(space):
    rng = np.random.default_rng(0)
    for _ in range(30):
        state = space.sequence().start
        while state.next is not None:
            yield state.next
            state = state.answer(int(rng.choice(np.flatnonzero(state.next.mask))))


def test_what_cannot_be_answered_is_refused():
    space = Darts(nodes=(1, 2))
    sequence = space.sequence()
    state = sequence.start
    with pytest.raises(UserError, match="has the options 0 to 6, found 7"):
        state.answer(7)
    with pytest.raises(UserError, match="not complete: 'normal/node0/0' is asked next"):
        _ = state.architecture
    while state.next.role != "source":
        state = state.answer(0)
    with pytest.raises(UserError, match="cannot be 2 after the answers so far; it may be \\[0, 1\\]"):
        state.answer(2)
    good = sequence.encode([space.at(5)]).tokens
    with pytest.raises(InvalidArchitecture, match="sequence 0 ends before it answers 'reduce"):
        sequence.decode(good[:, :3])
    with pytest.raises(InvalidArchitecture, match="sequence 1 answers 'normal/node0/0' with option 9"):
        sequence.decode([good[0].tolist(), [9, *good[0, 1:].tolist()]])
    with pytest.raises(InvalidArchitecture, match="beyond the"):
        sequence.decode(np.pad(good, ((0, 0), (0, 1)), constant_values=1))
    with pytest.raises(InvalidArchitecture, match="array of whole numbers"):
        sequence.decode([[0.5]])
    with pytest.raises(InvalidArchitecture, match="belongs to space"):
        sequence.encode([NasBench201().at(0)])


def test_no_architectures_and_no_questions():
    space = Darts(nodes=1)
    assert space.sequence().encode([]).tokens.shape == (0, space.sequence().length)
    assert space.sequence().decode(np.zeros((0, 4), dtype=np.int64)) == []
    only = Tabular({"width": [8]}).sequence()
    assert only.start.next is None and only.decode(only.encode([only.start.architecture]).tokens)[0].point == ()


def reward(architecture):
    return math.sin(3.0 + sum((i + 1) * max(option, 0) for i, option in enumerate(architecture.point)))


@pytest.mark.parametrize(
    "space", [asked_by_several_sources(), Restricted(), some_of_darts()], ids=["shared", "restricted", "listed"]
)
def test_reinforce_with_a_tabular_softmax_policy_follows_the_gradient_of_the_expected_reward(space):
    """E[R grad log p], from a batch in one pass, is the gradient of sum p R, the p multiplied answer by answer."""
    sequence = space.sequence()
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(sequence.questions, sequence.width, dtype=torch.double, generator=generator).requires_grad_()
    everyone = list(islice(space.enumerate(), 400))
    rewards = torch.tensor([reward(each) for each in everyone], dtype=torch.double)

    batch = sequence.encode(everyone)
    masked = logits[torch.from_numpy(batch.questions)].masked_fill(~torch.from_numpy(batch.masks), -math.inf)
    tokens = torch.from_numpy(batch.tokens)[:, :, None]
    log_p = masked.log_softmax(2).gather(2, tokens).sum((1, 2))
    assert float(log_p.detach().exp().sum()) == pytest.approx(1, abs=1e-12)
    (expected,) = torch.autograd.grad((log_p.exp().detach() * rewards * log_p).sum(), logits)

    total = torch.zeros((), dtype=torch.double)
    stack = [(sequence.start, torch.ones((), dtype=torch.double))]
    while stack:
        state, probability = stack.pop()
        if state.next is None:
            total = total + probability * reward(state.architecture)
            continue
        allowed = np.flatnonzero(state.next.mask).tolist()
        shares = logits[state.next.index, allowed].softmax(0)
        stack.extend((state.answer(option), probability * shares[i]) for i, option in enumerate(allowed))
    (exact,) = torch.autograd.grad(total, logits)
    assert torch.allclose(expected, exact, atol=1e-6, rtol=0) and float(exact.abs().max()) > 1e-3
