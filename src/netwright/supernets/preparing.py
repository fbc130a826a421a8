"""What is done to a network of all architectures before it is trained: normalisation, pooling, partial channels."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, cast

from torch import nn

from netwright.core.errors import ConfigurationError
from netwright.networks.drop_path import DropPath
from netwright.networks.recurrent import Recurrence
from netwright.networks.u_shape import ChannelWeights
from netwright.supernets.mixed import MixedEdges, MixedOperation, PartialChannels, zeros_for

_POOLS = (nn.MaxPool2d, nn.AvgPool2d)
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def blocks(network: nn.Module) -> list[nn.Module]:
    """The largest parts that leave something open, such as the cells: what is recomputed as a whole."""
    return [network] if isinstance(network, (MixedOperation, MixedEdges)) else list(_blocks(network))


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if not any(hasattr(each, "selection") for each in child.modules()):
            continue
        if isinstance(child, (*_CONTAINERS, Recurrence)):
            yield from _blocks(child)
        else:
            yield child


def without_affine(network: nn.Module) -> None:
    """No scale and shift after normalising in the parts that leave something open (Liu et al. 2019, section 3.1)."""
    for block in blocks(network):
        for module in block.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.affine = False
                module.register_parameter("weight", None)
                module.register_parameter("bias", None)


def without_drop_path(network: nn.Module) -> None:
    """Take the DropPath out of every sequence, where paths are never dropped."""
    for module in network.modules():
        if isinstance(module, nn.Sequential) and any(isinstance(each, DropPath) for each in module):
            kept = [each for each in module if not isinstance(each, DropPath)]
            module._modules.clear()
            for i, each in enumerate(kept):
                module.add_module(str(i), each)


def with_drop_path_on_edges(network: nn.Module) -> None:
    """Drop whole edges, all that is mixed on them at once, and nothing else there (Xie et al. 2019, Zela et al. 2020).

    DropPath outside of such edges stays.
    """
    for node in network.modules():
        if isinstance(node, MixedEdges):
            without_drop_path(node)
            node.drop = DropPath()


def not_in_place(network: nn.Module) -> None:
    """Options share their input, so none may write into it."""
    for module in network.modules():
        if getattr(module, "inplace", False) is True:
            cast("Any", module).inplace = False


def with_normalised_pooling(network: nn.Module) -> None:
    """Batch normalisation without scale and shift after each pooling option, as the authors of DARTS have it."""

    for operation in network.modules():
        if isinstance(operation, MixedOperation):
            like = _last_norm(operation)
            for i, option in enumerate(operation.options):
                steps = list(option) if isinstance(option, nn.Sequential) else [option]
                if len(steps) == 1 and isinstance(steps[0], _POOLS):
                    operation.options[i] = nn.Sequential(steps[0], like)
                    like = copy.deepcopy(like)


def _last_norm(operation: MixedOperation) -> nn.BatchNorm2d:
    """A normalisation of what the options give, without scale and shift, with running statistics where others have."""
    norms = [each for option in operation.options for each in option.modules() if isinstance(each, nn.BatchNorm2d)]
    kept = bool(norms) and norms[-1].running_mean is not None
    norm = nn.BatchNorm2d(norms[-1].num_features if kept else 0, affine=False, track_running_stats=kept)
    norm.track_running_stats = False
    return norm


def with_dropout_on_skips(network: nn.Module) -> None:
    """A Dropout after each identity, whose rate `set_skip_dropout` sets (Chen et al. 2019, section 3.3)."""
    _replace_options(network, lambda option: SkipDropout() if isinstance(option, nn.Identity) else option)


def set_skip_dropout(network: nn.Module, rate: float) -> None:
    for module in network.modules():
        if isinstance(module, SkipDropout):
            module.p = rate


class SkipDropout(nn.Dropout):
    """An identity that is dropped out element by element while training."""

    def __init__(self) -> None:
        super().__init__(0.0)


def with_partial_channels(network: nn.Module, k: int) -> None:
    """Let 1/k of the channels pass the operations on every edge; ConfigurationError where that cannot be."""
    found = False
    for node in network.modules():
        if isinstance(node, MixedEdges):
            for operation in node.operations:
                found = True
                for i, option in enumerate(cast("MixedOperation", operation).options):
                    cast("MixedOperation", operation).options[i] = _narrowed(option, k, node.name)
            node.operations = nn.ModuleList([PartialEdge(cast("MixedOperation", each), k) for each in node.operations])
    if not found:
        raise ConfigurationError(
            f"partial_channels={k} needs nodes that sum operations on edges, as the cells of Darts; this space has none"
        )


class PartialEdge(MixedOperation):
    """A mixed operation that only 1/k of the channels pass (Xu et al. 2020)."""

    def __init__(self, inner: MixedOperation, k: int) -> None:
        super().__init__(inner.decision, inner.labels, list(inner.options), inner.selection)
        self.k = k

    def chosen(self) -> nn.Module:
        return PartialChannels(super().chosen(), self.k)

    def mixed(self, x: Any) -> Any:
        mixed = super().mixed
        return PartialChannels(lambda part: _or_zeros(mixed(part), part, self), self.k)(x)


def _or_zeros(result: Any, x: Any, operation: MixedOperation) -> Any:
    return zeros_for(operation, x) if result is None else result


def _narrowed(option: nn.Module, k: int, where: str) -> nn.Module:
    """The same operation made anew for 1/k of the channels."""
    if isinstance(option, ChannelWeights):
        _require_divisible(option.channels, k, where)
        return ChannelWeights(option.channels // k)
    for name, child in list(option.named_children()):
        option.add_module(name, _narrowed(child, k, where))
    if type(option) in (nn.Conv2d, nn.ConvTranspose2d):
        return _narrow_convolution(option, k, where)
    if isinstance(option, nn.BatchNorm2d):
        _require_divisible(option.num_features, k, where)
        kept = option.running_mean is not None
        norm = nn.BatchNorm2d(option.num_features // k, affine=option.affine, track_running_stats=kept)
        norm.track_running_stats = False
        return norm
    if any(True for _ in option.parameters(recurse=False)):
        raise ConfigurationError(
            f"partial_channels={k} cannot narrow a {type(option).__name__} in {where!r}; it can convolutions and batch "
            "normalisations"
        )
    return option


def _narrow_convolution(layer: Any, k: int, where: str) -> nn.Module:
    for channels in (layer.in_channels, layer.out_channels):
        _require_divisible(channels, k, where)
    groups = layer.groups // k if layer.groups > 1 else 1
    kind: Any = type(layer)
    more: dict[str, Any] = {"output_padding": layer.output_padding} if kind is nn.ConvTranspose2d else {}
    return kind(
        *(layer.in_channels // k, layer.out_channels // k, layer.kernel_size, layer.stride),
        padding=layer.padding,
        dilation=layer.dilation,
        groups=max(1, groups),
        bias=layer.bias is not None,
        **more,
    )


def _require_divisible(channels: int, k: int, where: str) -> None:
    if channels % k:
        raise ConfigurationError(f"partial_channels={k}: {where!r} has {channels} channels, which {k} does not divide")


def _replace_options(network: nn.Module, form: Any) -> None:
    for operation in network.modules():
        if isinstance(operation, MixedOperation):
            for i, option in enumerate(operation.options):
                operation.options[i] = form(option)
