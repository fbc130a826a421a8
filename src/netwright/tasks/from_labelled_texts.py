"""A class for each text: a column of a table, or folders of text files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.core.checks import one_of, part, whole_number
from netwright.core.errors import DataError, UserError
from netwright.core.kinds import kinds_checked
from netwright.core.spelling import option
from netwright.core.task import Examples
from netwright.core.wording import listed
from netwright.tasks.asked import Asked, Wish, understood
from netwright.tasks.choosing import share_of_words
from netwright.tasks.column_kinds import decimal_of
from netwright.tasks.given_paths import existing
from netwright.tasks.label_texts import Vocabulary, read_texts
from netwright.tasks.raw_texts import Words
from netwright.tasks.remaking import remakeable
from netwright.tasks.splits import TEST, limited, split
from netwright.tasks.tables import Table, read_table
from netwright.tasks.targets import asked_like, asked_of, column_of, may_lack, target_columns, with_answers
from netwright.tasks.task import Task

WORDS = 20_000
"""Different words that are known at most."""
COVERED = 0.95
"""Of the texts are read to their end, where no length is given."""
_LONGEST = 512  # words, where none is given
_KEPT = 256  # test texts that go with an export
_BEGINNING, _LOOKED_AT = 400, 20_000  # characters of so many test texts, which are shown where they are answered worst
EMPTY = ("error", "drop")


@dataclass(frozen=True, eq=False)
class Labelled:
    """Texts, where each stands (for messages), and their classes' numbers."""

    texts: Sequence[str]
    codes: NDArray[Any]

    def choose(self, places: NDArray[np.int64]) -> Labelled:
        kept: list[int] = places.tolist()
        return Labelled([self.texts[i] for i in kept], self.codes[places])


@remakeable("text_table")
@kinds_checked
def text_table(
    path: str | os.PathLike[str],
    *,
    text: str | int | Sequence[str | int],
    target: str | int | Sequence[str] | None = None,
    problem: str | None = None,
    loss: str | None = None,
    class_weights: str | Sequence[float] | None = None,
    separator: str | None = None,
    test: str | os.PathLike[str] | None = None,
    words: int = WORDS,
    length: int | None = None,
    empty: str = "error",
    delimiter: str | None = None,
    header: bool | None = None,
    limit: int | float | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
) -> Task:
    """A task of a table with a column of texts, and one that says the class of each.

    Words become numbers by the vocabulary of the training part: 0 fills short texts in front, 1 is any word that is not
    in it.

    path: of the file.
    text: the column of texts by name or by number from 0, or several, which are joined.
    target, problem, loss, class_weights, separator: as of `csv`.
    test: a second file with the test split.
    words: how many different ones are known at most, the most frequent of those that occur twice.
    length: words of a text that are read; None for as many as 95 % of the texts have.
    empty: "error", or "drop" to leave out rows without a text or without what is asked for.
    delimiter, header: found out unless given.
    limit: keep a stratified part, as a number of training rows or a share.
    test_share: of each class that is set aside, where there is no `test`.
    split_seed: chooses which.

    Raises UserError for an unknown column, DataError with the line of an empty text, and for a column that is no text.
    """
    one_of("", "empty", empty, EMPTY)
    first = target if isinstance(target, str | int) or target is None else target[0]
    table = read_table(existing(path, "file", "a table (.csv)"), delimiter, header, first)
    places, columns = target_columns(table, target), _columns(table, text)
    for place in set(places) & set(columns):
        raise UserError(f"the column {table.columns[place]!r} is the target; it cannot be the text, too")
    decimal, _ = decimal_of(table.sample, table.delimiter)
    wish, drop, instead = Wish(problem, loss, class_weights, separator), empty == "drop", option("empty", "drop")
    table, notes = with_answers(table, places, may_lack(table, places, decimal, wish), drop, instead)
    asked = asked_of(table, places, decimal, wish)
    train, more = _without_empty(table, columns, asked.values, empty)
    notes += more
    held_out = None
    if test is not None:
        other = read_table(existing(test, "file", "a table (.csv)"), delimiter, table.header, first)
        answered = target_columns(other, target)
        other, more = with_answers(other, answered, asked.separator is not None, drop, instead)
        notes += more
        codes, _ = asked_like(other, answered, asked, decimal)
        held_out, more = _without_empty(other, _columns(other, text), codes, empty)
        notes += more
    read, sought = ([repr(table.columns[each]) for each in some] for some in (columns, places))
    said = f"the text is {listed(read, 5)}, the {asked.noun} {listed(sought, 5)}"
    return _task(
        *(Path(path).stem, train, held_out, asked, words, length, limit, test_share, split_seed),
        notes=(said, *table.notes, *asked.notes, *notes),
        columns=[(table.columns[each], each) for each in columns],
        header=table.header,
    )


@remakeable("text_folders")
@kinds_checked
def text_folders(
    path: str | os.PathLike[str],
    *,
    words: int = WORDS,
    length: int | None = None,
    limit: int | float | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
) -> Task:
    """A task of folders with text files, a folder a class: `path/sport/1.txt`, or `path/train/sport/1.txt` beside
    `path/test/sport/2.txt`.

    path: of the folder.
    words, length, limit, test_share, split_seed: as of `text_table`.

    Raises DataError naming the file that is empty or no text.
    """
    place = existing(path, "folder", "a folder of class folders with .txt files")
    parts = [place / name for name in ("train", "test")]
    given = all(each.is_dir() for each in parts)
    names = tuple(sorted(each.name for each in (parts[0] if given else place).iterdir() if each.is_dir()))
    train, held_out = read_texts(parts[0] if given else place, names), read_texts(parts[1], names) if given else None
    asked = understood(np.array(names)[train[1]], Wish("classification"), what="folders")
    ours, theirs = (None if each is None else Labelled(each[0], np.array(each[1])) for each in (train, held_out))
    assert ours is not None
    return _task(place.name, ours, theirs, asked, words, length, limit, test_share, split_seed)


def _columns(table: Table, text: str | int | Sequence[str | int]) -> list[int]:
    """The places of the columns of texts; DataError for one that holds none."""
    wanted = [text] if isinstance(text, str | int) else list(text)
    places = [column_of(table, each) for each in wanted]
    for place in places:
        share, cells = share_of_words(table, place), table.columns[place]
        if share < 0.5:
            others = [name for i, name in enumerate(table.columns) if share_of_words(table, i) >= 0.5]
            instead = f"; texts are in {listed([repr(each) for each in others], 5)}" if others else ""
            raise DataError(
                f"{table.where}: the column {cells!r} is no text: {share:.0%} of its cells are words{instead}"
            )
    return places


def _without_empty(
    table: Table, columns: Sequence[int], codes: NDArray[Any], empty: str
) -> tuple[Labelled, tuple[str, ...]]:
    each = [table.cells[place].all_texts() for place in columns]
    texts = [" \n ".join(parts).strip() for parts in zip(*each, strict=True)]
    lost = [row for row, found in enumerate(texts) if not any(map(str.isalnum, found))]
    if not lost:
        return Labelled(texts, codes), ()
    if empty == "error":
        line = table.lines([lost[0]])[0]
        raise DataError(
            f"{table.where}, line {line}: the text is empty, as in {len(lost):,} of {len(texts):,} rows; leave them "
            f"out with {option('empty', 'drop')}"
        )
    kept = np.setdiff1d(np.arange(len(texts)), lost)
    note = f"{len(lost):,} of {len(texts):,} rows of {table.where} have no text and were left out"
    return Labelled(texts, codes).choose(kept), (note,)


def _task(
    name: str,
    train: Labelled,
    test: Labelled | None,
    asked: Asked,
    words: int,
    length: int | None,
    limit: int | float | None,
    test_share: float,
    split_seed: int,
    notes: Sequence[str] = (),
    columns: Sequence[tuple[str, int]] = (),
    header: bool = False,
) -> Task:
    """The task of labelled texts; its vocabulary and length are those of the training part."""
    whole_number("", "words", words, 3)
    part("", "test_share", test_share)
    notes = tuple(notes)
    if limit is not None:
        kept, kept_test, said = limited(
            asked.strata(train.codes), None if test is None else asked.strata(test.codes), limit, split_seed
        )
        train, notes = train.choose(kept), (*notes, *said)
        test = None if test is None or kept_test is None else test.choose(kept_test)
    if test is None:
        asked.problem.require(train.codes, 3, "one each to train, to validate and to test on")
        aside, rest = split(asked.strata(train.codes), test_share, split_seed, TEST)
        notes += (
            f"no test split came with the data: {len(aside):,} of {len(train.codes):,} examples were set aside for the "
            f"final test (split seed {split_seed})",
        )
        train, test = train.choose(rest), train.choose(aside)
    vocabulary = Vocabulary.of(train.texts, words)
    counts = np.array(vocabulary.counts(train.texts))
    if length is None:
        length = max(1, min(_LONGEST, int(np.quantile(counts, COVERED))))
    whole_number("", "length", length)
    cut = float(np.mean(counts > length))
    notes += (
        f"{vocabulary.size - 2:,} words of the training part are known, in lower case; texts are read up to {length} "
        f"words, which cuts {cut:.1%} of them",
        *_repeated(train, test),
    )
    beginnings = tuple(each[:_BEGINNING] for each in test.texts[:_LOOKED_AT])
    preparation = Words(vocabulary.words, length, tuple(columns), header, tuple(test.texts[:_KEPT]), beginnings)
    problem = asked.problem.fitted(train.codes)
    ours, theirs = (
        Examples(vocabulary.numbers(each.texts, length), torch.from_numpy(np.asarray(problem.stored(each.codes))))
        for each in (train, test)
    )
    return Task(name, ours, theirs, problem, notes=notes, vocabulary=vocabulary.size, preparation=preparation)


def _repeated(train: Labelled, test: Labelled) -> tuple[str, ...]:
    """What is said of test texts that are training texts, too."""
    known = Counter(train.texts)
    same = sum(each in known for each in test.texts)
    if not same:
        return ()
    return (
        f"{same:,} of {len(test.texts):,} test texts are training texts, too: the test is too easy there; remove the "
        "copies",
    )
