"""Names of metrics that say how long a network was trained, where that is known only afterwards."""

from __future__ import annotations

STEPS, PASSES = "trained_steps", "trained_passes"
"""Of a training that may be of any length: steps of the optimiser behind the weights that are returned, and passes over
the training examples that these make."""
SECONDS = "trained_seconds"
"""Of a training by the clock: seconds of training and measuring behind the weights that are returned."""
