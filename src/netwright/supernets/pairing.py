"""Which part of a supernet is which part of the stand-alone network of an architecture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn

from netwright.core.building import EdgeSum
from netwright.core.errors import UserError, marked
from netwright.networks.drop_path import DropPath
from netwright.networks.operations import Zero
from netwright.supernets.mixed import ElasticDepth, MixedEdges, MixedOperation
from netwright.supernets.open_graph import OpenGraphCell
from netwright.supernets.open_route import OpenRoute
from netwright.supernets.sliced import of_selected, sliced_copy

Pair = tuple[str, nn.Module, nn.Module]


def pairs(shared: nn.Module, alone: nn.Module, place: str = "") -> Iterator[Pair]:
    """Every layer of the stand-alone network with its counterpart, for the architecture that is selected.

    Raises UserError where the two are built differently.
    """
    if isinstance(shared, MixedOperation):
        yield from pairs(shared.chosen(), alone, place)
    elif type(alone) is EdgeSum:
        ours = _edges(shared)
        if [source for source, _ in ours] != list(alone.sources):
            raise UserError(f"{place or 'the network'}: the shared weights have edges {ours}, expected {alone.sources}")
        for (source, operation), other in zip(ours, alone.operations, strict=True):
            yield from pairs(operation, other, f"{place}.edge{source}")
    elif isinstance(shared, OpenGraphCell):
        for ours, others in zip(shared.kept(), alone.children(), strict=True):
            yield from _children(list(enumerate(ours)), list(others.named_children()), place)
    elif isinstance(shared, OpenRoute):
        yield from _children(list(enumerate(shared.kept())), list(alone.named_children()), place)
    elif isinstance(shared, ElasticDepth):
        layers = list(shared.layers)[: shared.depth()]
        yield from _children(list(enumerate(layers)), list(enumerate(alone.children())), place)
    elif isinstance(shared, nn.ModuleDict) and isinstance(alone, nn.ModuleDict) and set(alone) <= set(shared):
        for name, other in alone.items():
            yield from pairs(shared[name], other, f"{place}.{name}")
    else:
        yield place, shared, alone
        yield from _children(_named(shared), _named(alone), place)


def _named(module: nn.Module) -> list[tuple[str, nn.Module]]:
    """The children, without DropPath, which a supernet may have been made without."""
    return [(name, child) for name, child in module.named_children() if not isinstance(child, DropPath)]


def _children(ours: list, others: list, place: str) -> Iterator[Pair]:  # pyright: ignore
    if len(ours) < len(others):
        raise UserError(f"{place or 'the network'}: the shared weights lack {others[len(ours) :]}")
    for (_, child), (name, other) in zip(ours, others, strict=False):
        yield from pairs(child, other, f"{place}.{name}" if place else str(name))


def _edges(shared: nn.Module) -> list[tuple[int, nn.Module]]:
    """Source and operation of each kept edge inside, in order, zeros left out unless all are."""
    if isinstance(shared, MixedEdges):
        found = shared.kept()
    else:
        found = [pair for child in shared.children() for pair in _edges(child)]
    return [pair for pair in found if not isinstance(pair[1], Zero)] or found[:1]


def copy_weights(shared: nn.Module, alone: nn.Module) -> None:
    """Give the stand-alone network the weights it shares; scales and shifts that are not shared start at 1 and 0.

    Raises UserError, naming the layer, for a parameter that has no counterpart of its size.
    """
    filled: set[int] = set()
    with torch.no_grad():
        for place, ours, other in pairs(shared, alone):
            own = cast("dict[str, Tensor | None]", {**dict(ours.named_parameters(recurse=False))})
            for name, target in other.named_parameters(recurse=False):
                source = own.get(name)
                if source is None and isinstance(other, (nn.BatchNorm1d, nn.BatchNorm2d)):
                    target.fill_(1.0 if name == "weight" else 0.0)
                elif source is not None:
                    source = of_selected(ours, name, source)
                    _fill(target, source, f"{place}.{name}", elastic=hasattr(ours, "selection"))
                else:
                    continue
                filled.add(id(target))
    missing = [name for name, each in alone.named_parameters() if id(each) not in filled]
    if missing:
        raise UserError(f"the shared weights have nothing for {missing[0]!r} of the stand-alone network")


def _fill(target: Tensor, source: Tensor, name: str, *, elastic: bool) -> None:
    try:
        if not elastic and source.shape != target.shape:
            raise UserError(f"{tuple(target.shape)} stand-alone, {tuple(source.shape)} shared")
        part = sliced_copy(source, target.shape)
    except UserError as problem:
        raise UserError(f"the sizes of {name} cannot be shared: {marked(problem)}") from None
    if not target.is_meta:
        target.copy_(part)
