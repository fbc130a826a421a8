"""Layers of elastic size: the largest layer's weights, of which an architecture takes the first channels and the centre
of the kernel (Yu et al. 2019; Cai et al. 2020), and a mixture masks (Wan et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netwright.core.errors import UserError
from netwright.networks.mobile_blocks import AtomicBlock, Resized
from netwright.supernets.elastic import is_elastic, resolved, shares_of
from netwright.supernets.joined import Blocks
from netwright.supernets.selection import Selection
from netwright.supernets.series import SeriesConv2d, add_series

PROVIDES = ("super.slim",)

_Norm = nn.BatchNorm1d | nn.BatchNorm2d


def make_elastic(
    network: nn.Module, selection: Selection, *, kernel_transform: bool = False, group_series: bool = False
) -> None:
    """Turn every layer that was made with elastic sizes into its sliced form, in place.

    kernel_transform: smaller kernels pass a learnt linear map that starts as the identity (Cai et al. 2020).
    group_series: convolutions of fixed channels and open groups become series of terms, see `SeriesConv2d`.

    Raises UserError for a kind of layer whose weights cannot be sliced.
    """
    for name, module in list(network.named_modules()):
        fields = {key: value for key, value in vars(module).items() if _holds_elastic(value)}
        if not fields:
            continue
        if group_series and type(module) is nn.Conv2d and add_series(name, module, selection):
            continue
        _refuse_unsliceable(name, module)
        for kind, form in _FORMS.items():
            if type(module) is kind:
                module.__class__ = form
                object.__setattr__(module, "selection", selection)
                if form is SlicedConv2d and kernel_transform and is_elastic(module.kernel_size[0]):  # pyright: ignore
                    _add_transforms(module)  # pyright: ignore
                break
        else:
            raise UserError(
                f"layer {name!r} of kind {type(module).__name__} has the open size {sorted(fields)[0]!r}, which a "
                f"supernet cannot slice; it can for {', '.join(sorted(kind.__name__ for kind in _FORMS))}"
            )


def _refuse_unsliceable(name: str, module: Any) -> None:
    """UserError for convolutions whose open sizes cannot be sliced alone."""
    if not isinstance(module, (nn.Conv1d, nn.Conv2d)):
        return
    kernel = module.kernel_size
    why = ""
    if module.padding_mode != "zeros":
        why = f"padding mode {module.padding_mode!r}"
    elif isinstance(module, nn.Conv1d) and any(map(is_elastic, kernel)):
        why = "an open kernel along one axis"
    elif any(map(is_elastic, kernel)) and kernel[0] is not kernel[-1]:
        why = "an open kernel that is not square"
    if why:
        raise UserError(f"layer {name!r} has {why}, which a supernet cannot slice; choose between modules with `one`")


def _holds_elastic(value: Any) -> bool:
    return any(map(is_elastic, value)) if isinstance(value, tuple) else is_elastic(value)


def _mask(value: Any, selection: Selection, extent: int) -> Tensor:
    """For each channel, the weight of all sizes that include it: (extent,)."""
    shares = shares_of(value, selection)
    device = shares[0][1].device
    places = torch.arange(extent, device=device)
    included = torch.stack([(places < number).to(shares[0][1].dtype) for number, _ in shares])
    return torch.stack([share for _, share in shares]) @ included


def _masked(y: Tensor, value: Any, selection: Selection, axis: int) -> Tensor:
    if selection.chosen is not None or not is_elastic(value):
        return y
    mask = _mask(value, selection, y.shape[axis]).to(y.dtype)
    return y * mask.view([-1 if i == axis % y.dim() else 1 for i in range(y.dim())])


class SlicedConv2d(nn.Conv2d):
    """A convolution of elastic channels, kernel and groups; input channels follow the input."""

    selection: Selection

    def forward(self, input: Tensor) -> Tensor:
        chosen = self.selection.chosen
        if any(map(is_elastic, (*self.stride, *self.dilation))) and chosen is None:
            raise UserError("a mixture of strides or dilations has no meaning; choose between modules with `one`")
        groups = resolved(self.groups, chosen)
        if is_elastic(self.groups):
            groups = min(groups, input.shape[1])
        outputs = resolved(self.out_channels, chosen)
        if chosen is None:
            weight, padding = self._mixed_weight(), resolved(self.padding, None)
        else:
            kernel, padding = resolved(self.kernel_size, chosen), resolved(self.padding, chosen)
            weight = _read(self, self._kernel(kernel)[:outputs], input.shape[1] // groups).contiguous()
        bias = None if self.bias is None else self.bias[:outputs]
        stride, dilation = resolved(self.stride, chosen), resolved(self.dilation, chosen)
        y = F.conv2d(input, weight, bias, stride, padding, dilation, groups)
        return _masked(y, self.out_channels, self.selection, 1)

    def selected_kernel(self) -> Tensor:
        """The weight with the kernel of the selected architecture, of all channels."""
        return self._kernel(resolved(self.kernel_size, self.selection.chosen))

    def _kernel(self, size: tuple[int, int]) -> Tensor:
        """The centre of the largest kernel, passed through the transforms where there are any."""
        full = self.weight.shape[2:]
        if tuple(size) == tuple(full):
            return self.weight
        transforms = getattr(self, "transforms", None)
        if transforms is None or size[0] != size[1]:
            return _centre(self.weight, size)
        weight = self.weight
        for smaller in sorted((int(key) for key in transforms), reverse=True):
            if smaller < size[0]:
                break
            weight = _centre(weight, (smaller, smaller))
            weight = (weight.flatten(2) @ transforms[str(smaller)]).view_as(weight)
        return weight

    def _mixed_weight(self) -> Tensor:
        """sum_k p_k W_k, each kernel W_k padded with zeros: convolution is linear in it."""
        size = self.kernel_size[0]
        if not is_elastic(size):
            return self.weight
        total: Tensor | None = None
        extent = self.weight.shape[2]
        for number, share in shares_of(size, self.selection):
            margin = (extent - number) // 2
            kernel = F.pad(self._kernel((number, number)), (margin,) * 4) * share
            total = kernel if total is None else total + kernel
        assert total is not None
        return total


def inputs_of(layer: nn.Module) -> Any:
    """How many channels or features a layer reads, open or not."""
    return getattr(layer, "in_features", getattr(layer, "in_channels", None))


def _read(layer: Any, weight: Tensor, count: int) -> Tensor:
    """The part of a weight that goes with so many inputs: those of the states that are joined, else the first."""
    inputs, chosen = inputs_of(layer), layer.selection.chosen
    return inputs.taken(weight, chosen) if isinstance(inputs, Blocks) and chosen is not None else weight[:, :count]


def of_selected(layer: nn.Module, name: str, full: Tensor) -> Tensor:
    """The shared tensor as the selected architecture reads it: a kernel after its maps, of joined inputs only."""
    if name == "weight" and isinstance(layer, SeriesConv2d):
        return layer.selected_weight()
    if name == "weight" and isinstance(layer, SlicedConv2d) and hasattr(layer, "transforms"):
        full = layer.selected_kernel()
    inputs = inputs_of(layer)
    if name != "weight" or not isinstance(inputs, Blocks):
        return full
    chosen = cast("Any", layer).selection.chosen
    return inputs.taken(full, chosen)


def selected_sizes(layer: Any, weight: Tensor) -> torch.Size:
    """What shape a weight, as `of_selected` gives it, has in the stand-alone network of the selected architecture."""
    if isinstance(layer, SeriesConv2d):
        return weight.shape
    chosen, inputs = layer.selection.chosen, inputs_of(layer)
    read = weight.shape[1] if isinstance(inputs, Blocks) else resolved(inputs, chosen)
    outputs = resolved(getattr(layer, "out_features", getattr(layer, "out_channels", None)), chosen)
    if not isinstance(layer, nn.Linear) and not isinstance(inputs, Blocks):
        read //= max(1, min(resolved(layer.groups, chosen), read))  # of no channel there are no groups
    kernel = resolved(layer.kernel_size, chosen) if isinstance(layer, nn.Conv2d) else weight.shape[2:]
    return torch.Size((outputs, read, *kernel))


def _centre(weight: Tensor, size: tuple[int, int]) -> Tensor:
    (height, width), (rows, columns) = weight.shape[2:], size
    top, left = (height - rows) // 2, (width - columns) // 2
    return weight[:, :, top : top + rows, left : left + columns]


def _add_transforms(layer: Any) -> None:
    sizes = sorted({number for _, number in layer.kernel_size[0].values()})[:-1]
    layer.transforms = nn.ParameterDict({str(size): nn.Parameter(torch.eye(size * size)) for size in sizes})


class SlicedConv1d(nn.Conv1d):
    """A convolution of elastic channels along one axis; its kernel is the whole one."""

    selection: Selection

    def forward(self, input: Tensor) -> Tensor:
        chosen = self.selection.chosen
        outputs, groups = resolved(self.out_channels, chosen), resolved(self.groups, chosen)
        weight = self.weight[:outputs, : input.shape[1] // groups].contiguous()
        bias = None if self.bias is None else self.bias[:outputs]
        y = F.conv1d(input, weight, bias, self.stride, self.padding, self.dilation, groups)
        return _masked(y, self.out_channels, self.selection, 1)


class SlicedLinear(nn.Linear):
    """A linear layer of elastic features; those it reads follow the input."""

    selection: Selection

    def forward(self, input: Tensor) -> Tensor:
        outputs = resolved(self.out_features, self.selection.chosen)
        weight = _read(self, self.weight[:outputs], input.shape[-1])
        y = F.linear(input, weight, None if self.bias is None else self.bias[:outputs])
        return _masked(y, self.out_features, self.selection, -1)


class _SlicedBatchNorm:
    selection: Selection

    def forward(self: Any, input: Tensor) -> Tensor:
        n = input.shape[1]
        scale, shift = (None if each is None else each[:n] for each in (self.weight, self.bias))
        used = self.track_running_stats or not self.training
        kept = (self.running_mean, self.running_var) if used else (None, None)
        mean, var = (None if each is None else each[:n] for each in kept)
        of_batch = self.training or mean is None
        y = F.batch_norm(input, mean, var, scale, shift, of_batch, self.momentum, self.eps)
        return _masked(y, self.num_features, self.selection, 1)


class SlicedBatchNorm1d(_SlicedBatchNorm, nn.BatchNorm1d):
    """Batch normalisation of the channels that are there."""


class SlicedBatchNorm2d(_SlicedBatchNorm, nn.BatchNorm2d):
    """Batch normalisation of the channels that are there."""


class SlicedLayerNorm(nn.LayerNorm):
    """Layer normalisation over one elastic axis, of the features that are there.

    A mixture normalises over all features, with those of the larger sizes masked before.
    """

    selection: Selection

    def forward(self, input: Tensor) -> Tensor:
        n = input.shape[-1]
        scale, shift = (None if each is None else each[:n] for each in (self.weight, self.bias))
        y = F.layer_norm(input, (n,), scale, shift, self.eps)
        return _masked(y, self.normalized_shape[-1], self.selection, -1)


class SlicedDropout(nn.Dropout):
    """Dropout of an elastic rate; for a mixture the weighted sum of all rates' outputs."""

    selection: Selection

    def forward(self, input: Tensor) -> Tensor:
        if self.selection.chosen is not None:
            return F.dropout(input, resolved(self.p, self.selection.chosen), self.training)
        terms = [F.dropout(input, rate, self.training) * share for rate, share in shares_of(self.p, self.selection)]
        return torch.stack(terms).sum(0) if terms else input


class SlicedResized(Resized):
    """Images at an elastic resolution; for a mixture the weighted sum of all, each brought back to the largest."""

    selection: Selection

    def forward(self, images: Tensor) -> Tensor:
        if self.selection.chosen is not None:
            height, width = resolved(self.size, self.selection.chosen)
            return F.interpolate(images, (height, width), mode="bilinear", align_corners=False)
        heights, widths = (shares_of(each, self.selection) if is_elastic(each) else None for each in self.size)
        shares = heights or widths or []
        total: Tensor | None = None
        for i, (_, share) in enumerate(shares):
            size = tuple(
                int(each[i][0]) if each else int(full) for each, full in zip((heights, widths), self.size, strict=True)
            )
            small = F.interpolate(images, size, mode="bilinear", align_corners=False)
            term = F.interpolate(small, tuple(map(int, self.size)), mode="bilinear", align_corners=False) * share
            total = term if total is None else total + term
        return images if total is None else total


class SlicedAtomicBlock(AtomicBlock):
    """An atomic block of elastic numbers of channels; kernels that none of them has are left out."""

    selection: Selection

    def forward(self, x: Tensor) -> Tensor:
        chosen, branches = self.selection.chosen, list(self.branches.values())
        if chosen is not None:
            branches = [each for each, width in zip(branches, self.widths, strict=True) if resolved(width, chosen)]
        return self.joined(x, branches)


_FORMS: Mapping[type[nn.Module], Any] = {
    AtomicBlock: SlicedAtomicBlock,
    Resized: SlicedResized,
    nn.Conv1d: SlicedConv1d,
    nn.Conv2d: SlicedConv2d,
    nn.Linear: SlicedLinear,
    nn.BatchNorm1d: SlicedBatchNorm1d,
    nn.BatchNorm2d: SlicedBatchNorm2d,
    nn.LayerNorm: SlicedLayerNorm,
    nn.Dropout: SlicedDropout,
}


def sliced_copy(full: Tensor, shape: torch.Size) -> Tensor:
    """The part of the largest layer's tensor that a layer of this shape takes; UserError where it is not part of it."""
    if full.shape == shape:
        return full
    small = full.dim() == len(shape) and all(a <= b for a, b in zip(shape, full.shape, strict=True))
    if not small:
        raise UserError(f"a tensor of shape {tuple(shape)} is no part of the shared one of shape {tuple(full.shape)}")
    if full.dim() == 4:
        full = _centre(full, (shape[2], shape[3]))
    return full[tuple(slice(extent) for extent in shape[:2])] if full.dim() > 1 else full[: shape[0]]
