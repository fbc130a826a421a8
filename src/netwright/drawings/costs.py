"""What each decided operation gives and costs in the network of an architecture, summed over all of its places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from netwright.core.wording import amount
from netwright.drawings.panels import Said, edge_box, on_meta

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.graph import Graph
    from netwright.core.space import Space
    from netwright.core.task import TaskShape
    from netwright.networks.counting import Count


def said_of(
    space: Space, architecture: Architecture, graph: Graph, shape: TaskShape, latencies: Mapping[str, float]
) -> tuple[dict[str, Said], tuple[str, ...]]:
    """For each node and edge with an operation what it gives and costs; and notes on the whole.

    Spaces without decisions do not say where an operation stands in the network; of them there are notes alone.

    latencies: milliseconds by the name of a module.
    """
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.inheriting import scopes
    from netwright.drawings.steps import steps_of
    from netwright.networks.counting import Count, count_layers

    network = on_meta(space, architecture, shape)
    counts = count_layers(network, shape.input)
    whole = sum(counts.values(), Count())
    notes = [f"{whole.params:,} parameters, {amount(whole.macs)} multiply-adds in all"]
    if not isinstance(space, DecisionSpace):
        return {}, tuple(notes)
    places = _places(graph, {name: scope for name, (scope, _) in scopes(space, architecture).items()})
    steps = steps_of(network, shape.input).steps
    shapes = {step.owner: step.shape for step in reversed(steps)}
    said = {
        name: _said(modules, counts, {each: found for each in modules if (found := _gives(each, shapes))}, latencies)
        for name, modules in places.items()
    }
    if any(len(modules) > 1 for modules in places.values()):
        notes.append(
            "costs are sums over the cells in which an operation stands; its shape is that in the first of them"
        )
    return said, tuple(notes)


def _places(graph: Graph, scopes: Mapping[str, str]) -> dict[str, list[str]]:
    """For each node and edge with an operation the modules that it became; those of which there are none are left out.

    scopes: of each module the decision and its option, "normal/node0/1/sep_conv_3x3".
    """
    found: dict[str, list[str]] = {}
    states: dict[str, list[str]] = {}
    for node in graph.nodes:
        states.setdefault(node.group, []).append(node.name)
        if node.operation:
            option = node.operation.partition("(")[0]
            found[node.name] = [m for m, scope in scopes.items() if _lies(scope, node.name, option)]
    group = {node.name: node.group for node in graph.nodes}
    for edge in graph.edges:
        if edge.operation:
            option = f"{states[group[edge.target]].index(edge.source)}/{edge.operation.partition('(')[0]}"
            found[edge_box(edge)] = [m for m, scope in scopes.items() if _lies(scope, edge.target, option)]
    return {name: modules for name, modules in found.items() if modules}


def _lies(scope: str, name: str, option: str) -> bool:
    return scope.endswith(f"/{option}") and (
        scope.startswith(f"{name}/") or f"{scope}/".startswith(f"{name}/{option}/")
    )


def _gives(module: str, shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The shape of what a module gives: that of the last of its steps."""
    inner = [shape for owner, shape in shapes.items() if owner == module or owner.startswith(f"{module}.")]
    return inner[0] if inner else ()


def _said(
    modules: list[str],
    counts: Mapping[str, Count],
    shapes: Mapping[str, tuple[int, ...]],
    latencies: Mapping[str, float],
) -> Said:
    from netwright.networks.counting import Count

    def inside(name: str) -> bool:
        return any(name == each or name.startswith(f"{each}.") for each in modules)

    cost = sum((each for name, each in counts.items() if inside(name)), Count())
    spent = sum(each for name, each in latencies.items() if inside(name))
    gives = "×".join(map(str, next(iter(shapes.values()), ())))
    costs = [f"{amount(cost.params)} params"] if cost.params else []
    costs += [f"{amount(cost.macs)} macs"] if cost.macs else []
    first = " · ".join(filter(None, (gives, f"{spent:.2g} ms" if spent else "")))
    facts = (("gives", gives), ("parameters", f"{cost.params:,}"), ("multiply-adds", f"{cost.macs:,}"))
    facts = (*facts, ("latency", f"{spent:.3g} ms")) if latencies else facts
    return Said(tuple(filter(None, (first, " · ".join(costs)))), (*facts, ("in the network", ", ".join(modules[:4]))))
