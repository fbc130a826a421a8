"""Proximal iterations (Yao et al. 2020, "Efficient Neural Architecture Search via Proximal Iterations")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from netwright.strategies.differentiable.parameters import Parameters, softmax
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Relaxation, Situation
from netwright.strategies.differentiable.straight_through import active_of

if TYPE_CHECKING:
    import numpy as np

    from netwright.strategies.differentiable.layout import Layout

PROVIDES = ("search.proximal",)


class Proximal(Relaxation):
    """NASP: the network is always discrete; parameters in [0, 1] move by the gradient at the discrete point.

    Algorithm 2: abar = the strongest option of each decision, and of each node the `keep` edges with the largest
    parameters; a <- clip(a - step(dL_val/dabar), 0, 1); the weights train on the new abar, of which only the chosen
    options are computed. As in the authors' code, a starts at 1/2, every option is computed where the gradient is
    measured, and the result is read off as DARTS does. eta R_2, the paper's penalty on the size, is left out.
    """

    def initial(self, layout: Layout, rng: np.random.Generator) -> Tensor:
        """1/2, plus noise of 1e-6 where the authors' code breaks ties by order."""
        noise = torch.from_numpy(rng.standard_normal(tuple(layout.exists.shape))).float()
        return 0.5 + 1e-6 * noise

    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        host, layout = situation.host_logits(), situation.layout
        taken = torch.zeros(host.shape, dtype=torch.bool).scatter_(-1, host.argmax(-1, keepdim=True), True)
        taken[list(dropped_edges(layout, host))] = False
        weights = taken.to(situation.logits.device, situation.logits.dtype, non_blocking=True) * situation.alive
        active = active_of(situation, taken) if purpose == "train" else situation.active
        return Draw(weights, active, situation.logits)

    def gradient(self, draw: Draw, told: Tensor) -> Tensor:
        return told

    def settle(self, draw: Draw, before: Tensor, parameters: Parameters) -> None:
        parameters.logits = parameters.logits.clamp(0.0, 1.0)  # the proximal step of C_2 = [0, 1]

    def stands_for(self, parameters: Parameters) -> Tensor:
        return softmax(parameters.logits, parameters.alive)


def dropped_edges(layout: Layout, host: Tensor) -> set[int]:
    """The rows of operations on edges that their node does not keep, by the strongest parameter on each edge."""
    strongest = host.max(-1).values.tolist()
    dropped: set[int] = set()
    for node in layout.nodes:
        rows = [row for row in node.rows if row is not None]
        order = sorted(rows, key=lambda row: -strongest[row])
        dropped.update(order[node.keep :])
    return dropped
