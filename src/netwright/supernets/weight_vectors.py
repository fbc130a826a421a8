"""The weights of a selected architecture, as one vector that tells structures apart (Hu et al. 2020, section 3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from torch import Tensor, nn

from netwright.networks.cells import Cell, DenseCell
from netwright.networks.operations import Zero
from netwright.supernets.mixed import ElasticDepth, MixedEdges, MixedOperation
from netwright.supernets.open_graph import OpenGraphCell
from netwright.supernets.open_route import OpenRoute
from netwright.supernets.sliced import of_selected, selected_sizes, sliced_copy

POOLS = (nn.AvgPool2d, nn.MaxPool2d)


class Entry(NamedTuple):
    """Layers of the selected architecture, or a pooling that is chosen among operations.

    times: how many paths of its cell lead through it; 1 outside of cells.
    layer: its own parameters are meant, not those of its children.
    pooled: of a pooling, the square of the length of its fixed vector; 0 for others.
    """

    times: int
    layer: nn.Module
    pooled: float = 0.0


def entries(network: nn.Module) -> Iterator[Entry]:
    """Every layer of the selected architecture with the number of paths through it.

    In a cell of states a layer counts once for each path from the cell's inputs to its output that leads through it, so
    that cells of the same operations and other edges have other vectors. What leaves nothing of its input ends a path.
    """
    return _walk(network, 1, {})


def _walk(module: nn.Module, times: int, ways: Mapping[int, Sequence[int]]) -> Iterator[Entry]:
    if isinstance(module, MixedOperation):
        yield from _operation(module, times, ways)
    elif isinstance(module, MixedEdges):
        counts = ways.get(id(module))
        for place, (source, _) in enumerate(module.kept()):
            operation = cast("MixedOperation", module.operations[module.sources.index(source)])
            yield from _operation(operation, times if counts is None else times * counts[place], ways)
    else:
        yield Entry(times, module)
        found = {**ways, **_ways(module)} if isinstance(module, (Cell, DenseCell)) else ways
        for child in _selected_children(module):
            yield from _walk(child, times, found)


def _selected_children(module: nn.Module) -> Sequence[nn.Module]:
    if isinstance(module, OpenGraphCell):
        return [each for part in module.kept() for each in part]
    if isinstance(module, OpenRoute):
        return module.kept()
    if isinstance(module, ElasticDepth):
        return list(module.layers)[: module.depth()]
    return [each for each in module.children() if not isinstance(each, nn.ParameterDict)]  # maps and terms of a kernel


def _operation(operation: MixedOperation, times: int, ways: Mapping[int, Sequence[int]]) -> Iterator[Entry]:
    """What is chosen of it; a k x k pooling there counts as k*k weights of 1/k^2 for each of its channels."""
    chosen = operation.chosen()
    for each in chosen.modules():
        if isinstance(each, POOLS):
            size = each.kernel_size if isinstance(each.kernel_size, int) else each.kernel_size[0]
            yield Entry(times, each, _channels(operation) / size**2)
    yield from _walk(chosen, times, ways)


def _channels(operation: MixedOperation) -> int:
    """What the options give: the outputs of the last convolution of one of them, 1 where none has any."""
    layers = [each for option in operation.options for each in option.modules() if isinstance(each, nn.Conv2d)]
    return int(layers[-1].out_channels) if layers else 1


def _ways(cell: Cell | DenseCell) -> dict[int, list[int]]:
    """For each sum over edges, how many paths through the cell go over each edge that is kept."""
    inputs = 2 if isinstance(cell, Cell) else 1
    nodes = [[(each, each.kept()) for each in _reading(node)] for node in cell.nodes]
    into = [1] * inputs
    for node in nodes:
        into.append(sum(into[source] for _, kept in node for source, each in kept if not isinstance(each, Zero)))
    joined = set(cell.output) if isinstance(cell, Cell) else {len(into) - 1}
    onward = [int(state in joined) for state in range(len(into))]
    for state in reversed(range(inputs, len(into))):
        for _, kept in nodes[state - inputs]:
            for source, each in kept:
                onward[source] += 0 if isinstance(each, Zero) else onward[state]
    return {
        id(edges): [into[source] * onward[state] for source, _ in kept]
        for state, node in enumerate(nodes, start=inputs)
        for edges, kept in node
    }


def _reading(module: nn.Module) -> list[MixedEdges]:
    """The sums over edges that a node is made of."""
    if isinstance(module, MixedEdges):
        return [module]
    return [] if isinstance(module, MixedOperation) else [each for c in module.children() for each in _reading(c)]


def matrices(layer: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The weights of a layer as the selected architecture has them; no biases, and nothing of normalisations."""
    for name, full in layer.named_parameters(recurse=False):
        if full.dim() < 2:
            continue
        if not hasattr(layer, "selection"):
            yield name, full
            continue
        own = of_selected(layer, name, full)
        yield name, sliced_copy(own, selected_sizes(layer, own))
