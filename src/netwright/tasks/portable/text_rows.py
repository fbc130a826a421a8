"""Texts of a user's own files, as rows of the words' numbers."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from torch import Tensor

from netwright.tasks.portable.rows import delimiter_of, encoding_of, rows_of
from netwright.tasks.portable.texts import in_one_length, numbers_of, text_in, words_of

WORDS: tuple[str, ...]  # in the order of their numbers: what fills short texts, any unknown word, the known ones
LENGTH: int
TEXT_COLUMNS: tuple[tuple[str, int], ...]  # names and places; none where texts are files
HEADER: bool

ENDINGS = (".txt", ".csv", ".tsv")


def read(path: Path) -> tuple[list[str], list[str]]:
    """The text of a .txt file, or those of a table's rows, with a name for each; raises ValueError."""
    if path.suffix.lower() == ".txt" or not TEXT_COLUMNS:
        return [path.name], [text_in(path)]
    body = path.read_bytes()
    if not body.strip():
        raise ValueError("is empty")
    encoding = encoding_of(body)
    try:
        rows = list(rows_of(body, encoding, delimiter_of(body, encoding) or ","))
    except csv.Error as problem:
        raise ValueError(f"cannot be read: {problem}") from None
    places = [place for _, place in TEXT_COLUMNS]
    if HEADER:
        head, rows = rows[0][1], rows[1:]
        lacking = [name for name, _ in TEXT_COLUMNS if name not in head]
        if lacking:
            raise ValueError(f"has no column {lacking[0]!r}")
        places = [head.index(name) for name, _ in TEXT_COLUMNS]
    found = []
    for number, cells in rows:
        if len(cells) <= max(places):
            raise ValueError(f"line {number}: {len(cells)} columns, the text is in column {max(places) + 1}")
        found.append(" \n ".join(cells[place] for place in places))
        if not found[-1].strip():
            raise ValueError(f"line {number}: the text is empty")
    return [f"row {i}" for i in range(1, len(found) + 1)], found


def prepared(raw: Any) -> Tensor:
    """Texts as rows of numbers, (n, length); a tensor of such rows as it is."""
    if isinstance(raw, Tensor):
        return raw
    known = {word: number for number, word in enumerate(WORDS)}
    return in_one_length([numbers_of(words_of(each), known, 1) for each in raw], LENGTH)
