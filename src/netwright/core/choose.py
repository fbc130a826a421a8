"""What a space may leave open while it writes a network down (see `Space.network`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeVar

from netwright.core.errors import UserError
from netwright.core.states import States
from netwright.core.vertex_graph import GraphParts, edge_name

if TYPE_CHECKING:
    from torch import nn

    from netwright.core.building import EdgeSum
    from netwright.core.routes import Routes
    from netwright.core.rules import Rule

PROVIDES = ("space.elastic_dims",)

T = TypeVar("T", str, int, float, bool)
Maker = Callable[[int], "nn.Module"]  # of an operation on a source
Makers = Mapping[str, Maker]  # by label
LINK = (0, 1)  # what is decided of a state that may be read: not, or read
Offered = Makers | Callable[[int], Makers]  # the same on every source, or what each source offers


class Choose:
    """Asks for each open decision of a network. What answers depends on why the network is written down.

    Names are local: `one`, `repeat` and `edges` put their own name before those asked inside them, and `scope` adds
    a prefix by hand. The same full name asked twice is the same decision.
    """

    def __init__(self) -> None:
        self._path: list[str] = []

    def one(
        self, name: str, options: Mapping[str, Callable[[], nn.Module]], *, soft: Collection[str] = ()
    ) -> nn.Module:
        """One module of several, by label. Labels in `soft` exist in mixtures only."""
        raise NotImplementedError

    def value(self, name: str, options: Sequence[T]) -> T:
        """One plain value of several."""
        raise NotImplementedError

    def repeat(self, name: str, least: int, most: int, make: Callable[[int], nn.Module]) -> nn.Module:
        """Between `least` and `most` modules in a row: make(0), make(1), ..."""
        raise NotImplementedError

    def edges(
        self,
        name: str,
        sources: Sequence[int],
        keep: int | None,
        options: Offered,
        *,
        soft: Collection[str] = (),
    ) -> EdgeSum:
        """The sum of operations on `keep` of the sources (all of them for None): make(source) gives an operation.

        options: by label, the same on every source; or, where sources differ (some are halved, others not), a function
            that gives what a source offers.
        soft: labels that exist in mixtures only, wherever they are offered.

        What comes back takes the list of all earlier states; its `.sources` are the indices it reads.
        """
        raise NotImplementedError

    def unread(self, nodes: Iterable[EdgeSum], states: Iterable[int]) -> States:
        """Of these states those that none of the nodes reads, as what `edges` gave: the loose ends of a cell.

        Layers that read them side by side are sized by its `number`, so that a network of all architectures can follow.
        """
        read = {source for node in nodes for source in node.sources}
        return States(state for state in states if state not in read)

    def subset(self, name: str, sources: Iterable[int], *, always: Iterable[int] = ()) -> States:
        """Which of these earlier states a layer reads: each of them or not, a decision each, named `name/source`.

        sources: numbers of the states that may be read.
        always: numbers of those that are read in any case; with none, there may be nothing to read.

        Layers that read them side by side are sized by the `number` of what comes back, as for `unread`.
        """
        with self.scope(name):
            read = [source for source in sources if self.value(str(source), LINK)]
        return States(sorted({*read, *always}))

    def vertices(self, parts: GraphParts) -> nn.Module:
        """A cell with operations on the vertices of a graph, and a decision for each pair of them: is there an edge.

        The decisions are named edge0_1, edge0_2, ..., those of operations as `parts` asks for them.
        """
        pairs = combinations(range(parts.vertices), 2)
        edges = tuple(pair for pair in pairs if self.value(edge_name(pair), (0, 1)))
        graph = parts.graph(edges)
        inner = range(1, parts.vertices - 1)
        operations = {vertex: parts.operation(vertex, graph.widths.get(vertex, 1)) for vertex in inner}
        projections = {
            vertex: parts.projection(graph.widths.get(vertex, parts.most(vertex))) for vertex in graph.projected
        }
        return parts.cell(graph, operations, projections)

    def route(self, routes: Routes) -> nn.Module:
        """A way through blocks, from the first to the last, of which each leads on to one of several.

        The decisions are `block0/next`, ..., and those that the parts of `routes` ask for: of a block where it is on
        the way, of what is between two where the first leads to the second. A mixture sums in each block what leads
        there.
        """
        raise NotImplementedError

    def where(self, name: str, labels: Collection[Any], then: Callable[[], None]) -> None:
        """Ask more, by calling `then`, only where the decision of this name took one of these labels.

        So a row of layers ends where one of them says so: each is asked where the one before took anything but "end".

        name: of a decision that was asked before in the same scope.
        """
        raise NotImplementedError

    def allow(self, name: str, rule: Rule) -> None:
        """Say, before the decision of this name is asked, what it may take after the answers so far.

        rule: is given the answers, as `answers["kernel"]` or `answers.count("pool")`, and gives labels, None for all;
            at least one. It may depend on nothing else, neither on the shape nor on modules, and is asked once for all.
        """

    @contextmanager
    def scope(self, name: str) -> Generator[None]:
        """Put `name/` before the names asked inside. It decides nothing."""
        self._path.append(name)
        try:
            yield
        finally:
            self._path.pop()

    def full_name(self, name: str) -> str:
        return "/".join((*self._path, name))


def offered(options: Offered, source: int) -> Makers:
    """The operations that may be on this source, see `Choose.edges`."""
    return options(source) if callable(options) else options


def each_maker(
    options: Offered, change: Callable[[str, Callable[[int], nn.Module]], Callable[[int], nn.Module]]
) -> Offered:
    """The same options, each made by what `change` makes of its label and its maker."""
    if callable(options):
        return lambda source: {label: change(label, make) for label, make in options(source).items()}
    return {label: change(label, make) for label, make in options.items()}


def check_options(name: str, options: Collection[Any], soft: Collection[Any] = ()) -> None:
    """Raise UserError where a decision has nothing to take, or a soft option that it doesn't have."""
    if not set(options) - set(soft):
        raise UserError(f"decision {name!r} has no option to take: options {list(options)}, soft {list(soft)}")
    if len(set(options)) != len(options):
        raise UserError(f"decision {name!r} lists an option twice: {list(options)}")
    if set(soft) - set(options):
        raise UserError(f"decision {name!r} calls {sorted(set(soft) - set(options))} soft, which it does not offer")
