"""Tensors under names: what an example has several of goes by one value, a tensor or a mapping of names to such."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Tree: TypeAlias = Any
"""A tensor, or a mapping of names to tensors, all of one length."""


def mapped(function: Callable[[Tensor], Any], tree: Tree) -> Tree:
    """The tree with what `function` makes of each tensor."""
    if isinstance(tree, Mapping):
        return {name: mapped(function, each) for name, each in cast("Mapping[str, Any]", tree).items()}
    return function(tree)


def tensors(tree: Tree) -> Iterator[Tensor]:
    """Each tensor of a tree."""
    if isinstance(tree, Mapping):
        for each in cast("Mapping[str, Any]", tree).values():
            yield from tensors(each)
    else:
        yield tree


def first(tree: Tree) -> Tensor:
    """The first tensor of a tree."""
    return next(tensors(tree))


def moved(tree: Tree, device: torch.device | str) -> Tree:
    """The tree on a device."""
    return mapped(lambda each: each.to(device), tree)


def joined(trees: Sequence[Tree]) -> Tree:
    """Trees of the same names as one, joined along their first axis."""
    import torch

    if isinstance(trees[0], Mapping):
        return {name: joined([each[name] for each in trees]) for name in cast("Mapping[str, Any]", trees[0])}
    return torch.cat(list(trees))
