"""Networks for the rows of a table: numbers read by their quantiles, categories looked up, several members in one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.task import TaskShape
from netwright.networks.columns import Rows
from netwright.networks.members import Answers, Scaled
from netwright.networks.numbers import Numbers, PeriodicNumbers, PiecewiseNumbers
from netwright.networks.series_blocks import Beside

PROVIDES = ("space.chain",)

NUMBERS = ("plain", "piecewise", "periodic")
_SMALL: Mapping[str, Any] = {"width": 128, "dropout": 0.1, "block": "plain", "members": 1, "depth": 2}
_PIECEWISE: Mapping[str, Any] = {"numbers": "piecewise", "size": 16}
_RESIDUAL: Mapping[str, Any] = {**_SMALL, **_PIECEWISE, "block": "residual"}
KNOWN: Mapping[str, Mapping[str, Any]] = {
    "residual MLP with piecewise linear embeddings": _RESIDUAL,
    "MLP with piecewise linear embeddings": {**_SMALL, **_PIECEWISE},
    "MLP": {**_SMALL, "numbers": "plain"},
    "residual MLP ensemble of 8 with piecewise linear embeddings": {**_RESIDUAL, "members": 8},
}
MOST_FEATURES = 2048
"""Features that the numbers of an example become at most, by fewer of each where there are many."""
MOST_BINS, LEAST_BINS = 4096, 8
"""Bins of all numbers at most, and of each at least."""


def _plain(width: int, dropout: float) -> nn.Module:
    return nn.Sequential(nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, width))


def _residual(width: int, dropout: float) -> nn.Module:
    inner = nn.Sequential(
        nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, width)
    )
    return Beside(inner)


BLOCKS: Mapping[str, Callable[[int, float], nn.Module]] = {"plain": _plain, "residual": _residual}


class Tables(DecisionSpace):
    """Networks for tables: a first layer on what the columns say, a few blocks of one width, a last layer.

    Numbers are read by their distance from the median and their order, as functions that are linear between quantiles,
    or by waves (Gorishniy et al. 2022); categories of many texts are looked up, others taken as 0 and 1. Blocks are a
    linear layer each, or two beside what goes by (Gorishniy et al. 2021). Several members in one network share all but
    their first scales and last layers, and answer by their mean (Gorishniy et al. 2024).

    widths: features of the hidden layers.
    least, most: blocks behind the first layer.
    blocks: any of "plain" and "residual".
    numbers: any of "plain", "piecewise" and "periodic".
    sizes: features of a number that is read in the last two ways, fewer where there are many numbers.
    bins: between the quantiles of a number, fewer where there are many numbers.
    members: networks in one; 1 for a single one.
    dropouts: probabilities of dropping a value.
    category_size: features of a category that has more texts than that.

    Raises ConfigurationError for empty lists and values outside of these.
    """

    called = "tables"

    widths: Sequence[int] = (64, 128, 256, 512)
    least: int = 1
    most: int = 4
    blocks: Sequence[str] = tuple(BLOCKS)
    numbers: Sequence[str] = NUMBERS
    sizes: Sequence[int] = (8, 16)
    bins: int = 128
    members: Sequence[int] = (1, 8, 16)
    dropouts: Sequence[float] = (0.0, 0.1, 0.3, 0.5)
    category_size: int = 16

    traced_shape: ClassVar[TaskShape] = TaskShape((7,), 3, columns=(1, 1, 5))

    def __post_init__(self) -> None:
        for name in ("widths", "blocks", "numbers", "sizes", "members", "dropouts"):
            if not getattr(self, name):
                raise ConfigurationError(f"Tables: {name} is empty; list at least one to choose from")
        for name, known in (("blocks", BLOCKS), ("numbers", NUMBERS)):
            for each in getattr(self, name):
                if each not in known:
                    raise ConfigurationError(f"Tables: {name} has no {each!r}{nearest(each, known)}")
        least = min(*self.widths, *self.sizes, *self.members, self.bins, self.category_size)
        if least < 1 or not 0 <= min(self.dropouts) <= max(self.dropouts) < 1:
            raise ConfigurationError(
                "Tables: widths, sizes, members, bins and category_size are at least 1, dropouts from 0 to below 1"
            )
        if not 1 <= self.least <= self.most:
            raise ConfigurationError(f"Tables: expected 1 <= least <= most, found {self.least} and {self.most}")

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "vectors")
        width, dropout = choose.value("width", self.widths), choose.value("dropout", self.dropouts)
        block, members = choose.value("block", self.blocks), choose.value("members", self.members)

        def first(kind: str) -> nn.Module:
            size = 1 if kind == "plain" else choose.value("size", self.sizes)
            rows = self._rows(shape, kind, size)
            scaled = [("members", Scaled(members, rows.blocks))] if members > 1 else []
            return nn.Sequential(OrderedDict([("rows", rows), *scaled, ("linear", nn.Linear(sum(rows.blocks), width))]))

        opening = choose.one("numbers", {kind: partial(first, kind) for kind in self.numbers})
        hidden = choose.repeat("depth", self.least, self.most, lambda _: BLOCKS[block](width, dropout))
        head = Answers(members, width, shape.outputs) if members > 1 else nn.Linear(width, shape.outputs)
        last = [nn.LayerNorm(width)] if block == "residual" else []
        closing = nn.Sequential(*last, nn.ReLU(), nn.Dropout(dropout))
        return nn.Sequential(OrderedDict(first=opening, hidden=hidden, last=closing, head=head))

    def _rows(self, shape: TaskShape, kind: str, size: int) -> Rows:
        columns = shape.columns or (1,) * shape.features
        count = sum(width == 1 for width in columns)
        return Rows(columns, _numbers(kind, count, self.bins, size) if count else None, self.category_size)

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """Networks as a person would type them first, as far as the space holds them; the most promising first.

        shape: of the task.
        """
        found = {name: self._held(wanted) for name, wanted in KNOWN.items()}
        return {name: architecture for name, architecture in found.items() if architecture is not None}

    def _held(self, wanted: Mapping[str, Any]) -> Architecture | None:
        """The architecture with these answers; None where the space does not offer one of them."""
        offered = {
            "width": self.widths,
            "dropout": self.dropouts,
            "block": self.blocks,
            "members": self.members,
            "numbers": self.numbers,
            "size": self.sizes,
            "depth": range(self.least, self.most + 1),
        }
        if any(value not in offered[name] for name, value in wanted.items()):
            return None
        names = {name: name if name != "size" else f"numbers/{wanted['numbers']}/size" for name in wanted}
        known = self.decisions.places
        return self.architecture({names[name]: value for name, value in wanted.items() if names[name] in known})


def _numbers(kind: str, count: int, bins: int, size: int) -> Numbers:
    bins = min(bins, max(LEAST_BINS, MOST_BINS // count))
    if kind == "plain":
        return Numbers(count, bins)
    reads = PiecewiseNumbers if kind == "piecewise" else PeriodicNumbers
    return reads(count, bins, min(size, max(1, MOST_FEATURES // count)))
