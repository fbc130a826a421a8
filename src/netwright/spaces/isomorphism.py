"""The one order of a labelled graph's vertices that all its isomorphic drawings share.

Colours are refined by what a vertex reads and who reads it, until nothing changes (Weisfeiler and Leman 1968); where
several vertices are still alike, each is singled out in turn and the smallest description wins. Vertices that a
symmetry found on the way maps onto each other are tried once (McKay and Piperno 2014).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

Colours = list[int]
Description = tuple[Any, ...]


def canonical_order(labels: Sequence[Hashable], sources: Sequence[Sequence[int]]) -> list[int]:
    """The vertices in an order that depends on the graph alone, not on how its vertices are numbered.

    labels: of each vertex, sortable; in the order, vertices of a smaller label come first.
    sources: the vertices that each reads.
    """
    ranks = {label: rank for rank, label in enumerate(sorted(set(labels)))}  # pyright: ignore[reportArgumentType]
    search = _Search(sources)
    search.leaf([ranks[label] for label in labels], None)
    return search.order


class _SameAs(Exception):
    """The description that was reached is the one of an earlier branch: a symmetry leads from one to the other."""


class _Search:
    """Goes through the ways of singling vertices out. order: that of the smallest description so far."""

    def __init__(self, sources: Sequence[Sequence[int]]) -> None:
        self._sources = sources
        self._readers: list[list[int]] = [[] for _ in sources]
        for vertex, each in enumerate(sources):
            for source in each:
                self._readers[source].append(vertex)
        self._best: Description | None = None
        self.order: list[int] = []
        self._symmetries: list[Mapping[int, int]] = []

    def leaf(self, colours: Colours, known: tuple[Description, list[int]] | None) -> tuple[Description, list[int]]:
        """The first description below these colours, after all below them were looked at.

        known: that of an earlier branch; _SameAs as soon as it is met again.
        """
        colours = self._refined(colours)
        alike = _first_alike(colours)
        if not alike:
            return self._arrived(colours, known)
        start = len(self._symmetries)
        first: tuple[Description, list[int]] | None = None
        tried: list[int] = []
        for vertex in alike:
            if tried and vertex in _orbit(tried, self._symmetries[start:]):
                continue
            tried.append(vertex)
            singled = [2 * colour + (each != vertex) for each, colour in enumerate(colours)]
            if first is None:
                first = self.leaf(singled, known)
                continue
            try:
                self.leaf(singled, first)
            except _SameAs:
                continue
        assert first is not None
        return first

    def _arrived(self, colours: Colours, known: tuple[Description, list[int]] | None) -> tuple[Description, list[int]]:
        order = sorted(range(len(colours)), key=colours.__getitem__)
        description = tuple([tuple(sorted([colours[source] for source in self._sources[each]])) for each in order])
        if known is not None and description == known[0]:
            self._symmetries.append(dict(zip(known[1], order, strict=True)))
            raise _SameAs
        if self._best is None or description < self._best:
            self._best, self.order = description, order
        return description, order

    def _refined(self, colours: Colours) -> Colours:
        """The colours, split until vertices of one colour read, and are read by, vertices of the same colours."""
        count = len(set(colours))
        while True:
            seen = [
                (
                    colour,
                    sorted([colours[source] for source in self._sources[vertex]]),
                    sorted([colours[reader] for reader in self._readers[vertex]]),
                )
                for vertex, colour in enumerate(colours)
            ]
            order = sorted(range(len(seen)), key=seen.__getitem__)
            colours, rank = [0] * len(seen), 0
            for before, vertex in zip([None, *order], order, strict=False):
                rank += before is not None and seen[before] != seen[vertex]
                colours[vertex] = rank
            if rank + 1 == count:
                return colours
            count = rank + 1


def _first_alike(colours: Colours) -> list[int]:
    """The vertices of the smallest colour that several have; empty where each has its own."""
    by_colour: dict[int, list[int]] = {}
    for vertex, colour in enumerate(colours):
        by_colour.setdefault(colour, []).append(vertex)
    return next((by_colour[colour] for colour in sorted(by_colour) if len(by_colour[colour]) > 1), [])


def _orbit(vertices: Sequence[int], symmetries: Sequence[Mapping[int, int]]) -> set[int]:
    """All that the symmetries, and the ways back along them, make of these vertices."""
    found, left = set(vertices), list(vertices)
    while left:
        vertex = left.pop()
        for symmetry in symmetries:
            for one, other in symmetry.items():
                if vertex in (one, other) and not {one, other} <= found:
                    left += {one, other} - found
                    found |= {one, other}
    return found
