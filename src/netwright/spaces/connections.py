"""Connection matrices: which unit of a feed-forward network reads which (Miller, Todd and Hegde 1989).

"Designing Neural Networks using Genetic Algorithms": a bit says of a connection whether it is learnt or fixed at zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, cast

from netwright.core.architecture import Architecture
from netwright.core.errors import ConfigurationError, InvalidArchitecture, shown
from netwright.core.space import Space
from netwright.core.task import TaskShape

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

PROVIDES = ("space.free_dag",)

Rows = tuple[str, ...]  # of each unit a bit for its bias, one for each input, and one for each hidden unit before it


class Connections(Space):
    """Networks of a few logistic units and linear outputs, whose connections are the bits of a matrix.

    A row is what one unit reads: "1" for a connection that is learnt, "0" for none. Hidden units read inputs and hidden
    units before them, outputs all of these. A sample has each connection with probability 1/2. A mutation flips each
    bit with probability `rate`, one at least; a crossover takes one row from the second parent, as in the paper.

    inputs, outputs: how many; 0 for as many as the data have, which a search fills in. Images are flattened.
    hidden: units.
    rate: with which a mutation flips a bit.

    Raises ConfigurationError for negative numbers, no hidden units, and a rate that is no probability.
    """

    called = "connections"

    inputs: int = 0
    outputs: int = 0
    hidden: int = 16
    rate: float = 0.005

    def __post_init__(self) -> None:
        if min(self.inputs, self.outputs) < 0 or self.hidden < 1:
            raise ConfigurationError(
                f"Connections: inputs={self.inputs}, outputs={self.outputs}, hidden={self.hidden}; expected numbers "
                "from 0 on, and at least one hidden unit"
            )
        if not 0 <= self.rate <= 1:
            raise ConfigurationError(f"Connections: rate is {self.rate!r}; expected a number from 0 to 1")
        if self.inputs and self.outputs:
            object.__setattr__(self, "traced_shape", TaskShape((self.inputs,), self.outputs))

    def described(self) -> Any:
        """How many units there are; `rate` only says how they are changed."""
        return [self.inputs, self.hidden, self.outputs]

    def fitted(self, shape: TaskShape) -> Self:
        shape.require(type(self).__name__, "vectors", "images")
        return self.replace(inputs=self.inputs or shape.features, outputs=self.outputs or shape.outputs)

    @cached_property
    def _lengths(self) -> list[int]:
        """Bits of each row."""
        if not self.inputs or not self.outputs:
            raise ConfigurationError(
                "Connections: a matrix has as many columns and rows as there are inputs and outputs; say inputs= and "
                "outputs=, or take space.fitted(task.shape)"
            )
        before = 1 + self.inputs
        return [*range(before, before + self.hidden), *[before + self.hidden] * self.outputs]

    @property
    def size(self) -> int:
        return 2 ** sum(self._lengths)

    # Drawing and changing.

    def sample(self, rng: np.random.Generator) -> Architecture:
        return self._of(rng.random(sum(self._lengths)) < 0.5)

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        self.require_own(architecture)
        bits = "".join(architecture.content)
        flips = rng.random(len(bits)) < self.rate
        flips[int(rng.integers(len(bits)))] = True
        return self._of([(bit == "1") != flip for bit, flip in zip(bits, flips.tolist(), strict=True)])

    def _of(self, bits: Sequence[bool] | np.ndarray) -> Architecture:
        text = "".join("01"[bool(each)] for each in bits)
        ends = [sum(self._lengths[: k + 1]) for k in range(len(self._lengths))]
        return Architecture(self, tuple(text[a:b] for a, b in zip([0, *ends], ends, strict=False)))

    def crossover(self, first: Architecture, second: Architecture, rng: np.random.Generator) -> Architecture:
        """The first parent with one row of the second."""
        self.require_own(first)
        self.require_own(second)
        place = int(rng.integers(len(self._lengths)))
        return Architecture(self, (*first.content[:place], second.content[place], *first.content[place + 1 :]))

    def canonical(self, architecture: Architecture) -> Architecture:
        """The same network without connections of hidden units that no output depends on."""
        self.require_own(architecture)
        rows: Rows = architecture.content
        used: set[int] = set()
        for place in reversed(range(len(rows))):
            if place >= self.hidden or place in used:
                used |= {k for k, bit in enumerate(rows[place][1 + self.inputs :]) if bit == "1"}
        kept = (row if k in used or k >= self.hidden else "0" * len(row) for k, row in enumerate(rows))
        return Architecture(self, tuple(kept))

    # What an architecture holds, and its network.

    def content(self, data: Any) -> Rows:
        """The rows of the matrix as text of 0 and 1: of hidden units in their order, then of outputs.

        data: a list of texts; first the bit of the bias, then those of inputs, then those of hidden units.
        """
        rows = cast("Sequence[Any]", data)
        if not isinstance(data, (list, tuple)) or len(rows) != len(self._lengths):
            raise InvalidArchitecture(f"expected {len(self._lengths)} rows of bits; found {shown(data)}")
        for place, (row, length) in enumerate(zip(rows, self._lengths, strict=True), 1):
            if not isinstance(row, str) or len(row) != length or not set(row) <= {"0", "1"}:
                raise InvalidArchitecture(f"row {place} is {shown(row)}; expected {length} bits, as '0110...'")
        return tuple(rows)

    def build(self, architecture: Architecture, shape: TaskShape) -> nn.Module:
        from torch import nn

        from netwright.networks.connected_units import ConnectedUnits

        self.validate(architecture)
        shape.require(type(self).__name__, "vectors", "images")
        if (shape.features, shape.outputs) != (self.inputs, self.outputs):
            raise ConfigurationError(
                f"Connections has {self.inputs} inputs and {self.outputs} outputs; the data have {shape.features} and "
                f"{shape.outputs}"
            )
        units = [([k for k, bit in enumerate(row[1:]) if bit == "1"], row[0] == "1") for row in architecture.content]
        return nn.Sequential(nn.Flatten(), ConnectedUnits(units[: self.hidden], units[self.hidden :]))
