"""How large the populations of published methods are."""

from __future__ import annotations

from collections.abc import Mapping

SIZES: Mapping[str, Mapping[str, int]] = {
    "amoebanet": {"population": 100, "sample": 25},
    "genetic-cnn": {"population": 20},
    "hierarchical": {"population": 200},
    "large-scale-evolution": {"population": 1000},
    "miller": {"population": 50},
    "nsga-net": {"population": 40, "explored": 800},
}
"""By the name of a method the numbers of its paper that the command line makes smaller for a small budget."""
