"""A policy that learns: it draws architectures, and moves towards those with the better reward."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from netwright.core.checks import not_negative, part, positive, probability, whole_number
from netwright.core.configuration import Configured
from netwright.strategies.reinforcement.factorised import FactorisedStepper
from netwright.strategies.reinforcement.losses import Likelihood, PolicyLoss, entropy_bonus, skip_penalty
from netwright.strategies.reinforcement.lstm import Lstm
from netwright.strategies.reinforcement.policy import (
    Policy,
    answers_of,
    each_question,
    entropies,
    log_probabilities,
    taken,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.sequence import DecisionSequence, Question
    from netwright.strategies.reinforcement.policy import Answers, PolicyNetwork, Stepper

Choose = Callable[["NDArray[np.floating]"], int]
"""Gives an option for the probabilities of all."""


class Draw(NamedTuple):
    """An architecture that was drawn.

    architecture: of the space.
    log_probabilities: of its answers, in their order, by the policy that it was drawn from.
    """

    architecture: Architecture
    log_probabilities: tuple[float, ...]


class Learning(Configured):
    """How a controller learns from rewards.

    loss: what it follows the gradient of; None for `Likelihood()`, which is REINFORCE; `ClippedRatio()` is PPO.
    learning_rate: of Adam; 3.5e-4 in NASNet and ENAS, 6e-4 in NAS-RL, 1e-3 in NAS-Bench-201.
    steps: of Adam on each batch; PPO takes several.
    baseline: how much of the moving average of rewards stays with each further one; 0.95 in NASNet.
    entropy: weight of the policy's entropy; 1e-4 in ENAS, 1e-5 in NASNet.
    skip_weight: weight of the divergence of yes-or-no answers from `skip_target`; 0.8 in ENAS for whole networks.
    skip_target: the probability of yes that is wished for; 0.4 in ENAS.
    """

    def __init__(
        self,
        loss: PolicyLoss | None = None,
        learning_rate: float = 3.5e-4,
        steps: int = 1,
        baseline: float = 0.95,
        entropy: float = 0.0,
        skip_weight: float = 0.0,
        skip_target: float = 0.4,
    ) -> None:
        self.loss = loss or Likelihood()
        self.learning_rate = positive(self, "learning_rate", learning_rate)
        self.steps = whole_number(self, "steps", steps)
        self.baseline = probability(self, "baseline", baseline)
        self.entropy = not_negative(self, "entropy", entropy)
        self.skip_weight = not_negative(self, "skip_weight", skip_weight)
        self.skip_target = part(self, "skip_target", skip_target)


class Controller:
    """Draws architectures from a policy, and learns from what they were rewarded with.

    Its state may be kept and given back, so that it may be an attribute of a script of rounds.

    space: whose questions it answers.
    policy: how it chooses; None for `Lstm()`.
    learning: how it learns; None for `Learning()`.
    """

    def __init__(self, space: DecisionSpace, policy: Policy | None = None, learning: Learning | None = None) -> None:
        self.space = space
        self.policy = policy or Lstm()
        self.learning = learning or Learning()
        self.baseline = Baseline(self.learning.baseline)
        self._started = False

    @cached_property
    def sequence(self) -> DecisionSequence:
        """The questions of the space."""
        return self.space.sequence()

    @cached_property
    def network(self) -> PolicyNetwork:
        """What chooses; its weights are drawn with the first architecture."""
        return self.policy.network(self.sequence)

    @cached_property
    def _optimiser(self) -> torch.optim.Adam:
        return torch.optim.Adam(self.network.parameters(), self.learning.learning_rate, fused=True)

    @cached_property
    def _yes(self) -> Tensor:
        """For each question the option that means yes, -1 where it is no yes-or-no question."""
        options = [each.options for each in each_question(self.sequence)]
        return torch.tensor([each.index(1) if set(each) == {0, 1} else -1 for each in options], dtype=torch.int64)

    def draw(self, rng: np.random.Generator, allowed: NDArray[np.bool_] | None = None) -> Draw:
        """An architecture from the policy as it is now.

        rng: what is drawn from; the weights of the policy, too, the first time.
        allowed: (questions, most options), for each question the options that may be taken at all, where any of them
            may be taken after the answers before it; None for all.
        """
        if not self._started:
            self.network.reset(rng)
            self._started = True
        shares = iter(rng.random(self.sequence.length).tolist())
        return self._answered(lambda chances: _chosen(chances, next(shares)), allowed)

    def likeliest(self, allowed: NDArray[np.bool_] | None = None) -> Architecture:
        """What it answers where it takes the likeliest option each time.

        allowed: as of `draw`.
        """
        return self._answered(lambda chances: int(np.argmax(chances)), allowed).architecture

    def uniform(self, rng: np.random.Generator, allowed: NDArray[np.bool_] | None = None) -> Architecture:
        """An architecture each of whose answers is drawn uniformly, whatever the policy.

        rng: what is drawn from.
        allowed: as of `draw`.
        """
        nothing = FactorisedStepper(np.zeros((self.sequence.questions, self.sequence.width)))
        shares = iter(rng.random(self.sequence.length).tolist())
        return self._answered(lambda chances: _chosen(chances, next(shares)), allowed, nothing).architecture

    def described(self, architecture: Architecture) -> Draw:
        """An architecture that came from elsewhere, with what the policy as it is thinks of its answers.

        architecture: of the space.
        """
        answers = answers_of(self.sequence, [architecture])
        with torch.no_grad():
            logs = taken(log_probabilities(self.network, answers), answers)[answers.asked]
        return Draw(architecture, tuple(logs.tolist()))

    def _answered(self, choose: Choose, allowed: NDArray[np.bool_] | None, stepper: Stepper | None = None) -> Draw:
        state, stepper, found = self.sequence.start, stepper or self.network.stepper(), list[float]()
        while state.next is not None:
            question = state.next
            logs = _log_softmax(stepper, question, allowed)
            option = choose(np.exp(logs))
            found.append(float(logs[option]))
            stepper.answered(question, option)
            state = state.answer(option)
        return Draw(state.architecture, tuple(found))

    def learn(
        self,
        architectures: Sequence[Architecture],
        rewards: Sequence[float],
        old: Sequence[Sequence[float]] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> None:
        """Follow the gradient of a batch; the baseline is that of the rewards before it.

        architectures: that were drawn.
        rewards: of each, larger is better.
        old: the log-probabilities of their answers when they were drawn; None for those by the policy as it is.
        allowed: as of `draw`.
        """
        advantages = self.baseline.advantages(rewards)
        if not self.sequence.length:
            return
        answers = answers_of(self.sequence, architectures, allowed)
        before = None if old is None else _padded(old, answers)
        for _ in range(self.learning.steps):
            self._optimiser.zero_grad()
            loss, logs = self._loss(answers, advantages, before)
            before = logs if before is None else before
            loss.backward()
            self._optimiser.step()

    def loss(self, answers: Answers, advantages: Sequence[float], old: Tensor | None = None) -> Tensor:
        """What is followed for a batch, its mean.

        answers: (n, length), of the architectures.
        advantages: of each, its reward above the baseline.
        old: (n, length), the log-probabilities of the answers when they were drawn; None for those as the policy is.
        """
        return self._loss(answers, advantages, old)[0]

    def _loss(self, answers: Answers, advantages: Sequence[float], old: Tensor | None) -> tuple[Tensor, Tensor]:
        """The loss, and the log-probabilities of the answers as the policy is."""
        learning, every = self.learning, log_probabilities(self.network, answers)
        new = taken(every, answers)
        fixed = new.detach()
        worth = torch.tensor(advantages, dtype=new.dtype)
        loss = learning.loss.each(new, fixed if old is None else old.to(new), worth, answers.asked)
        if learning.entropy:
            loss = loss - learning.entropy * entropy_bonus(entropies(every), new)
        if learning.skip_weight:
            yes = self._yes[answers.questions].where(answers.asked, -1)
            loss = loss + learning.skip_weight * skip_penalty(every, yes, learning.skip_target)
        return loss.mean(), fixed

    # What is kept.

    def state_dict(self) -> dict[str, Any]:
        """All that it learnt, as tensors and plain values."""
        found: dict[str, Any] = {"started": self._started, "baseline": self.baseline.state()}
        if self._started:
            found["weights"] = {name: each.clone() for name, each in self.network.state_dict().items()}
            moments = self._optimiser.state_dict()["state"]
            found["moments"] = {str(k): {n: v.clone() for n, v in each.items()} for k, each in moments.items()}
        return found

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self._started = bool(state["started"])
        self.baseline.restore(state["baseline"])
        if self._started:
            self.network.load_state_dict(state["weights"])
            moments = {int(k): dict(each) for k, each in state["moments"].items()}
            self._optimiser.load_state_dict({**self._optimiser.state_dict(), "state": moments})

    def memory(self) -> dict[str, Any]:
        """The same as NumPy arrays and plain values."""
        return _mapped(self.state_dict(), lambda each: each.numpy() if isinstance(each, torch.Tensor) else each)

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Go on from what `memory` gave."""
        self.load_state_dict(
            _mapped(memory, lambda each: torch.from_numpy(each) if isinstance(each, np.ndarray) else each)
        )


class Baseline:
    """The moving average of rewards, each of which counts less with every further one.

    decay: how much of the weight of earlier ones stays.
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._sum = self._weight = 0.0

    @property
    def value(self) -> float | None:
        """The average; None before the first reward."""
        return self._sum / self._weight if self._weight else None

    def advantages(self, rewards: Sequence[float]) -> list[float]:
        """How far each reward is above the average of those before; above their own where there were none.

        rewards: of a batch, which then count in the average.
        """
        value = self.value
        average = sum(rewards) / len(rewards) if value is None else value
        for reward in rewards:
            self._sum = self._decay * self._sum + (1 - self._decay) * reward
            self._weight = self._decay * self._weight + (1 - self._decay)
        return [reward - average for reward in rewards]

    def state(self) -> list[float]:
        """What it holds."""
        return [self._sum, self._weight]

    def restore(self, state: Sequence[float]) -> None:
        """Go on from there."""
        self._sum, self._weight = map(float, state)


def _log_softmax(stepper: Stepper, question: Question, allowed: NDArray[np.bool_] | None) -> NDArray[np.floating]:
    """The log-probability of each option, -inf where it is forbidden."""
    mask = np.array(question.mask)
    if allowed is not None:
        both = mask & allowed[question.index, : len(mask)]
        mask = both if both.any() else mask
    scores = np.where(mask, stepper.scores(question), -np.inf)
    scores = scores - scores.max()
    return scores - np.log(np.exp(scores).sum())


def _chosen(chances: NDArray[np.floating], share: float) -> int:
    """The option at this share of the probabilities, of those that may be taken."""
    bounds = np.cumsum(chances)
    return int(min(np.searchsorted(bounds, share * bounds[-1], side="right"), np.flatnonzero(chances)[-1]))


def _padded(rows: Sequence[Sequence[float]], answers: Answers) -> Tensor:
    found = torch.zeros(answers.tokens.shape, dtype=torch.float64)
    for place, row in enumerate(rows):
        found[place, : len(row)] = torch.tensor(row, dtype=torch.float64)
    return found


def _mapped(value: Any, change: Any) -> Any:
    """The same with every leaf of its dicts changed."""
    if isinstance(value, Mapping):
        return {key: _mapped(each, change) for key, each in value.items()}
    return change(value)
