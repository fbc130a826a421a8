"""Where each decision's weights lie: one matrix with a row a decision and a column an option."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from netwright.core.decisions import Label

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace


@dataclass(frozen=True, slots=True)
class Node:
    """A decision between sources.

    name: the decision's.
    keep: how many it takes.
    rows: of the operation on each source, None without one.
    """

    name: str
    keep: int
    rows: tuple[int | None, ...]


class Layout:
    """One matrix for the weights of all decisions, so that a step costs a few operations however many there are.

    Rows are decisions in the space's order, those between sources only where `edge_weights` asks for a weight a source;
    columns are options, hard ones first, then soft ones. Shorter rows end in columns that do not `exist`.
    """

    def __init__(self, space: DecisionSpace, edge_weights: bool = False) -> None:
        rows = [each for each in space.decisions if each.kind != "sources" or edge_weights]
        self.decisions = tuple(rows)
        self.names: tuple[str, ...] = tuple(each.name for each in rows)
        self.places: dict[str, int] = {name: i for i, name in enumerate(self.names)}
        self.labels: tuple[tuple[Label, ...], ...] = tuple(
            tuple(source for source, _ in each.edges) if each.kind == "sources" else (*each.options, *each.soft)
            for each in rows
        )
        self.widths = [len(labels) for labels in self.labels]
        self.columns = max(self.widths, default=1)
        self.exists = torch.zeros(len(rows), self.columns, dtype=torch.bool)
        self.hard = torch.zeros_like(self.exists)
        for i, decision in enumerate(rows):
            self.exists[i, : self.widths[i]] = True
            self.hard[i, : self.widths[i] - len(decision.soft)] = True
        self.operations = torch.tensor([[each.kind == "one"] for each in rows], dtype=torch.bool).reshape(-1, 1)
        self.is_source = torch.tensor([[each.kind == "sources"] for each in rows], dtype=torch.bool).reshape(-1, 1)
        self.nodes = tuple(
            Node(
                each.name, len(tuple_of(each.options[0])), tuple(self.places.get(name or "") for _, name in each.edges)
            )
            for each in space.decisions
            if each.kind == "sources"
        )
        self._positions = self.exists.flatten().nonzero().flatten()
        self._is_full = bool(self.exists.all())

    def rows(self, matrix: Tensor) -> dict[str, Tensor]:
        """The weights of each decision, without the columns that do not exist."""
        flat = matrix.flatten()
        if not self._is_full:
            flat = flat[self._positions_on(matrix.device)]
        return dict(zip(self.names, flat.split(self.widths), strict=True)) if self.names else {}

    def matrix(self, rows: Mapping[str, Tensor], like: Tensor) -> Tensor:
        """The matrix with these rows, zero where a decision is not named; on their device, of the type of `like`."""
        device = next(iter(rows.values())).device if rows else like.device
        missing = [name for name in self.names if name not in rows]
        if missing:
            zeros = {name: like.new_zeros(self.widths[self.places[name]], device=device) for name in missing}
            rows = {**rows, **zeros}
        result = like.new_zeros(self.exists.numel(), device=device)
        if self.names:
            flat = torch.cat([rows[name].detach() for name in self.names]).to(like.dtype)
            result[self._positions_on(device)] = flat
        return result.view(self.exists.shape)

    def _positions_on(self, device: torch.device) -> Tensor:
        if self._positions.device != device:
            self._positions = self._positions.to(device)
        return self._positions


def tuple_of(label: Label) -> tuple[int, ...]:
    assert isinstance(label, tuple)
    return label
