"""A straight line beside a network, fitted before the first step, so that the network learns what the line leaves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

STRENGTHS = 16
"""Strengths of the ridge regression that are tried, at equal steps from 1e-6 to 1e4 of the largest eigenvalue."""
_MOST = 512  # sides of the matrix whose eigenvalues are found
_LEAST = 4  # examples
_NOTHING = 1e-10  # of the largest eigenvalue


class BesideLine(nn.Module):
    """A linear function of all inputs, and beside it what a network answers, in the scale of what the line leaves.

    The line is a ridge regression on examples, of the strength with the least error where each example in turn is left
    out, or their mean where that is as good. It and the scale stay as they were fitted: as the network's steps are as
    large as what is left to learn, it cannot lose at once what the line has. Where what is asked for is no number,
    nothing is fitted, and the network answers alone.

    network: takes (n, ...) and gives (n, outputs).
    inputs: numbers in one example.
    outputs: numbers in one answer.
    """

    scale: Tensor

    def __init__(self, network: nn.Module, inputs: int, outputs: int) -> None:
        super().__init__()
        self.network = network
        self.line = nn.Linear(inputs, outputs).requires_grad_(False)
        nn.init.zeros_(self.line.weight)
        nn.init.zeros_(self.line.bias)
        self.register_buffer("scale", torch.ones(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.line(x.flatten(1)) + self.scale * self.network(x)

    def look_at_answers(self, inputs: Tensor, targets: Tensor) -> None:
        """Fit the line and the scale; the network then begins at 0.

        inputs: of training examples, as the network gets them.
        targets: what is asked for of each, (n, outputs); anything else is passed over.
        """
        if not targets.is_floating_point() or targets.shape != (len(inputs), self.line.out_features):
            return
        weight, bias, left = ridge(inputs.flatten(1), targets)
        last = [module for module in self.network.modules() if isinstance(module, nn.Linear)][-1]
        with torch.no_grad():
            self.line.weight.copy_(weight.T)
            self.line.bias.copy_(bias)
            self.scale.copy_(left)
            for parameter in last.parameters():
                parameter.zero_()


def ridge(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Weights (features, outputs) and biases (outputs,) of a ridge regression of standardised inputs, and how far off
    it is where examples are left out: the root of the mean square (outputs,).

    inputs: (n, features); where there are more than 512 of both, 512 examples at equal distances are taken.
    targets: (n, outputs).
    """
    x, y = inputs.detach().cpu().double(), targets.detach().cpu().double()
    if min(x.shape) > _MOST:
        x, y = (each[:: -(-len(x) // _MOST)] for each in (x, y))
    centre, middle, spread = x.mean(0), y.mean(0), x.std(0, correction=0)
    spread = torch.where(spread > 1e-8 * (1 + centre.abs()), spread, torch.inf)
    weight, left = _least_error((x - centre) / spread, y - middle)
    weight = weight / spread[:, None]
    found = weight, middle - centre @ weight, left
    return tuple(each.float().to(inputs.device) for each in found)  # pyright: ignore[reportReturnType]


def _least_error(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The weights (features, outputs) of the strength whose answers for examples left out are off least, and how far.

    x, y: of mean 0. An example that is left out is off by what it is off otherwise, over 1 less its leverage; 1 / n of
    that is the mean's (Allen 1974).
    """
    n, weight = len(x), x.new_zeros(x.shape[1], y.shape[1])
    off = y * n / max(1, n - 1)
    left, values = _directions(x)
    turned = left.T @ y
    for strength in torch.logspace(-6, 4, STRENGTHS, dtype=x.dtype) * (
        values[-1] if len(values) and n >= _LEAST else 0
    ):
        share = values / (values + strength)
        leverage = 1 / n + left.square() @ share
        tried = (y - left @ (share[:, None] * turned)) / (1 - leverage).clamp(min=1e-12)[:, None]
        if strength > 0 and tried.square().sum() < off.square().sum():
            off, weight = tried, x.T @ left @ (turned / (values + strength)[:, None])
    return weight, off.square().mean(0).sqrt()


def _directions(x: Tensor) -> tuple[Tensor, Tensor]:
    """The left singular vectors of x (n, some), and the squares of its singular values, ascending."""
    wide = x.shape[1] > len(x)
    values, vectors = torch.linalg.eigh(x @ x.T if wide else x.T @ x)
    kept = values > _NOTHING * values[-1:].clamp(min=_NOTHING)
    values, vectors = values[kept], vectors[:, kept]
    return vectors if wide else x @ vectors / values.sqrt(), values
