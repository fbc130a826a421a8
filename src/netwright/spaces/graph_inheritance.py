"""Which layers of a graph are those of another that it came from by a few changes, so that weights find their place."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from netwright.core.inheriting import layers, modules_of, taken_over

if TYPE_CHECKING:
    from torch import nn

    from netwright.spaces.graph_edits import Layer


def corresponding(parent: Sequence[Layer], child: Sequence[Layer]) -> dict[int, int]:
    """For layers of the child, by place from 1 on, those of the parent: the longest rows of equal ones, in order."""
    ours, theirs = ([(each.operation, each.width, each.stride) for each in graph] for graph in (parent, child))
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    return {b + k + 1: a + k + 1 for a, b, size in blocks for k in range(size)}


def taken_over_by_layer(
    parent_network: nn.Module, child_network: nn.Module, parent: Sequence[Layer], child: Sequence[Layer]
) -> int:
    """Copy the weights of layers that correspond, and of adapters between them; how many parameters that is."""
    itself = {place: place for place in range(len(parent) + 1)}
    same = {0: 0, **corresponding(parent, child)}
    return taken_over(
        layers(parent_network, _scopes(parent_network, itself)), layers(child_network, _scopes(child_network, same))
    )


def taken_over_by_name(
    parent_network: nn.Module, child_network: nn.Module, parent: Mapping[int, Hashable], child: Mapping[int, Hashable]
) -> int:
    """Copy the weights of layers that are called alike; how many parameters that is.

    parent, child: by place from 1 on, what each layer of a `LayerGraph` is called.
    """
    return taken_over(
        layers(parent_network, _scopes(parent_network, {**parent, 0: "input"})),
        layers(child_network, _scopes(child_network, {**child, 0: "input"})),
    )


def _scopes(network: nn.Module, places: Mapping[int, Hashable]) -> dict[str, tuple[str, int]]:
    """What layers and adapters are called, by the name of their module. places: what each layer's place is called."""
    found: dict[str, tuple[str, int]] = {}
    for name, _ in modules_of(network):
        kind, last = ["", "", *name.split(".")][-2:]
        if kind == "layers" and last.isdigit():
            found[name] = f"layer {places.get(int(last) + 1, f'new {last}')}", 0
        elif kind == "adapters" and "_" in last:
            source, place = map(int, last.split("_"))
            ends = [str(places.get(each, f"new {each}")) for each in (source, place + 1)]
            found[name] = f"adapter {' to '.join(ends)}", 0
    return found
