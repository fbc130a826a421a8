"""Which architecture each row of a table is about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Decision, Label, Point
from netwright.core.errors import ConfigurationError, DataError, OutsideSpace, UserError, nearest, shown
from netwright.core.spelling import option
from netwright.estimators.tables.source_columns import Columns

Naming = str | Mapping[str, str] | None


def naming_columns(columns: Columns, space: DecisionSpace, architecture: Naming) -> str | dict[str, str]:
    """The column of whole architectures, or the column of each decision; DataError where there is neither.

    A column name that is not there gives way to one column a decision, where all of those are.
    """
    if isinstance(architecture, str) and architecture in columns.cells:
        return architecture
    decisions = [each.name for each in space.decisions]
    wanted = dict(architecture) if isinstance(architecture, Mapping) else {name: name for name in decisions}
    unknown = [name for name in wanted if name not in decisions]
    if unknown:
        raise ConfigurationError(f"{space.id} has no decision {unknown[0]!r}{nearest(unknown[0], decisions)}")
    wanted = {name: wanted.get(name, name) for name in decisions}
    lacking = [name for name in wanted.values() if name not in columns.cells]
    if not lacking:
        return wanted
    if isinstance(architecture, str):
        found = next((name for name in columns.names if _begins_with_one(columns.cells[name], space)), None)
        advice = f"{nearest(architecture, columns.cells)} Say which with {option('architecture')}."
        if found is not None:
            advice = f"; the column {found!r} begins with one: {option('architecture', found)}"
        raise DataError(
            f"{columns.where} has no column {architecture!r} that names the architecture, nor one for each decision "
            f"of {space.id}{advice}"
        )
    raise DataError(f"{columns.where} has no column {lacking[0]!r} for a decision{nearest(lacking[0], columns.cells)}")


def _begins_with_one(cells: Sequence[Any], space: DecisionSpace) -> bool:
    """Whether the first cell of a column is an architecture of the space."""
    try:
        space.parse(_as_text(cells[0]))
    except OutsideSpace:
        return True
    except UserError:
        return False
    return True


def points_of(columns: Columns, space: DecisionSpace, naming: str | Mapping[str, str]) -> Sequence[Point | None]:
    """The point of each row, None where it is outside of a space that is a part of another.

    DataError names the rows that are no architecture of this space, and why.
    """
    if isinstance(naming, str):
        return _from_text(columns, space, naming)
    return _from_decisions(columns, space, naming)


def _from_text(columns: Columns, space: DecisionSpace, name: str) -> list[Point | None]:
    known: dict[str, Point | None] = {}
    points: list[Point | None] = []
    wrong: dict[int, str] = {}
    for row, cell in enumerate(columns.cells[name]):
        text = cell if type(cell) is str else _as_text(cell)
        if text not in known:
            try:
                known[text] = space.parse(text).content
            except OutsideSpace:
                known[text] = None
            except UserError as problem:
                wrong[row] = f"{shown(cell)} in column {name!r} is no architecture of {space.id}: {problem}"
                continue
        points.append(known[text])
    _refuse(columns, space, wrong)
    return points


def _as_text(cell: Any) -> str:
    if isinstance(cell, Mapping):
        return json.dumps(dict(cell))
    return str(cell)


def _refuse(columns: Columns, space: DecisionSpace, wrong: Mapping[int, str]) -> None:
    if not wrong:
        return
    whole = len(wrong) == len(columns)
    advice = (
        f"Not one row is an architecture of {space.id}: the table seems to be made for another space" if whole else ""
    )
    raise columns.refuse(list(wrong), lambda row: wrong[row], advice)


def _from_decisions(columns: Columns, space: DecisionSpace, naming: Mapping[str, str]) -> list[Point]:
    labels = [_Reading(decision) for decision in space.decisions]
    cells = [columns.cells[naming[decision.name]] for decision in space.decisions]
    points: list[Point] = []
    wrong: dict[int, str] = {}
    table = space.decisions
    for row, answers in enumerate(zip(*cells, strict=True)):
        try:
            named = {
                reading.name: reading(cell) for reading, cell in zip(labels, answers, strict=True) if not _blank(cell)
            }
            points.append(table.point(named))
        except UserError as problem:
            wrong[row] = str(problem)
    _refuse(columns, space, wrong)
    return points


def _blank(cell: Any) -> bool:
    """Whether a decision is not asked in this row."""
    if cell is None or cell == "":
        return True
    return isinstance(cell, float) and cell != cell


class _Reading:
    """From a cell to a label of a decision: the label itself, its text, or its number in other clothes (3.0 for 3)."""

    def __init__(self, decision: Decision) -> None:
        self.name = decision.name
        self._known: dict[Any, Label] = {}
        for label in decision.options:
            self._known.setdefault(str(label), label)
            self._known.setdefault(_text(label), label)
        for label in decision.options:
            self._known[type(label), label] = label

    def __call__(self, cell: Any) -> Any:
        cell = cell.item() if hasattr(cell, "item") else cell
        for key in ((type(cell), tuple(cell) if isinstance(cell, list) else cell), str(cell).strip(), _text(cell)):
            if key in self._known:
                return self._known[key]
        return cell


def _text(label: object) -> str:
    if isinstance(label, (list, tuple)):
        return " ".join(map(str, label))
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    text = str(label).strip()
    if text[:1] in ("(", "["):
        return " ".join(text.strip("()[]").replace(",", " ").split())
    return text
