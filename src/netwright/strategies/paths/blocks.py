"""Paths through the blocks of a network: which answers they are, and networks with some of them exchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.architecture import Architecture, Mixture
from netwright.core.decisions import INACTIVE, Point
from netwright.core.roles import blocks_of

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import DecisionTable

Path = tuple[int, ...]
"""The options of the decisions in one block."""
FAVOURED = 0.9  # the weight of what was found, where the nearest to it is asked for
TRIED = 20  # draws for each path that is still missing


def places_of_blocks(space: DecisionSpace) -> dict[str, list[int]]:
    """By block the places of its decisions; ConfigurationError for a space without blocks (`core.roles.HasBlocks`)."""
    places = space.decisions.places
    return {block: [places[name] for name in names] for block, names in blocks_of(space).items() if names}


def path_of(architecture: Architecture, places: Sequence[int]) -> Path:
    """The path of an architecture through the block at these places."""
    point = architecture.point
    return tuple(point[place] for place in places)


def with_paths(
    space: DecisionSpace, architecture: Architecture, places: Mapping[str, Sequence[int]], paths: Mapping[str, Path]
) -> Architecture:
    """An architecture with other paths through some blocks. paths: by block."""
    point = list(architecture.point)
    for block, path in paths.items():
        for place, option in zip(places[block], path, strict=True):
            point[place] = option
    return space.from_indices(tuple(point))


def some_paths(space: DecisionSpace, places: Sequence[int], most: int, rng: np.random.Generator) -> list[Path]:
    """The paths of a block in a random order; where there are more than `most`, so many random ones."""
    found = _every(space.decisions, places, most, space.sample(rng).point[: places[0]])
    if found is not None:
        return [found[i] for i in rng.permutation(len(found))]
    drawn = dict[Path, None]()
    for _ in range(TRIED * most):
        drawn[path_of(space.sample(rng), places)] = None
        if len(drawn) == most:
            break
    return list(drawn)


def _every(table: DecisionTable, places: Sequence[int], most: int, before: Point) -> list[Path] | None:
    """Every path of a block; None where there are more than `most`."""
    found: list[Point] = [before]
    for place in places:
        found = [(*point, option) for point in found for option in _options(table, place, point)]
        if len(found) > most:
            return None
    return [each[len(before) :] for each in found]


def _options(table: DecisionTable, place: int, point: Point) -> Sequence[int]:
    """Those that a decision may take after these answers."""
    if not table.active(place, point):
        return (INACTIVE,)
    allowed = table.options_after(place, point)
    return range(len(table[place].options)) if allowed is None else np.flatnonzero(allowed).tolist()


def favouring(table: DecisionTable, point: Point) -> Mixture:
    """A mixture that stands for the architecture at a point, and next for those that differ from it in little."""
    import torch

    weights: dict[str, torch.Tensor] = {}
    for decision, option in zip(table, point, strict=True):
        count = len(decision.options) + len(decision.soft)
        weights[decision.name] = torch.full((count,), (1 - FAVOURED) / count, dtype=torch.float64)
        if option != INACTIVE:
            weights[decision.name][option] += FAVOURED
    return Mixture(weights)
