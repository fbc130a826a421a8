"""Spaces whose decisions may not be combined at will: whether a point that was put together is one of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.core.errors import InvalidArchitecture
from netwright.core.joint_table import JointTable
from netwright.core.listed import ListedTable

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.decisions import DecisionTable, Point


def is_allowed(table: DecisionTable, point: Point) -> bool:
    """Whether the space holds this point, whose active decisions all have an option and the others none."""
    if not isinstance(table, (JointTable, ListedTable)):
        return True
    try:
        table.check(point)
    except InvalidArchitecture:
        return False
    return True


def settled(table: DecisionTable, point: Point, rng: np.random.Generator) -> Point | None:
    """The point, where the space holds it; of a space whose architectures are listed, the nearest; None elsewhere."""
    if is_allowed(table, point):
        return point
    return table.nearest(point, rng) if isinstance(table, ListedTable) else None
