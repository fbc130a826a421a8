"""Adam over one row of weights (Kingma and Ba 2015, algorithm 1), for small models that take thousands of steps."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

_FIRST, _SECOND, _SMALL = 0.9, 0.999, 1e-8  # beta_1, beta_2, epsilon
_NONE = 1e-30  # smaller numbers become 0 now and then: near the smallest floats arithmetic is many times slower
_NOW_AND_THEN = 32  # steps


class Adam:
    """The steps of torch.optim.Adam with L2 weight decay, on `weights` by what stands in `gradient`: float32 (n,).

    Without what torch.optim loads when it is first used, which takes longer than a small model learns.
    """

    def __init__(self, weights: np.ndarray, gradient: np.ndarray, decay: float = 0.0) -> None:
        self._decay = np.float32(decay)
        self._steps = 0
        self._weights, self._gradient = weights, gradient
        self._mean, self._square = np.zeros_like(weights), np.zeros_like(weights)
        self._spare = np.empty_like(weights)

    def step(self, rate: float) -> None:
        """Move the weights; the gradient is used up, and may hold anything afterwards."""
        self._steps += 1
        unbias = math.sqrt(1 - _SECOND**self._steps)
        weights, gradient, mean, square, spare = self._weights, self._gradient, self._mean, self._square, self._spare
        if self._decay:
            gradient += np.multiply(weights, self._decay, out=spare)
        mean += np.multiply(np.subtract(gradient, mean, out=spare), np.float32(1 - _FIRST), out=spare)
        gradient *= gradient
        square += np.multiply(np.subtract(gradient, square, out=spare), np.float32(1 - _SECOND), out=spare)
        np.sqrt(square, out=spare)
        spare += np.float32(_SMALL * unbias)
        np.divide(mean, spare, out=spare)
        spare *= np.float32(rate * unbias / (1 - _FIRST**self._steps))
        weights -= spare
        if self._steps % _NOW_AND_THEN == 0:
            for each in (weights, mean, square):
                each[np.abs(each) < _NONE] = 0


def cosine(rate: float, step: int, steps: int) -> float:
    """The rate at a step, from 0, of a cosine schedule that would end at 0 (Loshchilov and Hutter 2017, equation 5)."""
    return rate * (1 + math.cos(math.pi * step / steps)) / 2


def in_one_row(*models: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    """Moves the parameters of models on the CPU into one row and their gradients into another; gives both.

    The parameters become views, so that what is done to the row is done to all. `backward` adds to the gradients: set
    them to 0 before.
    """
    parameters = [each for model in models for each in model.parameters()]
    weights = torch.cat([each.detach().flatten() for each in parameters])
    gradient = torch.zeros_like(weights)
    start = 0
    for each in parameters:
        end = start + each.numel()
        each.data = weights[start:end].view_as(each)
        each.grad = gradient[start:end].view_as(each)
        start = end
    return weights.numpy(), gradient.numpy()
