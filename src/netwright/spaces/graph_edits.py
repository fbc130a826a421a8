"""Graphs of layers that are changed by adding, removing and altering one piece at a time, and stay whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from netwright.spaces.isomorphism import canonical_order

if TYPE_CHECKING:
    import numpy as np

INPUT, OUTPUT = 0, -1  # the names of both ends in a draft
END = "output"  # the operation of the last layer, which passes on what it reads
SUM, CONCATENATION = "sum", "concat"


class Layer(NamedTuple):
    """A vertex.

    width: channels that it gives, 0 where it keeps those it gets.
    merge: "sum" or "concat".
    """

    operation: str
    width: int
    stride: int
    merge: str
    sources: tuple[int, ...]


@dataclass(frozen=True)
class Palette:
    """What layers may be.

    widths: ascending, of operations in `wide`.
    strided: operations that may halve an image.
    """

    operations: tuple[str, ...]
    wide: frozenset[str]
    strided: frozenset[str]
    widths: tuple[int, ...]

    def layer(self, rng: np.random.Generator, sources: tuple[int, ...]) -> Layer:
        """A random layer of stride 1."""
        operation = self.operations[int(rng.integers(len(self.operations)))]
        return self.fitted(Layer(operation, self.widths[int(rng.integers(len(self.widths)))], 1, SUM, sources))

    def fitted(self, layer: Layer) -> Layer:
        """The layer without a width or a stride that its operation does not have."""
        width = (layer.width or self.widths[0]) if layer.operation in self.wide else 0
        return layer._replace(width=width, stride=layer.stride if layer.operation in self.strided else 1)


@dataclass(frozen=True)
class Draft:
    """Layers by name, in any order. The input is no layer; OUTPUT is the last one."""

    layers: Mapping[int, Layer]

    @classmethod
    def of(cls, content: Sequence[Sequence[Any]]) -> Draft:
        """The draft of a list of layers, each in the order of `Layer`; the last one is the output."""
        *inner, last = layers_of(content)
        return cls({**dict(enumerate(inner, 1)), OUTPUT: last})

    def changed(self, changes: Mapping[int, Layer]) -> Draft:
        return replace(self, layers={**self.layers, **changes})

    @property
    def inner(self) -> list[int]:
        """All layers but the output."""
        return [name for name in self.layers if name != OUTPUT]

    @property
    def edges(self) -> list[tuple[int, int]]:
        return [(source, name) for name, layer in self.layers.items() for source in layer.sources]

    def new_name(self) -> int:
        return max((*self.layers, INPUT)) + 1

    def readers(self, name: int) -> list[int]:
        return [each for each, layer in self.layers.items() if name in layer.sources]

    def after(self, name: int) -> set[int]:
        """All layers that are reached from this one, or from the input."""
        found: set[int] = set()
        left = [name]
        while left:
            new = [each for each in self.readers(left.pop()) if each not in found]
            found.update(new)
            left += new
        return found

    def depths(self) -> dict[int, int]:
        """By layer the length of the longest way from the input."""
        found = {INPUT: 0}

        def depth(name: int) -> int:
            if name not in found:
                found[name] = 1 + max(depth(source) for source in self.layers[name].sources)
            return found[name]

        for name in self.layers:
            depth(name)
        return found

    def canonical(self) -> tuple[tuple[Any, ...], ...]:
        """The one list of layers of all drafts that differ in names and order alone; 0 is the input, 1 the first."""
        names = [INPUT, *self.inner, OUTPUT]
        place = {name: number for number, name in enumerate(names)}
        depths = self.depths()
        labels: list[Any] = [(-1, "", 0, 0, "")]
        for name in names[1:]:
            layer = self.layers[name]
            depth = depths[name] if name != OUTPUT else max(depths.values()) + 1
            labels.append((depth, layer.operation, layer.width, layer.stride, _merged(layer)))
        sources = [[], *([place[source] for source in self.layers[name].sources] for name in names[1:])]
        order = canonical_order(labels, sources)
        rank = {names[number]: number_now for number_now, number in enumerate(order)}
        found = [self.layers[names[number]] for number in order[1:]]
        return tuple(
            [(*each[:3], _merged(each), tuple(sorted([rank[source] for source in each.sources]))) for each in found]
        )


def layers_of(content: Sequence[Sequence[Any]]) -> list[Layer]:
    """The layers that a list of them holds as plain tuples."""
    return [Layer(*each) for each in content]


def _merged(layer: Layer) -> str:
    """How inputs meet; one alone is a sum."""
    return layer.merge if len(layer.sources) > 1 else SUM


# Changes: each yields what it may make of a draft, in random order; nothing where it does not apply.

Change = Callable[[Draft, Palette, "np.random.Generator"], Iterator[Draft]]


def _shuffled(items: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    return [items[place] for place in rng.permutation(len(items)).tolist()]


def add_layer(draft: Draft, palette: Palette, rng: np.random.Generator) -> Iterator[Draft]:
    """A layer on an edge."""
    for source, target in _shuffled(draft.edges, rng):
        name, reader = draft.new_name(), draft.layers[target]
        swapped = tuple(name if each == source else each for each in reader.sources)
        yield draft.changed({name: palette.layer(rng, (source,)), target: reader._replace(sources=swapped)})


def add_branch(draft: Draft, palette: Palette, rng: np.random.Generator) -> Iterator[Draft]:
    """A layer beside others: from any state to a layer behind it."""
    for source in _shuffled([INPUT, *draft.inner], rng):
        for target in _shuffled(sorted(draft.after(source)), rng)[:1]:
            name, reader = draft.new_name(), draft.layers[target]
            joined = reader._replace(sources=(*reader.sources, name))
            yield draft.changed({name: palette.layer(rng, (source,)), target: joined})


def remove_layer(draft: Draft, palette: Palette, rng: np.random.Generator) -> Iterator[Draft]:
    """Those that read a layer read what it read."""
    for name in _shuffled(draft.inner, rng):
        before = draft.layers[name].sources
        layers = {each: layer for each, layer in draft.layers.items() if each != name}
        for each in draft.readers(name):
            kept = [source for source in layers[each].sources if source != name]
            layers[each] = layers[each]._replace(sources=tuple(dict.fromkeys((*kept, *before))))
        yield Draft(layers)


def add_edge(draft: Draft, palette: Palette, rng: np.random.Generator) -> Iterator[Draft]:
    """A layer reads one more state: a skip connection."""
    for source in _shuffled([INPUT, *draft.inner], rng):
        reached = draft.after(source)
        free = [each for each in draft.layers if source not in draft.layers[each].sources and each != source]
        behind = [each for each in free if each in reached or each == OUTPUT or source not in draft.after(each)]
        for target in _shuffled(behind, rng)[:1]:
            reader = draft.layers[target]
            yield draft.changed({target: reader._replace(sources=(*reader.sources, source))})


def remove_edge(draft: Draft, palette: Palette, rng: np.random.Generator) -> Iterator[Draft]:
    """A layer that reads several states reads one less, which others still read."""
    for source, target in _shuffled(draft.edges, rng):
        reader = draft.layers[target]
        if len(reader.sources) > 1 and (source == INPUT or len(draft.readers(source)) > 1):
            yield draft.changed({target: reader._replace(sources=tuple(s for s in reader.sources if s != source))})


def change_width(draft: Draft, palette: Palette, rng: np.random.Generator) -> Iterator[Draft]:
    """The next wider or the next narrower."""
    steps = [(name, step) for name in draft.inner if draft.layers[name].width for step in (-1, 1)]
    for name, step in _shuffled(steps, rng):
        layer = draft.layers[name]
        place = palette.widths.index(layer.width) + step
        if 0 <= place < len(palette.widths):
            yield draft.changed({name: layer._replace(width=palette.widths[place])})


def change_operation(draft: Draft, palette: Palette, rng: np.random.Generator) -> Iterator[Draft]:
    """Another operation, with the width and the stride of before where it has them."""
    for name in _shuffled(draft.inner, rng):
        layer = draft.layers[name]
        others = [each for each in palette.operations if each != layer.operation]
        for operation in _shuffled(others, rng)[:1]:
            yield draft.changed({name: palette.fitted(layer._replace(operation=operation))})


def change_stride(draft: Draft, palette: Palette, rng: np.random.Generator) -> Iterator[Draft]:
    """A layer halves the image, or no longer does."""
    strided = [name for name in draft.inner if draft.layers[name].operation in palette.strided]
    for name in _shuffled(strided, rng):
        layer = draft.layers[name]
        yield draft.changed({name: layer._replace(stride=3 - layer.stride)})


def change_merge(draft: Draft, palette: Palette, rng: np.random.Generator) -> Iterator[Draft]:
    """What a layer reads is put side by side rather than added up, or the other way round."""
    several = [name for name, layer in draft.layers.items() if len(layer.sources) > 1]
    for name in _shuffled(several, rng):
        layer = draft.layers[name]
        yield draft.changed({name: layer._replace(merge=CONCATENATION if layer.merge == SUM else SUM)})


CHANGES: tuple[Change, ...] = (
    add_layer,
    add_branch,
    remove_layer,
    add_edge,
    remove_edge,
    change_width,
    change_operation,
    change_stride,
    change_merge,
)


# Crossover.


def crossings(first: Draft, second: Draft, least: int, most: int) -> list[tuple[int, int]]:
    """The depths at which two drafts may be cut, so that the first's front and the second's back are not too many."""
    ours, theirs = _inner_depths(first), _inner_depths(second)
    pairs: list[tuple[int, int]] = []
    for a in range(1, max(ours.values(), default=0) + 1):
        for b in range(max(theirs.values(), default=0)):
            count = sum(each <= a for each in ours.values()) + sum(each > b for each in theirs.values())
            if least <= count <= most:
                pairs.append((a, b))
    return pairs


def crossed(first: Draft, second: Draft, front: int, back: int) -> Draft:
    """The first's layers up to a depth, then the second's beyond another, which read what the front ends with.

    Where the back read what was cut away, it reads one of the front's ends, in turn; ends that are left over are read
    by its first layer.
    """
    ours, theirs = _inner_depths(first), _inner_depths(second)
    layers = {name: first.layers[name] for name, depth in ours.items() if depth <= front}
    read = {source for layer in layers.values() for source in layer.sources}
    ends = sorted(name for name in layers if name not in read) or [INPUT]
    shift = max((*first.layers, *second.layers)) + 1
    kept = [name for name, depth in theirs.items() if depth > back]
    taken: dict[int, int] = {}
    for name in [*sorted(kept, key=lambda each: (theirs[each], each)), OUTPUT]:
        sources = []
        for source in second.layers[name].sources:
            if source in kept:
                sources.append(source + shift)
            else:
                sources.append(ends[taken.setdefault(source, len(taken)) % len(ends)])
        new = name if name == OUTPUT else name + shift
        layers[new] = second.layers[name]._replace(sources=tuple(dict.fromkeys(sources)))
    used = {source for layer in layers.values() for source in layer.sources}
    loose = [end for end in ends if end != INPUT and end not in used]
    if loose:
        entry = next(
            name for name, layer in layers.items() if (name >= shift or name == OUTPUT) and set(layer.sources) & {*ends}
        )
        layers[entry] = layers[entry]._replace(sources=(*layers[entry].sources, *loose))
    return Draft(layers)


def _inner_depths(draft: Draft) -> dict[int, int]:
    return {name: depth for name, depth in draft.depths().items() if name not in (INPUT, OUTPUT)}
