"""How texts become a task's inputs, for the export: see `netwright.core.preparation`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netwright.core.portable_code import text_of
from netwright.core.preparation import Preparation
from netwright.tasks.portable import cells, rows, text_rows, text_windows, texts


@dataclass(frozen=True, eq=False)
class Windows(Preparation):
    """Text files, as windows of tokens.

    unit, vocabulary: what tokens are, and which there are.
    window: tokens of one.
    tested: the beginning of the test part: its tokens.
    """

    unit: str
    vocabulary: tuple[str, ...]
    window: int
    tested: Any

    def describe(self) -> str:
        return f"texts, {self.window} {self.unit} at a time"

    def constants(self) -> Mapping[str, Any]:
        return {"UNIT": self.unit, "VOCABULARY": self.vocabulary, "WINDOW": self.window}

    def code(self) -> str:
        return text_of(rows, texts, text_windows)

    def own_files(self, count: int, folder: Path) -> Sequence[Path]:
        path, first = folder / "test.txt", self.tested[: count * self.window + 1]
        joined = first if self.unit == "bytes" else (" " if self.unit == "words" else "").join(first).encode()
        path.write_bytes(joined)
        return [path]


@dataclass(frozen=True, eq=False)
class Words(Preparation):
    """Texts of files, or of columns of a table, as the numbers of their words.

    words: in the order of their numbers.
    length: words of a text that are read.
    columns: names and places of the columns of a table; none where texts are files.
    header: whether the table names its columns.
    tested: the first test texts.
    beginnings: of all test texts, or of so many that a worst one can be looked at.
    """

    words: tuple[str, ...]
    length: int
    columns: tuple[tuple[str, int], ...]
    header: bool
    tested: tuple[str, ...]
    beginnings: tuple[str, ...] = ()

    def describe(self) -> str:
        return f"texts of up to {self.length} words"

    def needs(self) -> str:
        if not self.columns:
            return ""
        return (
            f"A row of a table needs the text in {', '.join(name for name, _ in self.columns)}; a .txt file is a text."
        )

    def constants(self) -> Mapping[str, Any]:
        return {"WORDS": self.words, "LENGTH": self.length, "TEXT_COLUMNS": self.columns, "HEADER": self.header}

    def code(self) -> str:
        return text_of(cells, rows, texts, text_rows)

    def own_files(self, count: int, folder: Path) -> Sequence[Path]:
        paths = [folder / f"test_{i:04}.txt" for i in range(min(count, len(self.tested)))]
        for path, text in zip(paths, self.tested, strict=False):
            path.write_text(text, encoding="utf-8")
        return paths

    def looks(self, places: Sequence[int]) -> Sequence[Mapping[str, Any]]:
        known = self.beginnings or self.tested
        return [{"text": known[each]} if each < len(known) else {} for each in places]
