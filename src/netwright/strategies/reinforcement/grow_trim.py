"""Growing and trimming the best networks; a ranker of whole sets says which to train (Liu et al. 2020, "MemNAS")."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from netwright.core.checks import positive, whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.space import Space
from netwright.core.strategy import Remembering
from netwright.core.trial import Proposal, Trial
from netwright.predictors.encodings import OneHot
from netwright.predictors.neural.ranking import pairwise_loss
from netwright.predictors.neural.seeding import seeded
from netwright.strategies.progressive.growth import IDLE
from netwright.strategies.reinforcement.reward import SCALED, Facts, RewardOf, as_array
from netwright.strategies.told import noted, recalled
from netwright.strategies.unseen import Unseen, contents_of, end_after_the_only_one, points_of

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decisions import Label

PROVIDES = ("search.shrink_grow", "est.predictor")

MOST_CHANGES = 8  # of a network, until it has grown, or was trimmed
SET = 16  # networks that are compared in one step of learning
ORDERS = 3  # in which the candidates are read


class SetRanker(nn.Module):
    """Reads a whole set of architectures one after the other, both ways, and gives each a score beside the others.

    inputs: numbers of an encoding.
    hidden: units each way.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.read = nn.Linear(inputs, hidden)
        self.relate = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.score = nn.Linear(2 * hidden, 1)

    def forward(self, rows: Tensor) -> Tensor:
        """Scores (n,) of encodings (n, inputs)."""
        states = self.relate(torch.relu(self.read(rows))[None])[0][0]
        return self.score(states).squeeze(1)

    def learn(self, rows: Tensor, values: Tensor, steps: int, rate: float, rng: np.random.Generator) -> None:
        """Learn which of two is better, from sets in random order.

        rows: (n, inputs), encodings.
        values: (n,), larger is better.
        steps: of Adam, each on one set.
        rate: of Adam.
        rng: what the sets are drawn from.
        """
        optimiser = torch.optim.Adam(self.parameters(), rate)
        for _ in range(steps):
            some = torch.from_numpy(rng.permutation(len(rows))[:SET])
            optimiser.zero_grad()
            pairwise_loss(self(rows[some]), values[some]).backward()
            optimiser.step()

    @torch.no_grad()
    def scores(self, rows: Tensor, rng: np.random.Generator) -> np.ndarray:
        """The mean score (n,) over some random orders of the set."""
        found = np.zeros(len(rows))
        for _ in range(ORDERS):
            order = rng.permutation(len(rows))
            found[order] += self(rows[torch.from_numpy(order)]).numpy()
        return found / ORDERS


class GrowTrim(Remembering):
    """Grows and trims the best networks in turn, and trains of all those candidates what a ranker puts first.

    A network has grown where more operations do something, more is read, or numbers are larger; it was trimmed where
    there is less of that. The ranker learns anew
    for each batch, from all networks that were told; what the memory of a network counts stands in the reward. No
    architecture is asked twice.

    space: the one to search.
    initial: random networks first.
    batch: networks of each round that are trained.
    candidates: networks of each round that are ranked.
    parents: of the best, from which candidates are made.
    steps: in which the ranker learns each time.
    hidden: units of the ranker, each way.
    rate: of the ranker's Adam.
    reward: of a trial, see `RewardOf`.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        initial: int = 10,
        batch: int = 5,
        candidates: int = 40,
        parents: int = 5,
        steps: int = 100,
        hidden: int = 32,
        rate: float = 0.01,
        reward: str = SCALED,
    ) -> None:
        self.space = space
        self.initial = whole_number(self, "initial", initial)
        self.batch = whole_number(self, "batch", batch)
        self.candidates = whole_number(self, "candidates", candidates)
        self.parents = whole_number(self, "parents", parents)
        self.steps = whole_number(self, "steps", steps)
        self.hidden = whole_number(self, "hidden", hidden)
        self.rate = positive(self, "rate", rate)
        self.reward = reward
        self._rewards = RewardOf(space, reward)
        self._unseen = Unseen(space)
        self._sizes = [_sizes(each.options) for each in space.decisions]
        self._told: list[tuple[Trial, Facts]] = []
        self._queue: list[Architecture] = []  # what is left of the batch
        self._asked = 0

    def ask(self, rng: np.random.Generator) -> Proposal:
        end_after_the_only_one(self.space, self._asked)
        completed = sum(trial.completed for trial, _ in self._told)
        if not self._queue and self._asked >= self.initial and completed > 1:
            self._queue = self._best(self._grown_and_trimmed(rng), rng)
        architecture = self._queue.pop(0) if self._queue else self._unseen.draw(rng)
        self._unseen.add(architecture)
        self._asked += 1
        return Proposal(architecture)

    def _rewarded(self) -> list[tuple[float, Architecture]]:
        """The networks that have a reward, in the order in which they were told."""
        found = [(self._rewards.of(trial, facts), trial.architecture) for trial, facts in self._told]
        return [(reward, architecture) for reward, architecture in found if reward is not None]

    def _grown_and_trimmed(self, rng: np.random.Generator) -> list[Architecture]:
        """New networks that differ little from the best, half of them larger and half of them smaller."""
        ranked = sorted(self._rewarded(), key=lambda each: -each[0])[: self.parents]
        found: dict[Hashable, Architecture] = {}
        for number in range(2 * self.candidates):
            _, parent = ranked[int(rng.integers(len(ranked)))]
            child = self._changed(parent, 1 if number % 2 else -1, rng)
            if child is not None and len(found) < self.candidates:
                found.setdefault(self.space.key(child), child)
        return list(found.values())

    def _changed(self, parent: Architecture, way: int, rng: np.random.Generator) -> Architecture | None:
        """A new network that has grown (way 1) or was trimmed (-1), or the last new one that was met; None for none."""
        child, last = parent, None
        for _ in range(MOST_CHANGES):
            child = self.space.mutate(child, rng)
            if not self._unseen.has(child):
                last = child
                if way * (self._size(child) - self._size(parent)) > 0:
                    break
        return last

    def _size(self, architecture: Architecture) -> float:
        """How much a network has of what is decided: operations that do something, sources, and larger numbers."""
        return sum(self._sizes[i][option] for i, option in enumerate(architecture.point) if option >= 0)

    def _best(self, candidates: Sequence[Architecture], rng: np.random.Generator) -> list[Architecture]:
        """The candidates that the ranker puts first."""
        if not candidates:
            return []
        known, encoding = self._rewarded(), OneHot(self.space)
        rows = torch.from_numpy(encoding.encode([architecture for _, architecture in known]))
        with seeded(int(rng.integers(2**62))):
            ranker = SetRanker(encoding.dimension, self.hidden)
        values = torch.tensor([reward for reward, _ in known])
        ranker.learn(rows, values, self.steps, self.rate, rng)
        scores = ranker.scores(torch.from_numpy(encoding.encode(candidates)), rng)
        return [candidates[place] for place in np.argsort(-scores, kind="stable")[: self.batch].tolist()]

    def tell(self, trial: Trial) -> None:
        facts = self._rewards.see(trial)
        if facts is not None:
            self._told.append((trial, facts))

    def memory(self) -> Mapping[str, Any]:
        return {
            "rewards": self._rewards.memory(),
            "unseen": self._unseen.memory(),
            "told": noted([trial for trial, _ in self._told], self.space),
            "facts": as_array([facts for _, facts in self._told]),
            "queue": points_of([each.content for each in self._queue], self.space),
            "asked": self._asked,
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        self._rewards.remember(memory["rewards"])
        self._unseen.remember(memory["unseen"])
        trials, facts = recalled(memory["told"], self.space), memory["facts"].tolist()
        self._told = [(trial, tuple(each)) for trial, each in zip(trials, facts, strict=True)]
        self._queue = [self.space.from_content(each, check=False) for each in contents_of(memory["queue"])]
        self._asked = memory["asked"]


def _sizes(options: Sequence[Label]) -> list[float]:
    """How much each option of a decision adds to a network: numbers and switches by their order, from 0 to 1."""
    numbers = sorted(each for each in options if isinstance(each, (int, float)))
    if len(numbers) == len(options):
        return [numbers.index(each) / max(1, len(numbers) - 1) for each in options if isinstance(each, (int, float))]
    return [float(len(each)) if isinstance(each, tuple) else float(each not in IDLE) for each in options]
