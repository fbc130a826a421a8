"""check_space accepts what is right, and finds each way of being wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch
from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.building import Builder
from netwright.core.decision_space import DecisionSpace
from netwright.core.graph import Edge, Graph, Node
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.testing import check_space
from netwright.testing.rules import global_randomness_untouched
from netwright.testing.small_spaces import Layers, Only

SHAPE = TaskShape((3, 4, 4), 5)


class Small(Layers):
    most: int = 2


@pytest.mark.parametrize("space", [Small(), Layers(5), Only()], ids=repr)
def test_right_spaces_pass(space):
    check_space(space, SHAPE, samples=8)


def test_randomness_outside_is_left_alone():
    with global_randomness_untouched("check_space"):
        check_space(Small(), SHAPE, samples=4)


class AsksByShape(Small):
    def network(self, choose, shape):
        if shape.height > 8:
            choose.value("only for large images", [1, 2])
        return super().network(choose, shape)


class OptionsByClasses(Small):
    def network(self, choose, shape):
        choose.value("classes", [shape.classes, 0])
        return super().network(choose, shape)


class OtherTwin(Small):
    def tracing_twin(self):
        return Layers(3)


class NotItsArguments(DecisionSpace):
    def __init__(self, settings=None):
        self.settings = settings or [2]

    def network(self, choose, shape):
        self.settings.append(1)  # grows the argument itself
        return Layers(len(self.settings)).network(choose, shape)


class Unrepeatable(Small):
    def sample(self, rng, *, uniform_over="decisions"):
        return super().sample(np.random.default_rng(), uniform_over=uniform_over)


class SamplesInvalid(Small):
    def sample(self, rng, *, uniform_over="decisions"):
        return Architecture(self, (9,) * len(self.decisions))


class SampleRaises(Small):
    def sample(self, rng, *, uniform_over="decisions"):
        if uniform_over == "architectures":
            raise NotImplementedError("uniform sampling")
        return super().sample(rng)


class WrongSize(Small):
    @property
    def size(self):
        return super().size + 1


class EnumeratesTwice(Small):
    def enumerate(self):
        everything = list(super().enumerate())
        return iter([*everything[:-1], everything[0]])


class WrongNumbers(Small):
    def at(self, rank):
        return super().at(self.size - 1 - rank)


class NumbersPastTheEnd(Small):
    def at(self, rank):
        return super().at(rank % self.size)


class LargeWithTwoOfANumber(Layers):
    most: int = 10

    def at(self, rank):
        return super().at(rank - rank % 2 if rank < self.size else rank)


class MutatesTwice(Small):
    def mutate(self, architecture, rng):
        return self.decisions_changed(super().mutate(super().mutate(architecture, rng), rng), architecture, rng)

    def decisions_changed(self, changed, architecture, rng):
        while changed == architecture or changed in set(self.neighbors(architecture)):
            changed = super().mutate(changed, rng)
        return changed


class MutatesNothing(Small):
    def mutate(self, architecture, rng):
        return architecture


class ForgetsNeighbors(Small):
    def neighbors(self, architecture):
        return iter(list(super().neighbors(architecture))[:1])


class RepeatsNeighbors(Small):
    def neighbors(self, architecture):
        found = list(super().neighbors(architecture))
        return iter([*found, found[0]])


class FarNeighbors(Small):
    def neighbors(self, architecture):
        return self.enumerate()


class Invents(Small):
    def crossover(self, first, second, rng):
        return self.at(self.size - 1 if first.point[0] == 0 else 0)


class NeverCanonical(Small):
    def canonical(self, architecture):
        return self.at((list(self.enumerate()).index(architecture) + 1) % self.size)


class LosesText(Small):
    def format(self, architecture):
        return json.dumps({**architecture.decisions, "depth": 1})


class ParsesAnything(Small):
    def parse(self, text):
        record = json.loads(text)
        record = record.get("decisions", record)
        return self.architecture({name: record[name] for name in record if name in self.decisions.places})


class SameText(Small):
    def format(self, architecture):
        return "{}"

    def parse(self, text):
        return self.at(0) if text == "{}" else super().parse(text)


class LossyEncoding(Small):
    def encode(self, architecture):
        return super().encode(architecture)[:2]


class RaggedEncoding(Small):
    def encode(self, architecture):
        return np.array(sorted(super().encode(architecture).nonzero()[0]), dtype=np.float32)


class DoubleEncoding(Small):
    def encode(self, architecture):
        return super().encode(architecture).astype(np.float64)


class RaggedTokens(Small):
    def tokens(self, architecture):
        return tuple(token for token in super().tokens(architecture) if token)


class WrongTokens(Small):
    def from_tokens(self, sequence):
        return self.at(0)


class Unpicklable(Small):
    def __reduce__(self):
        raise TypeError("cannot pickle this")


class IgnoresADecision(Small):
    """Asks while it is traced, and not while it is built."""

    def network(self, choose, shape):
        if not isinstance(choose, Builder):
            choose.value("ignored", [1, 2])
        return super().network(choose, shape)


class ValueDecides(Small):
    def network(self, choose, shape):
        if all([choose.value("extra", [0, 1]), choose.value("further", [0, 1])]):
            choose.value("asked late", [1, 2])
        return super().network(choose, shape)


class KnowsOneTwice(Small):
    def known(self, shape):
        return {"one": self.at(0), "another": self.at(0)}


class KnowsAForeignOne(Small):
    def known(self, shape):
        return {"foreign": Layers(5).at(0)}


class KnowsOthersEachTime(Small):
    def known(self, shape):
        return {"one": self.at(next(calls) % self.size)}


calls = count()  # goes on from one call to the next: two in a row never agree


class KnowsWithoutName(Small):
    def known(self, shape):
        return {"": self.at(0)}


class GraphWith(Small):
    def wrong(self, graph):
        return graph

    def graph(self, architecture):
        return self.wrong(super().graph(architecture))


class LooseEdge(GraphWith):
    def wrong(self, graph):
        return Graph(graph.nodes, (*graph.edges, Edge("nowhere", graph.nodes[0].name)))


class DoubleNode(GraphWith):
    def wrong(self, graph):
        return Graph((*graph.nodes, graph.nodes[0]), graph.edges)


class Circle(GraphWith):
    def wrong(self, graph):
        return Graph((*graph.nodes, Node("a"), Node("b")), (*graph.edges, Edge("a", "b"), Edge("b", "a")))


class ChangingGraph(GraphWith):
    def wrong(self, graph):
        first = replace(graph.nodes[0], operation=str(np.random.default_rng().random()))
        return Graph((first, *graph.nodes[1:]), graph.edges)


class Wrapped(Small):
    """The right network with something wrong around it."""

    def around(self, network):
        return network

    def network(self, choose, shape):
        return self.around(super().network(choose, shape))


class SearchClass(nn.Sequential):
    pass


SearchClass.__module__ = "netwright.core.invented"


class KeepsTheSearch(Wrapped):
    def around(self, network):
        return SearchClass(network)


class UnseededWeights(Wrapped):
    def around(self, network):
        if network[1].weight.is_meta:
            return network
        network[1].weight.data.copy_(torch.randn(network[1].weight.shape, generator=fresh))
        return network


fresh = torch.Generator().manual_seed(0)  # goes on from one network to the next


class WrongOutputs(Wrapped):
    def around(self, network):
        return nn.Sequential(network, nn.Linear(network[-1].out_features, 7))


class NotFinite(Wrapped):
    def around(self, network):
        return nn.Sequential(network, Divide())


class Divide(nn.Module):
    def forward(self, x):
        return x / 0


class CannotRun(Wrapped):
    def around(self, network):
        return nn.Sequential(nn.Conv2d(1, 1, 1), network)


class NothingToTrain(Wrapped):
    def around(self, network):
        return network.requires_grad_(False)


class ExplodingGradient(Wrapped):
    def around(self, network):
        return nn.Sequential(network, Root())


class Root(nn.Module):
    def forward(self, x):
        return (x * 0).sqrt() + x  # infinite slope at zero, finite value


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (AsksByShape(), r"decisions for .* differ .*only for large images"),
        (OptionsByClasses(), r"'classes' has other options"),
        (OtherTwin(), r"tracing twin"),
        (NotItsArguments(), r"arguments|decisions for"),
        (Unrepeatable(), "same generator state gave another"),
        (SamplesInvalid(), "sample gave an architecture that validate refuses"),
        (SampleRaises(), "sample raised NotImplementedError"),
        (WrongSize(), "size says"),
        (EnumeratesTwice(), "enumerate lists an architecture twice"),
        (WrongNumbers(), "differ from the order of enumerate"),
        (NumbersPastTheEnd(), r"one past the last, raised nothing"),
        (LargeWithTwoOfANumber(), "at gives the same architecture for two numbers|at and enumerate differ"),
        (MutatesTwice(), "mutate of .* expected 1|not among its neighbors"),
        (MutatesNothing(), "mutate of .* 0 decisions"),
        (ForgetsNeighbors(), "not among its neighbors"),
        (RepeatsNeighbors(), "neighbors of .* lists an architecture twice"),
        (FarNeighbors(), "neighbors of .* expected 1"),
        (Invents(), "crossover: the child answers"),
        (NeverCanonical(), "canonical is not idempotent"),
        (LosesText(), r"parse of str\(\)"),
        (ParsesAnything(), "parse of another space's architecture raised nothing"),
        (SameText(), r"parse of str\(\)"),
        (LossyEncoding(), "encode gave .* different values"),
        (RaggedEncoding(), "encode gave shapes"),
        (DoubleEncoding(), "float32"),
        (RaggedTokens(), "tokens gave sequences of lengths"),
        (WrongTokens(), r"from_tokens\(tokens"),
        (Unpicklable(), "pickling the space raised TypeError"),
        (IgnoresADecision(), r"'ignored' is not asked, though it was when all options were taken at once"),
        (ValueDecides(), "tracing the decisions .* raised UserError.*'asked late'"),
        (KnowsOneTwice(), "known names an architecture twice"),
        (KnowsAForeignOne(), "known, under 'foreign', gave an architecture that validate refuses"),
        (KnowsOthersEachTime(), "known gives others"),
        (KnowsWithoutName(), "known has a name that is no text"),
        (LooseEdge(), "end is no node"),
        (DoubleNode(), "two nodes of one name"),
        (Circle(), "has a circle"),
        (ChangingGraph(), "not the same twice"),
        (KeepsTheSearch(), r"classes of the search: \['SearchClass'\]"),
        (UnseededWeights(), "other weights when built again"),
        (WrongOutputs(), r"outputs of shape \[\(2, 7\)\], expected \(2, 5\)"),
        (NotFinite(), "outputs of .* are not finite"),
        (CannotRun(), "on inputs of shape .* raised RuntimeError"),
        (NothingToTrain(), "no parameter .* gets a gradient"),
        (ExplodingGradient(), "gradients of .* are not finite"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Space) else "",
)
def test_wrong_spaces_are_found(space, message):
    with pytest.raises(AssertionError, match=message):
        check_space(space, SHAPE, samples=20)


def test_hashes_of_equal_architectures_must_agree(monkeypatch):
    monkeypatch.setattr(Architecture, "__hash__", lambda self: id(self))
    with pytest.raises(AssertionError, match="different hashes"):
        check_space(Small(), SHAPE, samples=4)


def test_order_must_not_depend_on_the_start(monkeypatch):
    monkeypatch.setattr(Architecture, "__lt__", lambda self, other: False)
    with pytest.raises(AssertionError, match="the order of architectures"):
        check_space(Small(), SHAPE, samples=8)
