"""Which columns of a table become features, and how: kinds, categories, and what is left out with its reason."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError
from netwright.core.spelling import option
from netwright.core.wording import counted
from netwright.tasks.asked import Asked
from netwright.tasks.class_labels import Labels, alike
from netwright.tasks.column_kinds import Kind, Spec, described, kind_of, quoted, values_of
from netwright.tasks.portable.columns import category_of, feature_names, noun
from netwright.tasks.table_cells import Cells
from netwright.tasks.tables import Table

MOST_CATEGORIES = 64
TYPING_ERRORS = 0.1  # more cells than that are no typing errors, but texts
_COUNTS = "row numbers"
_SENTENCE = 4  # words of a cell from which a column of them holds sentences
_LINE = 0.999999  # correlation of a column with the target, from which one follows from the other
_LOOKED_AT = 2000  # rows, before a column is compared with the target in all of them
_NAMES_OF_NUMBERS = re.compile(
    r"|column_1|unnamed: ?[0-9]+|#|index|idx|rows?|row[ _]?(id|names?|num(ber)?|no)|rownames|uuid|guid"
    r"|(.*[ _.-])?id([ _.-].*)?"
    r"|(record|case|sample|observation|obs|seq|serial)[ _]?(no|num|number|id)?|(s\.?|sr\.?)? ?n[or]\.?",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class Column:
    """A column that is used.

    spec: as the portable code takes it.
    values: a number a row, NaN for gaps; of categories their places, -1 for those without a feature.
    """

    place: int
    spec: Spec
    values: NDArray[Any]

    @property
    def name(self) -> str:
        return self.spec["name"]

    @property
    def is_category(self) -> bool:
        return self.spec["kind"] in ("one-hot", "ordinal")

    @property
    def features(self) -> list[str]:
        return feature_names(self.spec)

    @property
    def widths(self) -> list[int]:
        """How many features belong together: all of a category, each of a number."""
        return [len(self.features)] if self.is_category else [1] * len(self.features)


@dataclass(eq=False)
class Choice:
    """The columns that are used, and what is said of all."""

    columns: list[Column] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    read_as: dict[str, list[str]] = field(default_factory=dict)
    codes: list[str] = field(default_factory=list)
    telling: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)

    def add(self, column: Column, note: str, *, tells: bool) -> None:
        """Use a column.

        note: how it was read.
        tells: whether it determines the class.
        """
        self.columns.append(column)
        if note and column.is_category:
            self.codes.append(column.name)
        elif note:
            self.read_as.setdefault(note, []).append(column.name)
        self.telling += [column.name] if tells else []

    def notes(self) -> tuple[str, ...]:
        texts = sum(each.is_category for each in self.columns)
        features = sum(len(each.features) for each in self.columns)
        numbers = len(self.columns) - texts
        kinds = [
            f"{count} {'column' if count == 1 else 'columns'} of {what}"
            for count, what in ((numbers, "numbers"), (texts, "categories"))
            if count
        ]
        notes = [f"{' and '.join(kinds)} became {counted(features, 'feature')}"]
        notes += [f"read as numbers: {described(self.read_as)}"] if self.read_as else []
        notes += [f"codes with leading zeros are categories: {quoted(self.codes)}"] if self.codes else []
        notes += [f"left out: {described(self.left_out)}"] if self.left_out else []
        similar = {each.name: alike(each.spec["texts"]) for each in self.columns if each.is_category}
        notes += [f"{said} in {name!r}" for name, said in similar.items() if said]
        if self.sentences:
            told = option("text", self.sentences[0])
            notes.append(f"{quoted(self.sentences[:1])} holds sentences: {told} learns from their words alone instead")
        if self.telling:
            notes.append(
                f"each value of {quoted(self.telling)} belongs to one class only: if it is known only once the "
                f"class is, leave it out with {option('drop', self.telling)}"
            )
        if self.lines:
            notes.append(
                f"a straight line through {quoted(self.lines)} gives the target: if it is known only once the target "
                f"is, leave it out with {option('drop', self.lines)}"
            )
        return tuple(notes)


def choose(
    table: Table,
    places: Sequence[int],
    asked: Asked,
    decimal: str,
    encoding: str,
    most: int = MOST_CATEGORIES,
) -> Choice:
    """Decide over each column at these places, in turn; the texts of each are let go once it is done with.

    asked: what the rows ask for, which no column may give away.
    encoding: "one-hot" or "ordinal".
    most: texts of a column that are told apart.

    Raises DataError where a column of numbers holds a few other texts, and where no column is left.
    """
    choice, spare, of_rows = Choice(), [], table.in_file(np.arange(len(table)))
    for place in places:
        name, cells = table.columns[place], table.cells[place]
        column, kind = _read(table, place, decimal, encoding, most)
        reason = _reason(column, kind, cells, asked, of_rows)
        if reason:
            choice.left_out.setdefault(reason, []).append(name)
            choice.sentences += [name] if column.is_category and holds_sentences(table, place) else []
            spare += [column] if reason == _COUNTS else []
        else:
            choice.add(column, kind.note, tells=_tells(column, asked.labels))
            choice.lines += [name] if _is_a_line(column, asked) else []
        table.cells[place] = Cells.nothing()
    if not choice.columns and spare and len(spare) == len(places):
        choice.columns, choice.left_out = spare, {}
    if not choice.columns:
        why = f"; left out: {described(choice.left_out)}" if choice.left_out else ""
        texts = [table.columns[place] for place in places if share_of_words(table, place) >= 0.5]
        why += f"; {option('text', texts[0])} takes the words of a column" if texts else ""
        raise DataError(f"{table.where} has no column that can serve as a feature besides the target{why}")
    return choice


def share_of_words(table: Table, place: int) -> float:
    """How many of the first cells of a column hold a letter and more than one word."""
    cells = [row[place] for row in table.sample if len(row) > place and row[place]]
    return sum(len(each.split()) >= 2 and any(map(str.isalpha, each)) for each in cells) / max(1, len(cells))


def holds_sentences(table: Table, place: int) -> bool:
    """Whether most of the first cells of a column have so many words that a network can learn from them."""
    counts = [len(row[place].split()) for row in table.sample if len(row) > place and row[place]]
    return bool(counts) and statistics.median(counts) >= _SENTENCE


def _read(table: Table, place: int, decimal: str, encoding: str, most: int) -> tuple[Column, Kind]:
    """A column with its values, and what its cells are."""
    cells, base = table.cells[place], {"name": table.columns[place], "place": place}
    values = cells.numbers(decimal)
    if values is not None:
        plain = {"kind": "number", "decimal": decimal, "thousands": "", "sign": "", "brackets": False}
        return Column(place, {**base, **plain}, values), Kind(plain)
    kind = kind_of(cells.texts, cells.counts.tolist(), decimal)
    if kind.spec is not None:
        spec = {**base, **kind.spec}
        odd = int(cells.counts[list(kind.odd)].sum())
        if not odd:
            return Column(place, spec, values_of(spec, cells.texts)[0][cells.codes]), kind
        if odd <= TYPING_ERRORS * len(cells) and len(cells) > 20:
            raise _typing_errors(table, spec, kind.odd, odd, cells)
    return _categories(cells, base, encoding, most), kind


def is_plain(spec: Spec) -> bool:
    """Whether a column holds numbers without any sign but the decimal one."""
    return spec["kind"] == "number" and not (spec["thousands"] or spec["sign"] or spec["brackets"])


def _typing_errors(table: Table, spec: Spec, places: Sequence[int], odd: int, cells: Cells) -> DataError:
    rows = sorted(np.flatnonzero(np.isin(cells.codes, places))[:5].tolist())
    found = zip(table.lines(rows), (cells.texts[cells.codes[row]] for row in rows), strict=True)
    first = ", ".join(f"line {line}: {text!r}" for line, text in found)
    return DataError(
        f"{table.where}: the column {spec['name']!r} holds {_several(spec)}, but {odd:,} of {len(cells):,} are none "
        f"({first}); correct them, leave them empty and say {option('nan', 'impute-median')}, or leave the column out "
        f"with {option('drop', [spec['name']])}"
    )


def _several(spec: Spec) -> str:
    what = noun(spec).removeprefix("finite ")
    return what.replace("amount", "amounts") if "amount" in what else f"{what}s"


def _categories(cells: Cells, base: Spec, encoding: str, most: int) -> Column:
    counts: dict[str, int] = {}
    for text, count in zip(cells.texts, cells.counts.tolist(), strict=True):
        category = category_of(text)
        counts[category] = counts.get(category, 0) + count
    frequent = sorted(counts, key=lambda text: -counts[text])[:most]
    spec = {**base, "kind": encoding, "texts": tuple(sorted(frequent)), "offset": 0.0, "distinct": len(counts)}
    return Column(base["place"], spec, places_of(spec, cells))


def places_of(spec: Spec, cells: Cells) -> NDArray[np.int32]:
    """The place of each cell's category, -1 where it has none: (n,)."""
    number = {text: i for i, text in enumerate(spec["texts"])}
    return np.array([number.get(category_of(text), -1) for text in cells.texts], np.int32)[cells.codes]


def _reason(column: Column, kind: Kind, cells: Cells, asked: Asked, of_rows: NDArray[np.int64]) -> str:
    """Why a column is left out, or nothing. of_rows: the place of each row in the file."""
    count, values = len(column.values), column.values
    if column.is_category:
        distinct = column.spec.pop("distinct")
        if column.spec["texts"] == ("(missing)",):
            return "empty"
        if distinct > max(20, count // 2):
            odd = int(cells.counts[list(kind.odd)].sum())
            if kind.spec is not None and odd <= count / 2:
                return f"{_several(kind.spec)} mixed with {odd:,} other texts such as {cells.texts[kind.odd[0]]!r}"
            return f"{distinct:,} different texts in {count:,} rows"
    elif np.isnan(values).all():
        return "empty"
    if count > 1 and _is_constant(values):
        return "always the same value"
    if not column.is_category and count > 2 and _is_whole(values):
        if _counts_rows(values - of_rows):
            return _COUNTS
        if _names_rows(column.name, values):
            return "another number in each row, as names of rows"
    if asked.labels is not None:
        return "the class again" if _is_the_class(column, cells, asked.labels) else ""
    return "the target again" if _is_a_target(column, asked) else ""


def _is_constant(values: NDArray[Any]) -> bool:
    present = values if values.dtype.kind == "i" else values[~np.isnan(values)]
    return bool((present[:1] == present).all())


def _is_whole(values: NDArray[np.float64]) -> bool:
    return bool((values[:100] == np.round(values[:100])).all() and (values == np.round(values)).all())


def _counts_rows(ahead: NDArray[Any]) -> bool:
    """Whether whole numbers count from 0 or 1. ahead: how far each is ahead of its row's place."""
    return bool(ahead[0] in (0, 1) and (ahead == ahead[0]).all())


def _names_rows(name: str, values: NDArray[np.float64]) -> bool:
    """Whether each row has another whole number, in a column with such a name or without gaps between the numbers."""
    low = values.min()
    named = _NAMES_OF_NUMBERS.fullmatch(name) is not None or re.search(r"[a-z]I[Dd]$", name) is not None
    dense = values.max() - low == len(values) - 1 and low in (0, 1) and len(values) > 100
    return (named or dense) and len(np.unique(values)) == len(values)


def _class_of_each(column: Column, labels: Labels, count: int) -> dict[Any, int] | None:
    """Which class goes with each value in the first rows, where each goes with one only and is there several times."""
    values = column.values[:count]
    distinct, codes = np.unique(values, return_inverse=True)
    if len(distinct) * 5 > len(values) or (values.dtype.kind == "f" and np.isnan(distinct).any()):
        return None
    pairs = np.unique(codes.astype(np.int64) * len(labels.names) + labels.codes[:count])
    if len(pairs) != len(distinct):
        return None
    return dict(zip(distinct.tolist(), (pairs % len(labels.names)).tolist(), strict=True))


def _tells(column: Column, labels: Labels | None) -> bool:
    """Whether each value of the column goes with one class, in all rows."""
    if labels is None or len(labels.codes) < 20 or _class_of_each(column, labels, _LOOKED_AT) is None:
        return False
    return _class_of_each(column, labels, len(labels.codes)) is not None


def _is_the_class(column: Column, cells: Cells, labels: Labels) -> bool:
    """Whether the column holds the same as the target, cell by cell."""
    if not _tells(column, labels):
        return False
    found: Mapping[Any, int] = _class_of_each(column, labels, len(labels.codes)) or {}
    if column.is_category:
        texts = column.spec["texts"]
        return all(i >= 0 and texts[i].casefold() == labels.names[code].casefold() for i, code in found.items())
    names, odd = values_of(column.spec, labels.names)
    return not odd and all(value == names[code] for value, code in found.items())


def _is_a_target(column: Column, asked: Asked) -> bool:
    """Whether the column holds one of the numbers, or the 0 and 1 of a label, that are asked for."""
    if column.is_category or asked.values.ndim != 2:
        return False
    return any(np.array_equal(column.values, each) for each in asked.values.T)


def _is_a_line(column: Column, asked: Asked) -> bool:
    """Whether one of the numbers that are asked for follows from the column by a factor and an offset."""
    if column.is_category or asked.values.dtype.kind != "f" or len(asked.values) < 3:
        return False
    there = ~np.isnan(column.values)
    values = column.values[there] - column.values[there].mean()
    if not _follows(values[:_LOOKED_AT], asked.values[there][:_LOOKED_AT]):
        return False
    return _follows(values, asked.values[there])


def _follows(values: NDArray[Any], targets: NDArray[Any]) -> bool:
    values, targets = values - values.mean(), targets - targets.mean(axis=0)
    sizes = np.sqrt((values**2).sum() * (targets**2).sum(axis=0))
    return bool((np.abs(values @ targets) >= _LINE * sizes)[sizes > 0].any())
