"""The exponential moving average of a network's weights (Polyak and Juditsky 1992, as in Szegedy et al. 2016)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """After update t = 1, 2, ...: `average = d * average + (1 - d) * weights`, d = min(decay, (1 + t) / (10 + t)).

    The rising decay lets a short training forget its random start. Parameters and floating-point buffers (running
    statistics of batch normalisation) are averaged; other buffers belong to the network alone.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self._weights = averaged_tensors(network)
        self.tensors = [weight.detach().clone() for weight in self._weights]

    @torch.no_grad()
    def update(self) -> None:
        """Moves the average one step towards the network's present weights."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self.tensors, self._weights, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within the block the network holds the average; after it, exactly the weights it had."""
        self.exchange()
        try:
            yield
        finally:
            self.exchange()

    @torch.no_grad()
    def exchange(self) -> None:
        """The network gets the average, and the average the network's weights, bit for bit."""
        kept = [weight.detach().clone() for weight in self._weights]
        torch._foreach_copy_(self._weights, self.tensors)  # pyright: ignore[reportPrivateImportUsage]
        torch._foreach_copy_(self.tensors, kept)  # pyright: ignore[reportPrivateImportUsage]


def averaged_tensors(network: nn.Module) -> list[Tensor]:
    """Parameters and floating-point buffers, in the order of the network."""
    buffers = (buffer for buffer in network.buffers() if buffer.is_floating_point())
    return [*(parameter.detach() for parameter in network.parameters()), *buffers]
