"""A text table with one row an example, and columns that say what is asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from netwright.core.checks import is_whole
from netwright.core.errors import UserError, nearest
from netwright.core.kinds import kinds_checked
from netwright.core.spelling import option
from netwright.core.task import Augmentation
from netwright.tasks.asked import Wish
from netwright.tasks.building import Prepared, build
from netwright.tasks.choosing import MOST_CATEGORIES, Column, choose
from netwright.tasks.column_kinds import decimal_of
from netwright.tasks.example_weights import used_weights
from netwright.tasks.given_paths import existing
from netwright.tasks.grouping import group_numbers, times_of
from netwright.tasks.plain_numbers import check_policy
from netwright.tasks.remaking import remakeable
from netwright.tasks.second_tables import second_table
from netwright.tasks.splits import Indices
from netwright.tasks.table_columns import Columns, Source
from netwright.tasks.table_rows import Examples, chosen_rows, fitted
from netwright.tasks.tables import Table, read_table
from netwright.tasks.targets import Target, asked_of, column_of, may_lack, numbers_of, target_columns, with_answers
from netwright.tasks.task import Task

ENCODINGS = ("one-hot", "ordinal")
INDICATE = "indicate"


@remakeable("csv")
@kinds_checked
def csv(
    path: str | os.PathLike[str],
    *,
    target: str | int | Sequence[str] | None = None,
    test: str | os.PathLike[str] | None = None,
    validation: str | os.PathLike[str] | None = None,
    classes: Sequence[str] | None = None,
    problem: str | None = None,
    loss: str | None = None,
    class_weights: str | Sequence[float] | None = None,
    separator: str | None = None,
    group_column: str | None = None,
    weight_column: str | None = None,
    time_column: str | None = None,
    categories: str = "one-hot",
    most_categories: int = MOST_CATEGORIES,
    nan: str = "error",
    delimiter: str | None = None,
    header: bool | None = None,
    drop: Sequence[str] = (),
    limit: int | float | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
) -> Task:
    """A task of a text table: columns of numbers and of categories, and what is asked for in one column or several.

    Amounts, percentages, dates, times, yes and no are numbers; what was decided is in the task's notes.

    path: of the file.
    target: the column's name, or its number from 0 (-1 is the last); the row that holds the name is the header. Several
        names, in a list or separated by commas, are a number each, or 0 and 1 for a label each.
    test: a second file with the test split.
    validation: a file to validate on during a search; the final training trains on it, too.
    classes: names for the sorted values of a target column of numbers, which are then classes.
    problem: "classification", "labels" (several an example) or "regression"; found out unless given.
    loss: of a regression: "squared" (default), "absolute", "huber", "quantile", or as "quantile:0.05,0.5,0.95".
    class_weights: "balanced" for classes, or labels, that count alike in training however many examples they have; or
        what an example of each counts.
    separator: what stands between several labels in one cell; found out unless given.
    group_column: the name of a column; rows with the same text in it are never on both sides of a split. No feature.
    weight_column: the name of a column of numbers of at least 0, what each row counts in the loss and the metrics. No
        feature.
    time_column: the name of a column of dates, times or numbers; the last rows by it are tested on, those before them
        validated on. No feature.
    categories: "one-hot" (a 0/1 feature for each of the most frequent texts) or "ordinal" (their number in sorted
        order, -1 for one that only the test split has).
    most_categories: texts of a column that are told apart, the most frequent ones.
    nan: what missing numbers do, see `arrays`; "indicate" fills them with the median, too, and adds a feature that is 1
        where the number was missing. A missing text is a category of its own. Unless it is "error", rows without a
        target are left out.
    delimiter, header: found out unless given.
    drop: names of columns to leave out.
    limit: keep a stratified part, as a number of training rows or a share.
    test_share: of each class, or of the range of a number, that is set aside, where there is no `test`.
    split_seed: chooses which.

    Raises UserError for an unknown column, and DataError with the line for rows that cannot be used.
    """
    check_policy(nan, INDICATE)
    wish = Wish(problem, loss, class_weights, separator)
    if categories not in ENCODINGS:
        raise UserError(f"{option('categories')} must be one of {', '.join(ENCODINGS)}, found {categories!r}")
    place, *others = (
        None if each is None else existing(each, "file", "a table (.csv)") for each in (path, test, validation)
    )
    assert place is not None
    if not is_whole(most_categories, 1):
        raise UserError(f"{option('most_categories')} is a whole number of at least 1, found {most_categories!r}")
    table = read_table(place, delimiter, header, _first_name(target))
    columns = target_columns(table, target)
    group, time, weight = (
        None if each is None else column_of(table, each) for each in (group_column, time_column, weight_column)
    )
    decimal, of_decimal = decimal_of(table.sample, table.delimiter)
    lacking = may_lack(table, columns, decimal, wish)
    table, of_gaps = with_answers(table, columns, lacking, nan != "error", option("nan", "impute-median"))
    asked = asked_of(table, columns, decimal, wish, classes)
    used = {**dict.fromkeys(columns, asked.noun), group: "group", time: "time", weight: "weight"}
    wanted = _wanted(table, {each: what for each, what in used.items() if each is not None}, drop)
    times = None if time is None else times_of(table, time, decimal)
    heavy = None if weight is None else numbers_of(table, weight, decimal)
    groups = None if group is None else table.cells[group].all_texts()
    choice = choose(table, wanted, asked, decimal, categories, most_categories)
    notes = (_said_of_target(asked), *table.notes, *of_gaps, *of_decimal, *asked.notes, *choice.notes())
    train = replace(Examples.all(table, choice.columns, asked.values), groups=groups)
    given: list[Examples | None] = []
    for other, which in zip(others, ("test", "validation"), strict=True):
        found, said = None, ()
        if other is not None:
            found, said = second_table(other, delimiter, train, asked, decimal, which, group_column, nan)
        given.append(found)
        notes += said
    for examples in (train, *given):
        if examples is not None:
            examples.check(nan)
    train, (held_out, validated), of_rows = chosen_rows(train, given, nan, limit, split_seed, asked.problem)
    if times is not None:
        train = replace(train, kept=train.kept[np.argsort(times[train.kept], kind="stable")])
        notes += (f"rows are in the order of {time_column!r}: the last ones are tested on, those before validated on",)
    fit, shifted = fitted(choice.columns, train.kept, table.where, nan == INDICATE)
    ours, theirs, own = (None if each is None else _prepared(each, fit) for each in (train, held_out, validated))
    assert ours is not None
    numbers, of_groups = group_numbers(train, validated, held_out, group_column)
    both, places = _with_validation(ours, own)

    def preparation(drawn: Indices | None) -> Columns:
        rows = held_out if drawn is None else replace(train, kept=train.kept[drawn])
        assert rows is not None
        specs, targets = [each.spec for each in fit], [(table.columns[each], each) for each in columns]
        return Columns(specs, table.header, table.delimiter, len(table.columns), targets, _source(rows))

    return build(
        place.stem,
        both,
        theirs,
        asked.problem,
        augmentation=Augmentation(),
        notes=(*notes, *of_rows, *shifted, *of_groups),
        test_share=test_share,
        split_seed=split_seed,
        preparation=preparation,
        validation=places,
        groups=numbers,
        weights=used_weights(heavy, len(asked.values), train.kept, 0 if places is None else len(places)),
        by_time=times is not None,
        columns=[width for each in fit for width in each.widths],
    )


def _first_name(target: str | int | Sequence[str] | None) -> str | int | None:
    """A target column, by which the line with the columns' names is found."""
    if isinstance(target, str):
        return target.partition(",")[0].strip()
    return target if isinstance(target, int) or target is None else next(iter(target), None)


def _said_of_target(asked: Target) -> str:
    """Which columns say what is asked for."""
    if len(asked.names) == 1:
        return f"the {asked.noun} is the column {asked.names[0]!r}"
    return f"the targets are the columns {', '.join(map(repr, asked.names))}"


def _wanted(table: Table, used: dict[int, str], drop: Sequence[str]) -> list[int]:
    """The places of the columns that may be features; UserError for a dropped one that is not there.

    used: the places that something else is read from, each with what it is.
    """
    for name in [drop] if isinstance(drop, str) else drop:
        if name not in table.columns:
            raise UserError(f"{table.where} has no column {name!r} to leave out" + nearest(name, table.columns))
        if table.columns.index(name) in used:
            what = used[table.columns.index(name)]
            raise UserError(f"the column {name!r} is the {what}; it cannot be left out with {option('drop')}")
    return [i for i, name in enumerate(table.columns) if i not in used and name not in drop]


def _prepared(examples: Examples, columns: Sequence[Column]) -> Prepared:
    return Prepared(examples.with_specs(columns).inputs(), examples.targets[examples.kept])


def _with_validation(train: Prepared, own: Prepared | None) -> tuple[Prepared, NDArray[np.int64] | None]:
    """Training and validation rows together, and the places of the latter."""
    if own is None:
        return train, None
    joined = (np.concatenate(pair) for pair in ((train.inputs, own.inputs), (train.codes, own.codes)))
    return Prepared(*joined), np.arange(len(train.codes), len(train.codes) + len(own.codes))


def _source(rows: Examples) -> Source:
    table = rows.table
    return Source(table.path.resolve(), table.encoding, table.delimiter, table.before, table.in_file(rows.kept))
