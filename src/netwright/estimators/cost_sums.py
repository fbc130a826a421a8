"""Three ways from an architecture to the cost of its network: a table of options, a sum of parts, or building it."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from torch import nn

from netwright.core.architecture import Content
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import INACTIVE, Point
from netwright.core.errors import UserError
from netwright.core.roles import HasCostTerms
from netwright.core.shapes_only import ShapesOnly
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.estimators.costs import Amounts, CostModel
from netwright.estimators.every_option import EveryLayer
from netwright.networks.counting import count_layers

Sums = tuple[int, ...]  # one of each amount that is counted

CHECKED = 4  # random architectures on which a space's claim is checked
FRAMES = 6000  # random architectures whose frames are; a rare one that is met later takes a network to count
REMEMBERED = 4096  # architectures of a space that says nothing of its cost
SUMMED, BUILT = 20_000, 2_000  # over how many architectures a mean is taken; where each must be built for it


@dataclass(frozen=True)
class Counting:
    """What is counted of a network, layer by layer.

    layers: the amounts of each layer by its name, of a network and the shape of an example.
    said: the amounts in words.
    error: by which share of the whole a sum of parts may miss what the network counts, where names of layers weigh.
    """

    layers: Callable[[nn.Module, Sequence[int]], Mapping[str, Sums]]
    said: str
    error: float = 0.0

    def total(self, network: nn.Module, shape: Sequence[int]) -> Sums:
        """Of the whole network."""
        return added(self.nothing, *self.layers(network, shape).values())

    @property
    def nothing(self) -> Sums:
        return (0,) * (1 + self.said.count(","))


def _counts(network: nn.Module, shape: Sequence[int]) -> dict[str, Sums]:
    layers = count_layers(network, shape).items()
    return {name: (each.params, each.macs, each.activation_memory) for name, each in layers}


COUNTS = Counting(_counts, "parameters, multiply-adds, activation bytes")


def model_of(space: Space, shape: TaskShape, counting: Counting = COUNTS) -> CostModel:
    """The quickest model of what the space's networks count that the space allows for (see `Cost`)."""
    if isinstance(space, DecisionSpace) and getattr(space, "additive_cost", False):
        return Table(space, shape, counting)
    if isinstance(space, DecisionSpace) and isinstance(space, HasCostTerms):
        return Terms(cast("Any", space), shape, counting)
    return Built(space, shape, counting)


class Table:
    """The cost of every option of every decision, and that of the frame they stand in."""

    summed = SUMMED

    def __init__(self, space: DecisionSpace, shape: TaskShape, counting: Counting = COUNTS) -> None:
        self._space, self._shape, self._counting = space, shape, counting
        every = EveryLayer(space, shape)
        self._options = every.options(counting.layers(every.network, shape.input), counting.nothing, added)
        self._frame: Callable[[Point], Hashable] = getattr(space, "cost_frame", lambda point: None)
        self._frames: dict[Hashable, Sums] = {}
        rng = np.random.default_rng(0)
        for _ in range(FRAMES if hasattr(space, "cost_frame") else 1):
            self(space.indices(space.sample(rng)))
        check(self, space, shape, "additive_cost", counting)

    @property
    def parts(self) -> tuple[Amounts, list[list[Amounts]]] | None:
        if hasattr(self._space, "cost_frame"):
            return None
        return next(iter(self._frames.values())), [[*each] for each in self._options]

    def __call__(self, content: Content) -> Sums:
        point: Point = content
        frame = self._frame(point)
        if frame not in self._frames:
            whole = built(self._space, point, self._shape, self._counting)
            self._frames[frame] = _minus(whole, self._sum(self._counting.nothing, point))
        return self._sum(self._frames[frame], point)

    def _sum(self, start: Sums, point: Point) -> Sums:
        chosen = [each[option] for option, each in zip(point, self._options, strict=True) if option != INACTIVE]
        return added(start, *chosen)


class Terms:
    """The sum of the space's own terms, each counted once."""

    summed = SUMMED
    parts = None

    def __init__(self, space: DecisionSpace, shape: TaskShape, counting: Counting = COUNTS) -> None:
        assert isinstance(space, HasCostTerms)
        self._terms, self._part = space.cost_terms, space.cost_part
        self._shape, self._counting = shape, counting
        self._known: dict[Hashable, Sums] = {}
        check(self, space, shape, "cost_terms", counting)

    def __call__(self, content: Content) -> Sums:
        known = self._known
        parts = [known.get(term) or self._count(term) for term in self._terms(content)]
        return added(self._counting.nothing, *parts)

    def _count(self, term: Hashable) -> Sums:
        with ShapesOnly():
            module, shape = self._part(term, self._shape)
        self._known[term] = cost = self._counting.total(module, shape)
        return cost


class Built:
    """The network itself, built and counted; the last few thousand results are remembered."""

    summed = BUILT
    parts = None

    def __init__(self, space: Space, shape: TaskShape, counting: Counting = COUNTS) -> None:
        self._space, self._shape, self._counting = space, shape, counting
        self._known: OrderedDict[Content, Sums] = OrderedDict()

    def __call__(self, content: Content) -> Sums:
        if content not in self._known:
            self._known[content] = built(self._space, content, self._shape, self._counting)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(content)
        return self._known[content]


def built(space: Space, content: Content, shape: TaskShape, counting: Counting = COUNTS) -> Sums:
    """What the network of the architecture that holds this counts, built on the meta device."""
    with ShapesOnly():
        network = space.build(space.from_content(content, check=False), shape)
    return counting.total(network, shape.input)


def check(model: CostModel, space: DecisionSpace, shape: TaskShape, claim: str, counting: Counting) -> None:
    """Raise UserError where the model disagrees with what some random networks count."""
    rng = np.random.default_rng(1)
    for _ in range(CHECKED):
        architecture = space.sample(rng)
        expected, found = built(space, architecture.content, shape, counting), model(architecture.content)
        if any(abs(a - b) > counting.error * b for a, b in zip(found, expected, strict=True)):
            raise UserError(
                f"{space!r} states its cost by {claim}, which does not hold for {architecture}: ({counting.said}) "
                f"would be {found}, but the network counts {expected}. Correct the space, or take "
                f"{claim.partition(' ')[0]} away to have every network built and counted"
            )


def added(*amounts: Sums) -> Sums:
    """The sum of each amount."""
    return tuple(map(sum, zip(*amounts)))  # noqa: B905  # hot, and of one length


def _minus(first: Sums, second: Sums) -> Sums:
    return tuple(map(operator.sub, first, second))
