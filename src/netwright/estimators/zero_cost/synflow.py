"""Synaptic flow (Tanaka et al. 2020, "Pruning neural networks without any data")."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from netwright.estimators.zero_cost.proxy import NORMALISATIONS, Proxy, first_output, is_weighted

if TYPE_CHECKING:
    from netwright.estimators.zero_cost.passes import Passes


class SynFlow(Proxy):
    """The logarithm of the sum over the weights of w dR/dw, where R sums the outputs for an input of ones.

    All weights are taken by their absolute values, and normalisation layers pass on what they get, as in
    Abdelfattah et al. (2021). No data enter. In double precision, which holds R up to 1e308; the score
    is infinite beyond that, and minus infinity where no path leads from the input to the output.
    """

    of_numbers: ClassVar[bool] = True

    def score(self, passes: Passes) -> Tensor:
        network, inputs = passes.network, passes.inputs
        values, weights = _absolute(network)
        ones = torch.ones(1, *passes.shape, dtype=torch.float64, device=inputs.device)
        network.eval()
        with _without_normalisation(network), torch.enable_grad():
            flow = first_output(functional_call(network, values, (ones,), tie_weights=False)).sum()
            if not flow.requires_grad:
                return torch.full((), -torch.inf, device=inputs.device)
            gradients = torch.autograd.grad(flow, weights, allow_unused=True)
        network.train()
        pairs = zip(weights, gradients, strict=True)
        parts = [torch.dot(w.detach().flatten(), g.flatten()) for w, g in pairs if g is not None]
        return torch.stack(parts).sum().log()


def _absolute(network: nn.Module) -> tuple[dict[str, Tensor], list[Tensor]]:
    """Every number of the network by name, in double precision and without sign; and the weights among them."""
    values: dict[str, Tensor] = {}
    known: dict[Tensor, Tensor] = {}
    weights: list[Tensor] = []
    for prefix, module in network.named_modules():
        if isinstance(module, NORMALISATIONS):
            continue
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, each in own:
            if each not in known:
                number = each.detach().abs().double() if each.is_floating_point() else each
                known[each] = number
                if is_weighted(module) and name == "weight":
                    weights.append(number.requires_grad_(True))
            values[f"{prefix}.{name}" if prefix else name] = known[each]
    return values, weights


@contextmanager
def _without_normalisation(network: nn.Module) -> Generator[None]:
    """Inside, layers that normalise give what they are given."""
    layers = [each for each in network.modules() if isinstance(each, NORMALISATIONS)]
    own = {each: each.__dict__["forward"] for each in layers if "forward" in each.__dict__}
    try:
        for each in layers:
            each.forward = _unchanged
        yield
    finally:
        for each in layers:
            del each.forward
            if each in own:
                each.forward = own[each]


def _unchanged(inputs: Tensor) -> Tensor:
    return inputs
