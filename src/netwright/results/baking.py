"""A network's copy in which weights that are computed from others (weight norm, pruning ...) are plain weights."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize, prune, spectral_norm, weight_norm

_WeightNorm, _SpectralNorm = weight_norm.__globals__["WeightNorm"], spectral_norm.__globals__["SpectralNorm"]


def plain_copy(network: nn.Module) -> nn.Module:
    """A copy on the CPU in evaluation mode, whose computed weights hold what they are when predicting.

    Parametrizations, and the older hooks for weight norm, spectral norm and pruning, are gone from the copy.
    """
    _settle(network)
    own = copy.deepcopy(network).cpu().eval()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore", FutureWarning)
        for module in list(own.modules()):
            _bake(module)
    return own


def _settle(network: nn.Module) -> None:
    """Compute the weights of older hooks without gradients: PyTorch copies no tensor that has a history."""
    with torch.no_grad():
        for module in network.modules():
            for hook in module._forward_pre_hooks.values():
                if isinstance(hook, _SpectralNorm):
                    setattr(module, hook.name, hook.compute_weight(module, do_power_iteration=False))
                elif isinstance(hook, _WeightNorm | prune.BasePruningMethod):
                    hook(module, None)


def _bake(module: nn.Module) -> None:
    if parametrize.is_parametrized(module):
        _remove_parametrizations(module)
    for hook in list(module._forward_pre_hooks.values()):
        if isinstance(hook, _WeightNorm):
            nn.utils.remove_weight_norm(module, hook.name)
        elif isinstance(hook, _SpectralNorm):
            nn.utils.remove_spectral_norm(module, hook.name)
        elif isinstance(hook, prune.BasePruningMethod):
            prune.remove(module, hook._tensor_name)


def _remove_parametrizations(module: nn.Module) -> None:
    """What PyTorch's own function does, without changing the class that the copied network still has."""
    found: Any = module.parametrizations
    values = {name: getattr(module, name).detach().clone() for name in found}
    buffers = [name for name, each in found.items() if "original" in each._buffers]
    del module._modules["parametrizations"]
    module.__class__ = type(module).__bases__[0]
    for name, value in values.items():
        if name in buffers:
            module.register_buffer(name, value)
        else:
            module.register_parameter(name, nn.Parameter(value, requires_grad=value.is_floating_point()))
