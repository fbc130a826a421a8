"""Rules for the networks of a space: what is asked while one is written down, and what comes out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from netwright.core.task import TaskShape
from netwright.testing.rules import must_not_raise, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import DecisionTable
    from netwright.core.space import Space


def decisions_do_not_depend_on_the_task(space: DecisionSpace, shape: TaskShape) -> None:
    """Traced as it is, for the task's shape and another one; and its twin, which is traced in its place."""
    from netwright.core.tracing import trace

    with must_not_raise("tracing the decisions for the space's own shape"):
        known = _described(space.decisions)
    for other in (shape, _another(shape)):
        with must_not_raise(f"network, traced for {other},"):
            found = _described(trace(space, other))
        if found != known:
            raise AssertionError(
                f"the decisions for {other} differ from those known of the space: {_difference(found, known)}; "
                "what is asked must not depend on the task, nor on what the tracing twin leaves out"
            )


def network_asks_the_active_decisions(space: DecisionSpace, drawn: Sequence[Architecture], shape: TaskShape) -> None:
    import torch

    from netwright.core.building import Builder

    for architecture in drawn:
        builder = Builder(architecture.decisions, space.decisions.places)
        with must_not_raise(f"network of {architecture}"), torch.device("meta"):
            space.network(builder, shape)
        ignored = sorted(set(architecture.decisions) - builder.asked)
        require(not ignored, f"the network of {architecture} never asks {ignored}, which are active in it")


def graph_is_consistent(space: Space, drawn: Sequence[Architecture]) -> None:
    for architecture in drawn:
        with must_not_raise(f"graph of {architecture}"):
            graph = space.graph(architecture)
        names = [node.name for node in graph.nodes]
        require(len(set(names)) == len(names), f"graph of {architecture} has two nodes of one name: {names}")
        loose = [edge for edge in graph.edges if edge.source not in names or edge.target not in names]
        require(not loose, f"graph of {architecture} has an edge whose end is no node: {loose[:1]}")
        require(_acyclic(graph), f"graph of {architecture} has a circle")
    require(space.graph(drawn[0]) == space.graph(drawn[0]), f"graph of {drawn[0]} is not the same twice")


def networks_are_plain_and_run(
    space: Space, drawn: Sequence[Architecture], shape: TaskShape, device: str, seed: int
) -> None:
    import torch

    with torch.random.fork_rng():
        for architecture in drawn:
            networks: list[nn.Module] = []
            for _ in range(2):
                torch.manual_seed(seed)
                with must_not_raise(f"build of {architecture}"):
                    networks.append(space.build(architecture, shape))
            _plain(networks[0], architecture)
            _same_weights(networks, architecture)
            _runs(networks[0].to(device), architecture, shape, device)


def _plain(network: nn.Module, architecture: Architecture) -> None:
    from netwright.core.building import EdgeSum
    from netwright.core.heads import DenseHead

    kinds = {type(module) for module in network.modules()} - {EdgeSum, DenseHead}
    foreign = sorted(kind.__name__ for kind in kinds if kind.__module__.startswith("netwright.core"))
    require(not foreign, f"the network of {architecture} holds classes of the search: {foreign}")


def _same_weights(networks: Sequence[nn.Module], architecture: Architecture) -> None:
    first, second = (network.state_dict() for network in networks)
    equal = first.keys() == second.keys() and all(first[name].equal(second[name]) for name in first)
    require(equal, f"the network of {architecture} has other weights when built again with the same torch seed")


def _runs(network: nn.Module, architecture: Architecture, shape: TaskShape, device: str) -> None:
    import torch

    network.train()
    generator = torch.Generator().manual_seed(0)
    inputs = shape.example(2, generator=generator).to(device)
    with must_not_raise(f"the network of {architecture} on inputs of shape {tuple(inputs.shape)}"):
        given: Any = network(inputs)
        outputs = given if isinstance(given, (tuple, list)) else (given,)  # auxiliary heads give more than one
        shapes = [tuple(each.shape) for each in outputs]
        expected = (2, shape.outputs, *(shape.places if shape.dense else ()))
        require(
            all(each == expected for each in shapes),
            f"the network of {architecture} gave outputs of shape {shapes}, expected {expected}",
        )
        require(all(bool(each.isfinite().all()) for each in outputs), f"the outputs of {architecture} are not finite")
        if any(weight.requires_grad for weight in network.parameters()):
            torch.stack([each.logsumexp(1).sum() for each in outputs]).sum().backward()
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    require(gradients, f"no parameter of the network of {architecture} gets a gradient")
    require(all(bool(each.isfinite().all()) for each in gradients), f"gradients of {architecture} are not finite")


def _acyclic(graph: Any) -> bool:
    """Kahn's algorithm: whether nodes without a predecessor can be taken away until none is left."""
    waiting = {node.name: {edge.source for edge in graph.edges if edge.target == node.name} for node in graph.nodes}
    while free := [name for name, sources in waiting.items() if not sources & waiting.keys()]:
        for name in free:
            del waiting[name]
    return not waiting


def _another(shape: TaskShape) -> TaskShape:
    """An example of another size, with another number of classes."""
    if shape.is_image:
        larger: tuple[int, ...] = (4 - min(shape.channels, 3), 2 * shape.height, 2 * shape.width)
    else:
        larger = tuple(2 * each + 1 for each in shape.input)
    vocabulary = shape.vocabulary and shape.vocabulary + 7
    return replace(shape, input=larger, outputs=shape.outputs + 3, vocabulary=vocabulary, columns=())


def _described(table: DecisionTable) -> list[dict[str, Any]]:
    return [each.describe() for each in table]


def _difference(found: list[dict[str, Any]], known: list[dict[str, Any]]) -> str:
    names, expected = [each["name"] for each in found], [each["name"] for each in known]
    if names != expected:
        missing, added = sorted(set(expected) - set(names)), sorted(set(names) - set(expected))
        return f"missing {missing}, added {added}" if missing or added else "in another order"
    unlike = next(each for each, other in zip(found, known, strict=True) if each != other)
    return f"{unlike['name']!r} has other options or conditions"
