"""Convolutions of different kernels on one edge as a single one, of the weighted sum of kernels (Wang et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from netwright.core.errors import ConfigurationError
from netwright.supernets.mixed import MixedOperation


def merge_kernels(network: nn.Module) -> None:
    """Let options that differ in their kernels alone share all else, and be one convolution in a mixture.

    Raises ConfigurationError where no decision has two such options.
    """
    found = False
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if type(child) is MixedOperation and (families := _families(child.options)):
                module.add_module(name, MergedOperation(child, families))
                found = True
    if not found:
        raise ConfigurationError(
            "merged kernels need options that differ in their kernels alone, as the convolutions of Darts and "
            "NasBench201; no decision of this space has two of them"
        )


class MergedOperation(MixedOperation):
    """A mixed operation in which some options are one: sum_o p_o o(x) becomes P f(x; sum_o (p_o / P) K_o).

    P is the sum of the weights of a family's options, K_o their kernels, dilated and padded with zeros to the largest
    extent, f all else, which they have in common.

    inner: the operation as it was.
    families: of each the places of its options; the first option keeps what is shared, the others their kernels alone.
    """

    def __init__(self, inner: MixedOperation, families: Sequence[Sequence[int]]) -> None:
        super().__init__(inner.decision, inner.labels, list(inner.options), inner.selection)
        self.families = {family[0]: tuple(family) for family in families}
        self.kernels = {first: self._own(family) for first, family in self.families.items()}
        for first, family in self.families.items():
            for place in family[1:]:
                steps = enumerate(self._sequence(place))
                self.options[place] = nn.Sequential(
                    *[step if i in self.kernels[first] else nn.Identity() for i, step in steps]
                )

    def _sequence(self, place: int) -> nn.Sequential:
        return cast("nn.Sequential", self.options[place])

    def _own(self, family: Sequence[int]) -> frozenset[int]:
        """The steps at which the options of a family have kernels of their own."""
        return own_kernels([self._sequence(place) for place in family])

    def chosen(self) -> nn.Module:
        assert self.selection.chosen is not None
        place = 0 if self.decision is None else self._places[cast("str", self.selection.chosen[self.decision])]
        for first, family in self.families.items():
            if place in family[1:]:
                steps = zip(self._sequence(first), self._sequence(place), strict=True)
                return nn.Sequential(
                    *[own if i in self.kernels[first] else shared for i, (shared, own) in enumerate(steps)]
                )
        return self.options[place]

    def mixed(self, x: Any) -> Tensor | None:
        if self.decision is None:
            return self.options[0](x)
        weights, computed = self.selection.weights[self.decision], self.computed()
        merged = {place for family in self.families.values() for place in family}
        terms = [self.options[i](x) * weights[i] for i in computed if i not in merged]
        for first, family in self.families.items():
            active = [place for place in family if place in computed]
            if active:
                total = weights[active].sum()
                terms.append(self._as_one(x, first, active, weights[active] / total.clamp(min=1e-12)) * total)
        return torch.stack(terms).sum(0) if terms else None

    def _as_one(self, x: Tensor, first: int, places: Sequence[int], shares: Tensor) -> Tensor:
        """What the family gives for these options with these shares of it."""
        for i, shared in enumerate(self._sequence(first)):
            if i in self.kernels[first]:
                x = _convolved(x, [cast("nn.Conv2d", self._sequence(place)[i]) for place in places], shares)
            else:
                x = shared(x)
        return x


def _convolved(x: Tensor, layers: Sequence[nn.Conv2d], shares: Tensor) -> Tensor:
    """One convolution by the sum of the kernels, each times its share."""
    height, width = (max(_extent(each)[axis] for each in layers) for axis in (0, 1))
    kernel = x.new_zeros(*layers[0].weight.shape[:2], height, width)
    for layer, share in zip(layers, shares.unbind(), strict=True):
        slices = [
            slice((most - extent) // 2, (most + extent) // 2, step)
            for most, extent, step in zip((height, width), _extent(layer), layer.dilation, strict=True)
        ]
        part = x.new_zeros(kernel.shape)
        part[:, :, slices[0], slices[1]] = layer.weight
        kernel = kernel + share * part
    first = layers[0]
    return conv2d(x, kernel, first.bias, first.stride, (height // 2, width // 2), groups=first.groups)


def own_kernels(options: Sequence[nn.Sequential]) -> frozenset[int]:
    """The steps at which these options, which are alike otherwise, have kernels of different sizes or dilations."""
    columns = enumerate(zip(*options, strict=True))
    return frozenset(i for i, column in columns if len({_kernel(each) for each in column}) > 1)


def _kernel(step: nn.Module) -> tuple[Any, Any] | None:
    return (step.kernel_size, step.dilation) if isinstance(step, nn.Conv2d) else None


def _families(options: Sequence[nn.Module] | nn.ModuleList) -> list[list[int]]:
    """The places of options that are alike but for their kernels, two at least."""
    found: dict[tuple[str, ...], list[int]] = {}
    for place, option in enumerate(options):
        if type(option) is nn.Sequential:
            found.setdefault(tuple(map(_form, option)), []).append(place)
    return [places for places in found.values() if own_kernels([cast("Any", options[place]) for place in places])]


def _form(step: nn.Module) -> str:
    """What a step is, but for the kernel of a convolution that keeps the extents of an image."""
    if type(step) is not nn.Conv2d or step.bias is not None or not _keeps_extents(step):
        return repr(step)
    return f"convolution {step.in_channels} {step.out_channels} {step.groups} {step.stride}"


def _keeps_extents(layer: nn.Conv2d) -> bool:
    padding = tuple(2 * each + 1 for each in layer.padding if isinstance(each, int))
    return layer.padding_mode == "zeros" and padding == _extent(layer)


def _extent(step: nn.Module) -> tuple[int, int]:
    """How far the kernel of a convolution reaches, dilated; 0 for what is none."""
    if not isinstance(step, nn.Conv2d):
        return 0, 0
    down, across = (d * (k - 1) + 1 for k, d in zip(step.kernel_size, step.dilation, strict=True))
    return down, across
