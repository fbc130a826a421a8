"""The reader of a table: of a file by its ending, of columns in memory, or one of the user's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netwright.core.errors import DataError, UserError, nearest, shown
from netwright.estimators.tables.csv_file import CsvFile
from netwright.estimators.tables.json_file import JsonFile
from netwright.estimators.tables.memory_source import InMemory
from netwright.estimators.tables.parquet_file import ParquetFile
from netwright.estimators.tables.sources import FileSource, Source
from netwright.tasks.given_paths import existing

READERS: dict[str, type[FileSource]] = {
    ".csv": CsvFile,
    ".tsv": CsvFile,
    ".txt": CsvFile,
    ".json": JsonFile,
    ".jsonl": JsonFile,
    ".ndjson": JsonFile,
    ".parquet": ParquetFile,
}


def source_of(given: Any) -> Source:
    """The reader for what a user gave: a path, a mapping from columns to cells, a data frame, or a Source."""
    if isinstance(given, Source):
        return given
    if isinstance(given, Mapping) or (hasattr(given, "columns") and hasattr(given, "__getitem__")):
        return InMemory(given)
    if not isinstance(given, (str, os.PathLike)):
        raise UserError(f"a table is a path, or a mapping from columns to cells; found {shown(given)}")
    ending = Path(os.fspath(given)).suffix.lower()
    place = existing(given, "file", "a table")
    if ending not in READERS:
        raise DataError(
            f"{place}: no table is read from {ending or 'a file without ending'!r}{nearest(ending, READERS)}"
        )
    return READERS[ending](place)
