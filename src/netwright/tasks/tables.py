"""Reading a text table: encoding, delimiter, header and rows, with the line number of what is wrong."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
MISSING = ("", "?", "na", "n/a", "nan", "null", "none")
_MOST_COLUMNS = 20_000
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


@dataclass(frozen=True, eq=False)
class Table:
    """Cells by column, as text without surrounding spaces. lines: the file's line number of each row."""

    where: str
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    delimiter: str
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.lines)


def read_table(path: Path, delimiter: str | None = None, header: bool | None = None) -> Table:
    """A delimited text file; the delimiter and whether the first row is a header are found out unless given.

    Raises DataError for an empty file, rows of unequal length (with the line), and more than 20,000 columns.
    """
    text, notes = _text(path)
    if delimiter is None:
        delimiter = sniffed(text, path)
        if delimiter != ",":
            notes += (f"columns are separated by {DELIMITERS[delimiter]}s",)
    elif len(delimiter) != 1:
        raise UserError(f"delimiter is one character, found {delimiter!r}")
    rows, lines = _rows(text, delimiter, path)
    if header is None:
        header = has_header(rows)
        if not header:
            notes += (f"no header: the columns are called column_1 to column_{len(rows[0])}",)
    names = _unique(rows[0]) if header else tuple(f"column_{i + 1}" for i in range(len(rows[0])))
    start = 1 if header else 0
    if len(rows) == start:
        raise DataError(f"{path} holds a header but no rows")
    return Table(path.name, names, tuple(zip(*rows[start:], strict=True)), tuple(lines[start:]), delimiter, notes)


def _text(path: Path) -> tuple[str, tuple[str, ...]]:
    body = path.read_bytes()
    if not body.strip():
        raise DataError(f"{path} is empty ({len(body)} bytes)")
    if b"\0" in body[:4096] and body[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{path} is no text file: it holds zero bytes")
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace"), ("read as UTF-16",)
    try:
        return body.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        return body.decode("latin-1"), ("not UTF-8: read as Latin-1",)


def sniffed(text: str, path: Path) -> str:
    """The delimiter that splits the first 50 lines, above all the first, into the same, largest number of columns."""
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    scores = []
    for delimiter in DELIMITERS:
        try:
            lengths = [len(row) for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)]
        except csv.Error:
            continue
        columns, agreeing = Counter(lengths).most_common(1)[0]
        scores.append((columns > 1, lengths[0] == columns, agreeing / len(lengths), columns, delimiter))
    if not scores:
        raise DataError(f"{path} is no table: it begins with a cell of more than {csv.field_size_limit():,} characters")
    best = max(scores)
    if not best[0]:
        raise DataError(
            f"{path} has only one column (no comma, semicolon, tab or bar separates anything); expected features and a "
            "target; name another delimiter with delimiter="
        )
    return best[-1]


def _rows(text: str, delimiter: str, path: Path) -> tuple[list[tuple[str, ...]], list[int]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows: list[tuple[str, ...]] = []  # tuples of texts need no garbage collection
    lines: list[int] = []
    before = 0
    try:
        for row in reader:
            first, before = before + 1, reader.line_num
            if not row or (len(row) == 1 and not row[0].strip()):
                continue
            if rows and len(row) != len(rows[0]):
                between = f"{DELIMITERS[delimiter]}s" if delimiter in DELIMITERS else repr(delimiter)
                raise DataError(
                    f"{path}, {_lines(first, before)}: {len(row)} columns between {between}, but line {lines[0]} has "
                    f"{len(rows[0])}"
                )
            rows.append(tuple(map(str.strip, row)))
            lines.append(reader.line_num)
    except csv.Error as problem:
        raise DataError(f"{path}, line {reader.line_num}: {problem}") from None
    if len(rows[0]) > _MOST_COLUMNS:
        raise DataError(f"{path} has {len(rows[0]):,} columns, at most {_MOST_COLUMNS:,} are read; save it as .npz")
    return rows, lines


def _lines(first: int, last: int) -> str:
    if first == last:
        return f"line {last}"
    return f"lines {first} to {last} (one row, unless a quotation mark is not closed)"


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: different texts, no numbers, and not values of the rows below."""
    first = rows[0]
    if any(is_number(cell) or cell.lower() in MISSING for cell in first) or len(set(first)) < len(first):
        return False
    below = rows[1:1001]
    repeated = sum(any(row[i] == cell for row in below) for i, cell in enumerate(first))
    return bool(below) and repeated == 0


def is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def missing(cells: tuple[str, ...]) -> NDArray[np.bool_]:
    gaps = {cell for cell in set(cells) if is_missing(cell)}
    return np.array([cell in gaps for cell in cells], dtype=np.bool_)


def is_missing(cell: str) -> bool:
    return cell.lower() in MISSING


def numbers(cells: tuple[str, ...], delimiter: str) -> NDArray[np.float64]:
    """Each cell as a number; NaN where it is missing, infinity where it is no number."""
    values = {cell: _number(cell.replace(",", ".") if delimiter != "," else cell) for cell in set(cells)}
    return np.array([values[cell] for cell in cells])


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        return float("nan") if cell.lower() in MISSING else float("inf")
    return value if "_" not in cell else float("inf")


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    unique = []
    for place, given in enumerate(names, 1):
        name = given or f"column_{place}"
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return tuple(unique)
