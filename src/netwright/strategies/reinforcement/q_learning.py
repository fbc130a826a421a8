"""Q-learning with an epsilon-greedy policy and replay (Baker et al. 2017; Zhong et al. 2018)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from netwright.core.checks import is_number, is_whole, probability, refused, share, whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.space import Space
from netwright.core.strategy import Remembering
from netwright.core.trial import Proposal, Trial
from netwright.strategies.reinforcement.q_table import QTable, Schedule, Trajectory
from netwright.strategies.reinforcement.reward import SCALED, Facts, RewardOf, as_array
from netwright.strategies.told import noted, recalled
from netwright.strategies.unseen import Unseen, end_after_the_only_one

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture

SCHEDULE = (
    *((1.0, 1500), (0.9, 100), (0.8, 100), (0.7, 100), (0.6, 150), (0.5, 150), (0.4, 150), (0.3, 150)),
    *((0.2, 150), (0.1, 150)),
)
"""Epsilon, and for how many networks: of MetaQNN's program for CIFAR-10."""
MOST_WALKS = 32


class Known(NamedTuple):
    """A trial with its way through the table, and what its reward follows from."""

    trial: Trial
    trajectory: Trajectory
    facts: Facts


class QLearning(Remembering):
    """Answers at random with probability epsilon, otherwise as the table of values has it; epsilon falls.

    After each network the values are moved along `replay` trajectories that are drawn from all so far. As in MetaQNN's
    program a network that was asked before is not trained again: its known reward enters the replay once more, and the
    next is drawn; after 32 of them the last is changed until it is new, in the end a random new one is asked, until
    SpaceExhausted. What was told is learnt with the next ask, so that all that is drawn comes from one place.

    space: the one to search.
    models: networks over which epsilon falls, in the proportions of the schedule; None for its 2,700.
    window: how many answers before a question its states tell apart; None for all of them.
    rate: alpha of Q-learning; 0.01 in MetaQNN.
    discount: gamma of Q-learning; 1 in MetaQNN.
    replay: trajectories that are learnt after each network; 128 in MetaQNN.
    initial: the value of what was never tried; 0.5 in MetaQNN.
    shaped: whether each answer has its part of the reward, as in BlockQNN.
    reward: of a trial, see `RewardOf`: by default the mean of its scores, each scaled to 0..1 by those so far.
    schedule: pairs of epsilon and a number of networks; MetaQNN's by default.
    expert: whose topology a reward with `likeness` looks for, see `RewardOf`.
    """

    called = "q-learning"
    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        models: int | None = None,
        window: int | None = 1,
        rate: float = 0.01,
        discount: float = 1.0,
        replay: int = 128,
        initial: float = 0.5,
        shaped: bool = False,
        reward: str = SCALED,
        schedule: Sequence[tuple[float, int]] = SCHEDULE,
        expert: str = "resnext",
    ) -> None:
        self.space = space
        self.models = whole_number(self, "models", models, none=True)
        self.window = whole_number(self, "window", window, 0, none=True)
        self.rate = share(self, "rate", rate)
        self.discount = probability(self, "discount", discount)
        self.replay = whole_number(self, "replay", replay)
        self.initial, self.shaped, self.reward, self.expert = initial, shaped, reward, expert
        self.schedule = tuple(_step(self, each) for each in schedule)
        self._epsilon = Schedule(self.schedule, models)
        self._rewards = RewardOf(space, reward, expert)
        self._unseen = Unseen(space)
        self._trials: list[Known] = []  # with a reward, in the order in which they were told
        self._places: dict[Hashable, int] = {}  # of their architectures
        self._past: list[int] = []  # what is replayed, as places in them
        self._fresh = 0  # how many of the trials enter it with the next ask
        self._asked = 0

    @cached_property
    def table(self) -> QTable:
        """The values."""
        sequence = self.space.sequence()
        return QTable(sequence, self.window, self.rate, self.discount, self.initial, self.shaped)

    def ask(self, rng: np.random.Generator) -> Proposal:
        end_after_the_only_one(self.space, self._asked)
        for place in range(len(self._trials) - self._fresh, len(self._trials)):
            self._learn(place, rng)
        self._fresh = 0
        architecture = self._new(rng)
        self._asked += 1
        return Proposal(architecture)

    def _new(self, rng: np.random.Generator) -> Architecture:
        epsilon = self._epsilon.epsilon(self._asked)
        architecture = self.table.walk(rng, epsilon)
        for _ in range(MOST_WALKS):
            if self._unseen.add(architecture):
                return architecture
            place = self._places.get(self.space.key(architecture))
            if place is not None:
                self._learn(place, rng)
            architecture = self.table.walk(rng, epsilon)
        for _ in range(MOST_WALKS):
            architecture = self.space.mutate(architecture, rng)
            if self._unseen.add(architecture):
                return architecture
        return self._unseen.draw(rng)

    def _learn(self, place: int, rng: np.random.Generator) -> None:
        """A trial enters the replay, of which some trajectories are then learnt."""
        self._past.append(place)
        for drawn in rng.integers(len(self._past), size=self.replay).tolist():
            trial, trajectory, facts = self._trials[self._past[drawn]]
            reward = self._rewards.of(trial, facts)
            if reward is not None:
                self.table.learn(trajectory, reward)

    def tell(self, trial: Trial) -> None:
        facts = self._rewards.see(trial)
        if facts is not None:
            self._note(trial, facts)
            self._fresh += 1

    def _note(self, trial: Trial, facts: Facts) -> None:
        self._places[self.space.key(trial.architecture)] = len(self._trials)
        self._trials.append(Known(trial, self.table.trajectory(trial.architecture), facts))

    def memory(self) -> Mapping[str, Any]:
        return {
            "table": self.table.memory(),
            "rewards": self._rewards.memory(),
            "trials": noted([each.trial for each in self._trials], self.space),
            "facts": as_array([each.facts for each in self._trials]),
            "past": np.array(self._past, dtype=np.int64),
            "counts": [self._fresh, self._asked],
            "unseen": self._unseen.memory(),
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        self.table.remember(memory["table"])
        self._rewards.remember(memory["rewards"])
        for trial, facts in zip(recalled(memory["trials"], self.space), memory["facts"].tolist(), strict=True):
            self._note(trial, tuple(facts))
        self._past = memory["past"].tolist()
        self._fresh, self._asked = memory["counts"]
        self._unseen.remember(memory["unseen"])


def _step(owner: QLearning, given: Sequence[float]) -> tuple[float, int]:
    """One step of a schedule, where it is one."""
    if len(given) == 2 and is_number(given[0]) and 0 <= given[0] <= 1 and is_whole(given[1], 1):
        return (float(given[0]), given[1])
    raise refused(owner, "schedule", given, "pairs of a number from 0 to 1 and a number of networks")
