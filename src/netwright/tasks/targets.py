"""A table's target columns: which ones they are, and what each row asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError, nearest
from netwright.core.spelling import option
from netwright.core.wording import listed
from netwright.problems.several_labels import SeveralLabels
from netwright.tasks import asked as asking
from netwright.tasks import class_labels
from netwright.tasks.asked import Asked, Wish
from netwright.tasks.choosing import TYPING_ERRORS
from netwright.tasks.column_kinds import Spec, kind_of, values_of
from netwright.tasks.label_sets import label_names, label_rows, separator_of
from netwright.tasks.portable.cells import cell_value, is_missing
from netwright.tasks.portable.columns import noun
from netwright.tasks.table_cells import Cells
from netwright.tasks.tables import Table

_PLAIN = "plain"  # how cells of numbers without any sign but the decimal one are read


@dataclass(frozen=True, eq=False)
class Target(Asked):
    """What the target columns of a table ask for.

    names: of the columns.
    specs: of numbers, how the cells of each column are read; of a plain one None.
    """

    names: tuple[str, ...] = ()
    specs: tuple[Spec | None, ...] = ()

    @property
    def noun(self) -> str:
        """What a target column holds, in a word."""
        return "target" if self.labels is None else "class"


def target_columns(table: Table, target: str | int | Sequence[str] | None) -> list[int]:
    """The places of the target columns; UserError names the nearest.

    target: a name or a number from 0, several names in a list or separated by commas.
    """
    if isinstance(target, str) and target not in table.columns and "," in target:
        target = [each.strip() for each in target.split(",")]
    if isinstance(target, str | int) or target is None:
        return [column_of(table, target)]
    found = [column_of(table, each) for each in target]
    if len(set(found)) < len(found) or not found:
        raise UserError(f"{option('target')} names a column twice, or none: {', '.join(map(str, target))}")
    return found


def column_of(table: Table, target: str | int | None) -> int:
    """The place of a column; UserError names the nearest."""
    known = table.columns
    if target is None:
        raise UserError(
            f"which column of {table.where} is the target? Say {option('target', known[-1])} for the last one, "
            f"or another. Columns: {listed(known, 12)}"
        )
    if str(target) in known:
        return known.index(str(target))
    try:
        place = int(target)
    except ValueError:
        here = "" if table.header else "; it has no line with names: the columns are called column_1, column_2, ..."
        raise UserError(f"{table.where} has no column {target!r}" + (here or nearest(target, known))) from None
    if not -len(known) <= place < len(known):
        raise UserError(
            f"{table.where} has {len(known)} columns: 0 to {len(known) - 1}, or -1 for the last; found {place}"
        )
    return place % len(known)


def with_answers(
    table: Table, columns: Sequence[int], may_lack: bool, drop: bool, instead: str
) -> tuple[Table, tuple[str, ...]]:
    """The rows that say what is asked for, and what is said of the others.

    columns: the places of the target columns.
    may_lack: whether an empty cell is an answer, too: no label.
    drop: whether the others are left out; else DataError names the first one's line, and `instead`.
    instead: the option that leaves them out, as its user types it.
    """
    if may_lack:
        return table, ()
    lost = np.isin(np.arange(len(table)), np.concatenate([_empty_rows(table, column) for column in columns]))
    if not lost.any():
        return table, ()
    if not drop:
        raise _unanswered(table, columns, f"{instead} leaves such rows out")
    if lost.all():
        raise DataError(f"every row of {table.where} lacks {_named(table, columns)}, so that none is left")
    said = (
        f"{int(lost.sum()):,} of {len(table):,} rows of {table.where} lack {_named(table, columns)} and were left out"
    )
    return table.without(lost), (said,)


def may_lack(table: Table, columns: Sequence[int], decimal: str, wish: Wish) -> bool:
    """Whether an empty cell of the target column stands for no label."""
    cells = table.cells[columns[0]]
    if len(columns) > 1 or wish.kind not in (None, "labels"):
        return False
    return wish.kind == "labels" or (cells.numbers(decimal) is None and separator_of(cells.texts) is not None)


def asked_of(
    table: Table, columns: Sequence[int], decimal: str, wish: Wish, classes: Sequence[str] | None = None
) -> Target:
    """What the rows ask for: a class, or several labels, of texts and few whole numbers, else numbers.

    decimal: the table's decimal sign.
    classes: names for the sorted values of one column of numbers.

    Raises DataError, with the line, for a cell that is missing or unlike the others, and for texts that are no classes.
    """
    names = tuple(table.columns[place] for place in columns)
    one = len(columns) == 1
    found = _one(table, columns[0], decimal, wish, classes) if one else _several(table, columns, decimal, wish)
    return replace(found, names=names)


def asked_like(
    table: Table, columns: Sequence[int], known: Target, decimal: str
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """What the rows of a second table ask for, as `known` holds its own, and what was decided."""
    cells = [_complete(table, place, known.separator is not None) for place in columns]
    what = _what(known.names, table.where)
    if len(columns) == 1 and known.labels is not None:
        return _classes_like(table, cells[0], known.labels, what, decimal)
    if known.separator is not None:
        labels = cast("SeveralLabels", known.problem).label_names
        return label_rows(cells[0].texts, known.separator, labels, what)[cells[0].codes], ()
    read = zip(cells, columns, known.specs, strict=True)
    values = np.stack([_read(table, each, place, spec, decimal) for each, place, spec in read], axis=1)
    return asking.understood_as(values, known, what), ()


def _one(table: Table, column: int, decimal: str, wish: Wish, classes: Sequence[str] | None) -> Target:
    """What one column asks for. classes: names, see `asked_of`."""
    name = table.columns[column]
    lacking = may_lack(table, [column], decimal, wish)
    cells, what = _complete(table, column, lacking), f"values of the target column {name!r}"
    values = None if wish.kind == "labels" else cells.numbers(decimal)
    if values is not None:
        return _of_numbers(asking.understood(values, wish, classes, what), name, None)
    spec = None if wish.kind == "labels" else _measured(table, column, cells, decimal, wish)
    if spec is not None:
        numbers = values_of(spec, cells.texts)[0][cells.codes]
        return _of_numbers(asking.numbers(numbers, wish, None, what), name, spec)
    return _of_texts(cells, wish, what)


def _of_numbers(found: Asked, name: str, spec: Spec | None) -> Target:
    """A column of numbers, which are called by its name where they are not classes."""
    problem = found.problem
    if found.labels is None:
        problem = problem.replace(names=(name,))
    return Target(found.values, problem, found.notes, found.labels, specs=(spec,))


def _measured(table: Table, column: int, cells: Cells, decimal: str, wish: Wish) -> Spec | None:
    """How cells that are no plain numbers are read as numbers, where they are to be; DataError for a few that are not.

    Such as amounts, percentages and dates.
    """
    if wish.kind == "classification":
        return None
    kind = kind_of(cells.texts, cells.counts.tolist(), decimal)
    odd = int(cells.counts[list(kind.odd)].sum()) if kind.odd else 0
    if wish.kind is None:
        if kind.spec is None or odd > TYPING_ERRORS * len(cells):
            return None
        values = values_of(kind.spec, cells.texts)[0][cells.codes]
        if int(cells.counts.min()) >= asking.LEAST_OF_A_CLASS or not asking.looks_measured(values):
            return None
    if kind.spec is None or odd:
        places = range(len(cells.texts)) if kind.spec is None else kind.odd
        raise _odd(table, column, cells, list(places), kind.spec)
    return kind.spec


def _odd(table: Table, column: int, cells: Cells, places: Sequence[int], spec: Spec | None) -> DataError:
    """The error that names the first cells that are no numbers."""
    rows = np.flatnonzero(np.isin(cells.codes, places))
    shown = rows[:5].tolist()
    lines = table.lines(shown)
    found = ", ".join(f"line {line}: {cells.texts[cells.codes[row]]!r}" for line, row in zip(lines, shown, strict=True))
    what = "numbers" if spec is None else f"{noun(spec).removeprefix('finite ')}s"
    return DataError(
        f"{table.where}: the target column {table.columns[column]!r} is to hold {what}, but {len(rows):,} of "
        f"{len(cells):,} cells are none ({found}); correct these, or remove the rows"
    )


def _of_texts(cells: Cells, wish: Wish, what: str) -> Target:
    """A class each, or several labels."""
    separator = wish.separator or (separator_of(cells.texts) if wish.kind in (None, "labels") else None)
    if wish.kind == "labels" or separator is not None:
        separator = separator or ","
        names = label_names(cells.texts, separator, what)
        rows = label_rows(cells.texts, separator, names, what)
        asking.require_different(rows[cells.codes], names, what)
        problem = SeveralLabels(names, positive_weights=asking.weights_of(wish.class_weights))
        return Target(rows[cells.codes], problem, asking.said_of_labels(separator, wish), separator=separator)
    found = class_labels.encode(np.array(cells.texts), what=what)
    if len(found.names) > max(20, len(cells) // 2):
        raise DataError(
            f"the {what} are {len(found.names):,} different texts in {len(cells):,} rows: these are no classes"
        )
    labels = class_labels.Labels(found.codes[cells.codes], found.names, found.values)
    of_classes, similar = asking.of_classes(labels, wish), class_labels.alike(labels.names)
    return Target(of_classes.values, of_classes.problem, (f"the classes {similar}",) if similar else (), labels)


def _several(table: Table, columns: Sequence[int], decimal: str, wish: Wish) -> Target:
    """Several columns: a number each, or 0 and 1 for a label each."""
    names = [table.columns[place] for place in columns]
    cells = [_complete(table, place) for place in columns]
    specs = [_spec_of_one(table, place, each, decimal) for place, each in zip(columns, cells, strict=True)]
    read = zip(cells, columns, specs, strict=True)
    values = np.stack([_read(table, each, place, spec, decimal) for each, place, spec in read], axis=1)
    neither = (values != 0) & (values != 1)
    if wish.kind == "labels" and neither.any():
        row, place = np.argwhere(neither)[0].tolist()
        raise DataError(
            f"{table.where}, line {table.lines([row])[0]}: the label {names[place]!r} is 0 or 1, found "
            f"{cells[place].texts[cells[place].codes[row]]!r}"
        )
    truth = not neither.any()
    found = asking.understood(values, wish, names if truth or wish.kind != "classification" else None, _what(names))
    return Target(found.values, found.problem, found.notes, found.labels, specs=tuple(specs))


def _spec_of_one(table: Table, place: int, cells: Cells, decimal: str) -> Spec | None:
    """How one of several columns is read: as plain numbers for None. DataError for texts."""
    if cells.numbers(decimal) is not None:
        return None
    kind = kind_of(cells.texts, cells.counts.tolist(), decimal)
    if kind.spec is None or kind.odd:
        places = range(len(cells.texts)) if kind.spec is None else kind.odd
        raise _odd(table, place, cells, list(places), kind.spec)
    return kind.spec


def _read(table: Table, cells: Cells, place: int, spec: Spec | None, decimal: str) -> NDArray[np.float64]:
    """A column of numbers; DataError with the line for a cell that is none."""
    values = cells.numbers(decimal) if spec is None else None
    if values is not None:
        return values
    how = spec or _number(decimal)
    found, odd = values_of(how, cells.texts)
    if odd:
        raise _odd(table, place, cells, odd, how)
    return found[cells.codes]


def numbers_of(table: Table, place: int, decimal: str) -> NDArray[np.float64]:
    """A column of plain numbers that is no target; DataError with the line for a cell that is missing or none."""
    cells = table.cells[place]
    values = cells.numbers(decimal)
    if values is not None and not np.isnan(values).any():
        return values
    fits = [cell_value(_number(decimal), text) for text in cells.texts]
    odd = [i for i, each in enumerate(fits) if each is None or np.isnan(each)]
    row = int(np.flatnonzero(np.isin(cells.codes, odd))[0])
    raise DataError(
        f"{table.where}: the column {table.columns[place]!r} is to hold numbers, found "
        f"{cells.texts[cells.codes[row]]!r} in line {table.lines([row])[0]}"
    )


def _number(decimal: str) -> Spec:
    """How plain numbers are read."""
    return {"kind": "number", "decimal": decimal, "thousands": "", "sign": "", "brackets": False}


def _classes_like(
    table: Table, cells: Cells, known: class_labels.Labels, what: str, decimal: str
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    if known.values.dtype.kind != "U":
        values = cells.numbers(decimal)
        texts = values if values is not None else np.array(cells.texts)[cells.codes]
        return _encoded(table, texts, known, what), ()
    texts, names, note = cells.texts, set(known.names), ()
    if not names & set(texts) and {text.removesuffix(".") for text in texts} <= names:
        texts = [text.removesuffix(".") for text in texts]
        note = (f"{what} end with a full stop, which was removed",)
    return _encoded(table, np.array(texts)[cells.codes], known, what), note


def _encoded(table: Table, values: NDArray[Any], known: class_labels.Labels, what: str) -> NDArray[np.int64]:
    """The numbers of classes; DataError names the line of the first that is not known."""
    return class_labels.encode_as(values, known, what, lambda row: f"line {table.lines([row])[0]}")


def _what(names: Sequence[str], where: str = "") -> str:
    """The values of these columns in words."""
    return f"values of {listed([repr(name) for name in names], 4)}" + (f" in {where}" if where else "")


def _complete(table: Table, column: int, may_lack: bool = False) -> Cells:
    """The cells of a target column; DataError where some are empty, unless that means no label."""
    if not may_lack and len(_empty_rows(table, column)):
        raise _unanswered(table, [column], "remove these rows")
    return table.cells[column]


def _empty_rows(table: Table, column: int) -> NDArray[np.int64]:
    """The rows in which a column holds nothing."""
    cells = table.cells[column]
    empty = np.flatnonzero([is_missing(text) for text in cells.texts])
    return np.flatnonzero(np.isin(cells.codes, empty)) if len(empty) else empty


def _unanswered(table: Table, columns: Sequence[int], instead: str) -> DataError:
    """The error that says where the first of these target columns with gaps has them, and what to do."""
    column, rows = next((each, found) for each in columns if len(found := _empty_rows(table, each)))
    first, where = table.lines([int(rows[0])])[0], f"{table.where}: the target column {table.columns[column]!r}"
    found = f"line {first}" if len(rows) == 1 else f"{len(rows):,} rows, the first in line {first}"
    return DataError(f"{where} is empty in {found}; {instead}")


def _named(table: Table, columns: Sequence[int]) -> str:
    return listed([repr(table.columns[place]) for place in columns], 4)
