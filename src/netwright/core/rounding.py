"""Which architecture a mixture stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from netwright.core.decisions import INACTIVE, Decision, DecisionTable, Point
from netwright.core.errors import InvalidArchitecture, nearest

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.core.architecture import Mixture


def rounded(table: DecisionTable, mixture: Mixture) -> Point:
    """The point of the heaviest hard option of each active decision (Liu et al. 2019, section 2.4).

    Where these may not be combined, the allowed ones with the largest product of their weights.
    """
    weights = {name: _floats(tensor) for name, tensor in mixture.weights.items()}
    for name in weights:
        if name not in table.places:
            raise InvalidArchitecture(f"the mixture weighs {name!r}, which is no decision{nearest(name, table.places)}")
    point: list[int] = []
    for i, decision in enumerate(table):
        if not table.active(i, point):
            point.append(INACTIVE)
        elif decision.kind == "sources":
            point.append(_strongest_sources(table, decision, weights))
        else:
            point.append(_heaviest(decision, weights))
    return table.allowed_or_heaviest(tuple(point), lambda decision: _option_weights(table, decision, weights))


def _floats(tensor: Tensor) -> list[float]:
    return cast("list[float]", tensor.detach().flatten().tolist())  # pyright: ignore[reportUnknownMemberType]


def _hard(decision: Decision, weights: dict[str, list[float]]) -> list[float]:
    """The weights of the hard options, which come before the soft ones."""
    if decision.name not in weights:
        raise InvalidArchitecture(f"the mixture has no weights for decision {decision.name!r}")
    found, expected = weights[decision.name], len(decision.options) + len(decision.soft)
    if len(found) != expected:
        raise InvalidArchitecture(f"the mixture has {len(found)} weights for {decision.name!r}, expected {expected}")
    return found[: len(decision.options)]


def _heaviest(decision: Decision, weights: dict[str, list[float]]) -> int:
    hard = _hard(decision, weights)
    return max(range(len(hard)), key=hard.__getitem__)


def _option_weights(table: DecisionTable, decision: Decision, weights: dict[str, list[float]]) -> list[float]:
    """What each option weighs; a set of sources as much as all of its own."""
    return _source_sets(table, decision, weights) if decision.kind == "sources" else _hard(decision, weights)


def _strongest_sources(table: DecisionTable, decision: Decision, weights: dict[str, list[float]]) -> int:
    totals = _source_sets(table, decision, weights)
    return max(range(len(totals)), key=totals.__getitem__)


def _source_sets(table: DecisionTable, decision: Decision, weights: dict[str, list[float]]) -> list[float]:
    own = weights.get(decision.name, [1.0] * len(decision.edges))
    if len(own) != len(decision.edges):
        raise InvalidArchitecture(
            f"the mixture has {len(own)} weights for {decision.name!r}, expected one for each of "
            f"{len(decision.edges)} sources"
        )
    strength: dict[int, float] = {}
    for (source, operation), weight in zip(decision.edges, own, strict=True):
        strongest = 1.0 if operation is None else max(_hard(table[table.places[operation]], weights))
        strength[source] = weight * strongest

    def total(option: Any) -> float:
        return sum(strength[source] for source in option)

    return [total(option) for option in decision.options]
