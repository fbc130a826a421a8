"""How far a training is on its schedule, when a point of its curve is due, and when it ends: by epochs or by the clock.

By epochs each point of the curve is one epoch, and a step's place on the schedule is its number. By the clock
(`TrainingSettings.seconds`) a step's place is the time that was spent up to it, training and measuring: however fast
the machine is, and whether or not it slows down, the schedule comes to its end when the time does. Points of the curve
are then so far apart that measuring takes less than a tenth of the time, and twenty make a full training.
"""

from __future__ import annotations

import time
from typing import Any

from netwright.training.optimisers import learning_rate
from netwright.training.settings import TrainingSettings

POINTS = 20
"""Points of the curve of a training by the clock, where measuring is quick."""
MEASURING = 10
"""Times as long as a measurement takes is trained between two, at least."""
GRACE = 1e-3
"""Seconds before the decay of a part at which a point of the curve that ends there may end."""
GRAIN = 1000
"""Steps into which the schedule of a training by the clock is divided: its first step is the first of so many."""


class Clock:
    """A training by the clock.

    settings: with `seconds`.
    until: seconds to end after, where that is not the end; the schedule stays that of all of them.

    end: of the schedule, in seconds spent. measuring: seconds of the last measurement, 0 before the first. parted:
        whether the decay of a part has begun, in the end of which this sitting ends (`part_decay`).
    """

    def __init__(self, settings: TrainingSettings, until: float | None = None) -> None:
        assert settings.seconds is not None
        self._settings = settings
        self.whole = self.end = float(settings.seconds)
        self.until = self.end if until is None else min(float(until), self.end)
        self.asked = self.until
        self.measuring = 0.0
        self.position = 0.0
        self.parted = False
        self._began = time.monotonic()
        self._stop = 0.0

    def start(self, earlier: float, now: float) -> None:
        """The sitting began at `now`, after so many seconds in earlier ones."""
        self._began = now - earlier

    def spent(self) -> float:
        """Seconds of training and measuring, of all sittings."""
        return time.monotonic() - self._began

    def bring_forward(self, last: float) -> None:
        """End well by `last`, in `time.monotonic()` seconds, where it would end later."""
        if last - self._began < self.until:
            self.until = self.end = max(last - self._began, 1e-9)

    def shorten(self, end: float) -> None:
        """End the schedule after so many seconds spent, where it would end later."""
        self.end = min(self.end, end)
        self.until = min(self.until, self.end)

    @property
    def parts_at(self) -> float | None:
        """Seconds spent at which the decay of a part begins; None where this sitting has none."""
        settings = self._settings
        has_decay = settings.part_decay and settings.schedule == "stable" and settings.decay > 0
        return (1 - settings.decay) * self.until if has_decay and self.until < self.end else None

    def is_at_part(self) -> bool:
        """Whether the decay of a part is to begin now."""
        at = self.parts_at
        return at is not None and not self.parted and self.spent() >= at - GRACE

    @property
    def is_shortened(self) -> bool:
        """Whether the schedule ends earlier than was planned."""
        return self.end < self.whole

    def begin(self) -> None:
        """A new point of the curve begins now."""
        spent = self.spent()
        length = max(self.end / POINTS, MEASURING * self.measuring)
        until = self.parts_at or self.until
        if self.parted or spent >= until:
            until = self.until
        rest = until - self.measuring - spent
        self._stop = until if rest < 1.5 * length else spent + length

    def rate(self) -> float:
        """The learning rate of a step that begins now."""
        length = max(self.end - self.measuring, 1e-9)
        self.position = max(self.position, min(1.0, self.spent() / length))
        rate = learning_rate(self._settings, self.position * GRAIN, GRAIN)
        return rate * self._left_of_part() if self.parted else rate

    def _left_of_part(self) -> float:
        """What is left of the learning rate in the decay of a part, from 1 to 0."""
        begins, ends = self.parts_at or 0.0, self.until - self.measuring
        return min(1.0, max(0.0, (ends - self.spent()) / max(ends - begins, 1e-9)))

    def is_due(self, measuring: float) -> bool:
        """Whether the point of the curve ends here.

        measuring: seconds that it would take to measure, as far as that is known.
        """
        spent = self.spent()
        return spent >= self._stop or spent + max(measuring, self.measuring) >= self.until

    def is_over(self, measuring: float = 0.0) -> bool:
        """Whether there is no time for more."""
        return self.spent() + max(measuring, self.measuring) >= self.until

    def facts(self) -> dict[str, Any]:
        """What a continuation must know, as JSON."""
        return {"end": self.end, "until": self.asked, "measuring": self.measuring, "position": self.position}

    def restore(self, facts: dict[str, Any]) -> None:
        """Go on where another sitting ended."""
        self.measuring, self.position = facts["measuring"], facts["position"]
        if facts["end"] < self.end:
            self.end, self.until = facts["end"], min(self.until, facts["end"])
