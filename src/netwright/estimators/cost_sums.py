"""Three ways from an architecture to the cost of its network: a table of options, a sum of parts, or building it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import nn

from netwright.core.architecture import Content
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import INACTIVE, Point
from netwright.core.errors import UserError
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.estimators.costs import Amounts, CostModel
from netwright.estimators.every_option import EveryLayer
from netwright.networks.counting import Count, count

Sums = tuple[int, int, int]  # parameters, multiply-adds, bytes of activations

CHECKED = 4  # random architectures on which a space's claim is checked
FRAMES = 6000  # random architectures whose frames are; a rare one that is met later takes a network to count
REMEMBERED = 4096  # architectures of a space that says nothing of its cost
SUMMED, BUILT = 20_000, 2_000  # over how many architectures a mean is taken; where each must be built for it


@runtime_checkable
class HasCostTerms(Protocol):
    """A space whose networks are sums of parts (see `Cost`)."""

    def cost_terms(self, point: Point) -> Iterable[Hashable]: ...

    def cost_part(self, term: Hashable, shape: TaskShape) -> tuple[nn.Module, tuple[int, ...]]: ...


class Table:
    """The cost of every option of every decision, and that of the frame they stand in."""

    summed = SUMMED

    def __init__(self, space: DecisionSpace, shape: TaskShape) -> None:
        self._space, self._shape = space, shape
        layers = EveryLayer(space, shape)
        self._options = layers.options({name: _sums(each) for name, each in layers.counts().items()}, (0, 0, 0), _plus)
        self._frame: Callable[[Point], Hashable] = getattr(space, "cost_frame", lambda point: None)
        self._frames: dict[Hashable, Sums] = {}
        rng = np.random.default_rng(0)
        for _ in range(FRAMES if hasattr(space, "cost_frame") else 1):
            self(space.indices(space.sample(rng)))
        check(self, space, shape, "additive_cost")

    @property
    def parts(self) -> tuple[Amounts, list[list[Amounts]]] | None:
        if hasattr(self._space, "cost_frame"):
            return None
        return next(iter(self._frames.values())), [[*each] for each in self._options]

    def __call__(self, content: Content) -> Sums:
        point: Point = content
        frame = self._frame(point)
        if frame not in self._frames:
            self._frames[frame] = _minus(built(self._space, point, self._shape), self._sum((0, 0, 0), point))
        return self._sum(self._frames[frame], point)

    def _sum(self, start: Sums, point: Point) -> Sums:
        params, macs, memory = start
        for option, options in zip(point, self._options, strict=True):
            if option != INACTIVE:
                more_params, more_macs, more_memory = options[option]
                params += more_params
                macs += more_macs
                memory += more_memory
        return params, macs, memory


class Terms:
    """The sum of the space's own terms, each counted once."""

    summed = SUMMED
    parts = None

    def __init__(self, space: DecisionSpace, shape: TaskShape) -> None:
        assert isinstance(space, HasCostTerms)
        self._terms, self._part = space.cost_terms, space.cost_part
        self._shape = shape
        self._known: dict[Hashable, Sums] = {}
        check(self, space, shape, "cost_terms")

    def __call__(self, content: Content) -> Sums:
        params = macs = memory = 0
        known = self._known
        for term in self._terms(content):
            cost = known.get(term) or self._count(term)
            params += cost[0]
            macs += cost[1]
            memory += cost[2]
        return params, macs, memory

    def _count(self, term: Hashable) -> Sums:
        with torch.device("meta"):
            module, shape = self._part(term, self._shape)
        self._known[term] = cost = _sums(count(module, shape))
        return cost


class Built:
    """The network itself, built and counted; the last few thousand results are remembered."""

    summed = BUILT
    parts = None

    def __init__(self, space: Space, shape: TaskShape) -> None:
        self._space, self._shape = space, shape
        self._known: OrderedDict[Content, Sums] = OrderedDict()

    def __call__(self, content: Content) -> Sums:
        if content not in self._known:
            self._known[content] = built(self._space, content, self._shape)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(content)
        return self._known[content]


def built(space: Space, content: Content, shape: TaskShape) -> Sums:
    """What the network of the architecture that holds this counts, built on the meta device."""
    with torch.device("meta"):
        network = space.build(space.from_content(content, check=False), shape)
    return _sums(count(network, shape.input))


def check(model: CostModel, space: DecisionSpace, shape: TaskShape, claim: str) -> None:
    """Raise UserError where the model disagrees with what some random networks count."""
    rng = np.random.default_rng(1)
    for _ in range(CHECKED):
        architecture = space.sample(rng)
        expected, found = built(space, architecture.content, shape), model(architecture.content)
        if found != expected:
            raise UserError(
                f"{space!r} states its cost by {claim}, which does not hold for {architecture}: (parameters, "
                f"multiply-adds, activation bytes) would be {found}, but the network counts {expected}. Correct the "
                f"space, or take {claim.partition(' ')[0]} away to have every network built and counted"
            )


def _sums(cost: Count) -> Sums:
    return cost.params, cost.macs, cost.activation_memory


def _minus(first: Sums, second: Sums) -> Sums:
    return first[0] - second[0], first[1] - second[1], first[2] - second[2]


def _plus(first: Sums, second: Sums) -> Sums:
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]
