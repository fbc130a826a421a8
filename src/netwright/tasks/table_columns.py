"""A table's columns as features, while training and in an exported model: one description for both."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.portable_code import text_of
from netwright.core.preparation import Preparation
from netwright.tasks.portable import cells, columns, rows


@dataclass(frozen=True, eq=False)
class Source:
    """Where the test examples are: rows of a file, counted behind those (its header the last) that come before."""

    path: Path
    encoding: str
    delimiter: str
    before: int
    rows: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Columns(Preparation):
    """Rows of a table with these columns; `model.py` finds them by name, or by place where there is no header.

    specs: a dict a column, in the order of the features.
    targets: the names and places of the columns that a table to be answered may lack, the targets first.
    width: how many columns the table has.
    """

    specs: Sequence[Mapping[str, Any]]
    header: bool
    delimiter: str
    width: int
    targets: Sequence[tuple[str, int]]
    source: Source

    def describe(self) -> str:
        return f"rows of {len(self.specs)} columns"

    def constants(self) -> Mapping[str, Any]:
        return {
            "COLUMNS": tuple(dict(each) for each in self.specs),
            "HEADER": self.header,
            "DELIMITER": self.delimiter,
            "WIDTH": self.width,
            "TARGETS": tuple(self.targets),
        }

    def code(self) -> str:
        return text_of(cells, rows, columns)

    def own_files(self, count: int, folder: Path) -> Sequence[Path]:
        path = folder / self.source.path.name
        write_rows(self.source, self.header, {path: self.source.rows[:count].tolist()})
        return [path]

    def looks(self, places: Sequence[int]) -> Sequence[Mapping[str, Any]]:
        found = read_rows(self.source, self.source.rows[list(places)].tolist())
        head = found[-1] if self.header else [f"column {place + 1}" for place in range(self.width)]
        return [{"row": dict(zip(head, found[each], strict=False))} for each in self.source.rows[list(places)].tolist()]


def write_rows(source: Source, header: bool, files: Mapping[Path, Sequence[int]]) -> None:
    """Write rows of a table to files, as they are written there. files: the rows of each, counted as `Source` does."""
    body = source.path.read_bytes()
    found = read_rows(source, [row for wanted in files.values() for row in wanted], body=body)
    marked = source.encoding != "utf-8-sig" or body.startswith(b"\xef\xbb\xbf")
    for path, wanted in files.items():
        with path.open("w", encoding=source.encoding if marked else "utf-8", newline="") as file:
            write = csv.writer(file, delimiter=source.delimiter)
            write.writerows(found[place] for place in [*([-1] if header else []), *wanted])


def read_rows(source: Source, wanted: Sequence[int], *, body: bytes | None = None) -> dict[int, list[str]]:
    """The cells of the rows up to the last that is wanted, the header's as number -1. body: of the file, where read."""
    there = rows.rows_of(source.path.read_bytes() if body is None else body, source.encoding, source.delimiter)
    first = range(source.before + max(wanted, default=-1) + 1)
    return {place - source.before: row for place, (_, row) in zip(first, there, strict=False)}
