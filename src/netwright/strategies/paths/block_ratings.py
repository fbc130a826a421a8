"""Paths through the blocks of a network, rated block by block and then combined (Li et al. 2020, "DNA")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.checks import whole_number
from netwright.core.closest import largest
from netwright.core.estimator import OF_BLOCK
from netwright.strategies.paths.blocks import Path, favouring, places_of_blocks, some_paths, with_paths
from netwright.strategies.paths.combining import best_combination
from netwright.strategies.rounds.asking import Talk, probe, train
from netwright.strategies.rounds.script import Rounds

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.trial import Trial
    from netwright.strategies.rounds.script import Script

PROVIDES = ("super.path", "search.dp_decode")


class BlockRatings(Rounds):
    """Trains uniform paths; then rates every path through each block, and takes the best combination.

    One round rates a path of each block at once, since the estimator tells of each block how far it is from its teacher
    (`BlockByBlock`); the loss of the whole stands for it where it does not. A network is rated by the sum of its
    blocks, and among all networks the best is found that keeps the limits, by dynamic programming, where the costs of
    blocks add up.

    space: whose networks are rows of blocks (`core.roles.HasBlocks`).
    most: paths of a block that are rated; where there are more, so many random ones.
    batches: validation minibatches on which each is rated.
    epochs: of the training that is planned, for the time of an epoch to be foretold.

    Raises ConfigurationError for a space without blocks.
    """

    led: bool = True

    def __init__(self, space: DecisionSpace, most: int = 2000, batches: int = 1, epochs: int = 1) -> None:
        self.space = space
        self.most, self.batches = whole_number(self, "most", most), whole_number(self, "batches", batches)
        self.epochs = whole_number(self, "epochs", epochs)
        self._places = places_of_blocks(space)
        self.paths: dict[str, list[Path]] = {}
        self.sums: dict[str, np.ndarray] = {}  # of each path's distances
        self.rated = 0  # rounds of rating

    @property
    def probes_behind_epoch(self) -> int:
        return -(-self.most * self.batches // self.epochs)

    def script(self, rng: np.random.Generator) -> Script:
        """A step on a random path; after the last one the ratings."""
        yield train(self.space.sample)
        if self.progress.share >= 1.0:
            yield from self._rate(rng)

    def _rate(self, rng: np.random.Generator) -> Talk[None]:
        self.paths = {block: some_paths(self.space, each, self.most, rng) for block, each in self._places.items()}
        self.sums = {block: np.zeros(len(each)) for block, each in self.paths.items()}
        longest = max(map(len, self.paths.values()))
        for number in range(self.batches * longest):
            turn = number % longest
            told = yield probe(self._together(dict.fromkeys(self._places, turn)), again=turn > 0)
            self._note(told, turn)
            self.rated += 1

    def _note(self, told: Trial, turn: int) -> None:
        for block, sums in self.sums.items():
            if turn < len(sums):
                sums[turn] += float(told.metrics.get(f"{OF_BLOCK}{block}", told.metrics["loss"]))

    def _together(self, turns: Mapping[str, int]) -> Architecture:
        """The network of these paths, each by its number; beyond the last from the first on."""
        chosen = {block: self.paths[block][turn % len(self.paths[block])] for block, turn in turns.items()}
        return with_paths(self.space, largest(self.space), self._places, chosen)

    def ratings(self, block: str) -> np.ndarray:
        """The distance of each path of a block from the teacher, the mean over minibatches; those that have one."""
        known = self.sums.get(block, np.zeros(0))
        rounds = max(map(len, self.paths.values()), default=1)
        counts = np.array([(self.rated - turn - 1) // rounds + 1 for turn in range(len(known))])
        return known[counts > 0] / counts[counts > 0]

    def result(self) -> Architecture:
        """The combination of the paths of least distance within the limits; before anything is rated the largest."""
        if not self.rated:
            return largest(self.space)
        ratings = [self.ratings(block) for block in self._places]
        best = {block: int(each.argmin()) for block, each in zip(self._places, ratings, strict=True)}
        if not self.keeps(self._together(best)):
            within = best_combination(ratings, *self._costs([len(each) for each in ratings]))
            best = best if within is None else dict(zip(self._places, within, strict=True))
        return self._together(best)

    def _costs(self, counts: Sequence[int]) -> tuple[list[np.ndarray], np.ndarray]:
        """What the paths of each block cost beside its first, and what is left of the limits with the first of all."""
        assert self._known is not None
        figures, limits = self._known
        first = dict.fromkeys(self._places, 0)

        def signed(turns: Mapping[str, int]) -> np.ndarray:
            found = figures(self._together(turns))
            known = [each for each in limits if each.metric in found]
            return np.array([found[each.metric] * (1 if each.relation == "<=" else -1) for each in known])

        least, found = signed(first), figures(self._together(first))
        bounds = [each.limit * (1 if each.relation == "<=" else -1) for each in limits if each.metric in found]
        costs = [
            np.array([signed({**first, block: turn}) - least for turn in range(count)])
            for block, count in zip(self._places, counts, strict=True)
        ]
        return costs, np.array(bounds) - least

    def around(self, found: Architecture) -> Mixture:
        return favouring(self.space.decisions, found.point)

    def figures(self) -> dict[str, float]:
        return {f"distance_{block}": float(self.ratings(block).min()) for block in self.sums if self.rated}
