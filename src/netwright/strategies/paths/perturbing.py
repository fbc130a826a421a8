"""What the program of SMASH searches with (Brock et al. 2018): random architectures, then changes of the best one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netwright.core.checks import probability, whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import StopSearch
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.strategies.evolution.ranking import Population
from netwright.strategies.evolution.variation import EachDecision
from netwright.strategies.unseen import Unseen, end_after_the_only_one

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.trial import Trial

MOST_REDRAWS = 20


class RandomThenPerturbed(Strategy):
    """Draws random architectures, changes the best of them at random, then goes on from whatever is better.

    No architecture is asked twice: a change that gives one which was asked is made anew, up to 20 times, then a random
    new one takes its place. `ask` gives None where the random ones, or the changes of the best of them, are pending.

    space: the one to search.
    drawn: random architectures; 500 in the authors' program.
    changed: changes of the best of these; 100 in that program.
    steps: changes of the best so far, one after the other; 100 in that program.
    rate: probability of drawing a decision anew; 0.05 in that program. A space without decisions makes one change.

    Raises StopSearch after the last step, or SpaceExhausted where no new architecture is left.
    """

    needs: ClassVar[type[Space]] = Space
    bounded: ClassVar[bool] = True

    def __init__(
        self, space: Space, drawn: int = 500, changed: int = 100, steps: int = 100, rate: float = 0.05
    ) -> None:
        self.space = space
        self.drawn = whole_number(self, "drawn", drawn)
        self.changed = whole_number(self, "changed", changed, 0)
        self.steps = whole_number(self, "steps", steps, 0)
        self.rate = probability(self, "rate", rate)
        self._mutation = EachDecision(rate if isinstance(space, DecisionSpace) else None)
        self._unseen = Unseen(space)
        self._asked = self._pending = 0
        self._best: Trial | None = None
        self._base: Trial | None = None  # whose changes are asked

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        end_after_the_only_one(self.space, self._asked)
        if self._asked == self.drawn + self.changed + self.steps:
            raise StopSearch(
                f"{self.drawn} random architectures and {self.changed + self.steps} changes were evaluated"
            )
        drawing, stepping = self._asked < self.drawn, self._asked >= self.drawn + self.changed
        if self._pending and (stepping or self._asked == self.drawn):
            return None
        if stepping or self._asked == self.drawn:
            self._base = self._best
        proposal = Proposal(self._unseen.draw(rng)) if drawing or self._base is None else self._change(self._base, rng)
        self._asked += 1
        self._pending += 1
        return proposal

    def tell(self, trial: Trial) -> None:
        self._pending -= 1
        if trial.completed:
            self._best = trial if self._best is None else Population((self._best, trial)).ordered()[0]

    def _change(self, base: Trial, rng: np.random.Generator) -> Proposal:
        for _ in range(MOST_REDRAWS):
            child: Architecture = self._mutation.mutate(self.space, base.architecture, rng)
            if self._unseen.add(child):
                return Proposal(child, parent=base.number)
        return Proposal(self._unseen.draw(rng))
