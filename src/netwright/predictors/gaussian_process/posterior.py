"""The linear algebra of a Gaussian process whose examples come one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import lapack as _lapack

lapack: Any = _lapack
JITTERS = (0.0, 1e-10, 1e-8, 1e-6, 1e-4)  # of the mean of the diagonal, tried in turn


class Factor:
    """Lower Cholesky factor of a covariance matrix; rows are added without factoring the rest anew."""

    def __init__(self, matrix: np.ndarray) -> None:
        self.jitter = 0.0
        self.lower = np.asfortranarray(self._factored(matrix))

    def _factored(self, matrix: np.ndarray) -> np.ndarray:
        """With the least jitter on the diagonal that makes it positive definite."""
        unit = float(np.mean(np.diag(matrix))) if len(matrix) else 1.0
        for share in JITTERS:
            self.jitter = share * unit
            shifted = matrix if not share else matrix + self.jitter * np.eye(len(matrix))
            lower, problem = lapack.dpotrf(shifted, lower=1, clean=1)
            if not problem and np.diag(lower).min(initial=np.inf) > 1e-9 * np.sqrt(unit):
                return lower
        # A kernel that is no kernel: lift every eigenvalue above 0.
        self.jitter = unit * 1e-3 - float(np.linalg.eigvalsh(matrix)[0])
        return lapack.dpotrf(matrix + self.jitter * np.eye(len(matrix)), lower=1, clean=1)[0]

    def __len__(self) -> int:
        return len(self.lower)

    def extend(self, columns: np.ndarray, corner: np.ndarray) -> bool:
        """Add examples, given their covariances (size, k) with the old ones and (k, k) among each other.

        False, and nothing is changed, where what is left of their variance is too little to go on exactly.
        """
        size, more = len(self), len(corner)
        rows = self.solve(columns)
        rest = corner - rows.T @ rows + self.jitter * np.eye(more)
        lower, problem = lapack.dpotrf(rest, lower=1, clean=1)
        if problem or np.diag(lower).min() ** 2 < 1e-9 * np.diag(corner).max():
            return False
        larger = np.zeros((size + more, size + more), order="F")
        larger[:size, :size] = self.lower
        larger[size:, :size] = rows.T
        larger[size:, size:] = lower
        self.lower = larger
        return True

    def solve(self, right: np.ndarray) -> np.ndarray:
        """The solution X of lower @ X = right."""
        return lapack.dtrtrs(self.lower, right, lower=1)[0]

    def solve_both(self, right: np.ndarray) -> np.ndarray:
        """The solution X of lower @ lower.T @ X = right."""
        return lapack.dtrtrs(self.lower, self.solve(right), lower=1, trans=1)[0]

    def inverse(self) -> np.ndarray:
        """Of the matrix itself."""
        half = lapack.dpotri(self.lower, lower=1)[0]
        return np.tril(half) + np.tril(half, -1).T

    def log_determinant(self) -> float:
        """Of the matrix itself."""
        return 2 * float(np.log(np.diag(self.lower)).sum())
