"""Every architecture of a space, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import SpaceExhausted
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.trial import Trial

PROVIDES = ("search.random",)


class Exhaustive(Strategy):
    """Proposes every architecture once, in the order of `space.at`; of those that are the same network the canonical.

    A space of any size is accepted, because a budget may end the search earlier: then only the first architectures in
    that order were tried, which differ in the last decisions alone.

    space: the one to search.

    Raises SpaceExhausted at the end.
    """

    called = "exhaustive"
    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    def __init__(self, space: DecisionSpace) -> None:
        self.space = space
        self._asked = 0
        self._rest = (each for each in space.enumerate() if space.canonical(each) == each)

    def ask(self, rng: np.random.Generator) -> Proposal:
        for architecture in self._rest:
            self._asked += 1
            return Proposal(architecture)
        raise SpaceExhausted(f"all {self._asked:,} different architectures of the space were asked")

    def tell(self, trial: Trial) -> None:
        pass  # what was measured changes nothing
