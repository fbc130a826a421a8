"""One number out of several objectives (Knowles 2006, ParEGO)."""

from __future__ import annotations

import numpy as np

SHARE_OF_SUM = 0.05  # rho in ParEGO, equation 2


def scalarized(scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """float64 (n,) of scores (n, objectives), larger is better: the augmented Chebyshev value under random weights.

    Each objective is scaled to 0..1 over the rows; weights are uniform on the simplex. One objective stays as it is.
    """
    if scores.shape[1] == 1:
        return scores[:, 0]
    low, high = scores.min(axis=0), scores.max(axis=0)
    scaled = (scores - low) / np.where(high > low, high - low, 1.0)
    weighted = rng.dirichlet(np.ones(scores.shape[1])) * (scaled - 1)  # how far each is from the best
    return weighted.min(axis=1) + SHARE_OF_SUM * weighted.sum(axis=1)
