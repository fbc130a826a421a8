"""A search strategy answers two calls; it does not loop, sleep, train, save or print."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.core.configuration import Configured
from netwright.core.errors import SearchFailed
from netwright.core.objective import fittest

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.trial import Proposal, Trial


class Strategy(Configured, ABC):
    """Decides what to try next. A deterministic function of its configuration, the generators and what it was told."""

    space: Space

    @abstractmethod
    def ask(self, rng: np.random.Generator) -> Proposal | None:
        """The next proposal; None where it must first be told of a pending trial.

        Draws only from `rng`, and only during this call. Raises StopSearch where there is nothing more to ask.
        """

    @abstractmethod
    def tell(self, trial: Trial) -> None:
        """Takes note of how a trial ended: exactly once an ask, failed trials included, in any order."""

    def recommend(self, trials: Sequence[Trial]) -> Architecture:
        """The architecture to hand to the user; by default the best completed trial's."""
        completed = [trial for trial in trials if trial.completed]
        if not completed:
            raise SearchFailed(f"none of the {len(trials)} trials completed, so there is nothing to recommend")
        return fittest(completed).architecture
