"""What pairs of neighbouring layers take, fitted to whole networks (Berman et al. 2020, "AOWS: Adaptive and Optimal
Network Width Search with Latency Constraints")."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netwright.core.errors import ConfigurationError, UserError

PROVIDES = ("obj.latency",)


class LayerPairs:
    """The latency of a network as a sum over neighbouring layers, T(c) = sum of t_i(c_i, c_i+1).

    Single operations cannot always be timed, as where a compiler fuses them; whole networks can. Their measurements
    give a least squares problem in all t_i, made definite by a small ridge around an even share of the mean.
    The tables are what dynamic programming decodes exactly.

    options: how many options each layer's decision has, in the order of the layers; two layers or more.
    ridge: by which each table entry is held to an even share of the mean latency.
    """

    def __init__(self, options: Sequence[int], ridge: float = 1e-3) -> None:
        if len(options) < 2 or min(options) < 1 or not ridge > 0:
            raise ConfigurationError(
                f"LayerPairs: options {list(options)}, ridge {ridge!r}; expected two layers or more with an option at "
                "least each, and a ridge above 0"
            )
        self.options, self.ridge = tuple(options), ridge
        sizes = [first * second for first, second in pairwise(options)]
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        self.tables: tuple[NDArray[np.float64], ...] = ()

    def fit(self, networks: ArrayLike, times: ArrayLike) -> LayerPairs:
        """Learn the tables; itself.

        networks: the option that each network takes at each layer, whole numbers (n, layers).
        times: milliseconds of each.
        """
        rows, wanted = self._rows(networks), np.asarray(times, np.float64)
        if wanted.shape != (len(rows),) or not np.isfinite(wanted).all():
            raise UserError(f"{len(rows)} networks need as many finite times; found an array of {wanted.shape}")
        even = wanted.mean() / (len(self.options) - 1)
        design = np.zeros((len(rows), int(self._starts[-1])))
        np.put_along_axis(design, rows, 1.0, 1)
        # (A A^T + ridge) x = rest, which is small where there are fewer networks than table entries.
        rest = wanted - wanted.mean()
        solved = np.linalg.solve(design @ design.T + self.ridge * np.eye(len(rows)), rest)
        values = even + design.T @ solved
        parts = np.split(values, self._starts[1:-1].astype(int))
        self.tables = tuple(part.reshape(shape) for part, shape in zip(parts, pairwise(self.options), strict=True))
        return self

    def predict(self, networks: ArrayLike) -> NDArray[np.float64]:
        """Milliseconds of each network. Raises UserError before `fit`."""
        if not self.tables:
            raise UserError("nothing is known yet: call fit with measured networks first")
        values = np.concatenate([each.ravel() for each in self.tables])
        return values[self._rows(networks)].sum(1)

    def _rows(self, networks: ArrayLike) -> NDArray[np.int64]:
        """Of each network and pair of layers, the table entry."""
        found = np.atleast_2d(np.asarray(networks, np.int64))
        if found.shape[1] != len(self.options) or (found < 0).any() or (found >= np.array(self.options)).any():
            raise UserError(
                f"networks of shape {found.shape} do not fit {len(self.options)} layers with {list(self.options)} "
                "options"
            )
        return self._starts[:-1] + found[:, :-1] * np.array(self.options[1:]) + found[:, 1:]
