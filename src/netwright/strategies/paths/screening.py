"""The second half of random search with weight sharing (Li and Talwalkar 2019): look at many, choose few."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.checks import whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import SpaceExhausted, StopSearch
from netwright.core.space import Space
from netwright.core.strategy import RoundStrategy
from netwright.core.trial import Proposal
from netwright.strategies.fetching import fetched
from netwright.strategies.unseen import Unseen

if TYPE_CHECKING:
    from netwright.core.trial import Trial


class Screening(RoundStrategy):
    """Looks at many random architectures on a few validation minibatches, then evaluates the best of them in full.

    space: the one to search.
    candidates: how many different ones are looked at, fewer where the space holds fewer; 1,000 in the authors' code.
    batches: minibatches that each is looked at on, always the next ones; 10 in the authors' code.
    best: how many of them are evaluated, by the mean accuracy on those; of equal ones the earlier. 10 in the authors'
        code.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    bounded: ClassVar[bool] = True

    def __init__(self, space: DecisionSpace, candidates: int = 1000, batches: int = 10, best: int = 10) -> None:
        self.space = space
        self.candidates = whole_number(self, "candidates", candidates)
        self.batches = whole_number(self, "batches", batches)
        self.best = whole_number(self, "best", best)
        self._looked: list[Architecture] = []
        self._accuracies: list[Any] = []  # one a probe, tensors on the device
        self._chosen: list[Architecture] | None = None
        self._evaluated = 0

    def ask(self, rng: np.random.Generator) -> Proposal:
        if not self._looked:
            self._looked = self._drawn(rng)
        place = len(self._accuracies) // self.batches
        if place < len(self._looked):
            return Proposal(self._looked[place], "probe")
        if self._chosen is None:
            self._chosen = self._strongest()
        if self._evaluated == len(self._chosen):
            raise StopSearch(f"the best {self._evaluated} of {len(self._looked):,} random architectures were evaluated")
        self._evaluated += 1
        return Proposal(self._chosen[self._evaluated - 1])

    def tell(self, trial: Trial) -> None:
        if trial.proposal.is_round:
            self._accuracies.append(trial.metrics["score"])

    def _drawn(self, rng: np.random.Generator) -> list[Architecture]:
        unseen = Unseen(self.space)
        found: list[Architecture] = []
        with suppress(SpaceExhausted):
            while len(found) < self.candidates:
                found.append(unseen.draw(rng))
        return found

    def _strongest(self) -> list[Architecture]:
        """The best by their mean accuracy on the minibatches."""
        found = np.array(fetched(self._accuracies)).reshape(len(self._looked), self.batches)
        order = np.argsort(-found.mean(axis=1), kind="stable")
        return [self._looked[place] for place in order[: self.best]]

    def state_dict(self) -> Mapping[str, Any]:
        return {
            "looked": [list(self.space.indices(each)) for each in self._looked],
            "accuracies": fetched(self._accuracies),
            "chosen": None if self._chosen is None else [list(self.space.indices(each)) for each in self._chosen],
            "evaluated": self._evaluated,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        def read(points: Any) -> list[Architecture]:
            return [self.space.from_indices(tuple(point), check=False) for point in points]

        self._looked = read(state["looked"])
        self._accuracies = list(state["accuracies"])
        self._chosen = None if state["chosen"] is None else read(state["chosen"])
        self._evaluated = int(state["evaluated"])
