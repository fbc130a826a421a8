"""Under which names a run keeps what came of its winner."""

from __future__ import annotations

KEPT = "final"  # the figures, and what was trained
PLANNED = "final plan"  # what is being trained: trial, epochs behind it, epochs to come, networks side by side
