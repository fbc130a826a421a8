"""How much of a space a table knows, and what else it holds."""

from __future__ import annotations

from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import DataError
from netwright.estimators.tables.contents import Contents
from netwright.estimators.tables.places import Places
from netwright.estimators.tables.table_report import TableReport

MOST_COUNTED = 1_000_000  # architectures of a space that are gone through to see which of them a table lacks


def report_of(space: DecisionSpace, contents: Contents, places: Places) -> TableReport:
    """Rows, architectures, how much of the space they cover, and the range of each metric."""
    found = contents.arrangement
    lengths = [len(rows) for rows in found.rows.values()]
    used = [row for rows in found.rows.values() for row in rows]
    ranges = {name: (float(each[used].min()), float(each[used].max())) for name, each in contents.values.items()}
    return TableReport(
        *(contents.where, space.id, contents.used, contents.skipped, found.duplicates),
        *(len(found.points), space.size, _covered(space, contents, places), found.budgets),
        *((min(lengths), max(lengths)), contents.epochs, ranges, contents.outside),
    )


def _covered(space: DecisionSpace, contents: Contents, places: Places) -> int | None:
    """How many architectures of the space the table knows; None where there are too many to go through."""
    points = contents.arrangement.points
    if len(points) == space.size:
        return space.size
    if type(space).canonical is DecisionSpace.canonical:
        return len(points)
    if space.size > MOST_COUNTED:
        return None
    return sum(places.place_of(each) is not None for each in space.enumerate())


def require_complete(space: DecisionSpace, contents: Contents, places: Places) -> None:
    """DataError, with an architecture that is missing, where the table does not know all of the space."""
    known = len(contents.arrangement.points)
    if known == space.size:
        return
    if space.size > MOST_COUNTED:
        raise DataError(
            f"{contents.where} holds {known:,} of the {space.size:,} architectures of the space; "
            "coverage='complete' was asked"
        )
    lost = _lost(space, places)
    if lost is not None:
        missing = report_of(space, contents, places).missing
        raise DataError(
            f"{contents.where} has no row for {lost}; {missing:,} of {space.size:,} architectures are missing, and "
            "coverage='complete' was asked"
        )


def _lost(space: DecisionSpace, places: Places) -> Architecture | None:
    return next((each for each in space.enumerate() if places.place_of(each) is None), None)
