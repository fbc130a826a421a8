"""Several networks side by side whose mean answer predicts (Hansen and Salamon 1990; Lakshminarayanan et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Committee(nn.Module):
    """Networks that are trained side by side, each to be right by itself; the mean of their answers predicts.

    networks: of one kind of input and answer, each with first weights of its own.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        answers = [network(x) for network in self.networks]
        if not self.training:
            return torch.stack(answers).mean(0)
        return [each for answer in answers for each in (answer if isinstance(answer, list) else [answer])]
