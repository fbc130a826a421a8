"""From the second derivative of a loss by mixture weights to that by the logits whose softmax they are.

With p = softmax(z) and J = dp/dz, the Hessian by z takes a vector v to J' H_p J v + d(J' g)/dz v, where g and H_p are
the gradient and the Hessian by p, and g is held constant in the second term.
"""

from __future__ import annotations

import torch
from torch import Tensor

from netwright.strategies.differentiable.parameters import softmax


class Curved:
    """One point: logits and options in play (decisions, options), and the gradient of the loss by their softmax."""

    def __init__(self, logits: Tensor, alive: Tensor, gradient: Tensor) -> None:
        self._leaf = logits.detach().to(gradient.device).requires_grad_()
        self._weights = softmax(self._leaf, alive.to(gradient.device))
        self._pulled = torch.autograd.grad(self._weights, self._leaf, gradient, create_graph=True)[0]  # J' g

    def pushed(self, vector: Tensor) -> Tensor:
        """J v."""
        free = torch.zeros_like(self._weights, requires_grad=True)
        pulled = torch.autograd.grad(self._weights, self._leaf, free, create_graph=True)[0]  # J' u, linear in u
        return torch.autograd.grad(pulled, free, vector.to(pulled))[0].detach()

    def product(self, vector: Tensor, curved: Tensor) -> Tensor:
        """The Hessian by the logits times v, where `curved` is H_p J v."""
        through = torch.autograd.grad(self._weights, self._leaf, curved, retain_graph=True)[0]
        (bent,) = torch.autograd.grad(self._pulled, self._leaf, vector.to(self._pulled), retain_graph=True)
        return through + bent
