"""The comparison in the folder that is served, read once for each state of its files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.errors import NetwrightError
from netwright.core.inside import open_inside
from netwright.core.serial import parse_json
from netwright.dashboard.project import Unknown

if TYPE_CHECKING:
    from netwright.charts.figure import Figure

METHODS, TABLE = "methods.json", "table.json"  # of a comparison of methods, which has its runs in a folder of its own
STRATEGIES = "comparison.db"
LARGEST = 10_000_000  # bytes of a table


@dataclass(frozen=True)
class Compared:
    """title, head, rows, lines: the report. runs: names of those that were compared. figures: its charts."""

    title: str
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    lines: Sequence[str] = ()
    runs: Sequence[str] = ()
    figures: Sequence[Figure] = ()


@dataclass
class Comparisons:
    """Reads the comparison beside a project, once for each state of its files."""

    directory: Path
    _read: tuple[int, Compared] | None = field(default=None)

    def file(self) -> Path | None:
        """The file that changes with every search of a comparison; None where there is no comparison."""
        above = self.directory.parent
        if self.directory.name == "runs" and (above / METHODS).is_file():
            return above / TABLE
        return self.directory / STRATEGIES if (self.directory / STRATEGIES).is_file() else None

    def sequence(self) -> int:
        """A number that grows with what is written of it; 0 where nothing is."""
        file = self.file()
        files = [] if file is None else [file, file.with_name(f"{file.name}-wal")]
        return max((int(1000 * each.stat().st_mtime) for each in files if each.is_file()), default=0)

    def read(self) -> Compared:
        """What is known now; Unknown where there is no comparison."""
        file, stamp = self.file(), self.sequence()
        if file is None:
            raise Unknown(f"there is no comparison beside {self.directory}; serve the folder of one: --dir FOLDER")
        if self._read is None or self._read[0] != stamp:
            self._read = stamp, _methods(file) if file.name == TABLE else _strategies(file.parent)
        return self._read[1]


def _methods(file: Path) -> Compared:
    if not file.is_file():
        return Compared("No search has ended yet")
    try:
        with os.fdopen(open_inside(file, os.O_RDONLY), "rb") as opened:
            told: Any = parse_json(opened.read(LARGEST).decode())
        head, *rows = told["cells"]
        return Compared(told["title"], head, rows, told["sentences"], told["runs"])
    except (NetwrightError, OSError, ValueError, KeyError, TypeError) as problem:
        return Compared("The table cannot be read", lines=(str(problem),))


def _strategies(folder: Path) -> Compared:
    from netwright.benchmarks import Comparison
    from netwright.benchmarks.text_report import report_lines

    try:
        found = Comparison.load(folder)
        figures = [each for each in found.figures.values() if not each.empty]
        return Compared(f"{len(found.strategies)} strategies", lines=report_lines(found), figures=figures)
    except NetwrightError as problem:
        return Compared("The comparison cannot be read", lines=(str(problem),))
