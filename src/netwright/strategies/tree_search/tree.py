"""A tree of partial architectures: its levels are the decisions in their order, or halves of a decision's options."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from netwright.core.decisions import DecisionTable, Point


class Node:
    """The architectures that begin with `prefix` and take one of the options low, ..., high - 1 next.

    visits, total: rewards that were counted here, and their sum. pending: visits whose reward is not known yet.
    closed: whether every architecture below was asked.
    """

    __slots__ = ("children", "closed", "high", "low", "pending", "prefix", "total", "visits")

    def __init__(self, prefix: Point, low: int, high: int) -> None:
        self.prefix, self.low, self.high = prefix, low, high
        self.children: list[Node] = []
        self.visits = self.pending = 0
        self.total = 0.0
        self.closed = False


class Tree:
    """Nodes and where they branch; `halved` decisions split their options in two until one is left.

    order: the decision of each level; as the table has them where none is given, or where some are not always active.
    """

    def __init__(self, table: DecisionTable, halved: Collection[int] = (), order: Sequence[int] = ()) -> None:
        self._table = table
        self.order = tuple(order) or tuple(range(len(table)))
        self._level = {place: level for level, place in enumerate(self.order)}
        self._halved = frozenset(self._level[place] for place in halved)
        self.root = self._node(())

    def _node(self, prefix: Point) -> Node:
        """The node after these options, those of decisions that are not active filled in."""
        while len(prefix) < len(self._table) and not self._table.active(self.order[len(prefix)], prefix):
            prefix = (*prefix, -1)
        ends = len(prefix) == len(self._table)
        return Node(prefix, 0, 0 if ends else self._table.sizes[self.order[len(prefix)]])

    def ends(self, node: Node) -> bool:
        """Whether the node is a whole architecture."""
        return len(node.prefix) == len(self._table)

    def expand(self, node: Node) -> None:
        """Give a node its children."""
        if len(node.prefix) in self._halved and node.high - node.low > 2:
            middle = (node.low + node.high) // 2
            node.children = [self._part(node, node.low, middle), self._part(node, middle, node.high)]
        else:
            node.children = [self._part(node, option, option + 1) for option in range(node.low, node.high)]

    def _part(self, node: Node, low: int, high: int) -> Node:
        return self._node((*node.prefix, low)) if high - low == 1 else Node(node.prefix, low, high)

    def rollout(self, node: Node, rng: np.random.Generator) -> Point:
        """A random architecture below the node: each further active decision uniformly, in order."""
        if self.ends(node):
            return self._placed(node.prefix)
        option = int(rng.integers(node.low, node.high))
        return self._table.complete(self._placed((*node.prefix, option)), rng)

    def _placed(self, levels: Point) -> Point:
        """What the levels say, in the order of the table; -1 for what they don't."""
        wanted = [-1] * len(self._table)
        for place, option in zip(self.order, levels, strict=False):
            wanted[place] = option
        return tuple(wanted)

    def path(self, point: Point) -> list[Node]:
        """From the root along the nodes that there are on the way to an architecture."""
        levels = tuple([point[place] for place in self.order])
        path = [self.root]
        while path[-1].children:
            path.append(next(child for child in path[-1].children if _holds(child, levels)))
        return path

    def nodes(self) -> list[Node]:
        """All nodes that there are, each before its children."""
        found, open_nodes = [], [self.root]
        while open_nodes:
            found.append(node := open_nodes.pop())
            open_nodes += reversed(node.children)
        return found

    def memory(self) -> dict[str, np.ndarray]:
        """What is noted at each node, in the order of `nodes`."""
        nodes = self.nodes()
        return {
            "expanded": np.array([bool(node.children) for node in nodes]),
            "closed": np.array([node.closed for node in nodes]),
            "visits": np.array([node.visits for node in nodes], dtype=np.int64),
            "pending": np.array([node.pending for node in nodes], dtype=np.int64),
            "total": np.array([node.total for node in nodes], dtype=np.float64),
        }

    def remember(self, memory: Mapping[str, np.ndarray]) -> list[list[Node]]:
        """Be the tree that gave this memory, from the root alone; the way to each node, in the order of `nodes`."""
        names = ("expanded", "closed", "visits", "pending", "total")
        ways: list[list[Node]] = []
        open_ways = [[self.root]]
        for expanded, *noted in zip(*(memory[name].tolist() for name in names), strict=True):
            ways.append(way := open_ways.pop())
            node = way[-1]
            node.closed, node.visits, node.pending, node.total = noted
            if expanded:
                self.expand(node)
                open_ways += [[*way, child] for child in reversed(node.children)]
        return ways

    @staticmethod
    def close(path: list[Node]) -> None:
        """Note that the architecture at the end of the path was asked."""
        path[-1].closed = True
        for node in reversed(path[:-1]):
            node.closed = all(child.closed for child in node.children)


def _holds(node: Node, point: Point) -> bool:
    depth = len(node.prefix)
    return point[:depth] == node.prefix and (depth == len(point) or node.low <= point[depth] < node.high)


def upper_bounds(node: Node, exploration: float) -> list[float]:
    """UCT of each child: total/n + c sqrt(2 ln N / n) (Kocsis and Szepesvari 2006), infinite where n is 0.

    Pending visits count as visits with the reward 0, the virtual loss of Chaslot et al. 2008, so that walks at the same
    time part. Minus infinity for children that are closed.
    """
    logarithm = 2 * math.log(max(node.visits + node.pending, 1))
    return [_upper_bound(child, exploration, logarithm) for child in node.children]


def _upper_bound(child: Node, exploration: float, logarithm: float) -> float:
    visits = child.visits + child.pending
    if child.closed:
        return -math.inf
    return math.inf if not visits else child.total / visits + exploration * math.sqrt(logarithm / visits)
