"""A table as JSON: a list of records, an object of columns or of records by architecture, or a record a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import DataError, shown
from netwright.estimators.tables.source_columns import Columns
from netwright.estimators.tables.sources import FileSource

KEY_COLUMN = "arch"  # where the keys of an object of records go
VALUE_COLUMN = "value"  # where the numbers of an object of numbers go


class JsonFile(FileSource):
    """JSON in one of five forms, told apart by looking.

    `[{"arch": ..., "accuracy": ...}, ...]`, `{"arch": [...], "accuracy": [...]}`, `{"<architecture>": {"accuracy":
    ...}, ...}` (the keys become the column "arch"), `{"<architecture>": 93.5, ...}` (the numbers become the column
    "value"), or one object a line. A record that lacks a key has a gap there.
    """

    def read(self, space: DecisionSpace) -> Columns:
        text = self.path.read_text(encoding="utf-8-sig")
        whole = None if self.path.suffix in (".jsonl", ".ndjson") else _whole(text, self.path.name)
        if whole is None:
            return _of_lines(text, self.path.name)
        if isinstance(whole, list):
            return of_records(self.path.name, whole, lambda row: f"record {row}")
        if isinstance(whole, dict) and whole and all(isinstance(each, list) for each in whole.values()):
            return _of_columns(self.path.name, whole)
        if isinstance(whole, dict) and whole and all(isinstance(each, dict) for each in whole.values()):
            records = [{KEY_COLUMN: key, **record} for key, record in whole.items()]
            keys = list(whole)
            return of_records(self.path.name, records, lambda row: f"the record of {keys[row]!r}")
        if isinstance(whole, dict) and whole and all(type(each) in (int, float) for each in whole.values()):
            keys = list(whole)
            cells = {KEY_COLUMN: keys, VALUE_COLUMN: list(whole.values())}
            return Columns(self.path.name, cells, lambda row: f"the number of {keys[row]!r}")
        raise DataError(
            f"{self.path.name} holds neither a list of records, nor an object of columns or of records: {shown(whole)}"
        )


def of_records(where: str, records: Sequence[Any], row: Callable[[int], str]) -> Columns:
    """Columns of records; one that lacks a key has a gap there, None."""
    if not records:
        raise DataError(f"{where} holds no rows")
    for i, record in enumerate(records):
        if not isinstance(record, dict):
            raise DataError(f"{where}, {row(i)}: expected an object, found {shown(record)}")
    names = list(dict.fromkeys(name for record in records for name in record))
    return Columns(where, {name: [record.get(name) for record in records] for name in names}, row)


def _of_columns(where: str, columns: dict[str, list[Any]]) -> Columns:
    first, cells = next(iter(columns.items()))
    for name, column in columns.items():
        if len(column) != len(cells):
            raise DataError(f"{where}: column {name!r} has {len(column)} cells, column {first!r} has {len(cells)}")
    return Columns(where, columns, lambda row: f"row {row} (counted from 0)")


def _of_lines(text: str, where: str) -> Columns:
    records: list[Any] = []
    lines: list[int] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            records.append(_parsed(line, f"{where}, line {number}"))
            lines.append(number)
    return of_records(where, records, lambda row: f"line {lines[row]}")


def _whole(text: str, where: str) -> Any:
    """The file as one JSON value; None where there is an object a line."""
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    if len(lines) > 1 and all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in lines):
        return None
    return _parsed(text, where)


def _parsed(text: str, where: str) -> Any:
    """The JSON value, NaN and infinities included: a table's own checks say in which row they stand."""
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, where))
    except json.JSONDecodeError as problem:
        raise DataError(
            f"{where} is not valid JSON, line {problem.lineno} column {problem.colno}: {problem.msg}"
        ) from None
    except RecursionError:
        raise DataError(f"{where} is nested too deeply to be read") from None


def _unique(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise DataError(f"{where}: the key {shown(twice)} stands twice in one object")
    return found
