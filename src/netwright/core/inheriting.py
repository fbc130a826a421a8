"""Takes weights over from one network into another of a different architecture, layer by layer.

Layers correspond by where they stand: inside a decision by its name and option, elsewhere by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from netwright.core.building import Builder, EdgeSum
from netwright.core.choose import Offered, each_maker

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Label

Place = tuple[str, int, str]  # the decision and its option, which of the modules made there, and the name inside it


def take_over(
    space: DecisionSpace,
    parent_network: nn.Module,
    child_network: nn.Module,
    parent: Architecture,
    child: Architecture,
    *,
    overlap: bool = False,
) -> int:
    """Copy what corresponds from the parent's network into the child's; how many parameters were taken over.

    space: of both architectures; its `network` says which layers stand in which decision.
    overlap: of layers with other sizes take the common part, the first channels and the middle of kernels; by default
        they stay as they are.
    """
    return taken_over(
        layers(parent_network, scopes(space, parent)), layers(child_network, scopes(space, child)), overlap=overlap
    )


def taken_over(
    parents: Mapping[Place, nn.Module], children: Mapping[Place, nn.Module], *, overlap: bool = False
) -> int:
    """The same for layers by place; a layer is taken over where one of the same class stands in the same place."""
    pairs = [(parents[place], layer) for place, layer in children.items() if place in parents]
    with torch.no_grad():
        return sum(_copied(old, new, overlap) for old, new in pairs if type(old) is type(new))


def layers(network: nn.Module, scopes: Mapping[str, tuple[str, int]] | None = None) -> dict[Place, nn.Module]:
    """Every module that has weights itself, by its place.

    scopes: of modules, by name.
    """
    scopes = scopes or {}
    found: dict[Place, nn.Module] = {}
    for name, module in modules_of(network):
        if _own(module):
            outer = next((each for each in _outwards(name) if each in scopes), "")
            scope = scopes.get(outer, ("", 0))
            found[(*scope, name[len(outer) :].lstrip("."))] = module
    return found


def modules_of(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Every module with its name, each once."""
    return cast("list[tuple[str, nn.Module]]", list(cast("Any", network).named_modules()))


def _outwards(name: str) -> list[str]:
    """The module's name, and those of the modules around it."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _own(module: nn.Module) -> list[tuple[str, Tensor]]:
    """What a module holds itself: parameters and buffers."""
    return [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]


def _copied(old: nn.Module, new: nn.Module, overlap: bool) -> int:
    """Copy a layer's tensors; all of them or none unless overlaps count."""
    theirs = dict(_own(old))
    pairs = [
        (theirs[name], tensor) for name, tensor in _own(new) if name in theirs and theirs[name].ndim == tensor.ndim
    ]
    if len(pairs) < len(_own(new)) or not (overlap or all(a.shape == b.shape for a, b in pairs)):
        return 0
    count = 0
    for source, target in pairs:
        common = tuple(zip(_part(source, target), _part(target, source), strict=True))
        part = target[tuple(there for _, there in common)]
        part.copy_(source[tuple(here for here, _ in common)])
        count += part.numel() if isinstance(target, nn.Parameter) else 0
    return count


def _part(tensor: Tensor, other: Tensor) -> list[slice]:
    """What of a tensor has room in another one: the first channels, the middle of a kernel."""
    found: list[slice] = []
    for axis, (own, most) in enumerate(zip(tensor.shape, other.shape, strict=True)):
        start = max(0, own - most) // 2 if axis >= 2 else 0
        found.append(slice(start, start + min(own, most)))
    return found


def scopes(space: DecisionSpace, architecture: Architecture) -> dict[str, tuple[str, int]]:
    """For each module that a decision made, by name, the decision with its option, and which of several it is."""
    noting = _Noting(architecture.decisions, space.decisions.places)
    with torch.device("meta"):
        network = space.network(noting, space.traced_shape)
    found: dict[str, tuple[str, int]] = {}
    counts: dict[str, int] = {}
    for name, module in modules_of(network):
        scope = noting.made.get(id(module))
        if scope is not None:
            found[name] = scope, counts.get(scope, 0)
            counts[scope] = counts.get(scope, 0) + 1
    return found


class _Noting(Builder):
    """Builds, and notes which decision made which module. made: by identity; the modules are held by `_held`."""

    def __init__(self, labels: Mapping[str, Label], known: Collection[str]) -> None:
        super().__init__(labels, known)
        self.made: dict[int, str] = {}
        self._held: list[nn.Module] = []

    def _note(self, module: nn.Module) -> nn.Module:
        """What decided last comes first: an operation in a repetition is noted as the operation."""
        self._held.append(module)
        self.made.setdefault(id(module), "/".join(self._path))
        return module

    def _noted(self, make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        return lambda: self._note(make())

    def _each_noted(self, make: Callable[[int], nn.Module]) -> Callable[[int], nn.Module]:
        return lambda number: self._note(make(number))

    def one(
        self, name: str, options: Mapping[str, Callable[[], nn.Module]], *, soft: Collection[str] = ()
    ) -> nn.Module:
        return super().one(name, {label: self._noted(make) for label, make in options.items()}, soft=soft)

    def repeat(self, name: str, least: int, most: int, make: Callable[[int], nn.Module]) -> nn.Module:
        return super().repeat(name, least, most, self._each_noted(make))

    def edges(
        self,
        name: str,
        sources: Sequence[int],
        keep: int | None,
        options: Offered,
        *,
        soft: Collection[str] = (),
    ) -> EdgeSum:
        noted = each_maker(options, lambda _, make: self._each_noted(make))
        return super().edges(name, sources, keep, noted, soft=soft)
