"""Given architectures, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

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

    space: the one to search.
    architectures: as `space.parse` reads them, or as they are.
    memos: plain values to find again in each one's `proposal.memo`; None for none.

    Raises ConfigurationError where there is none, or another number of memos, InvalidArchitecture for what is none of
    the space's.
    """

    bounded: ClassVar[bool] = True

    def __init__(
        self,
        space: Space,
        architectures: Sequence[Architecture | str],
        memos: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        if isinstance(architectures, str) or not architectures:
            raise ConfigurationError(f"Listed: architectures is {architectures!r}; expected at least one in a list")
        if memos is not None and len(memos) != len(architectures):
            raise ConfigurationError(f"Listed: {len(memos)} memos for {len(architectures)} architectures")
        self.space, self.memos = space, memos
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
        place = self._asked - 1
        return Proposal(self.architectures[place], memo=None if self.memos is None else self.memos[place])

    def tell(self, trial: Trial) -> None:
        pass  # what was measured changes nothing
