"""Numbers that change while a search goes on."""

from __future__ import annotations

import math

from netwright.core.configuration import Configured
from netwright.core.errors import ConfigurationError


class Schedule(Configured):
    """From `start` to `end` as the search goes on; shape "linear" or "exponential" (equal ratios in equal times).

    start, end: the values; None for `end` stays at `start`. shape: "linear" or "exponential".
    """

    def __init__(self, start: float, end: float | None = None, shape: str = "linear") -> None:
        self.start = float(start)
        self.end = self.start if end is None else float(end)
        self.shape = shape
        if shape not in ("linear", "exponential"):
            raise ConfigurationError(f"Schedule: shape is {shape!r}; expected 'linear' or 'exponential'")
        if min(self.start, self.end) <= 0:
            raise ConfigurationError(f"Schedule: from {start!r} to {end!r}; expected positive numbers")

    def at(self, progress: float) -> float:
        """The number at this progress, 0..1."""
        if self.shape == "linear":
            return self.start + (self.end - self.start) * progress
        return self.start * math.exp(progress * math.log(self.end / self.start))
