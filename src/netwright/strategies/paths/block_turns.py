"""One block of a network is searched at a time, while the others stay (Cui et al. 2019, "FPNAS")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.checks import whole_number
from netwright.core.closest import smallest
from netwright.strategies.paths.blocks import Path, favouring, path_of, places_of_blocks, with_paths
from netwright.strategies.rounds.asking import Talk, probe, train
from netwright.strategies.rounds.script import Rounds

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.decision_space import DecisionSpace
    from netwright.strategies.rounds.script import Script

PROVIDES = ("search.local_greedy", "super.path")

DRAWN = 50  # draws for a network to begin with, or a path, that keeps the limits


class BlockTurns(Rounds):
    """The blocks take turns: the weights learn with random paths through one, then an evolution chooses its path.

    Two problems alternate, as in the paper: weights are trained for the blocks as they are, and one block is chosen for
    the weights as they are. In its turn a block has a random path in each training step, while the others keep theirs.
    At the end of it a population of its paths, its own among them, is scored on a few validation minibatches, the same
    for all; the better half has children that differ in one decision, for some generations, and the best path stays.
    What breaks a limit takes no part.

    space: whose networks are rows of blocks (`core.roles.HasBlocks`).
    sweeps: how often each block has its turn.
    population: paths of a generation.
    generations: after the first.
    batches: validation minibatches on which paths are scored.
    epochs: of the training that is planned, for the time of an epoch to be foretold.

    Raises ConfigurationError for a space without blocks.
    """

    led: bool = True

    def __init__(
        self,
        space: DecisionSpace,
        sweeps: int = 4,
        population: int = 8,
        generations: int = 3,
        batches: int = 2,
        epochs: int = 1,
    ) -> None:
        self.space = space
        self.sweeps = whole_number(self, "sweeps", sweeps)
        self.population = whole_number(self, "population", population)
        self.generations = whole_number(self, "generations", generations, 0)
        self.batches, self.epochs = whole_number(self, "batches", batches), whole_number(self, "epochs", epochs)
        self._places = places_of_blocks(space)
        self.found: Architecture = smallest(space)
        self.turn = -1  # how many blocks were searched; -1 before anything was asked

    @property
    def block(self) -> str:
        """The one whose turn it is."""
        return list(self._places)[max(0, self.turn) % len(self._places)]

    @property
    def turns(self) -> int:
        """Of all blocks in all sweeps."""
        return self.sweeps * len(self._places)

    @property
    def probes_behind_epoch(self) -> int:
        return -(-self.turns * scored_in_a_turn(self.population, self.generations) * self.batches // self.epochs)

    def script(self, rng: np.random.Generator) -> Script:
        """A step of the weights, and at the end of its turn the search of a block."""
        if self.turn < 0:
            self.found, self.turn = self._first(rng), 0
        yield train(self._with(self._drawn(rng)))
        due = int(self.progress.share * self.turns + 1e-9)
        if due > self.turn:
            if self.progress.trained > 1:  # nothing is worth scoring after one step
                yield from self._evolve(rng)
            self.turn = due if due < self.turns else self.turn + 1

    def _first(self, rng: np.random.Generator) -> Architecture:
        """A random network that keeps the limits; where none is met, the nearest to one."""
        drawn = [self.space.sample(rng) for _ in range(DRAWN if self._known and self._known[1] else 1)]
        keeping = next((each for each in drawn if self.keeps(each)), None)
        return self.within_limits(drawn[0]) if keeping is None else keeping

    def _with(self, path: Path) -> Architecture:
        """The network with this path in the block whose turn it is."""
        return with_paths(self.space, self.found, self._places, {self.block: path})

    @property
    def _own(self) -> Path:
        return path_of(self.found, self._places[self.block])

    def _drawn(self, rng: np.random.Generator) -> Path:
        """A random path that keeps the limits with the other blocks as they are; where none is met, its own."""
        for _ in range(DRAWN):
            path = path_of(self.space.sample(rng), self._places[self.block])
            if self.keeps(self._with(path)):
                return path
        return self._own

    def _changed(self, parent: Path, rng: np.random.Generator) -> Path:
        """A path that differs in one decision, and what follows from it, and keeps the limits; else a random one."""
        for _ in range(DRAWN):
            path = path_of(self.space.mutate(self._with(parent), rng), self._places[self.block])
            if path != parent and self.keeps(self._with(path)):
                return path
        return self._drawn(rng)

    def _evolve(self, rng: np.random.Generator) -> Talk[None]:
        drawn = [self._own, *(self._drawn(rng) for _ in range(self.population - 1))]
        losses = yield from self._scored(list(dict.fromkeys(drawn)))
        for _ in range(self.generations):
            better = sorted(losses, key=losses.__getitem__)[: max(1, self.population // 2)]
            children = [self._changed(better[int(rng.integers(len(better)))], rng) for _ in range(self.population)]
            fresh = [each for each in dict.fromkeys(children) if each not in losses]
            losses = yield from self._scored([*better, *fresh])
        best = min(losses, key=losses.__getitem__)
        self.found = self._with(best)

    def _scored(self, paths: Sequence[Path]) -> Talk[dict[Path, float]]:
        """The loss of the network with each path, all on the same minibatches."""
        sums = dict.fromkeys(paths, 0.0)
        for _ in range(self.batches):
            for place, path in enumerate(paths):
                told = yield probe(self._with(path), again=place > 0)
                sums[path] += float(told.metrics["loss"]) / self.batches
        return sums

    def result(self) -> Architecture:
        return self.found

    def around(self, found: Architecture) -> Mixture:
        return favouring(self.space.decisions, found.point)

    def figures(self) -> dict[str, float]:
        return {"turn": float(max(0, self.turn))}


def scored_in_a_turn(population: int, generations: int) -> int:
    """How many paths of a block are scored in its turn, at most."""
    return population + generations * (population + max(1, population // 2))
