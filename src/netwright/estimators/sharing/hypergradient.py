"""The gradient of the validation loss by mixture weights when the network's weights answer by one step.

With w' = w - xi (momentum * buffer + dL_train(w, p)/dw + decay * w), all of these give

    dL_val(w', p)/dp - xi * d2L_train(w, p)/(dp dw) * v,    v = dL_val(w', p)/dw'    (Liu et al. 2019, equation 7)

for mixture weights p. A strategy's own parameters follow from it by the chain rule, since they do not depend on w.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor

Order = Literal[1, 2, "exact"]
Loss = Callable[[], Tensor]
SCALE = 0.01  # of the finite difference: epsilon = 0.01 / |v| (Liu et al. 2019, footnote 2)


def second_order(
    training: Loss,
    validation: Loss,
    weights: Sequence[Tensor],
    mixture: Sequence[Tensor],
    step: Callable[[list[Tensor]], object],
    rate: float,
    *,
    exact: bool = False,
    scale: float = SCALE,
) -> tuple[list[Tensor], Tensor]:
    """Gradient by each mixture tensor, and the validation loss after the step; the weights end as they were.

    training, validation: give the loss for what `weights` and `mixture` now hold.
    step: moves the weights to w' in place when it is given their gradients.
    rate: xi.
    exact: the second derivative by differentiating twice, where the network allows it, instead of the finite difference
        of equation 8, whose epsilon is `scale` divided by the length of v.
    """
    with torch.no_grad():
        before = torch._foreach_mul(list(weights), 1.0)  # pyright: ignore
    with constant(mixture):
        gradients = torch.autograd.grad(training(), weights, allow_unused=True)
    with torch.no_grad():
        step([_or_zero(each, like) for each, like in zip(gradients, weights, strict=True)])
    del gradients
    loss = validation()
    found = torch.autograd.grad(loss, [*mixture, *weights], allow_unused=True)
    loss = loss.detach()  # lets go of the graph
    direct = [_or_zero(each, like) for each, like in zip(found, mixture, strict=False)]
    v = [_or_zero(each, like) for each, like in zip(found[len(mixture) :], weights, strict=True)]
    del found
    _assign(weights, before)
    implicit = (
        _exact(training, weights, mixture, v) if exact else _differences(training, weights, mixture, v, before, scale)
    )
    return [a - rate * b for a, b in zip(direct, implicit, strict=True)], loss


def _exact(training: Loss, weights: Sequence[Tensor], mixture: Sequence[Tensor], v: Sequence[Tensor]) -> list[Tensor]:
    gradients = torch.autograd.grad(training(), weights, create_graph=True, allow_unused=True)
    products = [(a * b).sum() for a, b in zip(gradients, v, strict=True) if a is not None]
    found = torch.autograd.grad(torch.stack(products).sum(), mixture, allow_unused=True)
    return [_or_zero(each, like) for each, like in zip(found, mixture, strict=True)]


def _differences(
    training: Loss,
    weights: Sequence[Tensor],
    mixture: Sequence[Tensor],
    v: list[Tensor],
    before: Sequence[Tensor],
    scale: float,
) -> list[Tensor]:
    """(dL_train(w+, p)/dp - dL_train(w-, p)/dp) / 2 epsilon, with w+- = w +- epsilon v (equation 8).

    v becomes epsilon v in place.
    """
    with torch.no_grad():
        epsilon = scale / torch.stack(torch._foreach_norm(v)).norm().clamp_min(1e-12)  # pyright: ignore
        torch._foreach_mul_(v, epsilon)  # pyright: ignore
    sides: list[tuple[Tensor | None, ...]] = []
    with constant(weights):
        for times in (1, -2):
            with torch.no_grad():
                torch._foreach_add_(list(weights), v, alpha=times)  # pyright: ignore
            sides.append(torch.autograd.grad(training(), mixture, allow_unused=True))
    _assign(weights, before)
    return [(_or_zero(a, like) - _or_zero(b, like)) / (2 * epsilon) for a, b, like in zip(*sides, mixture, strict=True)]


@contextmanager
def constant(tensors: Sequence[Tensor]) -> Generator[None]:
    """Inside, no gradient is computed by these leaves."""
    wanted = [each.requires_grad for each in tensors]
    try:
        for each in tensors:
            each.requires_grad_(False)
        yield
    finally:
        for each, asked in zip(tensors, wanted, strict=True):
            each.requires_grad_(asked)


def _assign(weights: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    with torch.no_grad():
        torch._foreach_copy_(list(weights), list(values))  # pyright: ignore


def _or_zero(gradient: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if gradient is None else gradient
