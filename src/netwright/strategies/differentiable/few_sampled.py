"""A few options of each decision, drawn by their probabilities (Dong and Yang 2019, TAS, "Network Pruning via
Transformable Architecture Search")."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from netwright.core.checks import whole_number
from netwright.strategies.differentiable.optimiser import Adam, Optimiser
from netwright.strategies.differentiable.parameters import softmax
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Relaxation, Situation
from netwright.strategies.differentiable.schedules import Schedule

PROVIDES = ("super.gumbel",)

TEMPERATURE = Schedule(10.0, 0.1)  # of the paper, along a line


class FewSampled(Relaxation):
    """Draws a few options of each decision by their probabilities; a Gumbel softmax over these weighs them.

    weight of option j among those drawn = exp((log p_j + o_j) / t) / the sum of the same, with Gumbel noise o
    (equation 3).

    samples: options of each decision; 2 in the paper.
    temperature: t, as the search goes on; from 10 to 0.1 in the paper.
    """

    def __init__(self, samples: int = 2, temperature: Schedule = TEMPERATURE) -> None:
        self.samples = whole_number(self, "samples", samples)
        self.temperature = temperature

    @property
    def optimiser(self) -> Optimiser:
        return Adam(1e-3, weight_decay=1e-3)

    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        logits, alive = situation.logits, situation.alive
        # The largest of log-probabilities with Gumbel noise are drawn without being put back.
        first = situation.host_logits() + situation.gumbel()
        taken = torch.zeros(first.shape, dtype=torch.bool)
        taken.scatter_(-1, first.topk(min(self.samples, first.shape[1]), -1).indices, True)
        drawn = taken.to(alive.device) & alive
        likely = logits.masked_fill(~alive, -1e9).log_softmax(-1)
        noise = situation.gumbel().to(logits)
        heat = self.temperature.at(situation.progress, situation.last)
        return Draw(softmax((likely + noise) / heat, drawn), situation.active, logits)

    def figures(self, progress: float, last: float = 1.0) -> Mapping[str, float]:
        return {"temperature": self.temperature.at(progress, last)}
