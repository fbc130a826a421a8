"""Networks that grow from nothing: convolutions in a row with skip connections (Real et al. 2017).

"Large-Scale Evolution of Image Classifiers": the mutations that change the network, one function each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from netwright.core.architecture import Architecture
from netwright.core.errors import ConfigurationError, InvalidArchitecture, SpaceExhausted, shown
from netwright.core.graph import Edge, Graph, Node
from netwright.core.space import Change, Space
from netwright.core.task import TaskShape

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

PROVIDES = ("space.free_dag",)

COLOURS = 3  # channels that an input is taken to have where a new convolution gets as many as it reads
LARGEST_KERNEL, LARGEST_STRIDE = 11, 8


class Layer(NamedTuple):
    """A convolution, or nothing where `channels` is 0, and what is done at the vertex behind it.

    activated: 1 for batch normalisation and ReLU, 0 for none.
    """

    height: int
    width: int
    channels: int
    stride: int
    activated: int


Skip = tuple[int, int]  # from the vertex behind layer k, 0 being the input, to the one behind a later layer
Rows = tuple[tuple[Layer, ...], tuple[Skip, ...]]  # layers, and skip connections


class Backbone(Space):
    """Layers in a row, each a convolution of its own filter, stride and channels or nothing, with skip connections.

    Behind each layer stands a vertex: it adds up what comes, with skip connections brought to the layer's size by
    leaving out pixels and channels or adding zeros, and then has batch normalisation and ReLU, or neither. The last
    vertex is averaged over places before one linear layer, so the simplest network is linear in the mean colour.

    Kinds of change: "insert-convolution" (3x3, a stride of 1 or 2, as many channels as it reads), "remove-convolution",
    "alter-stride" (to half or twice), "alter-number-of-channels" and "filter-size" (height or width, odd) to something
    from half to twice, "insert-one-to-one" (nothing), "add-skip" and "remove-skip".

    most: layers.
    widest: channels of a layer.
    grown: mutations of a random network, half of the most.

    Raises ConfigurationError for numbers below 1.
    """

    called = "backbone"

    most: int = 40
    widest: int = 256
    grown: int = 8

    def __post_init__(self) -> None:
        for name in ("most", "widest", "grown"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"Backbone: {name} must be at least 1, found {getattr(self, name)!r}")

    def described(self) -> Any:
        """How long and how wide networks may be; `grown` only says how they are drawn."""
        return [self.most, self.widest]

    # Drawing and changing.

    def simple(self, rng: np.random.Generator) -> Architecture:
        """No layers at all."""
        return Architecture(self, ((), ()))

    def sample(self, rng: np.random.Generator) -> Architecture:
        architecture = self.simple(rng)
        for _ in range(int(rng.integers(2 * self.grown + 1))):
            architecture = self.mutate(architecture, rng)
        return architecture

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """One change, of whatever kind applies."""
        for name in rng.permutation(sorted(KINDS)).tolist():
            try:
                return self._by(KINDS[name], architecture, rng)
            except SpaceExhausted:
                continue
        raise SpaceExhausted("no single change of this network leads to another one")

    @property
    def mutations(self) -> Mapping[str, Change]:
        return {name: partial(self._by, kind) for name, kind in KINDS.items()}

    def _by(self, kind: Kind, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        self.require_own(architecture)
        found = kind(self, rows_of(architecture), rng)
        if found is None or found == rows_of(architecture):
            raise SpaceExhausted("this kind of change makes no other network of this one")
        return Architecture(self, _plain(found))

    # What an architecture holds.

    def content(self, data: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Layers in a row, then skip connections in ascending order.

        data: a list of layers [height, width, channels, stride, activated], and one of skips [from, to].
        """
        if not isinstance(data, (list, tuple)) or len(cast("Sequence[Any]", data)) != 2:
            raise InvalidArchitecture(f"expected a list of layers and a list of skips; found {shown(data)}")
        layers, skips = cast("Sequence[Sequence[Any]]", data)
        if not isinstance(layers, (list, tuple)) or len(layers) > self.most:
            raise InvalidArchitecture(f"expected a list of at most {self.most} layers; found {shown(layers)}")
        if not isinstance(skips, (list, tuple)):
            raise InvalidArchitecture(f"expected a list of skips [from, to]; found {shown(skips)}")
        made = tuple(self._layer(place, each) for place, each in enumerate(layers, 1))
        return _plain((made, tuple(sorted({_skip(each, len(made)) for each in skips}))))

    def _layer(self, place: int, entry: Any) -> Layer:
        form = "[height, width, channels, stride, activated]"
        if not isinstance(entry, (list, tuple)) or len(cast("Sequence[Any]", entry)) != len(Layer._fields):
            raise InvalidArchitecture(f"layer {place} is {shown(entry)}; expected {form}")
        layer = Layer(*cast("Sequence[Any]", entry))
        kernels = range(1, LARGEST_KERNEL + 1, 2) if layer.channels else (1,)
        strides = (1, 2, 4, LARGEST_STRIDE) if layer.channels else (1,)
        known = {"height": kernels, "width": kernels, "channels": range(self.widest + 1), "stride": strides}
        for name, allowed in {**known, "activated": (0, 1)}.items():
            value = getattr(layer, name)
            if type(value) is not int or value not in allowed:
                shown_as = f"0 to {self.widest}" if name == "channels" else ", ".join(map(str, allowed))
                raise InvalidArchitecture(f"layer {place}: {name} is {shown(value)}; expected {shown_as}")
        return layer

    # Networks.

    def build(self, architecture: Architecture, shape: TaskShape) -> nn.Module:
        self.validate(architecture)
        shape.require(type(self).__name__, "images")
        return _built(*rows_of(architecture), shape)

    def inherit(
        self, parent_network: nn.Module, child_network: nn.Module, parent: Architecture, child: Architecture
    ) -> int:
        """Layers of the child take over those of the parent that correspond, where shapes are the same."""
        from netwright.spaces.graph_inheritance import taken_over_by_name

        same = corresponding(rows_of(parent)[0], rows_of(child)[0])
        ours = _names({place: str(place) for place in range(1, len(parent.content[0]) + 1)})
        theirs = {place: str(same.get(place, f"new {place}")) for place in range(1, len(child.content[0]) + 1)}
        return taken_over_by_name(parent_network, child_network, ours, _names(theirs))

    def graph(self, architecture: Architecture) -> Graph:
        """A node a layer, and an edge a skip connection."""
        self.require_own(architecture)
        layers, skips = rows_of(architecture)
        names = ["input", *(f"layer {place}" for place in range(1, len(layers) + 1)), "output"]
        labels = ["", *map(_label, layers), ""]
        edges = [*((k, k + 1) for k in range(len(names) - 1)), *skips]
        return Graph(
            tuple(Node(name, label) for name, label in zip(names, labels, strict=True)),
            tuple(
                Edge(names[a], names[b], "skip" if place >= len(names) - 1 else "")
                for place, (a, b) in enumerate(edges)
            ),
        )


def rows_of(architecture: Architecture) -> Rows:
    """Layers and skip connections of an architecture."""
    layers, skips = architecture.content
    return tuple(Layer(*each) for each in layers), tuple(skips)


def _plain(rows: Rows) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    return tuple(map(tuple, rows[0])), rows[1]


def _skip(entry: Any, count: int) -> Skip:
    pair = tuple(cast("Sequence[Any]", entry)) if isinstance(entry, (list, tuple)) else ()
    if len(pair) != 2 or not all(type(each) is int for each in pair) or not 0 <= pair[0] < pair[1] <= count:
        raise InvalidArchitecture(
            f"{shown(entry)} is no skip; expected [from, to] with 0 <= from < to <= {count}, 0 being the input"
        )
    return pair


def _label(layer: Layer) -> str:
    stride = f"/{layer.stride}" if layer.stride > 1 else ""
    return f"conv_{layer.height}x{layer.width}{stride} x{layer.channels}" if layer.channels else "identity"


def corresponding(parent: Sequence[Layer], child: Sequence[Layer]) -> dict[int, int]:
    """For layers of the child, by place from 1 on, those of the parent: equal ones, and those between."""
    found: dict[int, int] = {}
    for _, a, end, b, last in SequenceMatcher(None, parent, child, autojunk=False).get_opcodes():
        if end - a == last - b:
            found |= {b + k + 1: a + k + 1 for k in range(end - a)}
    return found


# Kinds of change: each gives what it makes of layers and skips, None where it does not apply.

Kind = Callable[["Backbone", Rows, "np.random.Generator"], "Rows | None"]


def insert_convolution(space: Backbone, rows: Rows, rng: np.random.Generator) -> Rows | None:
    """A 3x3 convolution with a stride of 1 or 2 and as many channels as it reads, at any place."""
    place = int(rng.integers(len(rows[0]) + 1))
    before = next((each.channels for each in reversed(rows[0][:place]) if each.channels), COLOURS)
    return _inserted(space, rows, place, Layer(3, 3, before, int(rng.integers(1, 3)), int(rng.integers(2))))


def insert_one_to_one(space: Backbone, rows: Rows, rng: np.random.Generator) -> Rows | None:
    """A layer that is nothing but its vertex, at any place."""
    return _inserted(space, rows, int(rng.integers(len(rows[0]) + 1)), Layer(1, 1, 0, 1, int(rng.integers(2))))


def _inserted(space: Backbone, rows: Rows, place: int, layer: Layer) -> Rows | None:
    layers, skips = rows
    if len(layers) >= space.most:
        return None
    moved = {(a + (a > place), b + (b > place)) for a, b in skips}
    return (*layers[:place], layer, *layers[place:]), tuple(sorted(moved))


def remove_convolution(space: Backbone, rows: Rows, rng: np.random.Generator) -> Rows | None:
    """What read it reads what it read."""
    layers, skips = rows
    place = _drawn([k for k, each in enumerate(layers) if each.channels], rng)
    if place is None:
        return None
    moved = {(a - (a > place), b - (b > place + 1)) for a, b in skips}
    kept = (each for each in moved if each[0] < each[1] < len(layers))
    return (*layers[:place], *layers[place + 1 :]), tuple(sorted(kept))


def alter_stride(space: Backbone, rows: Rows, rng: np.random.Generator) -> Rows | None:
    """Half or twice as much, of any convolution."""
    known = [1, 2, 4, LARGEST_STRIDE]
    return _altered(rows, rng, "stride", lambda old: [each for each in known if each in (old // 2, 2 * old)])


def alter_channels(space: Backbone, rows: Rows, rng: np.random.Generator) -> Rows | None:
    """From half to twice as many, of any convolution."""
    return _altered(rows, rng, "channels", lambda old: [each for each in _near(old) if each <= space.widest])


def alter_filter(space: Backbone, rows: Rows, rng: np.random.Generator) -> Rows | None:
    """From half to twice as high, or as wide, and odd."""
    name = ("height", "width")[int(rng.integers(2))]
    odd = range(1, LARGEST_KERNEL + 1, 2)
    return _altered(rows, rng, name, lambda old: [each for each in odd if each in _near(old)])


def add_skip(space: Backbone, rows: Rows, rng: np.random.Generator) -> Rows | None:
    """From any vertex to any later one."""
    layers, skips = rows
    free = [(a, b) for b in range(1, len(layers) + 1) for a in range(b) if (a, b) not in skips]
    new = _drawn(free, rng)
    return None if new is None else (layers, tuple(sorted((*skips, new))))


def remove_skip(space: Backbone, rows: Rows, rng: np.random.Generator) -> Rows | None:
    """Any of them."""
    gone = _drawn(rows[1], rng)
    return None if gone is None else (rows[0], tuple(each for each in rows[1] if each != gone))


KINDS: Mapping[str, Kind] = {
    "insert-convolution": insert_convolution,
    "remove-convolution": remove_convolution,
    "alter-stride": alter_stride,
    "alter-number-of-channels": alter_channels,
    "filter-size": alter_filter,
    "insert-one-to-one": insert_one_to_one,
    "add-skip": add_skip,
    "remove-skip": remove_skip,
}


def _drawn(items: Sequence[Any], rng: np.random.Generator) -> Any:
    return items[int(rng.integers(len(items)))] if items else None


def _near(value: int) -> range:
    """Whole numbers from half to twice as much."""
    return range(max(1, -(-value // 2)), 2 * value + 1)


def _altered(rows: Rows, rng: np.random.Generator, name: str, values: Callable[[int], Sequence[int]]) -> Rows | None:
    """A random convolution with another value of this field. values: those that there may be in place of the old."""
    place = _drawn([k for k, each in enumerate(rows[0]) if each.channels], rng)
    if place is None:
        return None
    layer: Layer = rows[0][place]
    old: int = getattr(layer, name)
    new = _drawn([each for each in values(old) if each != old], rng)
    if new is None:
        return None
    return (*rows[0][:place], layer._replace(**{name: new}), *rows[0][place + 1 :]), rows[1]


# Networks.


def _names(places: Mapping[int, str]) -> dict[int, str]:
    """What the states of a network are called: each layer makes two, what its convolution gives and its vertex."""
    edges = {2 * place - 1: f"convolution {name}" for place, name in places.items()}
    return {**edges, **{2 * place: f"vertex {name}" for place, name in places.items()}}


def _built(layers: Sequence[Layer], skips: Sequence[Skip], shape: TaskShape) -> nn.Module:
    """The network, with channels and strides of every vertex worked out on the way."""
    from torch import nn

    from netwright.networks.blocks import ClassifierHead
    from netwright.networks.layer_graph import LayerGraph
    from netwright.networks.reshaped import reshaped

    channels, steps = [shape.channels], [1]  # of each vertex: how many, and how many pixels of the input one is
    modules: list[nn.Module] = []
    reads: list[list[int]] = []
    adapters: dict[str, nn.Module] = {}
    for place, layer in enumerate(layers, 1):
        width = layer.channels or channels[-1]
        modules.append(_convolution(layer, channels[-1]) if layer.channels else nn.Identity())
        reads.append([2 * place - 2])
        channels.append(width)
        steps.append(steps[-1] * layer.stride)
        sources = [source for source, target in skips if target == place]
        for source in sources:
            found = reshaped(channels[source], width, steps[place] // steps[source])
            if found is not None:
                adapters[f"{2 * source}_{len(modules)}"] = found
        modules.append(nn.Sequential(nn.BatchNorm2d(width), nn.ReLU()) if layer.activated else nn.Identity())
        reads.append([2 * place - 1, *(2 * source for source in sources)])
    head = ClassifierHead(channels[-1], shape.classes)
    return nn.Sequential(LayerGraph(modules, reads, [False] * len(reads), adapters), head)


def _convolution(layer: Layer, inputs: int) -> nn.Module:
    from torch import nn

    kernel = layer.height, layer.width
    padding = layer.height // 2, layer.width // 2
    return nn.Conv2d(inputs, layer.channels, kernel, layer.stride, padding, bias=not layer.activated)
