"""Local search (White et al. 2021, "Exploring the Loss Landscape in Neural Architecture Search")."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from netwright.core.checks import one_of, whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.objective import dominates
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.strategies.evolution.ranking import Population, still_completed
from netwright.strategies.inheritance import inherited_share, without_inheritance
from netwright.strategies.unseen import Unseen

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.trial import Trial

PROVIDES = ("search.local_greedy",)


class LocalSearch(Strategy):
    """Hill climbing: evaluate the neighbours of the best architecture so far, move to a better one, else start again.

    No architecture is evaluated twice: one that was, in this climb or an earlier one, is compared by its known score. A
    climb that ends in a local optimum is followed by another from new random architectures, until the space is
    exhausted. `ask` gives None while a climb waits for pending trials. With several objectives "better" means that it
    dominates, and the best of several that do is the one with the largest crowding distance in the best front.

    space: the one to search.
    move: "best" evaluates every neighbour and moves to the best; "first" moves as soon as one is better.
    starts: random architectures at the beginning of each climb, which begins at the best of them.
    most_neighbors: of a larger neighbourhood, or one that cannot be listed, so many random mutations are evaluated
        (twice as many are drawn at most).
    inherit: whether a neighbour begins from the trained weights of where the climb stands, as far as the space takes
        them over, rather than anew.
    child_share: of the full training that it then takes.
    """

    called = "local"
    adopts = True

    def __init__(
        self,
        space: Space,
        move: Literal["best", "first"] = "best",
        starts: int = 1,
        most_neighbors: int = 256,
        inherit: bool = False,
        child_share: float = 1.0,
    ) -> None:
        one_of(self, "move", move, ("best", "first"))
        self.space = space
        self.move = move
        self.starts = whole_number(self, "starts", starts)
        self.most_neighbors = whole_number(self, "most_neighbors", most_neighbors)
        self.inherits = inherited_share(self, inherit, child_share)
        self._unseen = Unseen(space)
        self._known: dict[Hashable, Trial] = {}  # completed trials by key
        self._pending = 0
        self._to_start = starts
        self._here: Trial | None = None  # where the climb stands
        self._queue: list[Architecture] = []  # neighbours of `_here` still to be asked, the next one last
        self._found: list[Trial] = []  # trials of this start, or of this neighbourhood
        self._explored = False  # whether the neighbours of `_here` were queued

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        while True:
            if self._to_start:  # a random architecture to begin at
                proposal = Proposal(self._unseen.draw(rng))
                self._to_start -= 1
                self._pending += 1
                return proposal
            if self._here is not None and not self._explored:
                self._queue = self._neighbors(self._here.architecture, rng)
                self._explored = True
            architecture = self._next_neighbor()
            if architecture is not None:
                self._pending += 1
                return Proposal(architecture, parent=self._here.number if self._here else None)
            if self._here is not None and not self._explored:
                continue  # a known neighbour was better
            if self._pending:
                return None
            self._step()

    def configuration(self) -> dict[str, Any]:
        return without_inheritance(super().configuration())

    def may_continue(self, number: int) -> bool:
        """Whether a neighbour may yet begin from this one's weights: the climb stands there, or may move there."""
        if not self.inherits:
            return False
        here = () if self._here is None else (self._here,)
        return any(each.number == number for each in (*here, *self._found))

    def tell(self, trial: Trial) -> None:
        self._pending -= 1
        self._unseen.note(trial)
        if not trial.completed:
            return
        self._known[self.space.key(trial.architecture)] = trial
        self._compare(trial)

    def judge_anew(self, trials: Mapping[int, Trial]) -> None:
        """Where the climb stands on what breaks a limit now, it goes on from the best known that keeps them all."""
        self._known = {
            self.space.key(each.architecture): each for each in still_completed(self._known.values(), trials)
        }
        self._found = still_completed(self._found, trials)
        if self._here is None or still_completed([self._here], trials):
            return
        self._here = None
        if self._known:
            self._stand_at(Population(self._known.values()).ordered()[0])
        else:
            self._queue, self._to_start = [], self.starts

    def _next_neighbor(self) -> Architecture | None:
        """The next neighbour that was not asked; those whose score is known are compared on the way."""
        while self._queue:
            architecture = self._queue.pop()
            key = self.space.key(architecture)
            if self._unseen.add_key(key):
                return architecture
            if key in self._known:
                self._compare(self._known[key])
        return None

    def _compare(self, trial: Trial) -> None:
        self._found.append(trial)
        if self.move == "first" and self._here is not None and dominates(trial.scores, self._here.scores):
            self._stand_at(trial)

    def _neighbors(self, architecture: Architecture, rng: np.random.Generator) -> list[Architecture]:
        """All neighbours in random order, or `most_neighbors` random ones of them without listing the others."""
        if isinstance(self.space, DecisionSpace):
            neighbors = list(islice(self.space.neighbors(architecture), self.most_neighbors + 1))
            if len(neighbors) <= self.most_neighbors:
                return [neighbors[place] for place in rng.permutation(len(neighbors)).tolist()]
        drawn = (self.space.mutate(architecture, rng) for _ in range(2 * self.most_neighbors))
        return list(dict.fromkeys(drawn))[: self.most_neighbors]

    def _step(self) -> None:
        """Everything asked in this neighbourhood is known: move to the best where it is better, else start again."""
        here = self._here
        better = [t for t in self._found if here is None or dominates(t.scores, here.scores)]
        if better:
            self._stand_at(Population(better).ordered()[0])
        else:
            self._here = None
            self._found = []
            self._to_start = self.starts

    def _stand_at(self, trial: Trial) -> None:
        self._here = trial
        self._queue = []
        self._found = []
        self._explored = False
