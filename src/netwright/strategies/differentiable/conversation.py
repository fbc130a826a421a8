"""Rounds as a script: what a strategy asks, in order, written as generators."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.trial import Proposal, Trial

    Make = Callable[[np.random.Generator], Proposal]  # what to ask, drawn when it is asked

T = TypeVar("T")
Rounds = Generator["Make", "Trial", T]  # yields what to ask next, is sent how it ended, and returns a T


class Conversation:
    """Runs one script of rounds after the other: `ask` gives the next proposal, `tell` goes on with the answer.

    begin: gives the next script. Between two scripts, `is_between` holds, and nothing of a script needs to be kept.
    """

    def __init__(self, begin: Callable[[], Rounds[None]]) -> None:
        self._begin = begin
        self._script: Rounds[None] | None = None
        self._next: Make | None = None
        self.is_pending = False

    @property
    def is_between(self) -> bool:
        return self._script is None

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        """The next proposal; None where a script ended without another."""
        if self._script is None:
            self._script = self._begin()
            self._next = next(self._script, None)
        if self._next is None:
            self._script = None
            return None
        self.is_pending = True
        return self._next(rng)

    def tell(self, trial: Trial) -> None:
        assert self._script is not None
        self.is_pending = False
        try:
            self._next = self._script.send(trial)
        except StopIteration:
            self._script = self._next = None
