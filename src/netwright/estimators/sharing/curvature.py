"""The second derivative of a loss by mixture weights times a direction, by differentiating twice (Pearlmutter 1994)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor


class Curvature:
    """The Hessian H of a loss by mixture weights at one point, as what it does to directions.

    loss: of leaves that ask for their gradient, made by operations that can be differentiated twice. The graph of
    the gradient is made once and kept for all directions.
    """

    def __init__(self, loss: Callable[[], Tensor], leaves: Mapping[str, Tensor]) -> None:
        self._leaves = dict(leaves)
        value = loss()
        found = torch.autograd.grad(value, [*leaves.values()], create_graph=True, allow_unused=True)
        self._gradient = dict(zip(leaves, found, strict=True))
        self.loss = value.detach()

    def along(self, direction: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """H times the direction; both have the shapes of the leaves, on their device."""
        moving = {name: each for name, each in self._gradient.items() if each is not None and each.requires_grad}
        leaves = [*self._leaves.values()]
        found: tuple[Tensor | None, ...] = (None,) * len(leaves)
        if moving:  # else the loss is linear in all of them
            toward = [direction[name].to(each, non_blocking=True) for name, each in moving.items()]
            found = torch.autograd.grad([*moving.values()], leaves, toward, retain_graph=True, allow_unused=True)
        return {
            name: torch.zeros_like(leaf) if each is None else each
            for (name, leaf), each in zip(self._leaves.items(), found, strict=True)
        }
