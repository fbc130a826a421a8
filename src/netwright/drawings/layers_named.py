"""What a part of a network is called by the layers in it: "sep conv 3×3", "inverted 5×5 ×6", "residual 3×3"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from torch import nn

GENERAL = frozenset(("Sequential", "ModuleList", "ModuleDict", "Module", "EdgeSum"))  # classes that say nothing
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_SHORT = {"AdaptiveAvgPool": "global avg pool", "AdaptiveMaxPool": "global max pool", "AvgPool": "avg pool"}
_SHORT |= {"MaxPool": "max pool", "BatchNorm": "batch norm", "LayerNorm": "layer norm", "ReLU": "relu"}
_SHORT |= {"GELU": "gelu", "SiLU": "silu", "ELU": "elu", "LSTM": "lstm", "GRU": "gru", "Zero": "none"}


def name_of(module: nn.Module) -> str:
    """A few words on a module; empty for a mere list of others of which there is nothing to say."""
    if next(module.children(), None) is None:
        return layer_name(module)
    own, weighted = type(module).__name__, weighted_layers(module)
    if "attention" in own.lower():
        return words(own)
    what = layer_name(weighted[0]) if len(weighted) == 1 else _pattern(weighted)
    if what and own == "Residual":
        return what if "inverted" in what else f"residual {what}"
    if own not in GENERAL and (not what or len(weighted) > 1) and own != "Residual":
        return what or words(own)
    return what or ("residual block" if own == "Residual" else _together(module, own, weighted))


def weighted_layers(module: nn.Module) -> list[Any]:
    """The convolutions and linear layers in it, in their order."""
    return [each for each in module.modules() if isinstance(each, (*_CONVOLUTIONS, *_TRANSPOSED, nn.Linear))]


def is_known(module: nn.Module) -> bool:
    """Whether its name says everything: of one weighted layer with what goes with it, and of a pattern of several."""
    weighted = weighted_layers(module)
    return len(weighted) < 2 or bool(_pattern(weighted)) or "attention" in type(module).__name__.lower()


def _together(module: nn.Module, own: str, weighted: Sequence[Any]) -> str:
    """Two parts by their names, or how many layers there are."""
    parts = [each for child in module.children() for each in (child.children() if own == "EdgeSum" else (child,))]
    names = [name_of(each) for each in parts]
    if 0 < len(names) <= 2 and all(names):
        return (" + " if own == "EdgeSum" else ", ").join(names)
    leaves = [each for each in module.modules() if next(each.children(), None) is None]
    pools = [layer_name(each) for each in leaves if "pool" in layer_name(each)]
    return pools[0] if pools and not weighted else f"{len(weighted)} layers" if len(weighted) > 1 else ""


def layer_name(layer: Any) -> str:
    """A single layer: "conv 3×3 /2", "linear"."""
    kind = type(layer).__name__
    if isinstance(layer, _CONVOLUTIONS):
        what = "depthwise" if _is_depthwise(layer) else "dil conv" if max(layer.dilation) > 1 else "conv"
        return f"{what} {_times(layer.kernel_size)}{_stride(layer.stride)}"
    if isinstance(layer, _TRANSPOSED):
        return f"up conv {_times(layer.kernel_size)}"
    base = re.sub(r"[123]d$", "", kind)
    name = _SHORT.get(base) or words(base)
    if base in ("AvgPool", "MaxPool"):
        return f"{name} {_times(layer.kernel_size)}{_stride(layer.stride)}"
    return name


def _pattern(weighted: Sequence[Any]) -> str:
    """Several convolutions that have a name of their own together."""
    if len(weighted) < 2 or not all(isinstance(each, _CONVOLUTIONS) for each in weighted):
        return ""
    deep = [_is_depthwise(each) for each in weighted]
    points = [max(each.kernel_size) == 1 for each in weighted]
    stride = _stride(next((each.stride for each in weighted if max(each.stride) > 1), (1,)))
    if len(weighted) % 2 == 0 and all(deep[::2]) and all(points[1::2]):
        what = "dil conv" if max(weighted[0].dilation) > 1 else "sep conv"
        return f"{what} {_times(weighted[0].kernel_size)}{stride}"
    if len(weighted) >= 3 and deep[1] and points[0] and points[-1] and sum(deep) == 1:
        expansion = weighted[0].out_channels / weighted[0].in_channels
        squeezed = " se" if len(weighted) > 3 else ""
        return f"inverted {_times(weighted[1].kernel_size)} ×{expansion:.2g}{squeezed}{stride}"
    return ""


def _is_depthwise(layer: Any) -> bool:
    return layer.groups > 1 and layer.groups == layer.in_channels


def _times(kernel: Any) -> str:
    sizes = kernel if isinstance(kernel, tuple) else (kernel,)
    return "×".join(map(str, sizes if len(sizes) > 1 else (sizes if isinstance(kernel, tuple) else (kernel, kernel))))


def _stride(stride: Any) -> str:
    most = max(stride) if isinstance(stride, tuple) else stride
    return f" /{most}" if most > 1 else ""


def words(kind: str) -> str:
    """The name of a class as words: "SqueezeExcite" gives "squeeze excite"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", kind.strip("_")).lower()
