"""How long networks take on a device that is new, from a few measurements there and what others took before.

Latencies of the same networks on different devices are much alike, up to a few directions in which devices differ.
With the known devices as features of a network, a Gaussian process over networks (Rasmussen and Williams 2006, chapter
2) is a Bayesian linear regression with a weight for each device: ten measurements tell the new device's weights. The
question is that of HELP (Lee et al. 2021, "Hardware-adaptive efficient latency prediction for NAS via meta-learning"),
which learns to adapt a neural predictor; in place of its meta-learning and its chosen reference networks stand this
posterior, and networks that are chosen to reduce its variance most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netwright.core.errors import ConfigurationError, UserError

PROVIDES = ("obj.latency",)

CONSTANT = 2.0  # prior deviation of a new device's own level, in deviations of its logarithms
CANDIDATES = 2_000  # networks, beyond which those to measure are chosen from so many, evenly spaced


class AcrossDevices:
    """Latencies of networks on known devices, and what follows for a new one.

    times: milliseconds (or any unit), a row a network and a column a device; above 0.
    noise: variance of a measurement's logarithm, where the new device's own variance is 1.

    Raises ConfigurationError for anything else.
    """

    def __init__(self, times: ArrayLike, noise: float = 0.1) -> None:
        found = np.asarray(times, np.float64)
        if found.ndim != 2 or found.shape[0] < 2 or not (np.isfinite(found).all() and (found > 0).all()):
            raise ConfigurationError(
                f"AcrossDevices: times of shape {found.shape}; expected numbers above 0, a row a network (two or more) "
                "and a column a device"
            )
        if not noise > 0:
            raise ConfigurationError(f"AcrossDevices: noise = {noise!r}; expected a number above 0")
        logarithms = np.log(found)
        scaled = (logarithms - logarithms.mean(0)) / np.maximum(logarithms.std(0), 1e-12)
        constant = np.full((len(found), 1), CONSTANT)
        self.noise = noise
        self.features: NDArray[np.float64] = np.hstack([scaled / found.shape[1] ** 0.5, constant])
        self._weights: NDArray[np.float64] | None = None
        self._level = self._scale = 0.0

    def choose(self, count: int = 10) -> list[int]:
        """The networks to measure on a new device: each reduces most what those before it leave unsure of all others.

        count: how many; HELP takes ten.
        """
        if not 1 <= count <= len(self.features):
            raise ConfigurationError(f"choose: count = {count}; expected 1 to {len(self.features)}")
        step = max(1, len(self.features) // CANDIDATES)
        rows = self.features[::step] if len(self.features) // step >= count else self.features
        step = step if rows is not self.features else 1
        together, spread, chosen = rows.T @ rows, np.eye(rows.shape[1]), list[int]()
        for _ in range(count):
            through = rows @ spread
            own = np.einsum("nd,nd->n", through, rows) + self.noise
            reduced = np.einsum("nd,de,ne->n", through, together, through) / own
            reduced[chosen] = -np.inf
            best = int(np.argmax(reduced))
            chosen.append(best)
            spread = spread - np.outer(through[best], through[best]) / own[best]
        return [each * step for each in chosen]

    def fit(self, measured: Mapping[int, float]) -> AcrossDevices:
        """Learn the new device; itself.

        measured: by the network's row, its milliseconds there, at least two that differ.
        """
        rows = list(measured)
        times = np.array([measured[each] for each in rows], np.float64)
        if len(rows) < 2 or not (np.isfinite(times).all() and (times > 0).all()):
            raise UserError(f"a new device needs two measurements above 0 at least; found {dict(measured)}")
        logarithms = np.log(times)
        self._level, self._scale = float(logarithms.mean()), max(float(logarithms.std()), 1e-9)
        features = self.features[rows]
        kernel = features @ features.T + self.noise * np.eye(len(rows))
        # Equation 2.25 of Rasmussen and Williams, in the space of weights.
        self._weights = features.T @ np.linalg.solve(kernel, (logarithms - self._level) / self._scale)
        return self

    def predict(self, networks: Sequence[int] | None = None) -> NDArray[np.float64]:
        """Milliseconds on the new device. networks: their rows; all by default. Raises UserError before `fit`."""
        if self._weights is None:
            raise UserError("the new device is not known yet: call fit with a few measurements first")
        features = self.features if networks is None else self.features[list(networks)]
        return np.exp(self._level + self._scale * (features @ self._weights))
