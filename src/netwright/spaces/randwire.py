"""Randomly wired networks: stages whose nodes are connected as in a random graph (Xie et al. 2019)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from netwright.core.architecture import Architecture
from netwright.core.errors import ConfigurationError, InvalidArchitecture, SpaceExhausted, shown
from netwright.core.graph import Edge, Graph, Node
from netwright.core.space import Change, Space
from netwright.core.task import TaskShape
from netwright.spaces.wiring import Wiring, check_wiring, unread, wired

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

PROVIDES = ("space.free_dag",)

MOST_NODES = 64
TRIES = 50


class RandWire(Space):
    """Stages of nodes, each the same operation, that differ in their wiring alone.

    A node adds up what it reads, each with a weight that is learnt, then has ReLU, a separable 3x3 convolution and a
    normalisation; nodes that read no other one read the stage's input, at stride 2 from the second stage on. What none
    reads is averaged. An architecture is the wiring of every stage, whatever drew it, so that spaces of one size share
    their architectures. A mutation draws one stage anew; "rewire" leads one connection elsewhere. A crossover has each
    stage from either parent.

    nodes: of a stage; 32 in the paper.
    stages: how many; each has twice the channels of the one before.
    channels: of the first stage; 78 in the paper's small networks, for photographs.
    wiring: "ws", "ba" or "er"; "ws" was the paper's best.
    edges: k of "ws", m of "ba"; 4 and 5 in the paper.
    probability: of "ws" and "er"; 0.75 and 0.2 in the paper.
    final: channels of the 1x1 convolution before the last layer.

    Raises ConfigurationError for numbers below 1, and for parameters of which there is no such graph.
    """

    called = "randwire"

    nodes: int = 32
    stages: int = 3
    channels: int = 32
    wiring: Literal["ws", "ba", "er"] = "ws"
    edges: int = 4
    probability: float = 0.75
    final: int = 1280

    width_parameter: ClassVar[str] = "channels"

    def __post_init__(self) -> None:
        for name in ("stages", "channels", "final"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"RandWire: {name} must be at least 1, found {getattr(self, name)!r}")
        if not 2 <= self.nodes <= MOST_NODES:
            raise ConfigurationError(f"RandWire: nodes is {self.nodes}; expected 2 to {MOST_NODES}")
        check_wiring("RandWire", self.wiring, self.nodes, self.edges, self.probability)

    def described(self) -> Any:
        """What wirings there are; how they are drawn and how wide networks are says nothing of it."""
        return [self.nodes, self.stages]

    # Drawing and changing.

    def sample(self, rng: np.random.Generator) -> Architecture:
        return Architecture(self, tuple(self._wired(rng) for _ in range(self.stages)))

    def _wired(self, rng: np.random.Generator) -> Wiring:
        return wired(self.wiring, self.nodes, self.edges, self.probability, rng)

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """One stage is wired anew; where that gives nothing else, two of its nodes are connected or no longer."""
        self.require_own(architecture)
        place = int(rng.integers(self.stages))
        for _ in range(TRIES):
            found = (*architecture.content[:place], self._wired(rng), *architecture.content[place + 1 :])
            if found != architecture.content:
                return Architecture(self, found)
        return self._toggled(architecture, place, rng)

    def _toggled(self, architecture: Architecture, place: int, rng: np.random.Generator) -> Architecture:
        """Two nodes of a stage are connected, or no longer."""
        early, late = sorted(rng.choice(self.nodes, 2, replace=False).tolist())
        stages = [list(each) for each in architecture.content]
        stages[place][late] = tuple(sorted({*stages[place][late]} ^ {early}))
        return Architecture(self, tuple(map(tuple, stages)))

    @property
    def mutations(self) -> Mapping[str, Change]:
        return {"redraw": self.mutate, "rewire": self.rewire}

    def rewire(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """One connection of one stage begins at another node, as those of "ws" do."""
        self.require_own(architecture)
        free = [
            (stage, node, source, other)
            for stage, wiring in enumerate(architecture.content)
            for node, sources in enumerate(wiring)
            for source in sources
            for other in range(node)
            if other not in sources
        ]
        if not free:
            raise SpaceExhausted("no connection can begin elsewhere")
        stage, node, source, other = free[int(rng.integers(len(free)))]
        stages = [list(each) for each in architecture.content]
        stages[stage][node] = tuple(sorted({*stages[stage][node], other} - {source}))
        return Architecture(self, tuple(map(tuple, stages)))

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """Each stage from either parent."""
        self.require_own(first)
        self.require_own(second)
        pairs = zip(first.content, second.content, rng.random(self.stages) < 0.5, strict=True)
        return Architecture(self, tuple(ours if mine else theirs for ours, theirs, mine in pairs))

    # What an architecture holds.

    def content(self, data: Any) -> tuple[Wiring, ...]:
        """The wiring of every stage.

        data: for each stage a list with, for each node, the list of earlier nodes that it reads, numbered from 0.
        """
        stages = cast("Sequence[Any]", data)
        if not isinstance(data, (list, tuple)) or len(stages) != self.stages:
            raise InvalidArchitecture(f"expected the wirings of {self.stages} stages; found {shown(data)}")
        return tuple(self._checked(number, each) for number, each in enumerate(stages, 1))

    def _checked(self, stage: int, data: Any) -> Wiring:
        nodes = cast("Sequence[Any]", data)
        if not isinstance(data, (list, tuple)) or len(nodes) != self.nodes:
            raise InvalidArchitecture(f"stage {stage} is {shown(data)}; expected what each of {self.nodes} nodes reads")
        for node, sources in enumerate(nodes):
            known = isinstance(sources, (list, tuple)) and all(
                type(each) is int and 0 <= each < node for each in cast("Sequence[Any]", sources)
            )
            if not known or len(set(sources)) < len(sources):
                raise InvalidArchitecture(
                    f"stage {stage}: node {node} reads {shown(sources)}; expected different nodes before it, from 0 on"
                )
        return tuple(tuple(sorted(sources)) for sources in nodes)

    # Networks.

    def build(self, architecture: Architecture, shape: TaskShape) -> nn.Module:
        from torch import nn

        from netwright.networks.blocks import ClassifierHead, conv_bn, entry, entry_strides
        from netwright.networks.wired import WiredStage

        self.validate(architecture)
        shape.require(type(self).__name__, "images")
        strides = entry_strides(shape.height, shape.width, self.stages)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["stem"] = entry(shape.channels, self.channels, strides[0])
        before = self.channels
        for number, (wiring, (*_, stride)) in enumerate(zip(architecture.content, strides, strict=True)):
            width = self.channels * 2**number
            layers[f"stage{number + 1}"] = WiredStage(before, width, wiring, stride if number else 1)
            before = width
        layers["final"] = nn.Sequential(nn.ReLU(), conv_bn(before, self.final, 1))
        layers["head"] = ClassifierHead(self.final, shape.classes)
        return nn.Sequential(layers)

    def graph(self, architecture: Architecture) -> Graph:
        """The nodes of every stage, between which stand the outputs of stages."""
        self.require_own(architecture)
        nodes, edges, before = [Node("input")], list[Edge](), "input"
        for number, wiring in enumerate(architecture.content, 1):
            names = [f"stage {number} node {node}" for node in range(len(wiring))]
            nodes += [*(Node(name, "sep_conv_3x3") for name in names), Node(f"stage {number}", "mean")]
            for name, sources in zip(names, wiring, strict=True):
                edges += [Edge(names[source], name) for source in sources] or [Edge(before, name)]
            before = f"stage {number}"
            edges += [Edge(names[node], before) for node in unread(wiring)]
        return Graph((*nodes, Node("output")), (*edges, Edge(before, "output")))
