"""The recurrent cells of DARTS and ENAS: nodes that each take one earlier state and an activation."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar, cast

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Label, Point
from netwright.core.errors import ConfigurationError, InvalidArchitecture, nearest, shown
from netwright.core.graph import Graph
from netwright.core.serial import parse_json
from netwright.core.space import text_of
from netwright.core.states import States
from netwright.core.task import TaskShape
from netwright.networks.operations import Zero
from netwright.networks.recurrent import (
    Highway,
    LockedDropout,
    NextToken,
    OneAnswer,
    Recurrence,
    RecurrentCell,
    RecurrentNetwork,
    WordDropout,
    drawn_small,
)
from netwright.spaces.genotype_forms import is_written, parts_of_text

PROVIDES = ("space.rnn_cell",)

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "identity": nn.Identity,
}
MOST_NODES = 24
OUTPUTS = ("all", "loose")
ANSWERS = ("mean", "last")


class Recurrent(DecisionSpace):
    """Networks for tokens with one recurrent cell: each node goes from one earlier state, through a gate, to a new one.

    With 8 nodes and 4 activations there are 2,642,411,520 architectures (Liu et al. 2019; Pham et al. 2018). State 0
    joins the input with the state before; the mean of the nodes is the next state. In a mixture each edge has the
    further option `none`, and every state is normalised by its batch, as in the authors' code of DARTS.

    nodes: that choose; 8 in DARTS, 11 in ENAS, whose twelfth is state 0 here.
    channels: of the embedding and of every state; in DARTS 300 while searching and 850 for the final network.
    activations: any of "tanh", "relu", "sigmoid" and "identity".
    output: whose mean is the next state: "all" nodes (DARTS), or the "loose" ends that no node reads (ENAS).
    tied: whether the words of the answer have the weights of the embedding; of the next token only.
    answer: of one answer for a text, whether it is read from the "mean" of all states or from the "last".
    word_dropout, input_dropout, cell_dropout, state_dropout, output_dropout: probabilities of dropping a word, its
        features, those of the cell's input, those of states inside of the cell, and those of the output; in the
        authors' search 0, 0.2, 0.75, 0.25 and 0.75.

    Raises ConfigurationError for values outside of these.
    """

    called = "recurrent"

    nodes: int = 8
    channels: int = 128
    activations: Sequence[str] = tuple(ACTIVATIONS)
    output: str = "all"
    tied: bool = True
    answer: str = "mean"
    word_dropout: float = 0.0
    input_dropout: float = 0.0
    cell_dropout: float = 0.0
    state_dropout: float = 0.0
    output_dropout: float = 0.0

    width_parameter: ClassVar[str] = "channels"
    traced_shape: ClassVar[TaskShape] = TaskShape((4,), 5, vocabulary=5, dense=True)
    _rates: ClassVar[tuple[str, ...]] = (
        "word_dropout",
        "input_dropout",
        "cell_dropout",
        "state_dropout",
        "output_dropout",
    )

    def __post_init__(self) -> None:
        if not 1 <= self.nodes <= MOST_NODES or self.channels < 1:
            raise ConfigurationError(
                f"Recurrent needs 1 to {MOST_NODES} nodes and at least 1 channel, found {self.nodes} and "
                f"{self.channels}"
            )
        if not self.activations or len(set(self.activations)) < len(self.activations):
            raise ConfigurationError(f"Recurrent needs different activations, found {list(self.activations)}")
        for each in self.activations:
            if each not in ACTIVATIONS:
                raise ConfigurationError(f"Recurrent has no activation {each!r}{nearest(each, ACTIVATIONS)}")
        for name, known in (("output", OUTPUTS), ("answer", ANSWERS)):
            if getattr(self, name) not in known:
                raise ConfigurationError(
                    f"Recurrent: {name} is one of {', '.join(known)}, found {getattr(self, name)!r}"
                )
        for name in self._rates:
            if not 0 <= getattr(self, name) < 1:
                raise ConfigurationError(f"Recurrent: {name} is from 0 to below 1, found {getattr(self, name)}")

    def tracing_twin(self) -> DecisionSpace:
        return self.replace(channels=1)

    # The network.

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        state_dropout = LockedDropout(self.state_dropout)
        nodes: list[nn.Module] = []
        for i in range(self.nodes):
            linear = nn.Linear(self.channels, 2 * self.channels, bias=False)
            options = self._options(linear, state_dropout)
            nodes.append(choose.edges(f"node{i}", range(i + 1), 1, options, soft=("none",)))
        states = range(1, self.nodes + 1)
        output = choose.unread(cast("Any", nodes), states) if self.output == "loose" else States(states)
        return self._around(RecurrentCell(self.channels, nodes, output, *self._cell_dropouts(state_dropout)), shape)

    def _options(self, linear: nn.Module, dropout: nn.Module) -> dict[str, Callable[[int], nn.Module]]:
        def make(label: str) -> Callable[[int], nn.Module]:
            return lambda source: Highway(linear, ACTIVATIONS[label](), dropout)

        return {**{label: make(label) for label in self.activations}, "none": lambda source: Zero()}

    def _cell_dropouts(self, state_dropout: nn.Module) -> tuple[nn.Module, nn.Module]:
        return LockedDropout(self.cell_dropout), state_dropout

    def _around(self, cell: nn.Module, shape: TaskShape) -> nn.Module:
        """The network around a cell."""
        shape.require(type(self).__name__, "tokens", dense=None)
        embedding = WordDropout(shape.vocabulary, self.channels, self.word_dropout)
        if shape.dense:
            head: nn.Module = NextToken(self.channels, shape.outputs)
        else:
            head = OneAnswer(self.channels, shape.outputs, last=self.answer == "last")
        network = RecurrentNetwork(
            embedding, Recurrence(cell), head, LockedDropout(self.input_dropout), LockedDropout(self.output_dropout)
        )
        drawn_small(network)
        if self.tied and shape.dense and shape.outputs == shape.vocabulary:
            head.linear.weight = embedding.weight  # pyright: ignore
        return network

    # What the cost of a network is the sum of: what stands around the nodes, and the nodes one by one.

    def cost_terms(self, point: Point) -> list[Hashable]:
        """Names of the parts that the architecture at this point is made of; equal parts have equal names."""
        labels = self.decisions.labels(point)
        return ["around", *(self._reading(labels, node)[0] for node in range(self.nodes))]

    def cost_part(self, term: Any, shape: TaskShape) -> tuple[nn.Module, tuple[int, ...]]:
        """The part of that name, and the shape of its input, for examples of this shape."""
        dropout = LockedDropout(0.0)
        if term == "around":
            cell = RecurrentCell(self.channels, (), (0,), *self._cell_dropouts(dropout))
            return self._around(cell, shape), shape.input
        linear = nn.Linear(self.channels, 2 * self.channels, bias=False)
        return Highway(linear, ACTIVATIONS[term](), dropout), (*shape.input, self.channels)

    # Genotypes.

    def _reading(self, labels: Mapping[str, Label], node: int) -> tuple[str, int]:
        """The activation and the state that a node takes."""
        source = cast("tuple[int, ...]", labels.get(f"node{node}/sources", (0,)))[0]
        return str(labels.get(f"node{node}/{source}", self.activations[0])), source

    def genotype(self, architecture: Architecture) -> dict[str, Any]:
        """The architecture as in the authors' code: `recurrent` has (activation, state) a node, `concat` the output."""
        labels = architecture.decisions
        readings = [self._reading(labels, node) for node in range(self.nodes)]
        return {"recurrent": [list(each) for each in readings], "concat": list(self._output(readings))}

    def drawn(self, architecture: Architecture) -> Graph:
        graph = self.graph(architecture)
        return graph.with_output("", [graph.nodes[state].name for state in self.genotype(architecture)["concat"]])

    def _output(self, readings: Sequence[tuple[str, int]]) -> tuple[int, ...]:
        read = {source for _, source in readings} if self.output == "loose" else set()
        return tuple(state for state in range(1, len(readings) + 1) if state not in read)

    def format(self, architecture: Architecture) -> str:
        genotype = self.genotype(architecture)
        readings = [tuple(each) for each in genotype["recurrent"]]
        return f"Genotype(recurrent={readings}, concat={genotype['concat']})"

    def parse(self, text: str) -> Architecture:
        """Read a genotype as text `Genotype(recurrent=..., concat=...)` or as JSON, or an architecture's JSON.

        Raises InvalidArchitecture, or UserError for broken JSON.
        """
        data = parts_of_text(text) if is_written(text_of(text)) else parse_json(text)
        return self.from_genotype(data) if isinstance(data, Mapping) and "recurrent" in data else super().parse(text)

    def from_genotype(self, genotype: Mapping[str, Any]) -> Architecture:
        """The architecture of this space with this cell; InvalidArchitecture says why there is none."""
        found = genotype["recurrent"]
        if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != self.nodes:
            raise InvalidArchitecture(
                f"'recurrent' should list {self.nodes} pairs (activation, state), one a node of this space, found "
                f"{shown(found)}"
            )
        readings = [self._checked(node, pair) for node, pair in enumerate(found)]
        expected = self._output(readings)
        given = genotype.get("concat", expected)
        if list(given) != list(expected):
            raise InvalidArchitecture(
                f"'concat' is {list(given)}, but the output of this cell is {list(expected)} (output={self.output!r})"
            )
        labels: dict[str, Label] = {}
        for node, (activation, source) in enumerate(readings):
            if node:
                labels[f"node{node}/sources"] = (source,)
            if len(self.activations) > 1:
                labels[f"node{node}/{source}"] = activation
        return self.architecture(labels)

    def _checked(self, node: int, pair: Any) -> tuple[str, int]:
        """The activation and the state of one node of a genotype."""
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            raise InvalidArchitecture(f"node {node}: expected a pair (activation, state), found {shown(pair)}")
        activation, source = pair
        if activation not in self.activations:
            raise InvalidArchitecture(
                f"node {node}: this space has no activation {shown(activation)}"
                f"{nearest(str(activation), self.activations)}"
            )
        if type(source) is not int or not 0 <= source <= node:
            raise InvalidArchitecture(f"node {node} takes state {shown(source)}; it may take 0 to {node}")
        return activation, source
