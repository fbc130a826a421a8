"""Controllers that learn from rewards: REINFORCE and PPO, as NAS-RL and NASNet have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from netwright.core.checks import one_of
from netwright.strategies.reinforcement import (
    ClippedRatio,
    Factorised,
    Learning,
    Lstm,
    Policy,
    PolicyGradient,
)
from netwright.strategies.reinforcement.reward import SCALED

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace

__all__ = ["nas_rl", "nasnet", "ppo", "reinforce"]

PAPERS = {
    "nas_rl": ("netwright search DATA --method nas-rl", "its anchor points: sources are chosen by a softmax each"),
    "nasnet": ("netwright search DATA --method nasnet --space nasnet", "the 20,000 networks of its search"),
}

Kind = Literal["lstm", "factorised"]
RATES = {"lstm": 3e-3, "factorised": 5e-2}
"""Learning rates for a few hundred evaluations."""


def reinforce(
    space: DecisionSpace,
    policy: Kind = "lstm",
    rate: float | None = None,
    batch: int = 1,
    baseline: float = 0.9,
    entropy: float = 0.0,
    hidden: int = 100,
    reward: str = SCALED,
    repeats: bool = True,
) -> PolicyGradient:
    """REINFORCE (Williams 1992; Zoph and Le 2017) for a few hundred evaluations.

    Published for NAS-Bench-201 at 12,000 simulated seconds, by a factorised policy: 93.85 ± 0.37 % test accuracy on
    CIFAR-10 (Dong and Yang 2020).

    space: the one to search.
    policy: "lstm", whose answers depend on those before, or "factorised", which has a distribution for each question.
    rate: of Adam; None for 0.003 with "lstm" and 0.05 with "factorised", which are ours.
    batch: trials of one step of learning.
    baseline: how much of the moving average of rewards stays with each further one; 0.9 in NAS-Bench-201.
    entropy: weight of the policy's entropy.
    hidden: units of the LSTM.
    reward: of a trial, "scaled" or a combination of metrics.
    repeats: False never asks an architecture twice, and raises SpaceExhausted when there is none left.
    """
    learning = Learning(None, _rate(policy, rate), baseline=baseline, entropy=entropy)
    return PolicyGradient(space, _policy(policy, hidden), learning, batch, reward, repeats)


def ppo(
    space: DecisionSpace,
    policy: Kind = "lstm",
    rate: float | None = None,
    batch: int = 10,
    steps: int = 4,
    clip: float = 0.2,
    baseline: float = 0.9,
    entropy: float = 0.0,
    hidden: int = 100,
    reward: str = SCALED,
    repeats: bool = True,
) -> PolicyGradient:
    """PPO (Schulman et al. 2017; Zoph et al. 2018) for a few hundred evaluations.

    space: the one to search.
    policy: "lstm", whose answers depend on those before, or "factorised", which has a distribution for each question.
    rate: of Adam; None for 0.003 with "lstm" and 0.05 with "factorised", which are ours.
    batch: trials of one step of learning.
    steps: of Adam on each batch.
    clip: how far from 1 the ratio of probabilities counts; 0.2 in the paper.
    baseline: how much of the moving average of rewards stays with each further one.
    entropy: weight of the policy's entropy.
    hidden: units of the LSTM.
    reward: of a trial, "scaled" or a combination of metrics.
    repeats: False never asks an architecture twice, and raises SpaceExhausted when there is none left.
    """
    learning = Learning(ClippedRatio(clip), _rate(policy, rate), steps, baseline, entropy)
    return PolicyGradient(space, _policy(policy, hidden), learning, batch, reward, repeats)


def nas_rl(space: DecisionSpace, rate: float = 6e-4, batch: int = 8, reward: str = "score ^ 3") -> PolicyGradient:
    """NAS-RL (Zoph and Le 2017): an LSTM of two layers proposes, and learns by REINFORCE.

    The paper's 20 parameter servers and 100 controllers are one here. Its reward is the cube of the best validation
    accuracy of the last five epochs. Published on CIFAR-10: 3.65 % test error with 37.4 M parameters, after 12,800
    networks.

    space: the one to search.
    rate: of Adam; 0.0006 in the paper, which is slow for a few hundred evaluations.
    batch: networks of one step of learning; 8 in the paper.
    reward: of a trial, a combination of metrics and of `score`, that of the first objective.
    """
    return PolicyGradient(space, Lstm(35, layers=2, deviation=0.08), Learning(None, rate), batch, reward)


def nasnet(
    space: DecisionSpace, rate: float = 3.5e-4, batch: int = 10, steps: int = 4, reward: str = "score"
) -> PolicyGradient:
    """NASNet (Zoph et al. 2018): an LSTM proposes cells, and learns by PPO.

    Learning rate, baseline, entropy and weights are the paper's; batch and steps, of which it does not speak, are ours.
    Published on CIFAR-10, for a search of 20,000 networks: 2.65 % test error with 3.3 M parameters and cutout.

    space: the one to search; the paper's is `nasnet`.
    rate: of Adam; 0.00035 in the paper, which is slow for a few hundred evaluations.
    batch: networks of one step of learning.
    steps: of Adam on each batch.
    reward: of a trial, a combination of metrics and of `score`, that of the first objective.
    """
    learning = Learning(ClippedRatio(), rate, steps, baseline=0.95, entropy=1e-5)
    return PolicyGradient(space, Lstm(100), learning, batch, reward)


def _rate(policy: Kind, rate: float | None) -> float:
    return RATES[one_of("", "policy", policy, tuple(RATES))] if rate is None else rate


def _policy(policy: Kind, hidden: int) -> Policy:
    one_of("", "policy", policy, tuple(RATES))
    return Lstm(hidden) if policy == "lstm" else Factorised()
