"""Small labelled graphs with an input and an output: pruning, canonical order and the hash of NAS-Bench-101."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import md5


@dataclass(frozen=True, slots=True)
class LabelledGraph:
    """edges: pairs (from, to) of vertex numbers, from < to; vertex 0 is the input, the last one the output.

    labels: of the inner vertices, in order; so there are two more vertices than labels.
    """

    edges: frozenset[tuple[int, int]]
    labels: tuple[int, ...]

    @property
    def vertices(self) -> int:
        return len(self.labels) + 2

    def readers(self, vertex: int) -> list[int]:
        """The vertices that read this one."""
        return [target for source, target in self.edges if source == vertex]

    def sources(self, vertex: int) -> list[int]:
        """The vertices that this one reads."""
        return [source for source, target in self.edges if target == vertex]


def pruned(graph: LabelledGraph) -> LabelledGraph | None:
    """Without the vertices that are on no path from input to output; None where there is no such path."""
    forward, backward = {0}, {graph.vertices - 1}
    for source, target in sorted(graph.edges):
        if source in forward:
            forward.add(target)
    for source, target in sorted(graph.edges, key=lambda edge: edge[1], reverse=True):
        if target in backward:
            backward.add(source)
    kept = sorted(forward & backward)
    if 0 not in kept or graph.vertices - 1 not in kept:
        return None
    place = {vertex: i for i, vertex in enumerate(kept)}
    edges = frozenset((place[a], place[b]) for a, b in graph.edges if a in place and b in place)
    return LabelledGraph(edges, tuple(graph.labels[vertex - 1] for vertex in kept[1:-1]))


def canonical(graph: LabelledGraph) -> LabelledGraph:
    """The same graph for all that are isomorphic to a pruned one, input and output in place and labels kept.

    Vertices are put into an order in which each comes after those it reads, by colours refined from their neighbours'
    (Weisfeiler and Leman 1968); ties are tried in every way, and the first result in lexicographic order is taken.
    """
    colours = _refined(graph)
    return min(
        (_reordered(graph, order) for order in _orders(graph, colours)),
        key=lambda each: (sorted(each.edges), each.labels),
    )


def _refined(graph: LabelledGraph) -> list[int]:
    """A colour for each vertex, equal for vertices that no number of looks at their neighbours tells apart."""
    count = graph.vertices
    sources = [graph.sources(vertex) for vertex in range(count)]
    readers = [graph.readers(vertex) for vertex in range(count)]
    colours = [0, *(label + 1 for label in graph.labels), max(graph.labels, default=0) + 2]
    different = len(set(colours))
    while different < count:
        looks = [
            (colours[v], sorted([colours[w] for w in sources[v]]), sorted([colours[w] for w in readers[v]]))
            for v in range(count)
        ]
        ordered = sorted(looks)
        colours = [ordered.index(look) for look in looks]
        if len(set(colours)) == different:
            break
        different = len(set(colours))
    return colours


def _orders(graph: LabelledGraph, colours: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Orders of all vertices, each after those it reads and, of the free ones, the least colour first."""
    last = graph.vertices - 1
    sources = {vertex: set(graph.sources(vertex)) for vertex in range(1, last)}
    stack: list[tuple[int, ...]] = [(0,)]
    while stack:
        order = stack.pop()
        free = [v for v, needed in sources.items() if v not in order and needed <= set(order)]
        if not free:
            yield (*order, last)
            continue
        least = min(colours[v] for v in free)
        stack.extend((*order, v) for v in free if colours[v] == least)


def _reordered(graph: LabelledGraph, order: Sequence[int]) -> LabelledGraph:
    place = {vertex: i for i, vertex in enumerate(order)}
    edges = frozenset((place[a], place[b]) for a, b in graph.edges)
    return LabelledGraph(edges, tuple(graph.labels[vertex - 1] for vertex in order[1:-1]))


def module_hash(graph: LabelledGraph) -> str:
    """The MD5 hash by which NAS-Bench-101 names a pruned graph; isomorphic graphs have the same."""
    count = graph.vertices
    labels = (-1, *graph.labels, -2)
    readers, sources = [graph.readers(v) for v in range(count)], [graph.sources(v) for v in range(count)]
    hashes = [_md5(str((len(readers[v]), len(sources[v]), labels[v]))) for v in range(count)]
    for _ in range(count):
        hashes = [
            _md5("|".join((_joined(hashes, sources[v]), _joined(hashes, readers[v]), hashes[v]))) for v in range(count)
        ]
    return _md5(str(sorted(hashes)))


def _joined(hashes: Sequence[str], vertices: Sequence[int]) -> str:
    return "".join(sorted(hashes[v] for v in vertices))


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
