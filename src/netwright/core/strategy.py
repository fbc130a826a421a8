"""A search strategy answers two calls; it does not loop, sleep, train, save or print."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from netwright.core.configuration import Configured
from netwright.core.errors import SearchFailed
from netwright.core.objective import fittest

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.space import Space
    from netwright.core.trial import Proposal, Trial


class Strategy(Configured, ABC):
    """Decides what to try next. A deterministic function of its configuration, the generators and what it was told."""

    space: Space
    bounded: ClassVar[bool] = False  # whether it ends by itself, so that a search needs no other stop
    continues: ClassVar[bool] = False  # whether it asks of a trial at a low fidelity again at a higher one

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

    def may_continue(self, number: int) -> bool:
        """Whether a later proposal may have this trial, which has ended, as the parent that it goes on from.

        What the trial kept on disk stays until this is False. A proposal goes on from its parent where both have one
        architecture and the parent's fidelity is lower.
        """
        return False

    # Resume asks and tells again from the log. Where asks take long, what they led to is kept beside it now and then.

    def memory(self) -> Mapping[str, Any] | None:
        """All that it knows, as NumPy arrays and what JSON holds, in dicts and lists; None where asking again is cheap.

        Called between asks and tells, while trials may be pending.
        """
        return None

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Go on from what `memory` gave, exactly as that strategy would have; called of a fresh one only."""
        raise NotImplementedError(f"{type(self).__name__} gives no memory")

    # Weight sharing: rounds are not kept one by one, so a strategy that asks for them gives its state each epoch.

    def state_dict(self) -> Mapping[str, Any] | None:
        """All that it learnt, as tensors and plain values in dicts and lists; None where a log's replay restores it."""
        return None

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave, exactly as the strategy that gave it would have."""
        raise NotImplementedError(f"{type(self).__name__} gives no state to load")

    def mixture(self) -> Mixture | None:
        """The mixture that it now stands for; None where it has none. Recorded each epoch, and watched for alarms."""
        return None

    def figures(self) -> Mapping[str, float]:
        """Numbers to record with each epoch of weight sharing, such as a temperature or an eigenvalue."""
        return {}
