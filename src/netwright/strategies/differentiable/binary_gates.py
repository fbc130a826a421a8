"""Binary gates (Cai et al. 2019, "ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware")."""

from __future__ import annotations

import torch
from torch import Tensor

from netwright.strategies.differentiable.optimiser import Adam, Optimiser
from netwright.strategies.differentiable.parameters import FAR, Parameters, softmax
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Relaxation, Situation
from netwright.strategies.differentiable.straight_through import active_of

PROVIDES = ("search.binary_gate",)


class BinaryGates(Relaxation):
    """Trains one path at a time, drawn from the softmax p of the logits, and compares two paths to move the logits.

    For the latter, two options are drawn without replacement by p and one of them is on, by the probabilities p'
    between the two. Both are computed: dL/dg_j is known for both gates, and
    dL/dalpha_i = sum_j dL/dg_j p'_j (delta_ij - p'_i) (equation 4 and section 3.2.1). Then both logits are moved by one
    number such that the options which were not drawn keep their probabilities. The update rule is the authors'
    Adam(1e-3, betas=(0, 0.999)) without weight decay.
    """

    @property
    def optimiser(self) -> Optimiser:
        return Adam(1e-3, betas=(0.0, 0.999), weight_decay=0.0)

    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        keys = situation.host_logits() + situation.gumbel()  # the largest are draws by p without replacement
        count = 1 if purpose == "train" or keys.shape[-1] == 1 else 2
        best = keys.topk(count, dim=-1).indices
        on = best[:, :1]
        if count == 2:
            # Which of the two is on: by p', whatever the order they were drawn in.
            between = situation.host_logits().gather(-1, best) + situation.gumbel()[:, :2]
            on = best.gather(-1, between.argmax(-1, keepdim=True))
        taken = torch.zeros(keys.shape, dtype=torch.bool).scatter_(-1, best, True)
        taken &= keys > FAR / 2  # a decision with one option left has nothing to compare
        gates = torch.zeros(keys.shape).scatter_(-1, on, 1.0)
        device = situation.logits.device
        both = taken.to(device, non_blocking=True)
        weights = gates.to(device, situation.logits.dtype, non_blocking=True) * situation.alive
        return Draw(weights, active_of(situation, taken), situation.logits, moving=both)

    def gradient(self, draw: Draw, told: Tensor) -> Tensor:
        assert draw.moving is not None
        between = softmax(draw.logits.detach(), draw.moving)
        return between * (told - (told * between).sum(-1, keepdim=True))

    def settle(self, draw: Draw, before: Tensor, parameters: Parameters) -> None:
        """Section 3.2.1: keep the sum of exp(alpha) of the two, and with it every other option's probability."""
        assert draw.moving is not None
        parameters.logits = keep_mass(before, parameters.logits, draw.moving)


def keep_mass(before: Tensor, after: Tensor, moved: Tensor) -> Tensor:
    """Shift the moved logits of each row by one number so that the sum of their exponentials is what it was."""
    was = before.masked_fill(~moved, -torch.inf).logsumexp(-1, keepdim=True)
    now = after.masked_fill(~moved, -torch.inf).logsumexp(-1, keepdim=True)
    return torch.where(moved, after - (now - was), after)
