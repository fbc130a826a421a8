"""What architectures cost and what one change of them costs, as far as that is known without training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from netwright.core.decisions import INACTIVE
from netwright.core.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.strategy import Figures


class KnownCosts:
    """One metric of architectures, each looked up once.

    Where a search counts nothing, as on a table of scores alone, every later option of a decision costs one more.

    owner: whose costs they are, for the message. space: of the architectures. metric: its name.
    """

    def __init__(self, owner: object, space: DecisionSpace, metric: str) -> None:
        self._owner, self._space, self.metric = owner, space, metric
        self._figures: Figures | None = None
        self._known: dict[Architecture, float] = {}

    def know(self, figures: Figures) -> None:
        """Take note of how to look up what is known."""
        self._figures = figures
        self._known.clear()

    def of(self, architecture: Architecture) -> float:
        """What an architecture costs; ConfigurationError where the metric is not among what is known."""
        if architecture not in self._known:
            self._known[architecture] = self._looked_up(architecture)
        return self._known[architecture]

    def _looked_up(self, architecture: Architecture) -> float:
        found = {} if self._figures is None else self._figures(architecture)
        if not found:
            return float(sum(1 + each for each in self._space.indices(architecture) if each != INACTIVE))
        if self.metric not in found:
            raise ConfigurationError(
                f"{type(self._owner).__name__}: metric is {self.metric!r}, which is not known before training"
                f"{nearest(self.metric, list(found))}"
            )
        return found[self.metric]

    def changes(self, architecture: Architecture) -> Iterator[tuple[int, Architecture]]:
        """Each neighbour, with the place of the first decision in which it differs."""
        point = self._space.indices(architecture)
        for other in self._space.neighbors(architecture):
            pairs = zip(point, self._space.indices(other), strict=True)
            yield next(i for i, (a, b) in enumerate(pairs) if a != b), other
