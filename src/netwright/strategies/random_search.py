"""Random search (Li and Talwalkar 2019; Yu et al. 2020): the baseline that every other strategy must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from netwright.core.checks import one_of
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.strategies.unseen import Unseen

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.space import Space
    from netwright.core.trial import Trial

PROVIDES = ("search.random",)


class RandomSearch(Strategy):
    """Proposes random architectures, each at most once (two with the same canonical form count as one).

    space: the one to search.
    uniform_over: "decisions" draws each active decision uniformly; "architectures" gives every architecture the same
        probability.

    Raises SpaceExhausted once every architecture was asked.
    """

    called = "random"

    def __init__(self, space: Space, uniform_over: Literal["decisions", "architectures"] = "decisions") -> None:
        one_of(self, "uniform_over", uniform_over, ("decisions", "architectures"))
        self.space = space
        self._unseen = Unseen(space, uniform_over)

    def ask(self, rng: np.random.Generator) -> Proposal:
        return Proposal(self._unseen.draw(rng))

    def tell(self, trial: Trial) -> None:
        pass  # what was measured changes nothing
