"""How series of files become a task's inputs, for the export: see `netwright.core.preparation`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netwright.core.portable_code import text_of
from netwright.core.preparation import Preparation
from netwright.core.wording import listed
from netwright.tasks.portable import (
    arrays,
    cells,
    forecast_rows,
    rows,
    series,
    series_arrays,
    series_lines,
    series_rows,
    time_rows,
)
from netwright.tasks.table_columns import Source, read_rows, write_rows
from netwright.tasks.tables import Table

Numbered = tuple[str, int]  # a column's name and place


class Reader(Protocol):
    """The files that series come from: how an exported model reads others like them, and how some are written again."""

    def needs(self) -> str: ...

    def constants(self) -> Mapping[str, Any]: ...

    def code(self) -> str: ...

    def written(self, places: Sequence[Any], folder: Path) -> Sequence[Path]: ...

    def called(self, places: Sequence[Any]) -> Sequence[str]:
        """What a person finds each of these by in the file; empty where nothing tells them apart."""
        ...


@dataclass(frozen=True, eq=False)
class SeriesOf(Preparation):
    """Series of a user's own files.

    reader: of the training file. tested, places: the reader of the file with the test series, and where these are.
    length: times.
    means: of each channel, for missing values.
    masked: whether a channel more says where values are.
    unequal: what is done with series of other lengths: "error", "pad" or "cut".
    """

    reader: Reader
    tested: Reader
    places: Sequence[Any]
    length: int
    means: tuple[float, ...]
    masked: bool = False
    unequal: str = "error"

    def describe(self) -> str:
        return f"series of {len(self.means)} x {self.length:,} (channels, times)"

    def needs(self) -> str:
        return self.reader.needs()

    def constants(self) -> Mapping[str, Any]:
        own = {"CHANNELS": len(self.means), "LENGTH": self.length, "MEANS": self.means, "MASKED": self.masked}
        return {**own, "UNEQUAL": self.unequal, **self.reader.constants()}

    def code(self) -> str:
        return self.reader.code()

    def own_files(self, count: int, folder: Path) -> Sequence[Path]:
        return self.tested.written(self.places[:count], folder)

    def looks(self, places: Sequence[int]) -> Sequence[Mapping[str, Any]]:
        return [{"file": each} if each else {} for each in self.tested.called([self.places[i] for i in places])]


@dataclass(frozen=True, eq=False)
class Lines(Reader):
    """Lines of a .ts file, by their numbers."""

    path: Path

    def needs(self) -> str:
        return "A .ts file holds a series a line; what is asked for may stand behind its channels, and is not read."

    def constants(self) -> Mapping[str, Any]:
        return {}

    def code(self) -> str:
        return text_of(series, series_lines)

    def written(self, places: Sequence[int], folder: Path) -> Sequence[Path]:
        lines = self.path.read_text(encoding="utf-8-sig").splitlines()
        behind = next(i for i, line in enumerate(lines) if line.strip().lower() == "@data") + 1
        path = folder / self.path.name
        path.write_text("\n".join([*lines[:behind], *(lines[place - 1] for place in places), ""]), encoding="utf-8")
        return [path]

    def called(self, places: Sequence[int]) -> Sequence[str]:
        return [f"{self.path.name}, line {place}" for place in places]


@dataclass(frozen=True, eq=False)
class Stored(Reader):
    """Series of an array, as it was read. last: whether times come before channels."""

    array: NDArray[Any]
    last: bool

    def needs(self) -> str:
        return f"An array holds series as (n, {'times, channels' if self.last else 'channels, times'})."

    def constants(self) -> Mapping[str, Any]:
        return {"CHANNELS_LAST": self.last}

    def code(self) -> str:
        return text_of(arrays, series, series_arrays)

    def written(self, places: Sequence[int], folder: Path) -> Sequence[Path]:
        path = folder / "test.npy"
        np.save(path, self.array[list(places)], allow_pickle=False)
        return [path]

    def called(self, places: Sequence[int]) -> Sequence[str]:
        return [""] * len(places)


@dataclass(frozen=True, eq=False)
class TimeRows(Reader):
    """Rows of a table with a row a time.

    table, decimal: how it is written.
    inputs: the channels' columns.
    clock: the column by which rows ascend, None for the order of the file; clock_spec: how its cells are read.
    targets: columns that a table may lack.
    """

    table: Table
    decimal: str
    inputs: tuple[Numbered, ...]
    clock: Numbered | None
    clock_spec: Mapping[str, Any]
    targets: tuple[Numbered, ...] = ()

    def needs(self) -> str:
        return f"A table needs {self._named(self.inputs)}, a row a time."

    def _named(self, columns: Sequence[Numbered]) -> str:
        needed = [*columns, *([] if self.clock is None else [self.clock])]
        return f"the columns {listed([repr(name) for name, _ in needed], 8)}"

    def constants(self) -> Mapping[str, Any]:
        table = self.table
        return {
            "INPUTS": self.inputs,
            "CLOCK_COLUMN": () if self.clock is None else (self.clock,),
            "CLOCK": dict(self.clock_spec),
            "TARGETS": self.targets,
            "DECIMAL": self.decimal,
            "DELIMITER": table.delimiter,
            "HEADER": table.header,
            "WIDTH": len(table.columns),
        }

    def source(self) -> Source:
        table = self.table
        return Source(table.path, table.encoding, table.delimiter, table.before, np.arange(0))

    def cells(self, column: Numbered, wanted: Sequence[int]) -> list[str]:
        """What a column holds in these rows."""
        found = read_rows(self.source(), wanted)
        return [found[row][column[1]] for row in wanted]


@dataclass(frozen=True, eq=False)
class GroupedRows(TimeRows):
    """Series of a table, each of the rows that a column says are its own. group: that column."""

    group: Numbered = ("", 0)

    def needs(self) -> str:
        return f"A table needs {self._named([self.group, *self.inputs])}, a row a time."

    def constants(self) -> Mapping[str, Any]:
        return {**super().constants(), "GROUP": self.group}

    def code(self) -> str:
        return text_of(cells, rows, series, time_rows, series_rows)

    def written(self, places: Sequence[NDArray[np.int64]], folder: Path) -> Sequence[Path]:
        """One file with the rows of these series."""
        path = folder / self.table.path.name
        write_rows(self.source(), self.table.header, {path: [row for own in places for row in own.tolist()]})
        return [path]

    def called(self, places: Sequence[NDArray[np.int64]]) -> Sequence[str]:
        names = self.cells(self.group, [int(own[0]) for own in places])
        return [f"{self.group[0]} {name}" for name in names]


@dataclass(frozen=True, eq=False)
class LastRows(TimeRows):
    """The last rows of a table. step: the usual one between rows, None where it is not known."""

    step: float | None = None

    def needs(self) -> str:
        return f"{super().needs()[:-1]}; the forecast goes on from the last of them."

    def constants(self) -> Mapping[str, Any]:
        return {**super().constants(), "STEP": self.step}

    def code(self) -> str:
        return text_of(cells, rows, series, time_rows, forecast_rows)

    def written(self, places: Sequence[NDArray[np.int64]], folder: Path) -> Sequence[Path]:
        """A file for each window."""
        ending = self.table.path.suffix
        files = {folder / f"window_{i:04}{ending}": own.tolist() for i, own in enumerate(places)}
        write_rows(self.source(), self.table.header, files)
        return list(files)

    def called(self, places: Sequence[NDArray[np.int64]]) -> Sequence[str]:
        last = [int(own[-1]) for own in places]
        if self.clock is None:
            rows = sorted(last)
            line = dict(zip(rows, self.table.lines(rows), strict=True))
            return [f"behind line {line[row]}" for row in last]
        return [f"behind {self.clock[0]} {time}" for time in self.cells(self.clock, last)]
