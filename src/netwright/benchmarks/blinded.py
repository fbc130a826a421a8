"""Shows a strategy only what it may know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.core.configuration import Configured
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netwright.estimators.table import Table


class Blinded(Estimator):
    """A table without its other metrics, so that no strategy sees what will be reported of the network it chooses."""

    def __init__(self, table: Table, metrics: tuple[str, ...]) -> None:
        assert isinstance(table, Configured)
        self.table, self.space = table, table.space
        self.metrics = metrics  # known only now
        self._shown = frozenset((*metrics, "epoch", "is_predicted"))
        self._made: dict[int, tuple[Measurement, Measurement]] = {}  # with what it was made of, which so stays alive

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """What the table says; its errors."""
        found = self.table.estimate(proposal, seed)
        made = self._made.get(id(found))
        if made is None:
            curve = tuple(self._of(point) for point in found.curve)
            made = self._made[id(found)] = found, Measurement(self._of(found.metrics), curve=curve)
        return made[1]

    def _of(self, values: Mapping[str, float]) -> dict[str, float]:
        return {name: value for name, value in values.items() if name in self._shown}
