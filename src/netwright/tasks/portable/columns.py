"""Rows of a user's own table as the features that a network was trained on."""

from __future__ import annotations

import csv
import itertools
import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netwright.tasks.portable.cells import SPACES, cell_value, days_of, is_missing
from netwright.tasks.portable.rows import (
    DELIMITERS,
    LOOKED_THROUGH,
    delimiter_of,
    encoding_of,
    headings,
    rows_of,
    width_of,
    with_names,
)

ENDINGS = (".csv", ".tsv", ".txt", ".data")

COLUMNS: tuple[dict[str, Any], ...]  # in the order of the features: name, place from 0, kind and what belongs to it
HEADER: bool  # whether the table has a line with the columns' names
DELIMITER: str
WIDTH: int  # columns of the training table, the targets' among them
TARGETS: tuple[tuple[str, int], ...]  # their names and places


def read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The rows of a text table, each with the texts of the columns that are needed, by name.

    Other columns, such as the target, may be there, and columns stand in any order; without a header they stand as in
    training, with or without the target. Raises ValueError for what lacks or cannot be used, with its line.
    """
    body = path.read_bytes()
    if not body.strip():
        raise ValueError(f"{path} is empty")
    encoding = encoding_of(body)
    try:
        delimiter = _delimiter(body, encoding)
        start, places, width = _layout(path, body, encoding, delimiter)
        rows = []
        for line, cells in itertools.islice(rows_of(body, encoding, delimiter), start, None):
            if len(cells) != width:
                raise ValueError(f"{path}, line {line}: {len(cells)} columns, but expected {width}")
            rows.append({name: cells[place] for name, place in places.items()})
            _check(path, line, rows[-1])
    except csv.Error as problem:
        raise ValueError(f"{path} cannot be read: {problem}") from None
    if not rows:
        raise ValueError(f"{path} holds no rows")
    _say(path, rows)
    return [f"row {i}" for i in range(1, len(rows) + 1)], rows


def prepared(raw: Any) -> Tensor:
    """Rows as float32 features (n, features): dicts from column name to text or number, or a tensor of features.

    Gaps become the training median or the category "(missing)", categories that training did not have none of its own.
    """
    count = sum(len(feature_names(column)) for column in COLUMNS)
    if isinstance(raw, Tensor):
        if raw.ndim != 2 or raw.shape[1] != count:
            raise ValueError(f"expected features (n, {count}), or a list of dicts, found {tuple(raw.shape)}")
        return raw.float()
    found = torch.empty((len(raw), count), dtype=torch.float32)
    at = 0
    for column in COLUMNS:
        width = len(feature_names(column))
        found[:, at : at + width] = _features(column, [_cell(row, column["name"]) for row in raw])
        at += width
    return found


def feature_names(column: Mapping[str, Any]) -> list[str]:
    if column["kind"] == "one-hot":
        return [f"{column['name']}={text}" for text in column["texts"]]
    if column.get("indicated"):
        return [column["name"], f"{column['name']} is missing"]
    return [column["name"]]


def category_of(text: str) -> str:
    return "(missing)" if is_missing(text) else text


def _features(column: Mapping[str, Any], cells: Sequence[Any]) -> Tensor:
    values: dict[Any, float] = {}
    for cell in set(cells):
        values[cell] = _value(column, cell)
    numbers = torch.tensor([values[cell] for cell in cells], dtype=torch.float64)
    if column["kind"] == "one-hot":
        return (numbers[:, None] == torch.arange(len(column["texts"]))).float()
    gaps = numbers.isnan()
    filled = torch.where(gaps, column.get("median", math.nan), numbers) - column["offset"]
    return torch.stack([filled, gaps.double()], 1).float() if column.get("indicated") else filled.float()[:, None]


def _value(column: Mapping[str, Any], cell: Any) -> float:
    """A column's number of a cell, NaN for a gap; the place of its category, -1 for an unknown one.

    ValueError for what is no number of the column's kind.
    """
    if column["kind"] in ("one-hot", "ordinal"):
        text = category_of(cell if isinstance(cell, str) else str(cell))
        return float(column["texts"].index(text)) if text in column["texts"] else -1.0
    value: float | None
    if isinstance(cell, str):
        value = cell_value(column, cell)
    elif hasattr(cell, "isoformat") and column["kind"] == "date":
        value = days_of(cell.isoformat(), "year")
    else:
        value = float(cell)
    if value is None or math.isinf(value):
        raise ValueError(f"{cell!r} in the column {column['name']!r} is no {noun(column)}")
    return value


def noun(column: Mapping[str, Any]) -> str:
    """What a cell of the column should be, in words."""
    if column["kind"] == "number":
        return {"": "finite number", "%": "percentage"}.get(column["sign"], f"amount in {column['sign']}")
    return {"date": "date", "time": "time"}.get(column["kind"], "yes or no")


def _cell(row: Mapping[str, Any], name: str) -> Any:
    if name not in row:
        raise ValueError(f"a row lacks the column {name!r}; it has {', '.join(map(str, row))}")
    cell = row[name]
    if cell is None or cell != cell:
        return ""
    return cell.strip(SPACES) if isinstance(cell, str) else cell


def _delimiter(body: bytes, encoding: str) -> str:
    """The delimiter of the training table where it fits, else the one that does."""
    wanted = {column["name"] for column in COLUMNS}
    found = []
    for delimiter in (DELIMITER, *DELIMITERS):
        rows = [row for _, row in itertools.islice(rows_of(body, encoding, delimiter), LOOKED_THROUGH)]
        if HEADER:
            found.append(max((len(wanted & set(row)) for row in rows), default=0))
        else:
            found.append(sum(len(row) in (WIDTH, WIDTH - len(TARGETS)) for row in rows))
    if max(found):
        return (DELIMITER, *DELIMITERS)[found.index(max(found))]
    return delimiter_of(body, encoding) or DELIMITER


def _layout(path: Path, body: bytes, encoding: str, delimiter: str) -> tuple[int, dict[str, int], int]:
    """How many rows stand before the first example, where each needed column is, and how many there are."""
    rows = [row for _, row in itertools.islice(rows_of(body, encoding, delimiter), LOOKED_THROUGH + 1)]
    if not rows:
        raise ValueError(f"{path} is empty")
    wanted = [column["name"] for column in COLUMNS]
    start = with_names(rows, wanted)
    if start is None and not HEADER:
        return _without_names(path, rows)
    if start is None:
        raise ValueError(
            f"{path} has no line with the columns' names; expected {', '.join(map(repr, wanted[:8]))}, ..."
        )
    names = headings(rows[start], rows[start + 1 :])
    lacking = [name for name in wanted if name not in names]
    if lacking:
        raise ValueError(
            f"{path} lacks {'the column' if len(lacking) == 1 else f'{len(lacking)} columns:'} "
            f"{', '.join(map(repr, lacking[:8]))}; it has {', '.join(map(repr, names[:8]))}"
        )
    return start + 1, {name: names.index(name) for name in wanted}, len(names)


def _without_names(path: Path, rows: Sequence[Sequence[str]]) -> tuple[int, dict[str, int], int]:
    width = width_of(rows)
    if width not in (WIDTH, WIDTH - len(TARGETS)):
        without = ", ".join(repr(name) for name, _ in TARGETS)
        raise ValueError(
            f"{path} has {width} columns; expected {WIDTH}, or {WIDTH - len(TARGETS)} without the target {without}"
        )
    start = next(i for i, row in enumerate(rows) if len(row) == width)
    gone = [place for _, place in TARGETS] if width < WIDTH else []
    return (
        start,
        {each["name"]: each["place"] - sum(place < each["place"] for place in gone) for each in COLUMNS},
        width,
    )


def _check(path: Path, line: int, row: Mapping[str, str]) -> None:
    for column in COLUMNS:
        text = row[column["name"]]
        if column["kind"] not in ("one-hot", "ordinal") and cell_value(column, text) is None:
            raise ValueError(f"{path}, line {line}: {text!r} in the column {column['name']!r} is no {noun(column)}")


def _say(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """One line to standard error for each column with gaps that were filled, or with categories that are unknown."""
    for column in COLUMNS:
        name = column["name"]
        texts = Counter(row[name] for row in rows)
        if column["kind"] in ("one-hot", "ordinal"):
            new = {text: count for text, count in texts.items() if category_of(text) not in column["texts"]}
            if new:
                sys.stderr.write(
                    f"{path}: {sum(new.values())} rows hold a text in {name!r} such as {next(iter(new))!r}, which is "
                    f"none of the {len(column['texts'])} that the network knows\n"
                )
            continue
        gaps = sum(count for text, count in texts.items() if is_missing(text))
        if gaps:
            also = ", and were told to the network" if column.get("indicated") else ""
            sys.stderr.write(
                f"{path}: {gaps} gaps in {name!r} became the training median, {column['median']:g}{also}\n"
            )
