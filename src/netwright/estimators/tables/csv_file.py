"""A text table with a header: comma, semicolon, tab or bar between the columns."""

from __future__ import annotations

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import DataError, shown
from netwright.estimators.tables.source_columns import Columns
from netwright.estimators.tables.sources import FileSource
from netwright.tasks.portable.rows import DELIMITERS
from netwright.tasks.tables import read_table


class CsvFile(FileSource):
    """A delimited text file; its first row names the columns."""

    def read(self, space: DecisionSpace) -> Columns:
        table = read_table(self.path, header=True)
        repeated = [name for name in table.columns if "." in name and name.rpartition(".")[0] in table.columns]
        for name in repeated:
            stem, _, number = name.rpartition(".")
            if number.isdecimal() and table.columns.index(name) > table.columns.index(stem):
                first = shown(", ".join(table.columns))
                raise DataError(
                    f"{self.path.name} names the column {stem!r} twice; its first row, {first}, is taken for the names "
                    f"of columns between {DELIMITERS[table.delimiter]}s"
                )
        cells = {name: column.all_texts() for name, column in zip(table.columns, table.cells, strict=True)}
        return Columns(self.path.name, cells, lambda row: f"line {table.lines([row])[0]}", delimiter=table.delimiter)
