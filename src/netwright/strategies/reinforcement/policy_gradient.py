"""A search by a controller that follows a policy gradient: REINFORCE (Williams 1992) or PPO (Schulman et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from netwright.core.checks import whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.space import Space
from netwright.core.strategy import Remembering
from netwright.core.trial import Proposal, Trial
from netwright.strategies.reinforcement.controller import Controller, Draw, Learning
from netwright.strategies.reinforcement.curriculum import in_random_order, opened
from netwright.strategies.reinforcement.lstm import Lstm
from netwright.strategies.reinforcement.reward import SCALED, Facts, RewardOf, as_array
from netwright.strategies.told import noted, recalled
from netwright.strategies.unseen import Unseen, end_after_the_only_one

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netwright.core.architecture import Architecture
    from netwright.core.decisions import Label
    from netwright.strategies.reinforcement.policy import Policy

MOST_DRAWS = 4
MOST_CHANGES = 64
LOG_PROBABILITIES = "log_probabilities"  # in a proposal's memo


class Told(NamedTuple):
    """A trial from which nothing was learnt yet, what its reward follows from, and the proposal's log-probabilities."""

    trial: Trial
    facts: Facts
    old: tuple[float, ...]


class PolicyGradient(Remembering):
    """Asks what a policy draws, and moves the policy towards what was rewarded above the average of before.

    It learns whenever so many trials as make a batch were told, in whatever order; what is asked meanwhile comes from
    the policy as it is. A proposal carries the log-probabilities of its answers, which PPO needs when it is told.

    Without repeats no architecture is asked twice: where 5 draws were all asked before, the next is changed until it
    is new; in the end a random new one is asked, until SpaceExhausted.

    space: the one to search.
    policy: how architectures are drawn; None for `Lstm()`.
    learning: how the policy learns; None for `Learning()`, which is REINFORCE.
    batch: trials of one step of learning.
    reward: of a trial, see `RewardOf`: by default the mean of its scores, each scaled to 0..1 by those so far; or a
        combination of metrics such as "val_accuracy * (macs / 30M) ^ -0.07", or of `score`, as in "score ^ 3".
    repeats: whether an architecture may be asked again, as shared weights and noisy trainings need.
    expert: whose topology a reward with `likeness` looks for, see `RewardOf`.
    curriculum: trials after which one more operation may be drawn, at first only one (Guo et al. 2020, "CNAS"); 0 for
        all from the beginning.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        policy: Policy | None = None,
        learning: Learning | None = None,
        batch: int = 1,
        reward: str = SCALED,
        repeats: bool = True,
        expert: str = "resnext",
        curriculum: int = 0,
    ) -> None:
        self.space = space
        self.policy = policy or Lstm()
        self.learning = learning or Learning()
        self.batch = whole_number(self, "batch", batch)
        self.reward, self.expert = reward, expert
        self.repeats = repeats
        self.controller = Controller(space, self.policy, self.learning)
        self.curriculum = whole_number(self, "curriculum", curriculum, 0)
        self._order: list[Label] = []  # in which operations are opened
        self._rewards = RewardOf(space, reward, expert)
        self._told: list[Told] = []  # of the batch that is under way
        self._unseen = None if repeats else Unseen(space)
        self._asked = 0

    def ask(self, rng: np.random.Generator) -> Proposal:
        end_after_the_only_one(self.space, self._asked)
        if self.curriculum and not self._order:
            self._order = in_random_order(self.controller.sequence, rng)
        allowed = self._opened()
        draw = self.controller.draw(rng, allowed) if self._unseen is None else self._new(self._unseen, rng, allowed)
        self._asked += 1
        return Proposal(draw.architecture, memo={LOG_PROBABILITIES: list(draw.log_probabilities)})

    def _opened(self) -> NDArray[np.bool_] | None:
        """What may be answered by now; None where nothing is closed."""
        count = self._asked // self.curriculum + 1 if self.curriculum else len(self._order)
        return None if count >= len(self._order) else opened(self.controller.sequence, self._order[:count])

    def _new(self, unseen: Unseen, rng: np.random.Generator, allowed: NDArray[np.bool_] | None) -> Draw:
        """What was not asked before: drawn, changed, or random."""
        draw = self.controller.draw(rng, allowed)
        for _ in range(MOST_DRAWS):
            if unseen.add(draw.architecture):
                return draw
            draw = self.controller.draw(rng, allowed)
        changed = draw.architecture
        for _ in range(MOST_CHANGES):
            changed = self.space.mutate(changed, rng)
            if unseen.add(changed):
                return self.controller.described(changed)
        return self.controller.described(unseen.draw(rng))

    def tell(self, trial: Trial) -> None:
        facts = self._rewards.see(trial)
        if facts is None:
            return
        old = tuple((trial.proposal.memo or {}).get(LOG_PROBABILITIES, ()))
        self._told.append(Told(trial, facts, old))
        if len(self._told) == self.batch:
            self._learn()

    def _learn(self) -> None:
        """Learn from the batch, in the order in which it was asked."""
        told = sorted(self._told, key=lambda each: each.trial.number)
        self._told = []
        rewards = [self._rewards.of(each.trial, each.facts) for each in told]
        batch = [(each, reward) for each, reward in zip(told, rewards, strict=True) if reward is not None]
        if batch:
            architectures = [each.trial.architecture for each, _ in batch]
            rewards, old = [reward for _, reward in batch], [each.old for each, _ in batch]
            self.controller.learn(architectures, rewards, old, self._opened_for(architectures))

    def _opened_for(self, architectures: Sequence[Architecture]) -> NDArray[np.bool_] | None:
        """What may be answered by now, unless some of these answered something else."""
        allowed = self._opened()
        if allowed is None:
            return None
        batch = self.controller.sequence.encode(architectures)
        return allowed if allowed[batch.questions, batch.tokens].all() else None

    def memory(self) -> Mapping[str, Any]:
        return {
            "controller": self.controller.memory(),
            "rewards": self._rewards.memory(),
            "told": noted([each.trial for each in self._told], self.space),
            "facts": as_array([each.facts for each in self._told]),
            "old": [list(each.old) for each in self._told],
            "unseen": None if self._unseen is None else self._unseen.memory(),
            "asked": self._asked,
            "order": list(self._order),
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        self.controller.remember(memory["controller"])
        self._rewards.remember(memory["rewards"])
        told = zip(recalled(memory["told"], self.space), memory["facts"].tolist(), memory["old"], strict=True)
        self._told = [Told(trial, tuple(facts), tuple(old)) for trial, facts, old in told]
        if self._unseen is not None:
            self._unseen.remember(memory["unseen"])
        self._asked, self._order = memory["asked"], memory["order"]
