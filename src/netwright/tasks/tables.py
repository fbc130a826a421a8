"""Reading a text table in C: encoding, delimiter, header and rows, with the line number of what is wrong."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError
from netwright.core.spelling import option
from netwright.tasks import headers
from netwright.tasks.portable.rows import DELIMITERS, delimiter_of, encoding_of, headings, lines_of, rows_of, width_of
from netwright.tasks.table_cells import Cells

_MOST_COLUMNS = 20_000
_LOOKED_AT = 1001  # rows, to tell how a table is written
_BLOCK = 1 << 24  # bytes that one thread reads; no row is longer
_WORDS = {"\\t": "\t", **{word: character for character, word in DELIMITERS.items()}, "space": " "}


@dataclass(frozen=True, eq=False)
class Table:
    """Cells by column.

    before: rows of the file before the first one of these, its header the last of them.
    sample: the first rows as texts.
    kept: of rows that were left out since, the places of those that are here; None for all.
    """

    path: Path
    columns: tuple[str, ...]
    cells: list[Cells]
    encoding: str
    delimiter: str
    header: bool
    before: int
    sample: Sequence[Sequence[str]]
    notes: tuple[str, ...]
    kept: NDArray[np.int64] | None = None

    @property
    def where(self) -> str:
        return self.path.name

    def __len__(self) -> int:
        return len(self.cells[0])

    def lines(self, rows: Collection[int]) -> list[int]:
        """The file's line number of each of these rows."""
        wanted = set(self.in_file(np.array(list(rows), np.int64)).tolist())
        found = itertools.islice(rows_of(self.path.read_bytes(), self.encoding, self.delimiter), self.before, None)
        return [line for row, (line, _) in enumerate(found) if row in wanted]

    def in_file(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The place of each of these rows among those of the file."""
        return rows if self.kept is None else self.kept[rows]

    def without(self, lost: NDArray[np.bool_]) -> Table:
        """The other rows. lost: whether a row is left out, of each."""
        kept = self.in_file(np.flatnonzero(~lost))
        return replace(self, cells=[each.where(~lost) for each in self.cells], kept=kept)


def read_table(
    path: Path,
    delimiter: str | None = None,
    header: bool | None = None,
    target: str | int | None = None,
    wanted: Collection[str] = (),
) -> Table:
    """A delimited text file; the delimiter and the row with the columns' names are found out unless given.

    target: a column that is asked for.
    wanted: names of which the header holds some.

    Raises DataError for an empty file, rows of unequal length (with the line), and more than 20,000 columns.
    """
    body, encoding, notes = _body(path)
    delimiter, more = _delimiter(body, encoding, delimiter, path)
    numbered = _first_rows(body, encoding, delimiter, path)
    rows = [row for _, row in numbered]
    start, said = headers.find(rows, target, header, wanted, path.name)
    before = start if start is not None else headers.preamble(rows)
    sample = rows[before + (start is not None) :]
    if not sample:
        raise DataError(f"{path} holds a header but no rows")
    names = headings(rows[start], sample) if start is not None else headers.numbered(width_of(sample))
    if len(names) > _MOST_COLUMNS:
        raise DataError(f"{path} has {len(names):,} columns, at most {_MOST_COLUMNS:,} are read; save it as .npz")
    before += start is not None
    last = numbered[before - 1][0] if before else 0
    cells = _columns(_Rest(path, body, encoding, delimiter, before, last, len(names)))
    return Table(path, tuple(names), cells, encoding, delimiter, start is not None, before, sample, notes + more + said)


def _body(path: Path) -> tuple[bytes, str, tuple[str, ...]]:
    body = path.read_bytes()
    if not body[:4096].strip() and not body.strip():
        raise DataError(f"{path} is empty ({len(body)} bytes)")
    encoding = encoding_of(body)
    if encoding == "utf-16":
        return body, encoding, ("read as UTF-16",)
    if b"\0" in body[:4096]:
        raise DataError(f"{path} is no text file: it holds zero bytes")
    kinds = {"cp1252": "Windows-1252, which extends Latin-1", "latin-1": "Latin-1"}
    return body, encoding, (f"not UTF-8: read as {kinds[encoding]}",) if encoding in kinds else ()


def _delimiter(body: bytes, encoding: str, given: str | None, path: Path) -> tuple[str, tuple[str, ...]]:
    if given is not None:
        found = _WORDS.get(given, given)
        if len(found) != 1 or found in '\r\n"':
            raise UserError(f"{option('delimiter')} is one character, or one of {', '.join(_WORDS)}; found {given!r}")
        return found, ()
    try:
        found = delimiter_of(body, encoding)
    except csv.Error:
        raise DataError(
            f"{path} is no table: it begins with a cell of more than {csv.field_size_limit():,} characters"
        ) from None
    if found is None:
        is_text = path.suffix.lower() == ".txt"
        prose = is_text * (
            f"; or leave {option('target')} and other options of tables away: it is then read as a text, whose next "
            "token is asked for"
        )
        raise DataError(
            f"{path} has only one column (no comma, semicolon, tab or bar separates anything); expected features and a "
            f"target; name another delimiter, such as {option('delimiter', ' ')}{prose}"
        )
    return found, () if found == "," else (f"columns are separated by {DELIMITERS.get(found, repr(found))}s",)


def _first_rows(body: bytes, encoding: str, delimiter: str, path: Path) -> list[tuple[int, list[str]]]:
    rows = []
    try:
        rows += itertools.islice(rows_of(body, encoding, delimiter), _LOOKED_AT)
    except csv.Error as problem:
        raise DataError(f"{path}, behind row {len(rows)}: {problem}") from None
    if not rows:
        raise DataError(f"{path} holds no cells")
    return rows


@dataclass(frozen=True, eq=False)
class _Rest:
    """What is left to read of a file. before: rows that are done with, to the end of the line `last`."""

    path: Path
    body: bytes
    encoding: str
    delimiter: str
    before: int
    last: int
    width: int


def _columns(rest: _Rest) -> list[Cells]:
    """All cells, by the reader in C where it reads what Python's does, else by the latter, which knows lines."""
    marks = [gap + quote for gap in (rest.delimiter, "\n") for quote in (' "', '\t"')] if b'"' in rest.body else []
    if rest.delimiter == " " or any(mark.encode() in rest.body for mark in marks):
        return _columns_slowly(rest)
    from pyarrow import ArrowInvalid

    try:
        return _columns_in_c(rest)
    except ArrowInvalid:
        return _columns_slowly(rest)


def _columns_in_c(rest: _Rest) -> list[Cells]:
    import pyarrow
    from pyarrow import csv as reader

    names = [str(i) for i in range(rest.width)]
    buffer = pyarrow.py_buffer(_in_utf8(rest))
    table = reader.read_csv(
        pyarrow.BufferReader(buffer),
        reader.ReadOptions(column_names=names, block_size=min(_BLOCK, max(1, len(buffer)))),
        reader.ParseOptions(
            delimiter=rest.delimiter,
            newlines_in_values=b'"' in rest.body,
            invalid_row_handler=lambda row: "error" if row.text.strip() else "skip",
        ),
        reader.ConvertOptions(column_types=dict.fromkeys(names, pyarrow.string())),
    )
    del buffer
    trim = b" " in rest.body or b"\t" in rest.body or not rest.body.isascii()
    return _without_empty_rows([Cells(table.column(i), trim) for i in range(rest.width)])


def _in_utf8(rest: _Rest) -> memoryview:
    """The bytes behind the rows that are done with, in UTF-8."""
    lines = itertools.islice(lines_of(rest.body, rest.encoding), rest.last)
    if rest.encoding != "utf-8-sig":
        done = sum(map(len, lines))
        return memoryview(rest.body.decode(rest.encoding, "replace")[done:].encode())
    mark = 3 if rest.body.startswith(b"\xef\xbb\xbf") else 0
    return memoryview(rest.body)[mark + sum(len(line.encode()) for line in lines) :]


def _without_empty_rows(columns: list[Cells]) -> list[Cells]:
    """The columns without the rows that hold nothing in any of them."""
    empty: Any = None
    for column in columns:
        here = column.empty()
        empty = here if empty is None else empty & here
        if not empty.any():
            return columns
    return [column.where(~empty) for column in columns]


def _columns_slowly(rest: _Rest) -> list[Cells]:
    import pyarrow

    rows = list(_even_rows(rest))
    return [
        Cells(pyarrow.chunked_array([pyarrow.array(each, pyarrow.string())]), False) for each in zip(*rows, strict=True)
    ]


def _even_rows(rest: _Rest) -> Iterator[tuple[str, ...]]:
    line = rest.last
    try:
        for end, row in itertools.islice(rows_of(rest.body, rest.encoding, rest.delimiter), rest.before, None):
            if len(row) != rest.width:
                between = f"{DELIMITERS[rest.delimiter]}s" if rest.delimiter in DELIMITERS else repr(rest.delimiter)
                raise DataError(
                    f"{rest.path}, {_lines(line + 1, end)}: {len(row)} columns between {between}, but "
                    f"line {max(1, rest.last)} has {rest.width}"
                )
            line = end
            yield tuple(row)
    except csv.Error as problem:
        raise DataError(f"{rest.path}, line {line + 1}: {problem}") from None


def _lines(first: int, last: int) -> str:
    if first == last:
        return f"line {last}"
    return f"lines {first} to {last} (one row, unless a quotation mark is not closed)"
