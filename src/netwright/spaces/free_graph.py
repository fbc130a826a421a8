"""Networks as graphs of layers without a fixed plan, which grow and shrink one change at a time.

As in NASBOT (Kandasamy et al. 2018) and Auto-Keras (Jin et al. 2019): what is searched is the graph itself, not the
answers to a list of questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from netwright.core.architecture import Architecture
from netwright.core.errors import ConfigurationError, InvalidArchitecture, SpaceExhausted, nearest, shown
from netwright.core.graph import Edge, Graph, Node
from netwright.core.space import Change, Space
from netwright.core.task import TaskShape
from netwright.spaces.graph_edits import (
    CHANGES,
    CONCATENATION,
    END,
    INPUT,
    OUTPUT,
    SUM,
    Draft,
    Layer,
    Palette,
    crossed,
    crossings,
    layers_of,
)
from netwright.spaces.graph_edits import Change as GraphChange
from netwright.spaces.wiring import KINDS, check_wiring, unread, wired

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

PROVIDES = ("space.free_dag",)

OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "images": (
        "conv_1x1",
        "conv_3x3",
        "conv_5x5",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "max_pool_3x3",
        "avg_pool_3x3",
        "identity",
    ),
    "vectors": ("linear", "identity"),
}
WIRINGS: Mapping[str, tuple[int, float]] = {"er": (0, 0.5), "ba": (1, 0.0), "ws": (2, 0.75)}
"""Of each kind of random graph how many edges, and the probability."""
LARGEST = 64  # layers that a graph may have at most
TRIES = 8  # of each kind of change, before another kind is tried
FIELDS = "operation, width, stride, merge, sources"


class FreeGraph(Space):
    """Acyclic graphs of layers, of any size between `least` and `most`.

    Each layer is an operation with a width and a stride; it adds up what it reads, or puts it side by side. Where the
    channels differ that are added, 1x1 convolutions bring them to the most among them; where the sizes differ, pooling
    brings them to the smallest; more channels side by side than the widest layer has are brought to that many. Every
    layer lies on a way from the input to the output, and one graph in two orders is one architecture.

    A mutation adds a layer on an edge or a branch, removes a layer, adds or removes a skip connection, or changes a
    width, an operation, a stride, or how inputs meet. A sample is a chain of at most `start` layers after a few
    mutations, about `start` of them. A crossover is the front of one parent and the back of the other.

    least, most: layers.
    widths: of layers.
    start: layers at the beginning.
    wiring: of samples: "chain", or a random graph of `start` layers (Xie et al. 2019): "er" with a probability of 1/2,
        "ba" with 1 connection of each new layer, "ws" with 2 neighbours and a probability of 3/4.
    operations: None for all that there are for the inputs.
    inputs: "images", or "vectors", into which images are flattened.

    Raises ConfigurationError for unknown operations, empty lists, widths below 1, and numbers of layers that do not fit
    each other.
    """

    called = "free-graph"

    least: int = 1
    most: int = 16
    widths: Sequence[int] = (8, 16, 32, 64)
    start: int = 3
    operations: Sequence[str] | None = None
    inputs: Literal["images", "vectors"] = "images"
    wiring: Literal["chain", "er", "ba", "ws"] = "chain"

    traced_shape: ClassVar[TaskShape] = TaskShape((3, 32, 32), 10)

    def __post_init__(self) -> None:
        if self.inputs not in OPERATIONS:
            raise ConfigurationError(f"FreeGraph: inputs is {shown(self.inputs)}{nearest(self.inputs, OPERATIONS)}")
        for each in self._operations:
            if each not in OPERATIONS[self.inputs]:
                hint = nearest(each, OPERATIONS[self.inputs])
                raise ConfigurationError(f"FreeGraph: there is no operation {shown(each)} for {self.inputs}{hint}")
        if not self._operations or not self.widths:
            raise ConfigurationError("FreeGraph: operations and widths need at least one entry each")
        if min(self.widths) < 1 or len(set(self.widths)) < len(self.widths):
            raise ConfigurationError(f"FreeGraph: widths is {shown(self.widths)}; expected different numbers above 0")
        if not 1 <= self.least <= self.most <= LARGEST or self.start < 1:
            raise ConfigurationError(
                f"FreeGraph: least={self.least}, most={self.most}, start={self.start}; expected 1 <= least <= most <= "
                f"{LARGEST}, and start of at least 1"
            )
        if self.wiring != "chain":
            if self.wiring not in KINDS:
                raise ConfigurationError(
                    f"FreeGraph: there is no wiring {shown(self.wiring)}{nearest(self.wiring, ('chain', *KINDS))}"
                )
            check_wiring("FreeGraph", self.wiring, self._longest, *WIRINGS[self.wiring])
        if self.inputs == "vectors":
            object.__setattr__(self, "traced_shape", TaskShape((16,), 10))

    @property
    def _operations(self) -> tuple[str, ...]:
        return OPERATIONS[self.inputs] if self.operations is None else tuple(dict.fromkeys(self.operations))

    @cached_property
    def _palette(self) -> Palette:
        known = self._operations
        wide = frozenset(each for each in known if "conv" in each or each == "linear")
        strided = frozenset(each for each in known if "conv" in each or "pool" in each)
        return Palette(known, wide, strided, tuple(sorted(self.widths)))

    @cached_property
    def name(self) -> str:
        return "free-graph"

    def described(self) -> Any:
        """What layers and how many there may be; `start` only says where a search begins."""
        return [self.inputs, sorted(self._operations), sorted(self.widths), self.least, self.most]

    # Drawing and changing.

    @property
    def _longest(self) -> int:
        """Layers of a sample before it is mutated, at most."""
        return min(max(self.start, self.least), self.most)

    def _wired(self, rng: np.random.Generator) -> Architecture:
        """Random layers on a random graph: those that read no other one read the input."""
        wiring = wired(self.wiring, self._longest, *WIRINGS[self.wiring], rng)
        layers = {
            name: self._palette.layer(rng, tuple(source + 1 for source in sources) or (INPUT,))
            for name, sources in enumerate(wiring, 1)
        }
        ends = tuple(node + 1 for node in unread(wiring))
        return self._made(Draft({**layers, OUTPUT: Layer(END, 0, 1, SUM, ends)}))

    def sample(self, rng: np.random.Generator) -> Architecture:
        if self.wiring != "chain":
            return self._wired(rng)
        longest = self._longest
        count = int(rng.integers(min(self.least, longest), longest + 1))
        layers = {name: self._palette.layer(rng, (name - 1,)) for name in range(1, count + 1)}
        architecture = self._made(Draft({**layers, OUTPUT: Layer(END, 0, 1, SUM, (count,))}))
        for _ in range(int(rng.geometric(1 / (1 + self.start))) - 1):
            architecture = self.mutate(architecture, rng)
        return architecture

    def simple(self, rng: np.random.Generator) -> Architecture:
        """A chain of as few layers as there may be."""
        layers = {name: self._palette.layer(rng, (name - 1,)) for name in range(1, self.least + 1)}
        return self._made(Draft({**layers, OUTPUT: Layer(END, 0, 1, SUM, (self.least,))}))

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """One change; SpaceExhausted where none leads to another architecture."""
        self.require_own(architecture)
        for which in rng.permutation(len(CHANGES)).tolist():
            child = self._changed(architecture, CHANGES[which], rng)
            if child is not None:
                return child
        raise SpaceExhausted("no single change of this graph leads to another one")

    @property
    def mutations(self) -> Mapping[str, Change]:
        """The kinds of change among which `mutate` draws: "add_layer", "remove_edge" and so on."""
        return {each.__name__: partial(self._by, each) for each in CHANGES}

    def _by(self, change: GraphChange, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        self.require_own(architecture)
        child = self._changed(architecture, change, rng)
        if child is None:
            raise SpaceExhausted(f"{change.__name__} makes no other graph of this one")
        return child

    def _changed(
        self, architecture: Architecture, change: GraphChange, rng: np.random.Generator
    ) -> Architecture | None:
        """What a kind of change makes of a graph; None where it leads to no other one."""
        for _, found in zip(range(TRIES), change(Draft.of(architecture.content), self._palette, rng), strict=False):
            if self.least <= len(found.layers) - 1 <= self.most:
                child = self._made(found)
                if child != architecture:
                    return child
        return None

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """The front of the first parent, then the back of the second; the first where they cannot be joined."""
        self.require_own(first)
        self.require_own(second)
        ours, theirs = Draft.of(first.content), Draft.of(second.content)
        pairs = crossings(ours, theirs, self.least, self.most)
        return self._made(crossed(ours, theirs, *pairs[int(rng.integers(len(pairs)))])) if pairs else first

    def _made(self, draft: Draft) -> Architecture:
        return Architecture(self, draft.canonical())

    # What an architecture holds.

    def content(self, data: Any) -> tuple[tuple[Any, ...], ...]:
        """The layers in their canonical order.

        data: a list of layers, each a list of operation, width, stride, merge and the layers that it reads, by number
            from 1 on, 0 for the input; the last layer is the output.
        """
        if not isinstance(data, (list, tuple)) or not data:
            raise InvalidArchitecture(f"expected a list of layers, each of [{FIELDS}]; found {shown(data)}")
        entries = cast("Sequence[Any]", data)
        if not self.least <= len(entries) - 1 <= self.most:
            raise InvalidArchitecture(
                f"the graph has {len(entries) - 1} layers beside its output; expected {self.least} to {self.most}"
            )
        layers = [self._layer(place, each, len(entries)) for place, each in enumerate(entries, 1)]
        draft = Draft.of(layers)
        _require_acyclic(draft)
        _require_read(draft)
        return draft.canonical()

    def _layer(self, place: int, entry: Any, count: int) -> Layer:
        """One layer, checked but for what it has to do with others."""
        if not isinstance(entry, (list, tuple)) or len(cast("Sequence[Any]", entry)) != len(Layer._fields):
            raise InvalidArchitecture(f"layer {place} is {shown(entry)}; expected [{FIELDS}]")
        layer, palette = Layer(*cast("Sequence[Any]", entry)), self._palette
        operation = layer.operation
        _one_of(place, "operation", operation, (END,) if place == count else palette.operations)
        _one_of(place, f"width for {operation}", layer.width, palette.widths if operation in palette.wide else (0,))
        _one_of(place, f"stride for {operation}", layer.stride, (1, 2) if operation in palette.strided else (1,))
        _one_of(place, "merge", layer.merge, (SUM, CONCATENATION))
        return layer._replace(sources=_sources(place, layer.sources, count))

    # Networks.

    def build(self, architecture: Architecture, shape: TaskShape) -> nn.Module:
        self.validate(architecture)
        if self.inputs == "images" and shape.is_vector:
            raise ConfigurationError(
                f"FreeGraph() builds networks for images, found examples of shape {shape.input}; for vectors take "
                "FreeGraph(inputs='vectors')"
            )
        flat = ("vectors", "series", "volumes")
        shape.require(type(self).__name__, *(flat if self.inputs == "vectors" else ()), "images")
        return _built(layers_of(architecture.content), shape, max(self.widths), images=self.inputs == "images")

    def inherit(
        self, parent_network: nn.Module, child_network: nn.Module, parent: Architecture, child: Architecture
    ) -> int:
        """Layers of the child take over those of the parent that correspond, in the longest rows of equal ones."""
        from netwright.spaces.graph_inheritance import taken_over_by_layer

        ours, theirs = layers_of(parent.content), layers_of(child.content)
        return taken_over_by_layer(parent_network, child_network, ours, theirs)

    def graph(self, architecture: Architecture) -> Graph:
        """A node a layer, with its operation, width and stride; inputs side by side meet in a node of their own."""
        self.require_own(architecture)
        nodes, edges = [Node("input")], list[Edge]()
        names = ["input", *(f"layer {place}" for place in range(1, len(architecture.content))), "output"]
        for place, layer in enumerate(layers_of(architecture.content), 1):
            meeting = name = names[place]
            if layer.merge == CONCATENATION:
                meeting = f"{name} reads"
                nodes.append(Node(meeting, "concatenation"))
                edges.append(Edge(meeting, name))
            nodes.append(Node(name, "" if layer.operation == END else _label(layer)))
            edges += [Edge(names[source], meeting) for source in layer.sources]
        return Graph(tuple(nodes), tuple(edges))


def _label(layer: Layer) -> str:
    stride = "/2" if layer.stride == 2 else ""
    return f"{layer.operation}{stride} x{layer.width}" if layer.width else f"{layer.operation}{stride}"


def _one_of(place: int, what: str, value: Any, known: Sequence[Any]) -> None:
    if type(value) not in (int, str) or value not in known:
        raise InvalidArchitecture(f"layer {place}: there is no {what} {shown(value)}{nearest(value, known)}")


def _sources(place: int, sources: Any, count: int) -> tuple[int, ...]:
    if not isinstance(sources, (list, tuple)) or not sources:
        raise InvalidArchitecture(f"layer {place} reads {shown(sources)}; expected a list of layers, 0 for the input")
    found = cast("Sequence[Any]", sources)
    for each in found:
        if type(each) is not int or not 0 <= each < count:
            raise InvalidArchitecture(f"layer {place} reads {shown(each)}; expected numbers from 0 to {count - 1}")
    if len(set(found)) < len(found):
        raise InvalidArchitecture(f"layer {place} reads a layer twice: {shown(list(found))}")
    return tuple(found)


def _require_acyclic(draft: Draft) -> None:
    """Kahn's algorithm: layers all of whose sources are known are taken away until none is left."""
    waiting = {name: set(layer.sources) - {INPUT} for name, layer in draft.layers.items()}
    while free := [name for name, sources in waiting.items() if not sources & waiting.keys()]:
        for name in free:
            del waiting[name]
    if waiting:
        raise InvalidArchitecture(f"layers {', '.join(map(str, sorted(waiting, key=abs)))} read each other in a circle")


def _require_read(draft: Draft) -> None:
    """Every layer leads to the output. That the input leads to each follows, as all read something without a circle."""
    unread = [name for name in draft.inner if not draft.readers(name)]
    if unread:
        raise InvalidArchitecture(f"layer {unread[0]} is read by none; each must lie on a way from input to output")


def _built(content: Sequence[Layer], shape: TaskShape, widest: int, *, images: bool) -> nn.Module:
    """The network, with the sizes of every state worked out on the way."""
    from torch import nn

    from netwright.networks.blocks import halved
    from netwright.networks.layer_graph import LayerGraph, State, adapter, head, image_layer, vector_layer

    extent = (shape.height, shape.width) if images else (1, 1)
    states = [State(shape.channels if images else shape.features, extent)]
    layers: list[nn.Module] = []
    adapters: dict[str, nn.Module] = {}
    for place, layer in enumerate(content):
        read = [states[source] for source in layer.sources]
        smallest = min(each.extent[0] for each in read), min(each.extent[1] for each in read)
        most = max(each.channels for each in read)
        for source, state in zip(layer.sources, read, strict=True):
            channels = state.channels if layer.merge == CONCATENATION else most
            found = adapter(state, channels, smallest, images=images)
            if found is not None:
                adapters[f"{source}_{place}"] = found
        total = sum(each.channels for each in read) if layer.merge == CONCATENATION else most
        steps: list[nn.Module] = []
        if layer.merge == CONCATENATION and total > max(widest, most):
            narrowing = adapter(State(total, smallest), max(widest, most), smallest, images=images)
            steps, total = [narrowing] if narrowing is not None else [], max(widest, most)
        made = (
            image_layer(layer.operation, layer.width, layer.stride, total)
            if images
            else vector_layer(layer.operation, layer.width, total)
        )
        steps.append(made)
        layers.append(steps[0] if len(steps) == 1 else nn.Sequential(*steps))
        after = (halved(smallest[0]), halved(smallest[1])) if layer.stride == 2 else smallest
        states.append(State(layer.width or total, after))
    body = LayerGraph(
        layers, [each.sources for each in content], [each.merge == CONCATENATION for each in content], adapters
    )
    last = head(states[-1].channels, shape.classes, images=images)
    return nn.Sequential(body, last) if images else nn.Sequential(nn.Flatten(), body, last)
