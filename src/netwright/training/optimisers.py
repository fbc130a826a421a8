"""The optimiser of a training, with weight decay only where it belongs, and the learning rate at each of its steps."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from netwright.training.settings import TrainingSettings


class Eager(torch.optim.Optimizer):
    """An optimiser that never loads PyTorch's compiler.

    PyTorch keeps its compiler out of an optimiser's methods by wrappers that import it when they are first called, a
    second in each process. No step is compiled here, so what they wrap is called instead; results are the same.
    """

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        inspect.unwrap(torch.optim.Optimizer.add_param_group)(self, param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        inspect.unwrap(torch.optim.Optimizer.zero_grad)(self, set_to_none)

    def state_dict(self) -> dict[str, Any]:
        return inspect.unwrap(torch.optim.Optimizer.state_dict)(self)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        inspect.unwrap(torch.optim.Optimizer.load_state_dict)(self, state_dict)


class SGD(Eager, torch.optim.SGD):
    """torch.optim.SGD without the compiler."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        inspect.unwrap(torch.optim.SGD.step)(self)


class AdamW(Eager, torch.optim.AdamW):
    """torch.optim.AdamW without the compiler."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        inspect.unwrap(torch.optim.AdamW.step)(self)


def build_optimiser(network: nn.Module, settings: TrainingSettings, decay_all: bool = False) -> torch.optim.Optimizer:
    """SGD with momentum or AdamW over the network's trainable parameters.

    decay_all: whether biases, and scales and shifts of normalisation, decay, too. Fused kernels are used where every
        parameter has one: on CPU they take about half the time of the loop over tensors (60 tensors of 3,000 numbers:
        SGD 0.6 against 1.4 ms, AdamW 1.3 against 3.5 ms, 1 thread).
    """
    groups = parameter_groups(network, settings.weight_decay, decay_all)
    fused = all(_has_fused(parameter) for group in groups for parameter in group["params"])
    if settings.optimiser == "adamw":
        return AdamW(groups, lr=settings.learning_rate, betas=(settings.momentum, 0.999), fused=fused)
    nesterov = settings.nesterov and settings.momentum > 0
    return SGD(groups, lr=settings.learning_rate, momentum=settings.momentum, nesterov=nesterov, fused=fused)


def parameter_groups(network: nn.Module, weight_decay: float, decay_all: bool = False) -> list[dict]:
    """Two groups: parameters of two and more axes decay; biases, and scales and shifts of normalisation, do not.

    With `decay_all` one group, in which everything decays.
    """
    decayed: list[Tensor] = []
    free: list[Tensor] = []
    for parameter in network.parameters():
        if parameter.requires_grad:
            (decayed if decay_all or parameter.dim() > 1 else free).append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def set_learning_rate(optimiser: torch.optim.Optimizer, value: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = value


def _has_fused(parameter: Tensor) -> bool:
    return parameter.device.type in ("cpu", "cuda") and parameter.dtype == torch.float32


ONE_CYCLE_RISE = 0.3
"""Share of the steps in which "one_cycle" rises."""
ONE_CYCLE_START = 25.0
""""one_cycle" starts at the learning rate divided by this."""


def learning_rate(settings: TrainingSettings, step: float, steps: int) -> float:
    """Learning rate of step `step` (from 0) out of `steps`; a fraction where a schedule is hurried to its end.

    cosine: Loshchilov and Hutter (2017), one period. linear: along a line. one_cycle: Smith and Topin (2018), both
    halves cosine. stable: constant, and along a line in the last `decay` share (Hu et al. 2024, Hägele et al. 2024).
    """
    peak, end = settings.learning_rate, settings.minimum_learning_rate
    if settings.schedule == "one_cycle":
        return _one_cycle(peak, end, step, steps)
    rising = round(settings.warm_up * steps)
    if step < rising:
        return peak * (step + 1) / (rising + 1)
    if settings.schedule == "constant":
        return peak
    if settings.schedule == "stable":
        falling = (1 - settings.decay) * steps
        return peak + (end - peak) * max(0.0, step - falling) / max(1.0, steps - falling)
    share = (step - rising) / max(1, steps - rising)
    return peak + (end - peak) * share if settings.schedule == "linear" else _cosine(peak, end, share)


def drop_path_probability(settings: TrainingSettings, epoch: int) -> float:
    """Probability of dropping a path in epoch `epoch` (from 0): linear from 0 to `drop_path` (Zoph et al. 2018)."""
    return settings.drop_path * epoch / max(1, settings.epochs - 1)


def _one_cycle(peak: float, end: float, step: float, steps: int) -> float:
    top = max(1.0, ONE_CYCLE_RISE * steps - 1)
    if step <= top:
        return _cosine(peak / ONE_CYCLE_START, peak, step / top)
    return _cosine(peak, end, (step - top) / max(1.0, steps - 1 - top))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
