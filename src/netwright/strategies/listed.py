"""Given architectures, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from netwright.core.errors import ConfigurationError, StopSearch
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.trial import Trial

PROVIDES = ("search.random",)


class Listed(Strategy):
    """Proposes each of the architectures once, in the order given.

    architectures: as `space.parse` reads them, or as they are. Raises ConfigurationError where there is none,
    InvalidArchitecture for what is none of the space's.
    """

    bounded: ClassVar[bool] = True

    def __init__(self, space: Space, architectures: Sequence[Architecture | str]) -> None:
        if isinstance(architectures, str) or not architectures:
            raise ConfigurationError(f"Listed: architectures is {architectures!r}; expected at least one in a list")
        self.space = space
        self.architectures = tuple(space.parse(each) if isinstance(each, str) else each for each in architectures)
        for each in self.architectures:
            space.validate(each)
        # As text, so that the configuration can be kept and read.
        self._arguments = {**self._arguments, "architectures": [str(each) for each in self.architectures]}
        self._asked = 0

    def ask(self, rng: np.random.Generator) -> Proposal:
        if self._asked == len(self.architectures):
            raise StopSearch(f"all {self._asked:,} architectures of the list were asked")
        self._asked += 1
        return Proposal(self.architectures[self._asked - 1])

    def tell(self, trial: Trial) -> None:
        pass  # what was measured changes nothing
