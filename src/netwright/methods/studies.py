"""Studies of what others found: how connections of cells decide how fast a network learns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.checks import whole_number
from netwright.core.errors import ConfigurationError
from netwright.spaces.cells import CellSpace
from netwright.spaces.topology import cells_of, depth_of, narrowest, random_sources, rewired, widest, width_of
from netwright.strategies.listed import Listed

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace

__all__ = ["understanding_cells"]

PAPERS = {
    "understanding_cells": (
        "netwright search DATA --method understanding-cells --space darts",
        "the landscape of the loss and the variance of the gradient",
    ),
}


def understanding_cells(
    space: DecisionSpace, architecture: str | None = None, variants: int = 4, seed: int = 0
) -> Listed:
    """Shu et al. (2020): the same operations on wide and shallow, narrow and deep, and random connections.

    Each is trained alike, for so few epochs that what learns fast stands out; each trial's memo, which
    `netwright show RUN --json` gives, says which it is, and how wide and deep its normal cell is. The paper finds that
    published cells are wide and shallow, that such ones learn faster and that this is what searches reward: it gives a
    width of 3.5 and a depth of 3 for the cell of DARTS, 4 and 2 for that of SNAS; these figures are from memory. As in
    the authors' code, the widest form has every node read both inputs of the cell. Random connections are drawn for
    both cells, of two different states, where the code may draw one twice. Ours: the narrowest form. Left out: the
    landscape of the loss and the variance of the gradient, by which the paper explains it.

    space: the one to search.
    architecture: a genotype, such as a published one; None for a random one.
    variants: random connections to train.
    seed: of what is drawn.
    """
    if not isinstance(space, CellSpace):
        raise ConfigurationError(
            f"understanding_cells compares connections of cells, but {space.name} has none; expected Darts or NasNet"
        )
    rng = np.random.default_rng(seed)
    first = space.sample(rng) if architecture is None else space.parse(architecture)
    count = whole_number("understanding_cells", "variants", variants, 0)
    ways = [("widest", widest), ("narrowest", narrowest), *[("random", random_sources(rng)) for _ in range(count)]]
    found = [("as it is", first), *((kind, rewired(space, first, sources)) for kind, sources in ways)]
    return Listed(space, [each for _, each in found], [_described(space, *each) for each in found])


def _described(space: CellSpace, kind: str, architecture: Architecture) -> dict[str, Any]:
    """What kind of connections it has, and how wide and deep they make the normal cell."""
    normal, _ = cells_of(space, architecture)
    return {"connections": kind, "width": width_of(normal), "depth": depth_of(normal)}
