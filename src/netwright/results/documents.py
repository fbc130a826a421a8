"""Under which names a run keeps what came of its winner."""

from __future__ import annotations

KEPT = "final"  # the figures, and what was trained
PLANNED = "final plan"  # what is being trained: trial, epochs behind it, epochs to come, networks side by side
MEASURED = "measured as handed over"  # by metric, of the network of a trial


def kept_of(trial: int) -> str:
    """The name of the same for a trial of its own, so that what was trained for several is found again."""
    return f"{KEPT} of trial {trial}"
