"""Where new candidates come from: any strategy, asked and told as by a search of its own."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from netwright.core.errors import ConfigurationError
from netwright.core.strategy import Strategy, untold
from netwright.strategies.random_search import RandomSearch

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.space import Space
    from netwright.core.trial import Proposal, Trial


class Learner(Strategy):
    """A strategy that learns from trials at any fidelity, also from those that another one asked."""

    @abstractmethod
    def learn(self, trial: Trial) -> None:
        """Take note of a trial at its fidelity; called in place of `tell` where another strategy promotes."""


class Source:
    """The candidates that a sampler asks for.

    A sampler is told of the trials that it asked, at whatever fidelity they were run first; a Learner of all trials. It
    is a copy of the one given, which stays as it is.
    """

    def __init__(self, sampler: Strategy) -> None:
        self._sampler = untold(sampler)
        self._learner = self._sampler if isinstance(self._sampler, Learner) else None

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        """The sampler's next proposal, or None where it waits. Raises StopSearch where it has no more."""
        return self._sampler.ask(rng)

    def tell(self, trial: Trial, asked: Proposal | None) -> None:
        """Tell the sampler.

        asked: the proposal as it was the sampler's; None for a promoted trial.
        """
        if self._learner is not None:
            self._learner.learn(trial)
        elif asked is not None:
            self._sampler.tell(replace(trial, proposal=asked))


def chosen_sampler(owner: object, space: Space, sampler: Strategy | None) -> Strategy:
    """The sampler, by default random search; ConfigurationError for one of another space."""
    if sampler is None:
        return RandomSearch(space)
    if sampler.space is not space and sampler.space.id != space.id:
        raise ConfigurationError(
            f"{type(owner).__name__} searches {space.id}, but its sampler {type(sampler).__name__} searches "
            f"{sampler.space.id}; expected one space"
        )
    return sampler
