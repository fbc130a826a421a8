"""Expressivity of a network with random weights (Lin et al. 2021, "Zen-NAS: A Zero-Shot NAS for High-Performance")."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from netwright.estimators.zero_cost.proxy import NORMALISATIONS, Proxy, first_output, is_weighted
from netwright.estimators.zero_cost.residual import WithoutResiduals, outputs_noted

if TYPE_CHECKING:
    from netwright.estimators.zero_cost.passes import Passes

STEP = 0.01  # alpha of the paper
POOLS = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)


class Zen(Proxy):
    """log E |f(x) - f(x + 0.01 e)| + sum over batch normalisations of log sqrt(mean over channels of the variance).

    f: the features before the global average pooling (before the last linear layer where there is none), of which the
    absolute differences are summed, of the network without its residual links, as in the authors' code: see
    `WithoutResiduals`. Normalisations that get nothing but zeros, and those that f does not depend on, are left out.
    Weights, x and e are drawn from N(0, 1); the variances are those of the minibatch x (algorithm 1). One draw; the
    authors average 32.
    """

    of_numbers: ClassVar[bool] = True

    @torch.no_grad()
    def score(self, passes: Passes) -> Tensor:
        network, inputs = passes.network, passes.inputs
        values = _gaussian(network)
        x, e = _drawn_like(inputs), _drawn_like(inputs)
        with _own_statistics(network) as norms:
            before, used = _features(network, values, x, norms)
            spread = [_log_deviation(norm.running_var) for norm in used]
        difference = _features(network, values, x + STEP * e)[0].double() - before
        parts = [difference.abs().flatten(1).sum(1).mean().log(), *spread]
        return torch.stack(parts).sum()


def _drawn_like(tensor: Tensor) -> Tensor:
    """Numbers from N(0, 1) that do not depend on how the tensor lies in memory, though they lie as it does."""
    drawn = torch.randn(tensor.shape, dtype=tensor.dtype, device=tensor.device)
    return torch.empty_like(tensor).copy_(drawn)


def _log_deviation(variance: Tensor) -> Tensor:
    """The logarithm of a layer's deviation; 0 where all that it gets is zero, as on a branch without input."""
    mean = variance.double().mean()
    return torch.where(mean > 0, mean.log() / 2, 0)


def _features(
    network: nn.Module, values: dict[str, Tensor], inputs: Tensor, norms: Sequence[Any] = ()
) -> tuple[Tensor, list[Any]]:
    """What the network pools over all positions at its end, and the normalisations that this depends on."""
    seen: dict[str, Tensor] = {}
    normalised: list[tuple[nn.Module, Tensor]] = []

    def note(module: nn.Module, given: tuple[Any, ...]) -> None:
        seen["pooled" if isinstance(module, POOLS) else "linear"] = given[0]

    ends = [each for each in network.modules() if isinstance(each, (*POOLS, nn.Linear))]
    handles = [each.register_forward_pre_hook(note) for each in ends]
    handles += outputs_noted(norms, lambda module, output: normalised.append((module, output)))
    try:
        with WithoutResiduals() as links:
            output = first_output(functional_call(network, values, (inputs,)))
    finally:
        for handle in handles:
            handle.remove()
    found = seen.get("pooled", seen.get("linear", output))
    return found, list(dict.fromkeys(norm for norm, made in normalised if links.depends(found, made)))


def _gaussian(network: nn.Module) -> dict[str, Tensor]:
    """Parameters by name: weights from N(0, 1), biases 0, and normalisations that neither scale nor shift."""
    values: dict[str, Tensor] = {}
    for prefix, module in network.named_modules():
        for name, each in module.named_parameters(prefix, recurse=False):
            own = name.rpartition(".")[2]
            if is_weighted(module):
                values[name] = _drawn_like(each) if own == "weight" else torch.zeros_like(each)
            elif isinstance(module, NORMALISATIONS):
                values[name] = torch.full_like(each, float(own == "weight"))
    return values


@contextmanager
def _own_statistics(network: nn.Module) -> Generator[list[Any]]:
    """Inside, each batch normalisation writes the minibatch's statistics into buffers of its own."""
    names = ("running_mean", "running_var", "num_batches_tracked", "momentum", "track_running_stats")
    norms: list[Any] = [each for each in network.modules() if isinstance(each, _BatchNorm)]
    kept = [{name: getattr(each, name) for name in names} for each in norms]
    try:
        for each in norms:
            like = next(network.parameters())
            each.running_mean = torch.zeros(each.num_features, device=like.device, dtype=like.dtype)
            each.running_var = torch.ones_like(each.running_mean)
            each.num_batches_tracked = torch.zeros((), dtype=torch.long)
            each.momentum, each.track_running_stats = 1.0, True
        yield norms
    finally:
        for each, values in zip(norms, kept, strict=True):
            for name, value in values.items():
                setattr(each, name, value)
