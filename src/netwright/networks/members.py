"""Several networks in one, which share all weights but their first scales and their last layer.

An efficient ensemble (Wen et al. 2020) in the form of Gorishniy et al. (2024): each member scales the features in its
own way, all go through the same layers, and each answers by a last layer of its own. Every member is trained to be
right by itself; the mean of their answers predicts.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Scaled(nn.Module):
    """Features (n, features) as each member scales them: (n, members, features).

    members: how many.
    blocks: lengths of the runs of features that are scaled alike at the beginning.
    """

    def __init__(self, members: int, blocks: Sequence[int]) -> None:
        super().__init__()
        block_of = [block for block, length in enumerate(blocks) for _ in range(length)]
        self.weight = nn.Parameter(torch.randn(members, len(blocks))[:, block_of])

    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(1) * self.weight


class Answers(nn.Module):
    """A last layer for each member: (n, members, features) to the mean of their answers, (n, outputs).

    While training, a list of all members' answers, each (n, outputs).
    """

    def __init__(self, members: int, features: int, outputs: int) -> None:
        super().__init__()
        bound = features**-0.5
        self.weight = nn.Parameter(torch.empty(members, features, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        answers = torch.baddbmm(self.bias, x.transpose(0, 1), self.weight)
        return list(answers.unbind(0)) if self.training else answers.mean(0)
