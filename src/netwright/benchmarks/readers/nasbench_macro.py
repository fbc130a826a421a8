"""The published file of NAS-Bench-Macro (Su et al. 2021): JSON by architecture."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from netwright.core.decision_space import DecisionSpace
from netwright.estimators.table import Table
from netwright.estimators.tables.json_file import JsonFile
from netwright.estimators.tables.source_columns import Columns
from netwright.estimators.tables.sources import FileSource
from netwright.spaces.nasbench_macro import NasBenchMacro

FIXED = ("mean_acc", "std", "params", "flops")


def nasbench_macro(path: str | os.PathLike[str], *, space: NasBenchMacro | None = None, **options: Any) -> Table:
    """The table of nas-bench-macro_cifar10.json: {"01201221": {"test_acc": [...], "mean_acc": ..., ...}, ...}.

    The seed of a trial picks one of the three trainings of `test_acc`; "mean_acc" is their mean. Accuracies are per
    cent. There is no validation accuracy.

    path: of the file.
    space: whose architectures are read; by default `NasBenchMacro()`.
    options: those of `Table`.
    """
    return Table(space or NasBenchMacro(), NasBenchMacroFile(path), **{"repeat": "repeat", **options})


class NasBenchMacroFile(FileSource):
    """A row for each training of each architecture."""

    def read(self, space: DecisionSpace) -> Columns:
        found = JsonFile(self.path).read(space)
        names = ("arch", "test_acc", *FIXED)
        accuracies = found.column("test_acc", "test accuracies")
        for name in names:
            found.column(name, "metric")
        odd = [row for row, each in enumerate(accuracies) if not isinstance(each, list) or not each]
        if odd:
            raise found.refuse(
                odd, lambda row: f"'test_acc' is {json.dumps(accuracies[row])}, expected a list of numbers"
            )
        rows = [row for row, each in enumerate(accuracies) for _ in each]
        cells: dict[str, Any] = {name: [found.cells[name][row] for row in rows] for name in ("arch", *FIXED)}
        cells["test_acc"] = [value for each in accuracies for value in each]
        cells["repeat"] = np.array([i for each in accuracies for i in range(len(each))])
        return Columns(self.path.name, cells, lambda row: found.row(rows[row]))
