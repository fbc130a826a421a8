"""The space of MetaQNN: layers in a row, each only where the map is large enough for it (Baker et al. 2017).

The authors' program is github.com/bowenbaker/metaqnn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Label
from netwright.core.errors import ConfigurationError, InvalidArchitecture, UserError, nearest
from netwright.core.graph import Edge, Graph, Node
from netwright.core.rules import Earlier
from netwright.core.space import text_of
from netwright.core.task import TaskShape

PROVIDES = ("space.chain",)

END = "end"
AVERAGE = "GAP"
MOST_LAYERS = 32
SIDE = 32  # pixels of CIFAR-10's images
BASE = 1 << 14  # more than there are pixels, dense layers and kinds
LARGEST_FOR_DENSE = 4  # pixels of a side up to which a dense layer may follow
START, CONVOLUTION, POOLING, DENSE, AVERAGED = range(5)


class State(NamedTuple):
    """What is known behind a layer.

    after: which kind of layer.
    pixels: of a side of the map.
    dense: dense layers so far.
    width: numbers that the last dense layer gives.
    """

    after: int
    pixels: int
    dense: int = 0
    width: int = 0

    @property
    def number(self) -> int:
        """The state as one number, from which `of` reads it."""
        return ((self.width * BASE + self.dense) * BASE + self.pixels) * BASE + self.after

    @staticmethod
    def of(number: int) -> State:
        rest, after = divmod(number, BASE)
        rest, pixels = divmod(rest, BASE)
        width, dense = divmod(rest, BASE)
        return State(after, pixels, dense, width)


class MetaQnn(DecisionSpace):
    """Convolutions, poolings and dense layers in a row, until one says that it ends.

    What may follow depends on the layer before and on the pixels that are left: poolings follow a convolution and
    need a map larger than they are, as convolutions do; dense layers need a map of at most 4 pixels, each has at most
    as many numbers as the one before, and after one, or after the average over the map, no convolution follows.

    side: pixels of the images' shorter side, for which it is said what fits; 32 in the paper. Larger images are
        averaged to that many first, smaller ones are refused. None for that of the task, at most 32, where a search
        knows one, and for 32 elsewhere.
    layers: at most; 18 in the authors' program.
    filters: of a convolution; 64, 128, 256 and 512 in the paper.
    kernels: of a convolution, odd, which keeps the size; 1, 3 and 5 in the paper.
    pools: kernel and stride of a maximum pooling; (5, 3), (3, 2) and (2, 2) in the paper.
    dense: numbers that a dense layer gives; 512, 256 and 128 in the paper.
    most_dense: dense layers beside the classifier; 2 in the paper.
    normalised: whether there is batch normalisation behind each convolution; the authors' program has it as an option,
        which is off there.
    dropout: whether a dropout follows every second layer, the i-th of n at a rate of i / 2n, as in the paper.

    `str(architecture)` is the authors' form: "C(64,3,1), P(2,2), FC(128)".

    Raises ConfigurationError for numbers below 1, even kernels and empty lists.
    """

    called = "metaqnn"

    side: int | None = None
    layers: int = 18
    filters: Sequence[int] = (64, 128, 256, 512)
    kernels: Sequence[int] = (1, 3, 5)
    pools: Sequence[tuple[int, int]] = ((5, 3), (3, 2), (2, 2))
    dense: Sequence[int] = (512, 256, 128)
    most_dense: int = 2
    normalised: bool = True
    dropout: bool = True

    traced_shape: ClassVar[TaskShape] = TaskShape((3, 32, 32), 10)

    def __post_init__(self) -> None:
        if not 1 <= self.layers <= MOST_LAYERS or not 2 <= self._side < BASE or self.most_dense < 0:
            raise ConfigurationError(
                f"MetaQnn needs 1 to {MOST_LAYERS} layers, a side of 2 to 16,383 pixels and at least 0 dense layers, "
                f"found layers={self.layers}, side={self._side}, most_dense={self.most_dense}"
            )
        for name in ("filters", "kernels", "dense"):
            given = getattr(self, name)
            if not given or min(given) < 1 or len(set(given)) < len(given):
                raise ConfigurationError(f"MetaQnn: {name} must list different numbers above 0, found {given!r}")
        even = [each for each in self.kernels if each % 2 == 0]
        if even:
            raise ConfigurationError(f"MetaQnn: kernels must be odd to keep the size of a map, found {even[0]}")
        wrong = [each for each in self.pools if len(each) != 2 or not 1 <= each[1] <= each[0] or each[0] < 2]
        if wrong:
            raise ConfigurationError(
                f"MetaQnn: a pool is a kernel of at least 2 and a stride up to it, found {wrong[0]}"
            )

    @property
    def _side(self) -> int:
        return SIDE if self.side is None else self.side

    def fitted(self, shape: TaskShape) -> MetaQnn:
        """For images of the task's size, at most of 32 pixels, unless their side was given."""
        if self.side is not None or not shape.is_image:
            return self
        return self.replace(side=max(2, min(SIDE, shape.height, shape.width)))

    @cached_property
    def _labels(self) -> tuple[str, ...]:
        """What a layer may be, in the authors' notation."""
        convolutions = [f"C({filters},{kernel},1)" for filters in self.filters for kernel in self.kernels]
        pools = [f"P({kernel},{stride})" for kernel, stride in self.pools]
        return (*convolutions, *pools, *(f"FC({width})" for width in self.dense), AVERAGE, END)

    # What may follow.

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "images")
        taken: list[str] = []
        self._ask(choose, 0, taken)
        return self._built(taken, shape)

    def _ask(self, choose: Choose, number: int, taken: list[str]) -> None:
        """Ask for the layer of this number, and for those behind it as long as none ends the row."""
        if number == self.layers:
            return
        name = f"layer{number}"
        choose.allow(name, self._following)
        label = choose.value(name, self._labels)

        def on() -> None:
            taken.append(label)
            self._ask(choose, number + 1, taken)

        choose.where(name, self._labels[:-1], on)

    def _following(self, answers: Earlier) -> list[str]:
        """What a layer may be after the answers so far."""
        state = State.of(answers.fold("state", State(START, self._side).number, _moved))
        return [label for label in self._labels if self._may_follow(label, state)]

    def _may_follow(self, label: str, state: State) -> bool:
        kind, numbers = _read(label)
        if kind == "FC":
            fits = numbers[0] <= state.width if state.after == DENSE else state.pixels <= LARGEST_FOR_DENSE
            return state.after != AVERAGED and fits and state.dense < self.most_dense
        if kind == END:
            return True
        on_map = state.after in (START, CONVOLUTION, POOLING)
        if kind == "C":
            return on_map and numbers[1] < state.pixels
        return on_map if kind == AVERAGE else state.after == CONVOLUTION and numbers[0] < state.pixels

    # The network.

    def _built(self, taken: Sequence[str], shape: TaskShape) -> nn.Module:
        """The layers one after the other, and a classifier."""
        entry, (height, width) = self._entry(shape)
        layers: list[nn.Module] = [entry] if entry is not None else []
        channels, flat = shape.channels, False
        for number, label in enumerate(taken, 1):
            kind, numbers = _read(label)
            if kind == "C":
                layers.append(self._convolution(channels, *numbers[:2]))
                channels = numbers[0]
            elif kind == "P":
                layers.append(nn.MaxPool2d(numbers[0], numbers[1]))
                height, width = _pooled(height, *numbers), _pooled(width, *numbers)
            elif kind == AVERAGE:
                layers.append(nn.AdaptiveAvgPool2d(1))
                height = width = 1
            else:
                inputs = channels if flat else channels * height * width
                layers.append(
                    nn.Sequential(*([] if flat else [nn.Flatten()]), nn.Linear(inputs, numbers[0]), nn.ReLU())
                )
                channels, flat = numbers[0], True
            if self.dropout and number % 2 == 0:
                layers.append(nn.Dropout(number / 2 / (2 * (len(taken) // 2))))
        last = nn.Linear(channels if flat else channels * height * width, shape.classes)
        return nn.Sequential(*layers, *([] if flat else [nn.Flatten()]), last)

    def _entry(self, shape: TaskShape) -> tuple[nn.Module | None, tuple[int, int]]:
        """What brings images to the size that was said, and their height and width then."""
        shorter = min(shape.height, shape.width)
        if shorter < self._side:
            raise UserError(
                f"MetaQnn(side={self._side}) says what fits into images of {self._side} pixels, but these have "
                f"{shorter} on their shorter side; use side={shorter}"
            )
        if shorter == self._side:
            return None, (shape.height, shape.width)
        size = round(shape.height * self._side / shorter), round(shape.width * self._side / shorter)
        return nn.AdaptiveAvgPool2d(size), size

    def _convolution(self, inputs: int, outputs: int, kernel: int) -> nn.Module:
        convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=not self.normalised)
        norm = [nn.BatchNorm2d(outputs)] if self.normalised else []
        return nn.Sequential(convolution, *norm, nn.ReLU(inplace=True))

    def tracing_twin(self) -> DecisionSpace:
        return _StateQuestions(**self._arguments)

    # Architectures as text and as graphs.

    def format(self, architecture: Architecture) -> str:
        return ", ".join(_layers_of(architecture)) or END

    def parse(self, text: str) -> Architecture:
        """Read the authors' form, or JSON. Raises InvalidArchitecture, or UserError for broken JSON."""
        text = text_of(text).strip()
        if not re.match(r"^\[?\s*(C\(|P\(|FC\(|GAP|SM|end)", text):
            return super().parse(text)
        found = [each.replace(" ", "") for each in re.findall(r"[A-Za-z]+(?:\([\d,\s]*\))?", text)]
        layers = [AVERAGE if each.startswith(AVERAGE) else each for each in found]
        return self._of([each for each in layers if not each.startswith(("SM", END))])

    def _of(self, layers: Sequence[str]) -> Architecture:
        if len(layers) > self.layers:
            raise InvalidArchitecture(f"found {len(layers)} layers, expected at most {self.layers}")
        for each in layers:
            if each not in self._labels:
                raise InvalidArchitecture(f"this space has no layer {each!r}{nearest(each, self._labels)}")
        ends = {f"layer{len(layers)}": END} if len(layers) < self.layers else {}
        return self.architecture({**{f"layer{number}": each for number, each in enumerate(layers)}, **ends})

    def graph(self, architecture: Architecture) -> Graph:
        """The layers in a row."""
        self.require_own(architecture)
        layers = [Node(f"layer{number}", label) for number, label in enumerate(_layers_of(architecture))]
        nodes = (Node("input"), *layers, Node("output"))
        return Graph(nodes, tuple(Edge(a.name, b.name) for a, b in pairwise(nodes)))


class _StateQuestions(MetaQnn):
    """The same questions, and no network."""

    called: Any = None

    def _built(self, taken: Sequence[str], shape: TaskShape) -> nn.Module:
        return nn.Identity()


def _layers_of(architecture: Architecture) -> list[str]:
    return [str(label) for label in architecture.decisions.values() if label != END]


def _read(label: Label) -> tuple[str, tuple[int, ...]]:
    """The kind of a layer and its numbers: "P(3,2)" is ("P", (3, 2))."""
    kind, _, rest = str(label).partition("(")
    return kind, tuple(int(each) for each in re.findall(r"\d+", rest))


def _moved(number: int, _: str, label: Label) -> int:
    """The state behind a layer, by number."""
    state, (kind, numbers) = State.of(number), _read(label)
    if kind == "C":
        return state._replace(after=CONVOLUTION).number
    if kind == "P":
        return state._replace(after=POOLING, pixels=_pooled(state.pixels, *numbers)).number
    if kind == "FC":
        return State(DENSE, 1, state.dense + 1, numbers[0]).number
    return state._replace(after=AVERAGED, pixels=1).number if kind == AVERAGE else number


def _pooled(pixels: int, kernel: int, stride: int) -> int:
    return max(1, (pixels - kernel) // stride + 1)
