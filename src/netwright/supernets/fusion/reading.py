"""Recognises, by their structure, the options of mixed nodes whose work can be shared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from netwright.networks.operations import FactorizedReduce
from netwright.supernets.fusion.depthwise import Window


class Chain(NamedTuple):
    """ReLU, depthwise convolution, 1x1 convolution, normalisation; all this once or several times.

    The weights are those of the convolutions in their order.
    """

    windows: tuple[Window, ...]
    epsilons: tuple[float, ...]


class Dense(NamedTuple):
    """ReLU, a convolution across channels, normalisation."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    epsilon: float


class Reduction(NamedTuple):
    """A FactorizedReduce. The weights are those of the even and of the odd positions."""

    epsilon: float


class Shared(NamedTuple):
    """Nothing with weights: all edges that leave a state give the same."""

    steps: tuple[str, ...]


Kind = Chain | Dense | Reduction | Shared


class Option(NamedTuple):
    """An option of an edge: what it is (None: run it as it is), its convolutions and its normalisations."""

    module: nn.Module
    kind: Kind | None
    convolutions: tuple[nn.Conv2d, ...] = ()
    norms: tuple[nn.BatchNorm2d, ...] = ()


_WITHOUT_WEIGHTS = (nn.Identity, nn.MaxPool2d, nn.AvgPool2d)


def read(module: nn.Module) -> Option:
    if _as_made(module) and type(module) is FactorizedReduce and _normalises(module.norm):
        halves = module.even, module.odd
        if all(_plain(each) for each in (*halves, module.relu)):
            return Option(module, Reduction(module.norm.eps), halves, (module.norm,))
    steps = _steps(module)
    if all((type(step) in _WITHOUT_WEIGHTS and _as_made(step)) or _normalises(step) for step in steps):
        norms = tuple(step for step in steps if isinstance(step, nn.BatchNorm2d))
        return Option(module, Shared(tuple(repr(step) for step in steps if type(step) is not nn.Identity)), (), norms)
    return _dense(module, steps) or _chain(module, steps) or Option(module, None)


def _steps(module: nn.Module) -> list[nn.Module]:
    """What a module does one after the other."""
    if type(module) is nn.Sequential and _as_made(module):
        return [step for child in module for step in _steps(child)]
    return [module]


def _as_made(module: nn.Module) -> bool:
    """Whether a call does what its class says and no more."""
    hooks = module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    return not hooks and "forward" not in vars(module)


def _normalises(module: nn.Module) -> bool:
    """Whether it is batch normalisation without scale and shift, that of a supernet: by the batch's own statistics,
    unless it is settled.
    """
    return type(module) is nn.BatchNorm2d and _as_made(module) and not (module.affine or module.track_running_stats)


def _plain(module: nn.Module) -> bool:
    if type(module) is nn.Conv2d:
        return _as_made(module) and module.bias is None and module.padding_mode == "zeros"
    return type(module) is nn.ReLU and _as_made(module)


def _dense(module: nn.Module, steps: Sequence[nn.Module]) -> Option | None:
    if len(steps) != 3 or type(steps[0]) is not nn.ReLU or not _plain(steps[0]) or not _normalises(steps[2]):
        return None
    layer, norm = steps[1], steps[2]
    if type(layer) is not nn.Conv2d or not _plain(layer) or layer.groups != 1 or isinstance(layer.padding, str):
        return None
    assert isinstance(norm, nn.BatchNorm2d)
    kind = Dense(layer.kernel_size, layer.stride, layer.padding, layer.dilation, norm.eps)
    return Option(module, kind, (layer,), (norm,))


def _chain(module: nn.Module, steps: Sequence[nn.Module]) -> Option | None:
    if not steps or len(steps) % 4:
        return None
    windows: list[Window] = []
    epsilons: list[float] = []
    layers: list[nn.Conv2d] = []
    norms: list[nn.BatchNorm2d] = []
    for relu, depthwise, pointwise, norm in zip(*(iter(steps),) * 4, strict=True):
        if type(relu) is not nn.ReLU or not all(_plain(each) for each in (relu, depthwise, pointwise)):
            return None
        if type(depthwise) is not nn.Conv2d or type(pointwise) is not nn.Conv2d or not _normalises(norm):
            return None
        window = _window(depthwise)
        if window is None or not _square(pointwise, depthwise.in_channels):
            return None
        assert isinstance(norm, nn.BatchNorm2d)
        windows.append(window)
        epsilons.append(norm.eps)
        layers += [depthwise, pointwise]
        norms.append(norm)
    return Option(module, Chain(tuple(windows), tuple(epsilons)), tuple(layers), tuple(norms))


def _window(layer: nn.Conv2d) -> Window | None:
    """The window of a depthwise convolution that keeps the number of channels; None for any other convolution."""
    (k, s, d) = window = Window(layer.kernel_size[0], layer.stride[0], layer.dilation[0])
    if not layer.groups == layer.in_channels == layer.out_channels or k % 2 == 0:
        return None
    same = layer.kernel_size == (k, k) and layer.stride == (s, s) and layer.dilation == (d, d)
    return window if same and layer.padding == (window.padding,) * 2 else None


def _square(layer: nn.Conv2d, channels: int) -> bool:
    """Whether it is a 1x1 convolution that keeps this number of channels."""
    shape = (layer.kernel_size, layer.stride, layer.padding, layer.groups)
    return shape == ((1, 1), (1, 1), (0, 0), 1) and layer.in_channels == layer.out_channels == channels
