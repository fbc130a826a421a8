"""Cartesian genetic programming: a grid of functions, of which some lead to the output (Suganuma et al. 2017).

A genotype names for every node of the grid a function and what it reads. Most nodes lead nowhere: they drift.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from netwright.core.architecture import Architecture
from netwright.core.errors import ConfigurationError, InvalidArchitecture, SpaceExhausted, nearest, shown
from netwright.core.graph import Edge, Graph
from netwright.core.graph import Node as Vertex
from netwright.core.space import Change, Space
from netwright.core.task import TaskShape

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

PROVIDES = ("space.free_dag",)

JOINS = ("sum", "concat")  # the functions of two inputs
POOLINGS = ("max_pool", "avg_pool")
OUTPUT = "output"
COLOURS = 3  # channels that an input is taken to have where networks too wide are left out
TRIES = 10_000  # draws before it is said that nothing fits


class Gene(NamedTuple):
    """A node of the grid; the functions of one input do not read `second`."""

    function: str
    first: int
    second: int


Genes = tuple[Gene, ...]


class CgpGrid(Space):
    """Grids of nodes, each a function of one or two earlier ones, and one that is the output.

    Functions: convolutions, or residual blocks, of each width and kernel ("conv_32_3", "res_64_5"), poolings that
    halve, "sum" and "concat". Where sizes differ that meet, the larger is pooled by maxima; where channels differ that
    are added, zeros are put to the fewer. The output is averaged over places before one linear layer.

    A mutation draws each gene anew with probability `rate`, again and again until one changed that counts: "forced".
    The kind "neutral" changes only what does not count. Genotypes of one network have one key.

    rows, columns: of the grid; node k, from 1 on, stands in column (k - 1) // rows, and 0 is the input.
    level_back: of how many columns before its own a node may read.
    blocks: "conv" for the paper's ConvSet, "res" for its ResSet.
    widths, kernels: of convolutions.
    least, most: nodes that count.
    widest: channels that a state may have at most, as concatenation may double them again and again.
    rate: with which mutations draw a gene; 0.05 in the paper.

    Raises ConfigurationError for numbers below 1, least > most, empty lists and even kernels.
    """

    called = "cgp-grid"

    rows: int = 5
    columns: int = 30
    level_back: int = 10
    blocks: Literal["conv", "res"] = "conv"
    widths: Sequence[int] = (32, 64, 128)
    kernels: Sequence[int] = (3, 5)
    least: int = 1
    most: int = 30
    widest: int = 512
    rate: float = 0.05

    def __post_init__(self) -> None:
        for name in ("rows", "columns", "level_back", "least", "widest"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"CgpGrid: {name} must be at least 1, found {getattr(self, name)!r}")
        if self.blocks not in ("conv", "res"):
            raise ConfigurationError(f"CgpGrid: blocks is {self.blocks!r}{nearest(self.blocks, ('conv', 'res'))}")
        if self.least > min(self.most, self._nodes):
            raise ConfigurationError(
                f"CgpGrid: least={self.least}, most={self.most}, {self._nodes} nodes; expected least <= most, and at "
                "least so many nodes in the grid"
            )
        if not self.widths or not self.kernels or min((*self.widths, *self.kernels)) < 1:
            raise ConfigurationError("CgpGrid: widths and kernels need at least one number each, above 0")
        if any(kernel % 2 == 0 for kernel in self.kernels) or max(self.widths) > self.widest:
            raise ConfigurationError("CgpGrid: kernels must be odd, and widths at most `widest`")
        if not 0 < self.rate <= 1:
            raise ConfigurationError(f"CgpGrid: rate is {self.rate!r}; expected a probability above 0")

    @cached_property
    def name(self) -> str:
        return "cgp-grid"

    def described(self) -> Any:
        """What genotypes there are; `rate` only says how they are changed."""
        return {name: value for name, value in super().described().items() if name != "rate"}

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """What a node may be."""
        sizes = [f"{self.blocks}_{width}_{kernel}" for width in self.widths for kernel in self.kernels]
        return (*sizes, *POOLINGS, *JOINS)

    @property
    def _nodes(self) -> int:
        return self.rows * self.columns

    def _readable(self, node: int) -> range:
        """What a node may read; of the number behind the last, what the output may be."""
        column = (node - 1) // self.rows
        behind = column - self.level_back
        return range(behind * self.rows + 1 if behind >= 0 else 0, column * self.rows + 1)

    # Drawing and changing.

    def sample(self, rng: np.random.Generator) -> Architecture:
        for _ in range(TRIES):
            genes = self._changed([Gene("", -1, -1)] * self._nodes + [Gene(OUTPUT, -1, -1)], 1.0, rng)
            if self._wrong(genes) is None:
                return Architecture(self, _plain(genes))
        raise SpaceExhausted(f"none of {TRIES:,} random grids has {self.least} to {self.most} nodes that count")

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """Genes drawn anew until one changed that counts; SpaceExhausted where that leads to nothing that fits."""
        self.require_own(architecture)
        genes = genes_of(architecture)
        for _ in range(TRIES):
            found = self._changed(genes, self.rate, rng)
            if self._wrong(found) is None and _network(found) != _network(genes):
                return Architecture(self, _plain(found))
        raise SpaceExhausted(f"none of {TRIES:,} mutations gives another network that fits")

    def neutral(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """The same network with each gene that does not count drawn anew with probability `rate`."""
        self.require_own(architecture)
        genes = genes_of(architecture)
        counts = active(genes)
        drawn = self._changed(genes, self.rate, rng)
        found = [
            _kept(old, new) if node in counts else new
            for node, (old, new) in enumerate(zip(genes, drawn, strict=True), 1)
        ]
        return Architecture(self, _plain([*found[:-1], genes[-1]]))

    @property
    def mutations(self) -> Mapping[str, Change]:
        return {"forced": self.mutate, "neutral": self.neutral}

    def _changed(self, genes: Sequence[Gene], rate: float, rng: np.random.Generator) -> Genes:
        """Each gene with this probability replaced by another one of those that there may be."""
        draws: Any = rng.random((len(genes), 3)) < rate
        which = rng.random((len(genes), 3))
        found = list(genes)
        for place in draws.any(1).nonzero()[0].tolist():
            gene, readable = genes[place], self._readable(place + 1)
            options = (self.functions if gene.function != OUTPUT else (OUTPUT,), readable, readable)
            fields: list[Any] = [
                _another(known, old, share) if drawn else old
                for known, old, drawn, share in zip(options, gene, draws[place], which[place], strict=True)
            ]
            found[place] = Gene(*fields) if gene.function != OUTPUT else Gene(OUTPUT, fields[1], fields[1])
        return tuple(found)

    def _wrong(self, genes: Genes) -> str | None:
        """Why the nodes that count are none of this space; None where they are."""
        counting = sorted(active(genes))[:-1]
        if not self.least <= len(counting) <= self.most:
            return f"{len(counting)} nodes count; expected {self.least} to {self.most}"
        channels = {0: COLOURS}
        for node in counting:
            channels[node] = _channels(genes[node - 1], channels)
        if max(channels.values()) > self.widest:
            return f"a state has {max(channels.values())} channels; expected at most widest={self.widest}"
        return None

    # What an architecture holds.

    def content(self, data: Any) -> tuple[tuple[Any, ...], ...]:
        """The genes of every node, and last of the output.

        data: a list with [function, first, second] of each node, then ["output", node, node].
        """
        entries = cast("Sequence[Any]", data)
        if not isinstance(data, (list, tuple)) or len(entries) != self._nodes + 1:
            raise InvalidArchitecture(
                f"expected [function, first, second] of {self._nodes} nodes, then of the output; found {shown(data)}"
            )
        genes = tuple(self._gene(node, each) for node, each in enumerate(entries, 1))
        wrong = self._wrong(genes)
        if wrong is not None:
            raise InvalidArchitecture(wrong)
        return _plain(genes)

    def _gene(self, node: int, entry: Any) -> Gene:
        if not isinstance(entry, (list, tuple)) or len(cast("Sequence[Any]", entry)) != len(Gene._fields):
            raise InvalidArchitecture(f"node {node} is {shown(entry)}; expected [function, first, second]")
        gene, readable = Gene(*cast("Sequence[Any]", entry)), self._readable(node)
        known = (OUTPUT,) if node > self._nodes else self.functions
        if gene.function not in known:
            raise InvalidArchitecture(
                f"node {node}: there is no function {shown(gene.function)}{nearest(gene.function, known)}"
            )
        for each in gene[1:]:
            if type(each) is not int or each not in readable:
                raise InvalidArchitecture(
                    f"node {node} reads {shown(each)}; expected numbers from {readable[0]} to {readable[-1]}"
                )
        if gene.function == OUTPUT and gene.first != gene.second:
            raise InvalidArchitecture(f"the output is {gene.first} and {gene.second}; expected one number twice")
        return gene

    def key(self, architecture: Architecture) -> Hashable:
        """The nodes that count, numbered anew."""
        self.require_own(architecture)
        return _network(genes_of(architecture))

    # Networks.

    def build(self, architecture: Architecture, shape: TaskShape) -> nn.Module:
        self.validate(architecture)
        shape.require(type(self).__name__, "images")
        return _built(genes_of(architecture), shape)

    def inherit(
        self, parent_network: nn.Module, child_network: nn.Module, parent: Architecture, child: Architecture
    ) -> int:
        """Nodes take over the weights of the same node where function and shapes are the same."""
        from netwright.spaces.graph_inheritance import taken_over_by_name

        ours, theirs = (_names(genes_of(each)) for each in (parent, child))
        return taken_over_by_name(parent_network, child_network, ours, theirs)

    def graph(self, architecture: Architecture) -> Graph:
        """The nodes that count."""
        self.require_own(architecture)
        genes = genes_of(architecture)
        counting = sorted(active(genes))
        names = {0: "input", **{node: f"node {node}" for node in counting}, len(genes): OUTPUT}
        labels = {node: genes[node - 1].function for node in counting[:-1]}
        nodes = [Vertex(names[node], labels.get(node, "")) for node in (0, *counting)]
        edges = [Edge(names[source], names[node]) for node in counting for source in read_by(genes[node - 1])]
        return Graph(tuple(nodes), tuple(edges))


def genes_of(architecture: Architecture) -> Genes:
    """The genes of an architecture; the last is the output's."""
    return tuple(Gene(*each) for each in architecture.content)


def read_by(gene: Gene) -> tuple[int, ...]:
    """What a node reads, each once."""
    return tuple(dict.fromkeys(gene[1:] if gene.function in JOINS else (gene.first,)))


def active(genes: Genes) -> set[int]:
    """The nodes that count: those that lead to the output, and that itself, which is the one behind the last."""
    found, left = {len(genes)}, [len(genes)]
    while left:
        new = set(read_by(genes[left.pop() - 1])) - found - {0}
        found |= new
        left += new
    return found


def _network(genes: Genes) -> Hashable:
    """What counts, numbered anew."""
    rank = {0: 0, **{node: place for place, node in enumerate(sorted(active(genes)), 1)}}
    parts = [(genes[node - 1], rank) for node in rank if node]
    return tuple((gene.function, *(rank[each] for each in _inputs(gene))) for gene, rank in parts)


def _inputs(gene: Gene) -> tuple[int, ...]:
    """Both inputs of a function of two, where a sum does not know which is which."""
    if gene.function not in JOINS:
        return (gene.first,)
    return tuple(sorted(gene[1:])) if gene.function == "sum" else gene[1:]


def _kept(old: Gene, new: Gene) -> Gene:
    """A node that counts: what it does not read may change."""
    return old if old.function in JOINS else old._replace(second=new.second)


def _another(known: Sequence[Any], old: Any, share: float) -> Any:
    """One of the others, or of all where the old is none of them; the old one where there is no other."""
    others = [each for each in known if each != old]
    return others[int(share * len(others))] if others else old


def _plain(genes: Sequence[Gene]) -> tuple[tuple[Any, ...], ...]:
    return tuple(map(tuple, genes))


def _size(function: str) -> tuple[int, int]:
    """Width and kernel of a convolution or a residual block."""
    _, width, kernel = function.split("_")
    return int(width), int(kernel)


def _channels(gene: Gene, channels: Mapping[int, int]) -> int:
    """How many channels a node gives."""
    first, second = channels[gene.first], channels.get(gene.second, 0)
    if gene.function in JOINS:
        return first + second if gene.function == "concat" else max(first, second)
    if gene.function in POOLINGS:
        return first
    width = _size(gene.function)[0]
    return max(first, width) if gene.function.startswith("res") else width


def _names(genes: Genes) -> dict[int, str]:
    """By the place of a layer in the network, from 1 on, the node and its function."""
    counting = sorted(active(genes))[:-1]
    return {place: f"{node} {genes[node - 1].function}" for place, node in enumerate(counting, 1)}


def _built(genes: Genes, shape: TaskShape) -> nn.Module:
    """The network of the nodes that count, with channels and poolings of every state worked out on the way."""
    from torch import nn

    from netwright.networks.blocks import ClassifierHead
    from netwright.networks.layer_graph import LayerGraph
    from netwright.networks.padded import fitted

    counting = sorted(active(genes))
    place = {0: 0, **{node: number for number, node in enumerate(counting, 1)}}
    halvings = {0: 0}  # by node, how often its image was halved
    channels = {0: shape.channels}
    most = min(shape.height, shape.width).bit_length() - 1
    layers: list[nn.Module] = []
    adapters: dict[str, nn.Module] = {}
    reads: list[list[int]] = []
    for node in counting:
        gene = genes[node - 1]
        inputs = read_by(gene)
        halvings[node] = max(halvings[source] for source in inputs)
        widest = max(channels[source] for source in inputs)
        for source in inputs:
            missing = widest - channels[source] if gene.function == "sum" else 0
            found = fitted(halvings[node] - halvings[source], missing)
            if found is not None:
                adapters[f"{place[source]}_{len(layers)}"] = found
        twice = gene.function in JOINS and len(inputs) == 1
        reads.append([place[source] for source in (inputs * 2 if twice else inputs)])
        pools = gene.function in POOLINGS and halvings[node] < most
        layers.append(_layer(gene.function, channels[gene.first], pools=pools))
        halvings[node] += pools
        channels[node] = channels[gene.first] if gene.function == OUTPUT else _channels(gene, channels)
    side_by_side = [genes[node - 1].function == "concat" for node in counting]
    return nn.Sequential(
        LayerGraph(layers, reads, side_by_side, adapters), ClassifierHead(channels[counting[-1]], shape.classes)
    )


def _layer(function: str, inputs: int, *, pools: bool) -> nn.Module:
    """What a node does with what it reads; where an image is as small as it gets, poolings do nothing."""
    from torch import nn

    from netwright.networks.blocks import conv_bn
    from netwright.networks.padded import PaddedResidual

    if function.startswith("conv_"):
        return conv_bn(inputs, *_size(function))
    if function.startswith("res_"):
        return PaddedResidual(inputs, *_size(function))
    if pools:
        return nn.MaxPool2d(2) if function == "max_pool" else nn.AvgPool2d(2)
    return nn.Identity()
