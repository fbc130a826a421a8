"""Numbers that change while a search goes on."""

from __future__ import annotations

import math

from netwright.core.configuration import Configured
from netwright.core.errors import ConfigurationError


class Schedule(Configured):
    """From `start` to `end` as the search goes on; shape "linear" or "exponential" (equal ratios in equal times).

    start, end: the values; None for `end` stays at `start`.
    shape: "linear" or "exponential".
    closed: whether a schedule that moves by epochs is at `end` in the last of them, and not only after it.
    ahead: whether it moves before each epoch, the first included, and so is at `end` in the last.
    """

    def __init__(
        self,
        start: float,
        end: float | None = None,
        shape: str = "linear",
        closed: bool = False,
        ahead: bool = False,
    ) -> None:
        self.closed, self.ahead = closed, ahead
        self.start = float(start)
        self.end = self.start if end is None else float(end)
        self.shape = shape
        if shape not in ("linear", "exponential"):
            raise ConfigurationError(f"Schedule: shape is {shape!r}; expected 'linear' or 'exponential'")
        if min(self.start, self.end) <= 0:
            raise ConfigurationError(f"Schedule: from {start!r} to {end!r}; expected positive numbers")

    def at(self, progress: float, last: float = 1.0) -> float:
        """The number at this progress.

        progress: of the search, 0..1.
        last: the highest progress that will be asked.
        """
        if self.ahead:
            progress = progress + 1 - last
        elif self.closed and last > 0:
            progress = progress / last
        if self.shape == "linear":
            return self.start + (self.end - self.start) * progress
        return self.start * math.exp(progress * math.log(self.end / self.start))
