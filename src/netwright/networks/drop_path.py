"""Drops whole paths of a cell while training (Larsson et al. 2017, section 3)."""

from __future__ import annotations

from torch import Tensor, nn


class DropPath(nn.Module):
    """Sets each example's whole input to zero with some probability, and scales the others up to keep the mean.

    Input and output have one shape, (batch, ...). `drop_path_probability` starts at 0 and is set, often every epoch,
    by whoever trains. It does nothing in evaluation mode and at probability 0.
    """

    drop_path_probability: float

    def __init__(self) -> None:
        super().__init__()
        self.drop_path_probability = 0.0

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.drop_path_probability == 0.0:
            return x
        kept = 1.0 - self.drop_path_probability
        mask = x.new_empty((x.shape[0],) + (1,) * (x.dim() - 1)).bernoulli_(kept)
        return x * mask.div_(kept)
