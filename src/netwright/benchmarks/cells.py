"""One search of a comparison as numbers: a row an evaluation."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

COLUMNS = ("searched", "reported", "cost", "fidelity", "counted", "finished", "state")


@dataclass(frozen=True, slots=True)
class Place:
    """Which search of a comparison: a strategy, a problem, and the number of the repeat."""

    strategy: str
    problem: str
    repeat: int


@dataclass(frozen=True, slots=True)
class Cell:
    """How a search of a comparison ended.

    numbers: float64 (evaluations, 7) in the order in which they ended, the columns as in `COLUMNS`: the metric that was
        searched and the one that is reported (NaN where an evaluation has none), cost in seconds (NaN where nothing is
        known of it), share of the full fidelity, how many full evaluations it counts as, seconds since the start of the
        search at which it ended, and the index of its end in `netwright.core.trial.STATES`.
        Of a search by several objectives the first two are NaN, and the value of each objective follows the end.
    packed: the architectures as text.
    reason: why the search failed, empty where it did not.
    stopped: why it ended.
    seconds: that it took here; of one core where it only looked results up.
    """

    place: Place
    numbers: np.ndarray = field(default_factory=lambda: np.empty((0, len(COLUMNS))))
    packed: bytes = b""
    stopped: str = ""
    reason: str = ""
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        return bool(self.reason)

    @property
    def architectures(self) -> list[str]:
        """The architecture of each evaluation, in the space's own form."""
        return json.loads(zlib.decompress(self.packed)) if self.packed else []

    def column(self, name: str) -> np.ndarray:
        return self.numbers[:, COLUMNS.index(name)]

    @property
    def values(self) -> np.ndarray:
        """float64 (evaluations, objectives) of a search by several objectives, in their own units; NaN without."""
        return self.numbers[:, len(COLUMNS) :]


def packed(architectures: Sequence[str]) -> bytes:
    """Texts as a few bytes."""
    return zlib.compress(json.dumps(list(architectures)).encode(), 1)
