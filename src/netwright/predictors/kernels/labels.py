"""How different two layers are by their names alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import numpy as np

FAR = 1e6  # stands for "never matched"


@cache
def number_of(label: str) -> float | None:
    """The first number in a layer's name, as the kernel size is in "sep_conv_5x5" or "conv(kernel=3)"."""
    found = re.search(r"\d+", label)
    return float(found[0]) if found else None


@cache
def kind_of(label: str) -> str:
    """The name without its numbers."""
    return re.sub(r"\d+", "", label)


def mismatch(first: str, second: str) -> float:
    """What it costs to take one layer for the other, if leaving it out costs 1 (Kandasamy et al. 2018, table 1).

    Convolutions of one kind: sqrt(2) / 10 times the root of the difference of their sizes. Convolutions of different
    kinds: 0.9 of that and 0.1. Poolings of different kinds: 0.5. What is neither, and what is only one: never.
    """
    if first == second:
        return 0.0
    if "pool" in first and "pool" in second:
        return 0.5
    if "conv" not in first or "conv" not in second:
        return FAR
    sizes = (number_of(first) or 0.0, number_of(second) or 0.0)
    size_cost = 2**0.5 / 10 * abs(sizes[0] - sizes[1]) ** 0.5
    return size_cost if kind_of(first) == kind_of(second) else 0.9 * size_cost + 0.1


def relative_difference(first: str, second: str) -> float:
    """The distance of Auto-Keras between two layers: of one kind |a - b| / max(a, b) of their sizes, otherwise 1."""
    if first == second:
        return 0.0
    sizes = number_of(first), number_of(second)
    if kind_of(first) != kind_of(second) or sizes[0] is None or sizes[1] is None:
        return 1.0
    return abs(sizes[0] - sizes[1]) / max(sizes[0], sizes[1], 1e-12)


class LabelTable:
    """Numbers for labels, and a matrix of the costs between all labels met so far."""

    def __init__(self, cost: Callable[[str, str], float]) -> None:
        self._cost = cost
        self._numbers: dict[str, int] = {}
        self._matrix = np.zeros((0, 0))

    def numbers(self, labels: list[str]) -> np.ndarray:
        """int64 (n,): one number a label, the same whenever it is met."""
        return np.array([self._numbers.setdefault(label, len(self._numbers)) for label in labels], dtype=np.int64)

    def matrix(self) -> np.ndarray:
        """float64 (labels, labels)."""
        if len(self._matrix) < len(self._numbers):
            known = list(self._numbers)
            self._matrix = np.array([[self._cost(a, b) for b in known] for a in known], dtype=np.float64)
        return self._matrix
