"""Computes all options of all edges that leave the same states, together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad, relu

from netwright.supernets.fusion import settled
from netwright.supernets.fusion.chains import Middle, Note, WeightedNormals
from netwright.supernets.fusion.depthwise import Fan, Window
from netwright.supernets.fusion.folded import FoldedMiddle, FoldedSum, can_fold
from netwright.supernets.fusion.layout import laid_out
from netwright.supernets.fusion.reading import Chain, Dense, Kind, Option, Reduction, Shared
from netwright.supernets.fusion.sharing import Blend, Pack
from netwright.supernets.statistics import Norm, alike, is_settled, move, moves, settled_statistics


class Leaving(NamedTuple):
    """An edge: the place of the state that it leaves, the options it computes by their column, and its weights."""

    source: int
    options: tuple[tuple[int, Option], ...]
    weights: Tensor

    @property
    def kinds(self) -> tuple[tuple[int, Kind | None], ...]:
        return tuple((column, option.kind) for column, option in self.options)


Mapped = tuple[Tensor, Tensor | None, float]  # (n, edges * c, h, w); (edges, d, c) or nothing; of the normalisation


def leave(states: Mapping[int, Tensor], edges: Sequence[Leaving]) -> list[list[Tensor]]:
    """For each edge the terms whose sum it gives. The edges compute options of the same kinds and go by source."""
    return _Leaving(states, edges).terms()


class _Leaving:
    """The work of one call of `leave`."""

    def __init__(self, states: Mapping[int, Tensor], edges: Sequence[Leaving]) -> None:
        self.edges = edges
        self.kinds = edges[0].kinds
        self.sources = list(dict.fromkeys(edge.source for edge in edges))
        self.counts = [sum(edge.source == source for edge in edges) for source in self.sources]
        self.states = [laid_out(states[source]) for source in self.sources]
        self.dtype = _computed_in(self.states[0])
        self.weights = torch.stack([edge.weights for edge in edges]).unbind(1)
        self._rectified: dict[int, list[Tensor]] = {}
        self._fans: dict[int, Tensor] = {}

    def terms(self) -> list[list[Tensor]]:
        terms: list[list[Tensor]] = [[] for _ in self.edges]
        with torch.autocast(self.states[0].device.type, enabled=False):
            gathered = [*self._normalised(), self._shared()]
        for each in gathered:
            for i, term in enumerate(each):
                terms[i].append(term)
        places = [i for i, count in enumerate(self.counts) for _ in range(count)]
        for k, (column, kind) in enumerate(self.kinds):
            if kind is None:
                for i, edge in enumerate(self.edges):
                    terms[i].append(edge.options[k][1].module(self.states[places[i]]) * self.weights[column][i])
        return terms

    # What has no weights.

    def _shared(self) -> list[Tensor]:
        columns = [(column, k) for k, (column, kind) in enumerate(self.kinds) if isinstance(kind, Shared)]
        if not columns:
            return []
        dtype = self.states[0].dtype
        weights = torch.stack([self.weights[column] for column, _ in columns], 1).to(dtype).split(self.counts)
        result: list[Tensor] = []
        first = 0
        for state, count, rows in zip(self.states, self.counts, weights, strict=True):
            given = [laid_out(self.edges[first].options[k][1].module(state)) for _, k in columns]
            for k in (k for _, k in columns):
                alike([edge.options[k][1].norms for edge in self.edges[first : first + count]])
            result.extend(cast("tuple[Tensor, ...]", Blend.apply(rows, *given)))
            first += count
        return result

    # What ends in a normalisation.

    def _normalised(self) -> Iterator[Sequence[Tensor]]:
        """The terms of each edge, from those options together that can be."""
        together: dict[tuple[bool, bool, float], list[tuple[int, Tensor, Tensor | None]]] = {}
        for column, (x, matrix, eps) in self._mapped():
            foldable = matrix is not None and can_fold(x)
            together.setdefault((foldable, matrix is None, eps), []).append((column, x, matrix))
        for (foldable, bare, eps), found in together.items():
            columns, images, matrices = zip(*found, strict=True)
            weights = torch.stack([self.weights[column] for column in columns], 1)
            norms = [self._norms(column, -1) for column in columns]
            if is_settled(norms[0][0]):
                yield settled.weighted(weights, images, None if bare else matrices, [*map(settled_statistics, norms)])
                continue
            note = _note([norm for each in norms for norm in each])
            if foldable:
                weights = weights.to(self.dtype)
                yield cast("tuple[Tensor, ...]", FoldedSum.apply(weights, eps, note, *images, *matrices))
            else:
                matrix = None if bare else _joined(matrices, 0)
                total = cast("Tensor", WeightedNormals.apply(weights, matrix, eps, note, *images))
                yield total.chunk(len(self.edges), 1)

    def _norms(self, column: int, which: int) -> list[Norm]:
        """One of the normalisations of an option, those of all edges."""
        place = next(k for k, (each, _) in enumerate(self.kinds) if each == column)
        return [edge.options[place][1].norms[which] for edge in self.edges]

    def _mapped(self) -> Iterator[tuple[int, Mapped]]:
        packed = self._packed() if any(option.convolutions for _, option in self.edges[0].options) else iter(())
        for column, kind in self.kinds:
            if isinstance(kind, Chain):
                yield column, self._chain(column, kind, [next(packed) for _ in 2 * kind.windows])
            elif isinstance(kind, Dense):
                yield column, self._dense(kind, next(packed))
            elif isinstance(kind, Reduction):
                yield column, self._reduction(kind, next(packed), next(packed))

    def _packed(self) -> Iterator[Tensor]:
        """The weights of each convolution, those of all edges stacked."""
        stacks = [
            [edge.options[k][1].convolutions[i].weight for edge in self.edges]
            for k, (_, option) in enumerate(self.edges[0].options)
            for i in range(len(option.convolutions))
        ]
        weights = [weight for stack in stacks for weight in stack]
        return iter(cast("tuple[Tensor, ...]", Pack.apply([len(self.edges)] * len(stacks), self.dtype, *weights)))

    def _chain(self, column: int, kind: Chain, weights: Sequence[Tensor]) -> Mapped:
        step, window = _without_stride(kind.windows[0])
        x = cast("Tensor", Fan.apply(self._repeated(step), weights[0], window, self.counts, *self._positive(step)))
        middle = FoldedMiddle if can_fold(x) else Middle
        for i, window in enumerate(kind.windows[1:], start=1):
            matrices, kernels = self._by_edge(weights[2 * i - 1]), weights[2 * i]
            norms = self._norms(column, i - 1)
            if is_settled(norms[0]):
                x = settled.middle(x, matrices, kernels, window, settled_statistics(norms))
            else:
                x = cast("Tensor", middle.apply(x, matrices, kernels, window, kind.epsilons[i - 1], _note(norms)))
        return x, self._by_edge(weights[-1]), kind.epsilons[-1]

    def _dense(self, kind: Dense, weight: Tensor) -> Mapped:
        parts = weight.split([count * len(weight) // len(self.edges) for count in self.counts])
        given = [
            conv2d(x, part, None, kind.stride, kind.padding, kind.dilation)
            for x, part in zip(self._positive(1), parts, strict=True)
        ]
        return _joined(given), None, kind.epsilon

    def _reduction(self, kind: Reduction, even: Tensor, odd: Tensor) -> Mapped:
        """Both 1x1 convolutions as one, on the even and the odd positions side by side along the channels."""
        width = even.shape[1]
        rows = [pad(even.flatten(1), (0, width)), pad(odd.flatten(1), (width, 0))]
        weight = torch.cat([each.unflatten(0, (len(self.edges), -1)) for each in rows], 1)
        pairs = [laid_out(torch.cat((x[:, :, ::2, ::2], _odd_positions(x)), 1)) for x in self._positive(1)]
        parts = weight.flatten(0, 1)[..., None, None].split([count * weight.shape[1] for count in self.counts])
        return _joined([conv2d(x, part) for x, part in zip(pairs, parts, strict=True)]), None, kind.epsilon

    def _by_edge(self, weight: Tensor) -> Tensor:
        return weight.view(len(self.edges), -1, weight.shape[1])

    def _positive(self, step: int) -> list[Tensor]:
        """The states after ReLU, every so many positions."""
        if step not in self._rectified:
            if step == 1:
                self._rectified[1] = [relu(state).to(self.dtype) for state in self.states]
            else:
                self._rectified[step] = [laid_out(x[:, :, ::step, ::step]) for x in self._positive(1)]
        return self._rectified[step]

    def _repeated(self, step: int) -> Tensor:
        """The states after ReLU, each as often as an edge leaves it, without their history."""
        if step not in self._fans:
            positive = zip(self._positive(step), self.counts, strict=True)
            self._fans[step] = _joined([x.detach() for x, count in positive for _ in range(count)])
        return self._fans[step]


def _computed_in(state: Tensor) -> torch.dtype:
    device = state.device.type
    if torch.is_autocast_enabled(device) and state.dtype == torch.float32:
        return torch.get_autocast_dtype(device)
    return state.dtype


def _note(norms: Sequence[Norm]) -> Note | None:
    """Who moves the running statistics of norms of one size by what was found for them; None where none move."""
    if not moves(norms[0]):
        return None
    return lambda mean, inverse, count: move(norms, mean, inverse, count)


def _without_stride(window: Window) -> tuple[int, Window]:
    """A window without stride that does the same on every so many positions, where dilation allows that."""
    kernel, stride, dilation = window
    return (stride, Window(kernel, 1, dilation // stride)) if dilation % stride == 0 else (1, window)


def _odd_positions(x: Tensor) -> Tensor:
    """Every second position from the second on, zeros where the extent is odd."""
    h, w = x.shape[2:]
    return pad(x, (0, w % 2, 0, h % 2))[:, :, 1::2, 1::2] if h % 2 or w % 2 else x[:, :, 1::2, 1::2]


def _joined(parts: Sequence[Tensor], dim: int = 1) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(tuple(parts), dim)
