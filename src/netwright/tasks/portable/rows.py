"""The rows of a text table: its encoding, what separates its columns, and which line holds their names."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from netwright.tasks.portable.cells import SPACES

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_NUMBER = re.compile("[-+]?[0-9][0-9.,]*")
LOOKED_THROUGH = 100  # rows in which the line with the names is looked for


def encoding_of(body: bytes) -> str:
    """UTF-16 where it is marked, else UTF-8 where that can be, else the encoding of Western Windows."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if body.isascii():
        return "utf-8-sig"
    check = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(body), 1 << 20):
            check.decode(body[start : start + (1 << 20)], start + (1 << 20) >= len(body))
        return "utf-8-sig"
    except UnicodeDecodeError:
        return "latin-1" if any(byte in body for byte in b"\x81\x8d\x8f\x90\x9d") else "cp1252"


def lines_of(body: bytes, encoding: str) -> Iterator[str]:
    return io.TextIOWrapper(io.BytesIO(body), encoding, errors="replace", newline="")


def rows_of(body: bytes, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The number of the line in which a row ends, and its cells; rows with nothing in them are left out."""
    reader = csv.reader(lines_of(body, encoding), delimiter=delimiter, skipinitialspace=True)
    for row in reader:
        cells = [cell.strip(SPACES) for cell in row]
        if any(cells):
            yield reader.line_num, cells


def delimiter_of(body: bytes, encoding: str) -> str | None:
    """The delimiter that splits the first 50 lines, above all the first, into the same, largest number of columns.

    None where nothing separates anything; csv.Error where a line is longer than a cell may be.
    """
    lines = [line for line in itertools.islice(lines_of(body, encoding), 50) if line.strip(SPACES)]
    first = lines[0].strip(SPACES + '"') if lines else ""
    if first.startswith("sep=") and len(first) == 5:
        return first[4]
    best = max(_score(lines, delimiter) for delimiter in DELIMITERS)
    return best[-1] if best[0] else None


def _score(lines: Sequence[str], delimiter: str) -> tuple[bool, bool, bool, float, float, int, str]:
    """How well a delimiter splits lines; numbers in the cells tell it from a decimal comma."""
    rows = [row for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if row]
    lengths = Counter(map(len, rows))
    columns, agreeing = max(lengths.items(), key=lambda each: (each[1] * (each[0] > 1), each[0]))
    numbers = sum(_NUMBER.fullmatch(cell.strip(SPACES)) is not None for row in rows for cell in row)
    share = numbers / max(1, sum(map(len, rows)))
    return columns > 1, agreeing > 1, len(rows[0]) == columns, agreeing / len(rows), share, columns, delimiter


def width_of(rows: Sequence[Sequence[str]], likely: int = 0) -> int:
    """The number of cells that most rows have; of several such numbers the likely one, else the largest."""
    return max(Counter(map(len, rows)).items(), key=lambda each: (each[1], each[0] == likely, each[0]))[0]


def with_names(rows: Sequence[Sequence[str]], wanted: Collection[str]) -> int | None:
    """The place of the row that holds the most of the wanted names, or None where no row holds any."""
    names = set(wanted)
    found = [len(names & set(row)) for row in rows[:LOOKED_THROUGH]]
    return found.index(max(found)) if found and max(found) else None


def headings(row: Sequence[str], below: Sequence[Sequence[str]]) -> list[str]:
    """The columns' names: all different, none empty, one for each cell of the rows below.

    Rows with one cell more than there are names begin with the row's own, as R writes them, or end with a delimiter.
    """
    width, given = width_of(below, len(row)) if below else len(row), list(row)
    if len(given) == width - 1:
        ends = all(not each[-1] for each in below if len(each) == width)
        given = [*given, ""] if ends else ["", *given]
    elif len(given) > width and not any(given[width:]):
        given = given[:width]
    seen: Counter[str] = Counter()
    names = []
    for place, name in enumerate(given, 1):
        name = name or f"column_{place}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return names
