"""What a built network computes, as a graph: its layers, what each of them reads, and the weights that each needs.

It is found by running the network once and noting what is called with what, so that any network of any space has one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

INPUT, OUTPUT, UNREACHED = "input", "output", "unreached"
MERGES = ("add", "iadd", "sub", "mul", "imul", "cat", "concat", "stack")
CONSTANTS = ("zeros_like", "ones_like", "empty_like", "full_like", "new_zeros", "new_ones")
LARGEST_KERNEL = 15  # positions along an axis; what is longer is no kernel


@dataclass(frozen=True, slots=True)
class Node:
    """A layer, a sum or another place where states meet, the input or the output.

    label: what it computes, without its number of channels, as "conv2d 3x3 (1, 1) (1, 1) (1, 1)".
    sources: the nodes that it reads, by number, each before this one.
    channels: of its output.
    """

    label: str
    sources: tuple[int, ...]
    channels: int

    @property
    def name(self) -> str:
        """The function alone, as "conv2d"."""
        return self.label.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter of the network.

    name: in the network.
    shape: outputs first, then inputs, then the kernel.
    node: that needs it, by number.
    place: which one of the node's it is.
    start: what all of a vector begin with, as 1 for the scales of a normalisation; 0 where they are drawn.
    """

    name: str
    shape: tuple[int, ...]
    node: int
    place: int
    start: float = 0.0

    @property
    def is_kernel(self) -> bool:
        """Whether it weighs inputs; the others are scales, shifts and other vectors."""
        return len(self.shape) > 1

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width, 1 for what has none."""
        extents = self.shape[2:]
        if not 1 <= len(extents) <= 2 or max(extents) > LARGEST_KERNEL:
            return 1, 1
        return (1, *extents)[-2:]  # pyright: ignore[reportReturnType]

    @property
    def inputs(self) -> int:
        """Numbers of an output's weights at one position of the kernel."""
        return math.prod(self.shape[1:]) // math.prod(self.kernel)


@dataclass(frozen=True)
class Computation:
    """Nodes in the order in which they run, and the weights of all of them."""

    nodes: tuple[Node, ...]
    weights: tuple[Weight, ...]

    @cached_property
    def readers(self) -> tuple[tuple[int, ...], ...]:
        """By node the nodes that read it, by number."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for number, node in enumerate(self.nodes):
            for source in node.sources:
                found[source].append(number)
        return tuple(map(tuple, found))

    def levels(self, *, backwards: bool = False) -> list[list[int]]:
        """The nodes in groups that depend only on groups before: along the computation, or against it."""
        reads = self.readers if backwards else [node.sources for node in self.nodes]
        depth = [0] * len(self.nodes)
        for number in reversed(range(len(self.nodes))) if backwards else range(len(self.nodes)):
            depth[number] = 1 + max((depth[each] for each in reads[number]), default=-1)
        found: list[list[int]] = [[] for _ in range(max(depth) + 1)]
        for number, each in enumerate(depth):
            found[each].append(number)
        return found


def computation(network: nn.Module, example: Any) -> Computation:
    """What the network computes of these examples.

    network: in the mode whose computation is meant; parameters that it does not use there belong to a node
        "unreached".
    example: at least two.

    Activations, normalisations and what else keeps the shape are no nodes of their own; their weights are those of the
    layer before.
    """
    noting = _Noting(network, example)
    with torch.no_grad(), noting:
        outputs = network(example)
    return noting.found(list(_tensors(outputs)))


class _Noting(TorchFunctionMode):
    """Notes every call of a function of PyTorch: where what it read came from, and what it used of the parameters."""

    def __init__(self, network: nn.Module, example: Any) -> None:
        super().__init__()
        self._parameters = dict(network.named_parameters())
        self._owned = {id(each): (name,) for name, each in self._parameters.items()}
        self._nodes = [Node(INPUT, (), 0)]
        self._used: dict[str, int] = {}  # by parameter its node, in the order of use
        self._states = {id(each): 0 for each in _tensors(example)}
        self._held: list[Tensor] = []  # so that no two have one identity

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = list(_tensors((args, kwargs)))
        shapes = {id(each): each.shape for each in given}  # before a function that works in place
        result = func(*args, **kwargs)
        made = list(_tensors(result))
        if made and given:
            self._note(_Call(getattr(func, "__name__", ""), (*args, *kwargs.values()), given, made, shapes))
        return result

    def _note(self, call: _Call) -> None:
        sources = tuple(dict.fromkeys(self._states[id(each)] for each in call.given if id(each) in self._states))
        names = dict.fromkeys(name for each in call.given for name in self._owned.get(id(each), ()))
        self._held += call.made
        if not sources:
            self._owned |= {id(each): tuple(names) for each in call.made if names}
            return
        node = self._node(call, sources, names)
        self._states |= {id(each): node for each in call.made}
        for name in names:
            self._used.setdefault(name, node)

    def _node(self, call: _Call, sources: tuple[int, ...], names: Iterable[str]) -> int:
        """The node that this call belongs to: a new one, or that of what it read."""
        kernel = next((each for each in map(self._parameters.__getitem__, names) if each.dim() > 1), None)
        state = next(each for each in call.given if id(each) in self._states)
        keeps = all(each.shape == call.shapes[id(state)] for each in call.made)
        if len(sources) == 1 and kernel is None and keeps and "pool" not in call.name:
            return sources[0]
        if call.name in CONSTANTS:
            sources = ()
        first = call.made[0]
        self._nodes.append(Node(call.label(kernel), sources, first.shape[1] if first.dim() > 1 else 1))
        return len(self._nodes) - 1

    def found(self, outputs: Sequence[Tensor]) -> Computation:
        sources = tuple(dict.fromkeys(self._states[id(each)] for each in outputs if id(each) in self._states))
        nodes = [*self._nodes, Node(OUTPUT, sources, outputs[0].shape[-1] if outputs else 0)]
        unreached = [name for name in self._parameters if name not in self._used]
        if unreached:
            nodes.append(Node(UNREACHED, (), 0))
        used = {**self._used, **{name: len(nodes) - 1 for name in unreached}}
        counts: dict[int, int] = {}
        weights: list[Weight] = []
        for name, node in used.items():
            place = counts[node] = counts.get(node, -1) + 1
            parameter = self._parameters[name]
            weights.append(Weight(name, tuple(parameter.shape), node, place, _start(parameter)))
        return Computation(tuple(nodes), tuple(weights))


@dataclass(frozen=True, slots=True)
class _Call:
    """One call: the function's name, its arguments, the tensors among them with their shapes before, what came out."""

    name: str
    arguments: tuple[Any, ...]
    given: list[Tensor]
    made: list[Tensor]
    shapes: Mapping[int, torch.Size]

    def label(self, kernel: Tensor | None) -> str:
        """The function with what tells its layer from others of the same number of channels."""
        name = self.name.strip("_") if self.name.strip("_") in MERGES else self.name
        pieces = [name]
        if kernel is not None:
            pieces += ["x".join(map(str, kernel.shape[2:]))] if kernel.dim() > 2 else []
        if "conv" in name or "pool" in name:
            pieces += [str(each) for each in self.arguments if isinstance(each, tuple) and _are_whole(each)]
        if "conv" in name and kernel is not None:
            wide = self.shapes[id(self.given[0])][1]
            pieces += ["depthwise"] if kernel.shape[1] == 1 < wide else ["grouped"] if kernel.shape[1] < wide else []
        if "pool" in name:
            pieces += [str(each) for each in self.arguments if type(each) is int]
        return " ".join(piece for piece in pieces if piece)


def _are_whole(values: tuple[Any, ...]) -> bool:
    return all(type(each) is int for each in values)


def _start(parameter: Tensor) -> float:
    """What all numbers of a vector are; 0 where they differ."""
    if parameter.dim() > 1 or parameter.is_meta or not parameter.numel():
        return 0.0
    values = parameter.detach()
    first = float(values.flatten()[0])
    return first if bool((values == first).all()) else 0.0


def _tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in nested arguments."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in cast("Mapping[Any, Any]", value).values():
            yield from _tensors(each)
    elif isinstance(value, (list, tuple)):
        for each in cast("list[Any]", value):
            yield from _tensors(each)
