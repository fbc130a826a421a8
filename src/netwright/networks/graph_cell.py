"""Cells whose operations stand on the vertices of a graph: as in NAS-Bench-101, and as in NAS-Bench-1Shot1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


class GraphCell(nn.Module):
    """Inner vertices add what they read, apply their operation, and those before the output are put side by side.

    They share out the channels of the output (Ying et al. 2019).

    inner: for each inner vertex its operation.
    projections: by vertex (the output comes after the inner ones), what brings the cell's input to its channels; only
        where the vertex reads the input.
    reads: for each inner vertex the earlier inner ones that it adds; where one has more channels than the vertex, the
        first ones are taken.
    output: the inner vertices whose channels make up the cell's output, in this order.
    channels: of each inner vertex.
    """

    def __init__(
        self,
        inner: Sequence[nn.Module],
        projections: Mapping[int, nn.Module],
        reads: Sequence[Sequence[int]],
        output: Sequence[int],
        channels: Sequence[int],
    ) -> None:
        super().__init__()
        self.inner = nn.ModuleList(inner)
        self.projections = nn.ModuleDict({str(vertex): module for vertex, module in projections.items()})
        self.reads = tuple(map(tuple, reads))
        self.output = tuple(output)
        self.channels = tuple(channels)

    def states(self, x: Tensor) -> list[Tensor]:
        states: list[Tensor] = []
        for vertex, operation in enumerate(self.inner):
            terms = [states[other][:, : self.channels[vertex]] for other in self.reads[vertex]]
            if str(vertex) in self.projections:
                terms.append(self.projections[str(vertex)](x))
            total = terms[0]
            for term in terms[1:]:
                total = total + term
            states.append(operation(total))
        return states

    def forward(self, x: Tensor) -> Tensor:
        states, last = self.states(x), str(len(self.inner))
        if not self.output:
            return self.projections[last](x)
        joined = torch.cat([states[vertex] for vertex in self.output], 1)
        return joined + self.projections[last](x) if last in self.projections else joined

    def extra_repr(self) -> str:
        return f"reads={self.reads}, output={self.output}, channels={self.channels}"


class OneShotGraphCell(GraphCell):
    """The cell of NAS-Bench-1Shot1 (Zela et al. 2020): all vertices have the same channels and a place in the output.

    places: for each place in the output the inner vertex that fills it; None for zeros, where none does. The other
        arguments are those of `GraphCell`.
    """

    def __init__(
        self,
        inner: Sequence[nn.Module],
        projections: Mapping[int, nn.Module],
        reads: Sequence[Sequence[int]],
        places: Sequence[int | None],
        channels: Sequence[int],
        width: int,
    ) -> None:
        super().__init__(inner, projections, reads, [each for each in places if each is not None], channels)
        self.places = tuple(places)
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        states, last = self.states(x), str(len(self.inner))
        empty = x.new_zeros(x.shape[0], self.width, *x.shape[2:])
        joined = torch.cat([empty if place is None else states[place] for place in self.places], 1)
        return joined + self.projections[last](x) if last in self.projections else joined

    def extra_repr(self) -> str:
        return f"reads={self.reads}, places={self.places}, width={self.width}"


def shared_channels(channels: int, edges: Mapping[int, Sequence[int]], output: int) -> dict[int, int]:
    """Channels of each inner vertex: those before the output share its channels, the others have as many as they feed.

    edges: for each vertex the later ones that it feeds, inner vertices only; the output is `output`. Where the channels
        cannot be shared out evenly, the first vertices get one more.
    """
    before_output = [vertex for vertex in sorted(edges) if output in edges[vertex]]
    share, more = divmod(channels, max(1, len(before_output)))
    found = {vertex: share + (place < more) for place, vertex in enumerate(before_output)}
    for vertex in sorted(edges, reverse=True):
        if vertex not in found:
            found[vertex] = max((found[other] for other in edges[vertex]), default=1)
    return found
