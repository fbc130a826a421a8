"""Which row of a text table names its columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from netwright.tasks.column_kinds import looks_like_a_number
from netwright.tasks.portable.cells import is_missing
from netwright.tasks.portable.rows import LOOKED_THROUGH, width_of, with_names

Rows = Sequence[Sequence[str]]


def numbered(width: int) -> list[str]:
    """The names of columns that have none."""
    return [f"column_{i + 1}" for i in range(width)]


def find(
    rows: Rows, target: str | int | None, header: bool | None, wanted: Collection[str], where: str
) -> tuple[int | None, tuple[str, ...]]:
    """The place of the row with the columns' names, or None, and what to say of it.

    rows: the first rows.
    target: a column that is asked for; the row that holds its name is the header, whatever else stands there.
    wanted: other names to look for.
    header: whether there is one, None to find out.
    """
    usual = preamble(rows)
    if header is False:
        return None, _skipped(usual, where)
    found = with_names(rows, wanted) if wanted else _with_target(rows, target)
    if found is None and (header or names_the_columns(rows[usual:])):
        found = usual
    if found is None:
        return None, (f"no header: the columns of {where} are called column_1 to column_{width_of(rows)}",)
    return found, _skipped(found, where)


def preamble(rows: Rows) -> int:
    """How many rows stand before the table: comments, and titles in one cell of a table of several columns."""
    width = width_of(rows)
    for place, row in enumerate(rows[:LOOKED_THROUGH]):
        comment = row[0].startswith(("#", "%", "//", "|")) and len(row) != width
        if width == 1 or not (comment or sum(map(bool, row)) == 1):
            return place
    return 0


def _skipped(count: int, where: str) -> tuple[str, ...]:
    rows = "the first row of {}, which is" if count == 1 else f"the first {count} rows of {{}}, which are"
    return (f"skipped {rows.format(where)} above the table",) if count else ()


def _with_target(rows: Rows, target: str | int | None) -> int | None:
    """The row with the target's name: the first, or one below rows that are no examples."""
    if not isinstance(target, str):
        return None
    width = width_of(rows)
    is_place = target.lstrip("-").isdigit() and -width <= int(target) < width
    for place, row in enumerate(rows[:LOOKED_THROUGH]):
        if target in row and abs(len(row) - width) <= 1:
            column = row.index(target)
            below = [each[column] for each in rows[place + 1 :] if len(each) > column]
            return place if target not in below and (not is_place or names_the_columns(rows[place:])) else None
        full = len(row) == width and all(row) and not row[0].startswith("#")
        if full and (place or not _above_another_header(row)):
            return None
    return None


def _above_another_header(row: Sequence[str]) -> bool:
    """Whether a full row may still stand above the names: groups of columns, units."""
    return not any(looks_like_a_number(cell) for cell in row)


def names_the_columns(rows: Rows) -> bool:
    """Whether the first row names the columns: it counts them, or it holds texts that are not values of rows below."""
    first, below = rows[0], rows[1:1001]
    if not below:
        return False
    if [cell for cell in first if cell] in ([str(i + start) for i in range(sum(map(bool, first)))] for start in (0, 1)):
        return len(first) > 2
    columns = [[row[i] for row in below if len(row) > i and not is_missing(row[i])] for i in range(len(first))]
    if any(cell and cell in column for cell, column in zip(first, columns, strict=True)):
        return False
    numeric = [bool(column) and all(map(looks_like_a_number, column)) for column in columns]
    over_numbers = [cell for cell, there in zip(first, numeric, strict=True) if there and looks_like_a_number(cell)]
    texts_over_numbers = any(
        there and not is_missing(cell) and not looks_like_a_number(cell)
        for cell, there in zip(first, numeric, strict=True)
    )
    if over_numbers:
        return (texts_over_numbers or _counting(over_numbers)) and _new_texts(first, columns)
    plain = not any(looks_like_a_number(cell) or is_missing(cell) for cell in first) and len(set(first)) == len(first)
    return plain or texts_over_numbers


def _counting(cells: Sequence[str]) -> bool:
    """Whether these are whole numbers at equal distances, such as years."""
    numbers = [int(cell) for cell in cells if cell.isdecimal()]
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    return len(numbers) == len(cells) > 1 and len(steps) == 1 and 0 not in steps


def _new_texts(first: Sequence[str], columns: Sequence[Sequence[str]]) -> bool:
    """Whether a column of few texts begins with one that it does not hold."""
    few = [cell for cell, column in zip(first, columns, strict=True) if 0 < len(set(column)) <= len(column) / 3]
    return any(cell and not looks_like_a_number(cell) for cell in few)
