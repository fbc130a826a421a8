"""Discrete samples with the gradient of a concrete one: GDAS (Dong and Yang 2019) and DATA (Chang et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from netwright.core.checks import whole_number
from netwright.strategies.differentiable.gumbel import concrete
from netwright.strategies.differentiable.parameters import FAR
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Relaxation, Situation
from netwright.strategies.differentiable.schedules import Schedule

if TYPE_CHECKING:
    from netwright.strategies.differentiable.layout import Layout

PROVIDES = ("super.gumbel",)

NONE = "none"  # the label of the option that computes nothing
GDAS_TEMPERATURE = Schedule(10.0, 0.1, closed=True)  # Dong and Yang 2019, section 4.1, and the authors' code


class StraightThrough(Relaxation):
    """Draws options and computes only those; backward, the weights are those of the concrete samples.

    An option that was not drawn has no gradient. In the code of GDAS each of them adds its weight, 0, to every number
    of the output, and so has the sum of the output's gradient for its own.

    temperature: of the concrete distribution, as the search goes on.
    samples: 1 is GDAS ("Searching for a Robust Neural Architecture in Four GPU Hours", equations 6 and 7); more is DATA
        ("DATA: Differentiable ArchiTecture Approximation"), which computes the union of the samples' options, so that
        the gradient is less noisy.
    normalise: whether the weights of a union are divided by their sum, as DATA's code does, in which an option `none`
        does not count.
    """

    def __init__(self, temperature: Schedule = GDAS_TEMPERATURE, samples: int = 1, normalise: bool = True) -> None:
        self.temperature = temperature
        self.samples = whole_number(self, "samples", samples)
        self.normalise = normalise

    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        logits, alive = situation.logits, situation.alive
        scores = self.scores(logits, alive)
        host = scores.detach().masked_fill(~alive, FAR).cpu()
        noise = torch.stack([situation.gumbel() for _ in range(self.samples)])
        hard = torch.zeros(noise.shape).scatter_(-1, (host + noise).argmax(-1, keepdim=True), 1.0)
        first = (hard * (hard.cumsum(0) == 1)).to(logits.device, logits.dtype, non_blocking=True)
        noise = noise.to(logits.device, non_blocking=True)
        soft = concrete(scores, alive, noise, self.temperature.at(situation.progress, situation.last))
        # Equation 7: one-hot forward, the concrete sample backward; of a union, the first sample that has an option.
        weights = (first * (1 + (soft - soft.detach()))).sum(0) * alive
        if self.samples > 1 and self.normalise:
            weights = self._divided(weights, situation.layout)
        return Draw(weights, active_of(situation, hard.any(0)), logits)

    def scores(self, logits: Tensor, alive: Tensor) -> Tensor:
        """To which noise is added, option by option: log-probabilities up to a constant a row."""
        return logits

    def _divided(self, weights: Tensor, layout: Layout) -> Tensor:
        """Each row divided by the sum of its options other than `none`, where any of them was drawn."""
        counted = torch.zeros(weights.shape, dtype=torch.bool)
        for row, labels in enumerate(layout.labels):
            counted[row, : len(labels)] = torch.tensor([label != NONE for label in labels])
        total = (weights * counted.to(weights.device)).sum(-1, keepdim=True)
        return weights / torch.where(total > 0, total, torch.ones_like(total))

    def figures(self, progress: float, last: float = 1.0) -> Mapping[str, float]:
        return {"temperature": self.temperature.at(progress, last)}


def active_of(situation: Situation, taken: Tensor) -> dict[str, tuple[int, ...]]:
    """The options that are taken, by decision; none where an edge is gone."""
    chosen: list[list[int]] = [[] for _ in situation.layout.names]
    for row, option in taken.nonzero().tolist():
        chosen[row].append(option)
    gone = {name for name, options in situation.active.items() if not options}
    return {
        name: () if name in gone else tuple(options)
        for name, options in zip(situation.layout.names, chosen, strict=True)
    }
