"""The shapes that learning curves take: the eleven functions of Domhan et al. 2015, table 1, up to offset and scale.

With an offset and a scale of their own several are one: pow3 is pow4 with b = 0; Hill3, MMF and log power are one; so
are exp4, Janoschek and Weibull. What is left has one or two parameters, of which a grid is taken.
"""

from __future__ import annotations

import numpy as np

_FLAT = 1e-9


def shapes(length: int) -> tuple[np.ndarray, np.ndarray]:
    """float64 (shapes, length) and the shapes' weights, the same in all for each family.

    Each runs from 1 at step 1 to 0 at step `length`, so that a curve is last + (first - last) * shape.
    """
    t = np.arange(1, length + 1, dtype=np.float64)
    found, weights = [], []
    for family in _families(t):
        kept = [row for row in family if np.isfinite(row).all() and abs(row[0] - row[-1]) > _FLAT]
        found += [(row - row[-1]) / (row[0] - row[-1]) for row in kept]
        weights += [1 / len(kept)] * len(kept)
    return np.array(found), np.array(weights) / sum(weights)


def _families(t: np.ndarray) -> list[list[np.ndarray]]:
    last = t[-1]
    log = np.log(t)
    middles = np.geomspace(0.5, 2 * last, 8)  # steps at which half of the way is gone
    powers = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
    return [
        [
            np.exp(b / t + c * log) for b in (-4.0, -2.0, -1.0, -0.5) for c in (-0.2, 0.0, 0.1, 0.2, 0.4)
        ],  # vapor pressure
        [(t + b) ** -a for b in (0.0, 1.0, last / 4, last) for a in (0.1, 0.25, 0.5, 1.0, 2.0)],  # pow3, pow4
        [np.log(a * log + 1) for a in (0.1, 0.3, 1.0, 3.0, 10.0)],  # log log linear
        [1 / (1 + (t / k) ** d) for k in middles for d in powers],  # Hill3, MMF, log power
        [np.exp(-np.log(2) * (t / k) ** d) for k in middles for d in powers],  # exp4, Janoschek, Weibull
        [1 / np.log(t + 1)],  # ilog2
    ]
