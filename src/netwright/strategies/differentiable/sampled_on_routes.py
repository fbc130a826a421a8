"""Ways weighed by a softmax, operations on them drawn (Fang et al. 2020, "DenseNAS")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from netwright.core.routes import NEXT
from netwright.strategies.differentiable.binary_gates import keep_mass
from netwright.strategies.differentiable.optimiser import Adam, Optimiser
from netwright.strategies.differentiable.parameters import FAR, softmax
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Relaxation, Situation
from netwright.strategies.differentiable.straight_through import active_of

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.strategies.differentiable.layout import Layout
    from netwright.strategies.differentiable.parameters import Parameters

PROVIDES = ("search.bilevel",)


class SampledOnRoutes(Relaxation):
    """All ways from block to block are computed, each weighed by a softmax; of other decisions an option or two are.

    To train weights, one option of each such decision is drawn by the softmax of its logits. To move logits, two are
    drawn and weighed by the softmax between them; afterwards both are moved by one number, so that those which were not
    drawn keep their probabilities. As in the authors' program, with its Adam(3e-4, betas=(0.5, 0.999)).
    """

    @property
    def optimiser(self) -> Optimiser:
        return Adam(3e-4, betas=(0.5, 0.999), weight_decay=1e-3)

    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        keys = situation.host_logits() + situation.gumbel()  # the largest are draws without replacement
        count = 1 if purpose == "train" or keys.shape[-1] == 1 else 2
        taken = torch.zeros(keys.shape, dtype=torch.bool).scatter_(-1, keys.topk(count, -1).indices, True)
        taken = (taken | leads_on(situation.layout)) & (keys > FAR / 2)
        drawn = taken.to(situation.alive.device) & situation.alive
        weights = softmax(situation.logits, drawn)
        return Draw(weights, active_of(situation, taken), situation.logits, moving=drawn)

    def settle(self, draw: Draw, before: Tensor, parameters: Parameters) -> None:
        assert draw.moving is not None
        parameters.logits = keep_mass(before, parameters.logits, draw.moving)


def leads_on(layout: Layout) -> Tensor:
    """Which decisions lead from one block to the next: bool (decisions, 1)."""
    return torch.tensor([[name.split("/")[-1] == NEXT] for name in layout.names])
