"""Multilayer perceptrons for vectors: how deep, how wide, and what follows each linear layer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.choose import Choose
from netwright.core.closest import named
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Point
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.task import TaskShape

PROVIDES = ("space.chain",)

ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}
NORMALISATIONS: Mapping[str, Callable[[int], nn.Module]] = {
    "none": lambda width: nn.Identity(),
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
}


class Mlp(DecisionSpace):
    """Networks of linear layers for vectors; images are flattened.

    Between `least` and `most` hidden layers, each with its own width; one activation, one normalisation and one dropout
    for all of them. Each hidden layer is linear, normalisation, activation, dropout.

    widths: what a hidden layer's width may be.
    least, most: hidden layers.
    activations: any of "relu", "gelu", "silu" and "tanh".
    normalisations: any of "none", "batch" and "layer".
    dropouts: probabilities of dropping a value.

    Raises ConfigurationError for empty lists, unknown names, widths below 1, dropout outside 0..1 and least > most.
    """

    called = "mlp"

    widths: Sequence[int] = (16, 32, 64, 128, 256)
    least: int = 1
    most: int = 4
    activations: Sequence[str] = ("relu", "gelu", "silu")
    normalisations: Sequence[str] = ("none", "batch", "layer")
    dropouts: Sequence[float] = (0.0, 0.2, 0.4)

    traced_shape: ClassVar[TaskShape] = TaskShape((16,), 10)

    def __post_init__(self) -> None:
        for name in ("widths", "activations", "normalisations", "dropouts"):
            if not getattr(self, name):
                raise ConfigurationError(f"Mlp: {name} is empty; list at least one to choose from")
        for name, known in (("activations", ACTIVATIONS), ("normalisations", NORMALISATIONS)):
            for each in getattr(self, name):
                if each not in known:
                    raise ConfigurationError(f"Mlp: {name} has no {each!r}{nearest(each, known)}")
        if min(self.widths) < 1 or not 0 <= min(self.dropouts) <= max(self.dropouts) < 1:
            raise ConfigurationError("Mlp: widths must be at least 1 and dropouts from 0 to below 1")
        if not 1 <= self.least <= self.most:
            raise ConfigurationError(f"Mlp: expected 1 <= least <= most, found {self.least} and {self.most}")

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        shape.require(type(self).__name__, "vectors", "series", "images", "volumes")
        activation = choose.value("activation", self.activations)
        normalisation = choose.value("normalisation", self.normalisations)
        dropout = choose.value("dropout", self.dropouts)
        widths = [shape.features]

        def layer(_: int) -> nn.Module:
            inputs, width = widths[-1], choose.value("width", self.widths)
            widths.append(width)
            parts = (
                _part("linear", inputs, width),
                _part("normalisation", normalisation, width),
                _part("activation", activation, width),
                _part("dropout", dropout, width),
            )
            return nn.Sequential(*parts)

        hidden = choose.repeat("depth", self.least, self.most, layer)
        return nn.Sequential(
            OrderedDict(flatten=nn.Flatten(), hidden=hidden, head=nn.Linear(widths[-1], shape.classes))
        )

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """Networks of two and three layers of the largest width, and two narrower ones, normalised by batches."""
        usual = {"activation": "relu", "normalisation": "batch", "dropout": 0.2}
        wide = max(self.widths)
        sizes = ((2, wide), (3, wide), (2, wide / 4), (1, wide / 2))
        return named(self, ({**usual, "depth": depth, "width": width} for depth, width in sizes), self._called)

    def _called(self, architecture: Architecture) -> str:
        """What an architecture of equal layers is called."""
        answers = architecture.decisions
        depth, width = answers.get("depth", self.least), answers.get("depth/0/width", self.widths[0])
        return f"MLP of {depth} x {width}"

    # What the cost of a network is the sum of: one term for each linear layer and for what follows it.

    def cost_terms(self, point: Point) -> list[Hashable]:
        """Names of the parts that the architecture at this point is made of; equal parts have equal names."""
        point = (*point, 0)  # a decision that has one option only is not among the decisions; its place is -1
        activation, normalisation, dropout, depth, widths = self._places
        terms: list[Hashable] = []
        before: int | None = None
        for place in widths[: point[depth] + self.least]:
            width = point[place]
            terms += [
                ("linear", before, width),
                ("normalisation", point[normalisation], width),
                ("activation", point[activation], width),
                ("dropout", point[dropout], width),
            ]
            before = width
        terms.append(("head", before, before))
        return terms

    def cost_part(self, term: Any, shape: TaskShape) -> tuple[nn.Module, tuple[int, ...]]:
        """The part of that name, and the shape of its input, for examples of this shape."""
        kind, option, width = term
        if kind == "head":
            return nn.Linear(self.widths[width], shape.classes), (self.widths[width],)
        outputs = self.widths[width]
        if kind == "linear":
            inputs = shape.features if option is None else self.widths[option]
            return _part(kind, inputs, outputs), (inputs,)
        options = {"normalisation": self.normalisations, "activation": self.activations, "dropout": self.dropouts}
        return _part(kind, options[kind][option], outputs), (outputs,)

    @cached_property
    def _places(self) -> tuple[int, int, int, int, list[int]]:
        """Places in a point: activation, normalisation, dropout, depth, and each layer's width."""
        places = self.decisions.places
        activation, normalisation, dropout, depth = (
            places.get(name, -1) for name in ("activation", "normalisation", "dropout", "depth")
        )
        return activation, normalisation, dropout, depth, [places.get(f"depth/{i}/width", -1) for i in range(self.most)]


def _part(kind: str, what: str | float, width: int) -> nn.Module:
    """One step of a hidden layer of that width; `what` is the inputs of a linear one, otherwise what is chosen."""
    if kind == "linear":
        return nn.Linear(int(what), width)
    if kind == "normalisation":
        return NORMALISATIONS[str(what)](width)
    if kind == "activation":
        return ACTIVATIONS[str(what)]()
    return nn.Dropout(float(what))
