"""What stands in a supernet where a network leaves something open: all options at once, or the chosen one alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from netwright.networks.drop_path import DropPath
from netwright.networks.operations import Zero
from netwright.supernets.selection import Selection

PROVIDES = ("super.mixed_op", "super.partial_channel")


class MixedOperation(nn.Module):
    """One module of several: sum_o p_o o(x) for a mixture with weights p (Liu et al. 2019, equation 2).

    decision: the full name, None where there is nothing to decide.
    labels: of the options, hard ones first, then soft ones.

    Options that are not active in a mixture are not computed; for an architecture only the chosen one is, with no
    weight.
    """

    def __init__(
        self, decision: str | None, labels: Sequence[str], options: Sequence[nn.Module], selection: Selection
    ) -> None:
        super().__init__()
        self.decision = decision
        self.labels = tuple(labels)
        self.options = nn.ModuleList(options)
        self.selection = selection
        self._places = {label: i for i, label in enumerate(self.labels)}

    def chosen(self) -> nn.Module:
        """The option of the selected architecture."""
        assert self.selection.chosen is not None
        place = 0 if self.decision is None else self._places[cast("str", self.selection.chosen[self.decision])]
        return self.options[place]

    def computed(self) -> Sequence[int]:
        """The options that a mixture computes: those that are active, but for zeros."""
        active = range(len(self.labels)) if self.decision is None else self.selection.active.get(self.decision)
        active = range(len(self.labels)) if active is None else active
        return [i for i in active if not isinstance(self.options[i], Zero)]

    def forward(self, x: Any) -> Any:
        if self.selection.chosen is not None:
            return self.chosen()(x)
        result = self.mixed(x)
        return zeros_for(self, x) if result is None else result

    def mixed(self, x: Any) -> Tensor | None:
        """The weighted sum of the computed options; None where all of them are zero."""
        if self.decision is None:
            return self.options[0](x)
        weights = self.selection.weights[self.decision]
        total: Tensor | None = None
        for i in self.computed():
            term = self.options[i](x) * weights[i]
            total = term if total is None else total + term
        return total

    def extra_repr(self) -> str:
        return f"decision={self.decision!r}, labels={self.labels}"


def zeros_for(operation: MixedOperation, x: Any) -> Tensor:
    """What an operation gives that is zero in all that it computes."""
    for option in operation.options:
        if isinstance(option, Zero):
            return option(x)
    with torch.no_grad():
        return torch.zeros_like(operation.options[0](x))


class MixedEdges(nn.Module):
    """A node that sums operations on earlier states: all of them, mixed, or those that an architecture keeps.

    Takes the list of all earlier states.

    name: full name of the node; its edges may be weighted by the mixture's `name/sources` (Xu et al. 2020, equation 3).
    group: computes what several nodes of one cell share, where fused.
    """

    group: Any = None

    def __init__(
        self, name: str, sources: Sequence[int], operations: Sequence[MixedOperation], selection: Selection
    ) -> None:
        super().__init__()
        self.name = name
        self.sources = tuple(sources)
        self.operations = nn.ModuleList(operations)
        self.selection = selection
        self._decision = f"{name}/sources"
        self.drop: DropPath | None = None  # of each edge's term anew, where whole edges may be dropped

    def kept(self) -> list[tuple[int, nn.Module]]:
        """Source and operation of each edge of the selected architecture, zeros left out unless all are."""
        chosen = self.selection.chosen
        assert chosen is not None
        kept = cast("tuple[int, ...]", chosen.get(self._decision, self.sources))
        pairs = [
            (source, cast("MixedOperation", operation).chosen())
            for source, operation in zip(self.sources, self.operations, strict=True)
            if source in kept
        ]
        return [pair for pair in pairs if not isinstance(pair[1], Zero)] or pairs[:1]

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        if self.selection.chosen is not None:
            return _sum([self._or_dropped(operation(states[source])) for source, operation in self.kept()])
        if self.group is not None and not self._drops:
            return self.group.node_sum(self, states)
        return self.mixed(states)

    def mixed(self, states: Sequence[Tensor]) -> Tensor:
        """The sum of all edges, each mixed and weighted, one operation after the other."""
        weights = self.selection.weights.get(self._decision)
        terms: list[Tensor] = []
        for i, (source, operation) in enumerate(zip(self.sources, self.operations, strict=True)):
            term = cast("MixedOperation", operation).mixed(states[source])
            if term is not None:
                terms.append(self._or_dropped(term if weights is None else term * weights[i]))
        if terms:
            return _sum(terms)
        return zeros_for(cast("MixedOperation", self.operations[-1]), states[self.sources[-1]])

    @property
    def _drops(self) -> bool:
        return self.drop is not None and self.training and self.drop.drop_path_probability > 0

    def _or_dropped(self, term: Tensor) -> Tensor:
        return term if self.drop is None else self.drop(term)

    def extra_repr(self) -> str:
        return f"name={self.name!r}, sources={self.sources}"


def _sum(terms: Sequence[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


class ElasticDepth(nn.Module):
    """Between `least` and all of its layers in a row: the first ones, or a mixture of where to stop.

    For a mixture with weights p over the depths the result is sum_d p_d h_d, h_d being the output after d layers.
    """

    def __init__(self, decision: str | None, least: int, layers: Sequence[nn.Module], selection: Selection) -> None:
        super().__init__()
        self.decision = decision
        self.least = least
        self.layers = nn.ModuleList(layers)
        self.selection = selection

    def depth(self) -> int:
        """Layers of the selected architecture."""
        assert self.selection.chosen is not None
        return len(self.layers) if self.decision is None else cast("int", self.selection.chosen[self.decision])

    def forward(self, x: Tensor) -> Tensor:
        if self.decision is None or self.selection.chosen is not None:
            for layer in self.layers[: len(self.layers) if self.decision is None else self.depth()]:
                x = layer(x)
            return x
        return self._mixed(x, self.selection.weights[self.decision])

    def _mixed(self, x: Tensor, weights: Tensor) -> Tensor:
        active = self.selection.active.get(self.decision or "", range(len(weights)))
        stops = {self.least + i: i for i in active}
        total = x * weights[stops[0]] if 0 in stops else None
        for depth, layer in enumerate(self.layers[: max(stops)], start=1):
            x = layer(x)
            if depth in stops:
                term = x * weights[stops[depth]]
                total = term if total is None else total + term
        assert total is not None
        return total

    def extra_repr(self) -> str:
        return f"decision={self.decision!r}, least={self.least}"


def brought_to(passed: Tensor, by: Tensor) -> Tensor:
    """What went by an operation, at the resolution of what passed it: max-pooled, or each value repeated."""
    if passed.shape[2:] == by.shape[2:]:
        return by
    if passed.shape[2] > by.shape[2]:
        return nn.functional.interpolate(by, passed.shape[2:], mode="nearest")
    return nn.functional.max_pool2d(by, 2, 2, ceil_mode=True)


class PartialChannels(nn.Module):
    """Only the first 1/k of the channels pass the operation; the others go by (Xu et al. 2020, section 3.2).

    Where the operation halves the resolution, the others are max-pooled; where it doubles it, they are repeated. The
    channels are shuffled afterwards, so that all of them pass an operation in time.

    operation: made for 1/k of the channels.
    """

    def __init__(self, operation: Callable[[Tensor], Any], k: int) -> None:
        super().__init__()
        self.operation = operation
        self.k = k

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1] // self.k
        passed = self.operation(x[:, :channels])
        joined = torch.cat((passed, brought_to(passed, x[:, channels:])), 1)
        n, c, h, w = joined.shape
        return joined.view(n, self.k, c // self.k, h, w).transpose(1, 2).reshape(n, c, h, w)
