"""Architectures as numbers, for surrogates and controllers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from netwright.core.decisions import DecisionTable, Point


def encode(table: DecisionTable, point: Point) -> np.ndarray:
    """float32 vector of length sum of the decisions' options: one-hot, zeros where a decision is not active."""
    offsets = np.concatenate(([0], np.cumsum(table.sizes, dtype=np.int64)))
    chosen = np.asarray(point, dtype=np.int64)
    vector = np.zeros(int(offsets[-1]), dtype=np.float32)
    vector[(offsets[:-1] + chosen)[chosen >= 0]] = 1.0
    return vector


def tokens(point: Point) -> tuple[int, ...]:
    """One token a decision: 0 for inactive, otherwise 1 + the option's index."""
    return tuple([option + 1 for option in point])


def untokens(sequence: Sequence[int]) -> Point:
    return tuple([int(token) - 1 for token in sequence])
