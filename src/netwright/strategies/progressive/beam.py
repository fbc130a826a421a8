"""Progressive neural architecture search (Liu et al. 2018): a beam of cells that grow by a block a stage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from netwright.core.checks import whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.space import Space
from netwright.core.strategy import Remembering
from netwright.core.trial import Proposal
from netwright.strategies.evolution.ranking import crowding_distances, front_numbers
from netwright.strategies.joint import settled
from netwright.strategies.progressive.folds import Folds
from netwright.strategies.progressive.growth import IDLE, Growth, Wishes
from netwright.strategies.rewards import Rewards
from netwright.strategies.told import noted, recalled
from netwright.strategies.unseen import Unseen, points_of

if TYPE_CHECKING:
    from netwright.core.decisions import Point
    from netwright.core.trial import Trial
    from netwright.predictors import Predictor

_MOST_INT = 2**31


class ProgressiveBeam(Remembering):
    """Evaluates a beam of partial architectures, and extends them by a block in every way to the best predicted.

    First all architectures with one block decided are evaluated; then again and again the beam is extended by a block
    in every way, a predictor ranks the extensions, and the best `beam` of them are evaluated. In the paper a cell is
    built for both kinds; here the kinds grow in turn.

    After the last stage the next best extensions are evaluated, then random architectures, until SpaceExhausted. No
    architecture is asked twice. `ask` gives None while a stage waits for pending trials. Trials that did not complete
    are not extended, unless all failed. With several objectives the mean of the scaled scores counts, or the front.

    space: the one to search.
    beam: K, how many extensions of each stage are evaluated; 256 in the paper.
    predictor: refitted to everything before each stage; by default five multilayer perceptrons that each see four
        fifths of it.
    idle: labels of options that compute nothing, in order of preference; they stand for the blocks that are not decided
        yet (see `growth.Growth`).
    candidates: of more extensions than so many, a random part is ranked.
    front: with several objectives, predict each by itself, and rank extensions by front and crowding distance of what
        is predicted (Dong et al. 2018, PPP-Net).

    Raises UserError for a space with a choice between modules of which none is idle.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        beam: int = 256,
        predictor: Predictor | None = None,
        idle: Sequence[str] = IDLE,
        candidates: int = 20_000,
        front: bool = False,
    ) -> None:
        if isinstance(idle, str) or not idle:
            raise ConfigurationError(f"ProgressiveBeam: idle is {idle!r}; expected labels of options, at least one")
        self.space = space
        self.beam = whole_number(self, "beam", beam)
        self.idle = tuple(idle)
        self.candidates = whole_number(self, "candidates", candidates)
        self.front = front
        self._growth = Growth(space, self.idle)
        self._predictor = _default(space) if predictor is None else predictor.replace()
        self._unseen = Unseen(space)
        self._rewards = Rewards()
        self._known: dict[Point, Trial] = {}  # completed trials by canonical point
        self._pending = 0
        self._stage = 0  # how many blocks the architectures in `_extensions` have
        self._extensions: dict[Point, Wishes] = {}  # the candidates of this stage, by the whole architecture
        self._queue: list[Point] = []  # to be asked, the next one last
        self._queued: set[Point] = set()  # canonical points that were in the queue

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        while not self._queue:
            if self._pending:
                return None
            if not self._next_queue(rng):
                self._pending += 1
                return Proposal(self._unseen.draw(rng))
        architecture = self.space.from_indices(self._queue.pop(), check=False)
        self._pending += 1
        return Proposal(architecture)

    def tell(self, trial: Trial) -> None:
        self._pending -= 1
        self._note(trial)

    def _note(self, trial: Trial) -> None:
        self._rewards.see(trial)
        if trial.completed:
            self._known[self.space.key(trial.architecture)] = trial

    def memory(self) -> Mapping[str, Any]:
        return {
            "told": noted(list(self._known.values()), self.space),
            "unseen": self._unseen.memory(),
            "pending": self._pending,
            "stage": self._stage,
            "extensions": points_of(list(self._extensions), self.space),
            "wishes": points_of(list(self._extensions.values()), self.space),
            "queue": points_of(self._queue, self.space),
            "queued": points_of(sorted(self._queued), self.space),
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        for trial in recalled(memory["told"], self.space):
            self._note(trial)
        self._unseen.remember(memory["unseen"])
        self._pending, self._stage = memory["pending"], memory["stage"]
        self._extensions = dict(zip(_points(memory["extensions"]), _points(memory["wishes"]), strict=True))
        self._queue = _points(memory["queue"])
        self._queued = set(_points(memory["queued"]))

    def _next_queue(self, rng: np.random.Generator) -> bool:
        """The next architectures to ask, from this stage or a later one; False where there are none."""
        blocks = self._growth.blocks
        while self._stage < len(blocks):
            self._extend(rng)
            self._stage += 1
            if self._enqueue(rng):
                return True
        return self._enqueue(rng)

    def _extend(self, rng: np.random.Generator) -> None:
        """Algorithm 1: every architecture of the beam with every way to decide the next block."""
        growth, block = self._growth, self._growth.blocks[self._stage]
        evaluated = [wishes for point, wishes in self._extensions.items() if self._trial(point) is not None]
        beam = evaluated or list(self._extensions.values()) or [growth.nothing]
        ways = growth.assignments(block)
        total = len(beam) * len(ways)
        chosen = range(total)
        if total > self.candidates:
            chosen = sorted(rng.choice(total, self.candidates, replace=False).tolist())
        grown = (growth.grown(beam[k // len(ways)], block, ways[k % len(ways)]) for k in chosen)
        points = ((settled(self.space.decisions, growth.point(wishes), rng), wishes) for wishes in grown)
        self._extensions = {point: wishes for point, wishes in points if point is not None}

    def _enqueue(self, rng: np.random.Generator) -> bool:
        """The best new extensions by the predictor; all alike, and in random order, where it knows too little."""
        new = [point for point in self._extensions if self._canonical(point) not in self._queued]
        order = rng.permutation(len(new)).tolist()
        if self._stage > 1 and len(self._known) > 1 and len(new) > self.beam:
            order = self._ranked(new, int(rng.integers(_MOST_INT)))
        for k in order:
            canonical = self._canonical(new[k])
            if len(self._queue) < self.beam and self._unseen.add_key(canonical):
                self._queued.add(canonical)
                self._queue.append(new[k])
        self._queue.reverse()
        return bool(self._queue)

    def _ranked(self, points: Sequence[Point], seed: int) -> list[int]:
        trials = list(self._known.values())
        if not self.front or len(trials[0].scores) == 1:
            return (-self._predicted(points, self._rewards.each(trials), seed)).argsort(kind="stable").tolist()
        columns = zip(*(trial.scores for trial in trials), strict=True)
        predicted = np.column_stack([self._predicted(points, column, seed) for column in columns])
        fronts = front_numbers(predicted)
        return np.lexsort((-crowding_distances(predicted, fronts), fronts)).tolist()

    def _predicted(self, points: Sequence[Point], values: Sequence[float], seed: int) -> np.ndarray:
        """What architectures will have, learnt from these values of all that completed; infinite ones as the worst."""
        finite = [each for each in values if math.isfinite(each)]
        worst = min(finite, default=0.0)
        trials = [trial.architecture for trial in self._known.values()]
        self._predictor.fit(trials, [each if math.isfinite(each) else worst for each in values], seed)
        return self._predictor.predict([self.space.from_indices(point, check=False) for point in points]).mean

    def configuration(self) -> dict[str, Any]:
        """As it was before fronts could rank, where they do not."""
        described = super().configuration()
        arguments = {name: each for name, each in described["arguments"].items() if name != "front" or each}
        return {**described, "arguments": arguments}

    def _canonical(self, point: Point) -> Point:
        return self.space.key(self.space.from_indices(point, check=False))

    def _trial(self, point: Point) -> Trial | None:
        return self._known.get(self._canonical(point))


def _points(array: np.ndarray) -> list[Point]:
    return [tuple(point) for point in array.tolist()]


def _default(space: DecisionSpace) -> Predictor:
    from netwright.predictors.mlp import quick

    return Folds(quick(space).replace(networks=1))
