"""Everything a table knows, read and checked once a process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, DataError, nearest, shown
from netwright.core.spelling import option
from netwright.estimators.tables.architecture_columns import naming_columns, points_of
from netwright.estimators.tables.arrangement import Arrangement, arranged
from netwright.estimators.tables.costs import require_seconds
from netwright.estimators.tables.curves import curve_identity, curve_of, family
from netwright.estimators.tables.metric_columns import checked, metric_columns
from netwright.estimators.tables.source_columns import Columns
from netwright.estimators.tables.sources import Source

COST = "cost_seconds"
SHOWN_COLUMNS = 5
_KEPT = 8

Numbers = NDArray[np.float64]
_read: OrderedDict[Any, Contents] = OrderedDict()


@dataclass(frozen=True, eq=False)
class Contents:
    """A table in memory.

    values: each metric by row.
    curves: (rows, epochs) of each metric that has one.
    followed: whether the rows of one architecture with ascending budgets are one training.
    used, skipped, outside: how many rows are, are left out for a missing number, and are about architectures outside of
        the space.
    """

    where: str
    arrangement: Arrangement
    values: Mapping[str, Numbers]
    curves: Mapping[str, Numbers]
    fidelity: str | None
    followed: bool
    used: int
    skipped: int
    outside: int = 0

    @property
    def epochs(self) -> int:
        """Of the learning curves that stand beside the rows; 0 without any."""
        return min((curve.shape[1] for curve in self.curves.values()), default=0)


def contents(space: DecisionSpace, source: Source, options: Mapping[str, Any]) -> Contents:
    """What the source holds for this space; a second reading of the same content in one process costs nothing."""
    key = _key(space, source, options)
    found = _read.pop(key, None) or _contents(space, source.read(space), options)
    _read[key] = found
    while len(_read) > _KEPT:
        _read.popitem(last=False)
    return found


def _key(space: DecisionSpace, source: Source, options: Mapping[str, Any]) -> Any:
    curve = curve_identity(options["curve"])
    plain = {**options, "curve": curve}
    return space.id, repr(space), type(source), source.signature, repr(sorted(plain.items()))


def _contents(space: DecisionSpace, columns: Columns, options: Mapping[str, Any]) -> Contents:
    naming = None if columns.points is not None else naming_columns(columns, space, options["architecture"])
    roles = {role: options[role] for role in ("fidelity", "cost") if options[role] is not None}
    numbered = options["repeat"] is True
    if not numbered and options["repeat"] is not None:
        roles["repeat"] = options["repeat"]
    for role, name in roles.items():
        columns.column(name, role)
    curve, followed = _curve_option(columns, options["curve"], "fidelity" in roles)
    taken = {*roles.values(), *(name for given in curve.values() for name in family(columns, given))}
    taken |= {naming} if isinstance(naming, str) else set((naming or {}).values())
    named = metric_columns(columns, options["metrics"], taken)
    if not named and not curve:
        raise DataError(
            f"{columns.where} has no column of numbers besides the architecture{_begun(columns)}. Name one with "
            f"{option('metrics')} to see in which rows there is no number"
        )
    used = {role: name for role, name in roles.items() if role != "repeat"}
    values, kept = checked(columns, dict.fromkeys((*named.values(), *used.values())), options["missing"])
    repeat = _repeats(columns, roles.get("repeat"))
    points = columns.points if columns.points is not None else points_of(columns, space, naming or {})
    skipped = len(columns) - len(kept)
    inside = [row for row in kept if points[row] is not None]
    if kept and not inside:
        raise DataError(f"{columns.where}: all of its {len(kept):,} rows are about architectures outside of {space.id}")
    outside, kept = len(kept) - len(inside), inside
    duplicates = "number" if numbered else options["duplicates"]
    where = arranged(
        *(columns, points, kept, values.get(roles.get("fidelity", "")), repeat, duplicates),
        lambda row: _described(columns, naming, points, row),
    )
    metrics = {metric: values[name] for metric, name in named.items()}
    curves = {metric: curve_of(columns, metric, given) for metric, given in curve.items()}
    metrics |= {metric: each[:, -1] for metric, each in curves.items() if metric not in metrics}
    if "cost" in roles:
        metrics[COST] = values[roles["cost"]]
        require_seconds(columns, where, metrics[COST], roles["cost"], followed)
    used_rows = sum(map(len, where.rows.values()))
    return Contents(columns.where, where, metrics, curves, roles.get("fidelity"), followed, used_rows, skipped, outside)


def _begun(columns: Columns) -> str:
    """How each column begins, in words."""
    cells = [f"{name} begins with {shown(cells[0])}" for name, cells in columns.cells.items() if len(cells)]
    return f": {'; '.join(cells[:SHOWN_COLUMNS])}" if cells else ""


def _curve_option(columns: Columns, curve: Any, has_fidelity: bool) -> tuple[dict[str, Any], bool]:
    """Where the curve of each metric is, and whether rows of ascending fidelity are curves."""
    if curve is None or curve is False:
        return {}, False
    if curve is True:
        return ({}, True) if has_fidelity else (_listed(columns), False)
    if not isinstance(curve, Mapping):
        raise ConfigurationError(f"curve is True, or {{metric: where its curve is}}; found {curve!r}")
    if has_fidelity:
        raise ConfigurationError("a table has a fidelity column or curves beside its rows, not both")
    return dict(curve), False


def _listed(columns: Columns) -> dict[str, str]:
    """The columns whose cells are lists, each as the curve of its name."""
    first = {name: cells[0] for name, cells in columns.cells.items()}
    found = {name: name for name, cell in first.items() if isinstance(cell, (list, tuple, np.ndarray))}
    if not found:
        raise ConfigurationError(
            f"{option('curve', True)} takes the columns of lists for curves, or the rows of ascending fidelity; "
            f"{columns.where} has no such column, and no {option('fidelity')} was given"
        )
    return found


def _repeats(columns: Columns, name: str | None) -> Numbers | None:
    """A number for each row's repeat: its own, or the place of its text among all."""
    if name is None:
        return None
    cells = columns.cells[name]
    values = columns.numbers(name, "repeat")
    if np.isfinite(values).all():
        return values
    texts = {text: float(i) for i, text in enumerate(sorted({str(each) for each in cells}))}
    return np.array([texts[str(each)] for each in cells])


def _described(columns: Columns, naming: Any, points: Any, row: int) -> str:
    if isinstance(naming, str):
        return f"the architecture {columns.cells[naming][row]!r}"
    return f"the architecture {points[row]}"


def check_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    """ConfigurationError for a word that is not one of these."""
    if value not in known:
        raise ConfigurationError(f"Table: {name} cannot be {value!r}{nearest(value, known)}")
