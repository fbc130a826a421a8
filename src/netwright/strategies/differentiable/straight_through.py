"""Discrete samples with the gradient of a concrete one: GDAS (Dong and Yang 2019) and DATA (Chang et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from netwright.strategies.arguments import whole_number
from netwright.strategies.differentiable.gumbel import concrete
from netwright.strategies.differentiable.relaxation import Draw, Purpose, Relaxation, Situation
from netwright.strategies.differentiable.schedules import Schedule

GDAS_TEMPERATURE = Schedule(10.0, 0.1, closed=True)  # Dong and Yang 2019, section 4.1, and the authors' code


class StraightThrough(Relaxation):
    """Draws options and computes only those; backward, the weights are those of the concrete samples.

    samples: 1 is GDAS ("Searching for a Robust Neural Architecture in Four GPU Hours", equations 6 and 7); more is DATA
    ("DATA: Differentiable ArchiTecture Approximation"), which computes the union of the samples' options, so that the
    gradient is less noisy. normalise: whether the weights of a union are divided by their sum, as DATA's code does (it
    leaves option `none` out of that sum; here every option counts).
    temperature: of the concrete distribution, as the search goes on.

    An option that was not drawn has no gradient. In the code of GDAS each of them adds its weight, 0, to every number
    of the output, and so has the sum of the output's gradient for its own.
    """

    def __init__(self, temperature: Schedule = GDAS_TEMPERATURE, samples: int = 1, normalise: bool = True) -> None:
        self.temperature = temperature
        self.samples = whole_number(self, "samples", samples)
        self.normalise = normalise

    def draw(self, situation: Situation, purpose: Purpose) -> Draw:
        host, logits = situation.host_logits(), situation.logits
        noise = torch.stack([situation.gumbel() for _ in range(self.samples)])
        hard = torch.zeros(noise.shape).scatter_(-1, (host + noise).argmax(-1, keepdim=True), 1.0)
        first = (hard * (hard.cumsum(0) == 1)).to(logits.device, logits.dtype, non_blocking=True)
        noise = noise.to(logits.device, non_blocking=True)
        soft = concrete(logits, situation.alive, noise, self.temperature.at(situation.progress, situation.last))
        # Equation 7: one-hot forward, the concrete sample backward; of a union, the first sample that has an option.
        weights = (first * (1 + (soft - soft.detach()))).sum(0) * situation.alive
        if self.samples > 1 and self.normalise:
            weights = weights / weights.sum(-1, keepdim=True).clamp(min=1e-9)
        return Draw(weights, active_of(situation, hard.any(0)), logits)

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
