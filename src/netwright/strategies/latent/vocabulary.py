"""Architectures as sequences of tokens, one a decision; options with the same label share a token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwright.core.decisions import DecisionTable, Point

INACTIVE = 0  # also what the decoder begins with


class Vocabulary:
    """Token 0 stands for a decision that is not active; the others for labels, in the order they are first met."""

    def __init__(self, table: DecisionTable) -> None:
        self._table = table
        known: dict[tuple[str, str], int] = {}
        self._tokens: list[list[int]] = []  # of each option of each decision
        for decision in table:
            labels = [(type(label).__name__, str(label)) for label in decision.options]
            self._tokens.append([known.setdefault(label, len(known) + 1) for label in labels])
        self.size = len(known) + 1
        self.length = len(table)

    def encode(self, point: Point) -> list[int]:
        return [tokens[k] if k >= 0 else INACTIVE for tokens, k in zip(self._tokens, point, strict=True)]

    def allowed(self, prefix: Sequence[int]) -> list[int]:
        """The tokens that may follow these options: those of the next decision, or 0 where it is not active."""
        return self._tokens[len(prefix)] if self._table.active(len(prefix), prefix) else [INACTIVE]

    def option(self, decision: int, token: int) -> int:
        """The option that a token stands for there; -1 for none."""
        return self._tokens[decision].index(token) if token != INACTIVE else -1
