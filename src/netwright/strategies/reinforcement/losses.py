"""What a controller follows the gradient of: the likelihood of what was good, or PPO's clipped ratio; and its bonuses.

For an architecture a, of answers a_1 to a_T, with the advantage A(a) of its reward over a baseline.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal

import torch

from netwright.core.checks import one_of, part
from netwright.core.configuration import Configured

if TYPE_CHECKING:
    from torch import Tensor

Ratio = Literal["answer", "architecture"]


class PolicyLoss(Configured, ABC):
    """A number whose gradient, where architectures are drawn from the policy, is minus that of the expected reward."""

    @abstractmethod
    def each(self, new: Tensor, old: Tensor, advantages: Tensor, asked: Tensor) -> Tensor:
        """The loss (n,) of each architecture.

        new: (n, length), the log-probabilities of the answers by the policy as it is; 0 in the padding.
        old: (n, length), by the policy that they were drawn from.
        advantages: (n,), the reward of each above the baseline.
        asked: (n, length), False in the padding.
        """


class Likelihood(PolicyLoss):
    """REINFORCE (Williams 1992): -A(a) log p(a). The policy is taken to be that of the draw."""

    def each(self, new: Tensor, old: Tensor, advantages: Tensor, asked: Tensor) -> Tensor:
        return -advantages * new.sum(1)


class ClippedRatio(PolicyLoss):
    """PPO (Schulman et al. 2017, equation 7): -min(r A, clip(r, 1 - e, 1 + e) A), where r is p_new / p_old.

    clip: e above; 0.2 in the paper.
    ratio: of each "answer", whose losses are summed, or of the whole "architecture".
    """

    def __init__(self, clip: float = 0.2, ratio: Ratio = "answer") -> None:
        self.clip = part(self, "clip", clip)
        self.ratio: Ratio = one_of(self, "ratio", ratio, ("answer", "architecture"))

    def each(self, new: Tensor, old: Tensor, advantages: Tensor, asked: Tensor) -> Tensor:
        if self.ratio == "architecture":
            return -self._clipped((new.sum(1) - old.sum(1)).exp(), advantages)
        return -(self._clipped((new - old).exp(), advantages[:, None]) * asked).sum(1)

    def _clipped(self, ratio: Tensor, advantages: Tensor) -> Tensor:
        return torch.minimum(ratio * advantages, ratio.clamp(1 - self.clip, 1 + self.clip) * advantages)


def entropy_bonus(entropies: Tensor, new: Tensor) -> Tensor:
    """What has, in the mean over architectures that are drawn, the gradient of the policy's entropy: (n,).

    That entropy is the mean of the sum of those of the answers; the second part counts that what is answered first
    decides which questions and options follow.

    entropies: (n, length), of each answer after those before it.
    new: (n, length), the log-probabilities of the answers that were given.
    """
    before = new.cumsum(1) - new
    return (entropies + before * entropies.detach()).sum(1)


def skip_penalty(log_probabilities: Tensor, yes: Tensor, target: float) -> Tensor:
    """The mean KL divergence (n,) of yes-or-no answers from yes with a fixed probability (Pham et al. 2018).

    log_probabilities: (n, length, options), of each option.
    yes: (n, length) int64, the option that means yes; -1 for other questions.
    target: the probability of yes that is wished for.
    """
    chosen = log_probabilities.gather(2, yes.clamp(min=0)[:, :, None]).squeeze(2).exp()
    chosen = chosen.where(yes >= 0, target)
    divergence = torch.xlogy(chosen, chosen / target) + torch.xlogy(1 - chosen, (1 - chosen) / (1 - target))
    return divergence.sum(1) / (yes >= 0).sum(1).clamp(min=1)
