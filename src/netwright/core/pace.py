"""How finely schedules move: epoch by epoch, as most published code has it, or step by step."""

from __future__ import annotations

from typing import Literal

Pace = Literal["auto", "epoch", "step"]

FEWEST_EPOCHS = 10
"""Below so many epochs "auto" moves step by step: a staircase of few steps never comes near its end."""


def place(pace: Pace, step: float, steps: float, epochs: float) -> float:
    """The step at which a schedule stands when `step` are done: the first of the epoch where it moves by epochs.

    steps: of an epoch.
    epochs: of the whole schedule, by which "auto" decides.
    """
    if pace == "step" or (pace == "auto" and epochs < FEWEST_EPOCHS) or steps <= 0:
        return step
    return step - step % steps
