"""From examples that an estimator was given to a task, as the command line reads it from a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.sklearn.given import Table
from netwright.store import Store
from netwright.tasks import arrays, csv
from netwright.tasks.example_weights import weights_of
from netwright.tasks.task import Task

MOST_TESTED = 1000  # examples that are set aside for the final test
LEAST_TESTED = 2  # with one, there is no spread for R² to explain
SHARE_TESTED = 0.1  # of the examples otherwise
DATA = "data"  # the folder of a project that holds the tables of its runs


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked for of each example.

    values: numbers of classes (n,), or numbers that are asked for (n, numbers).
    names: of the classes, or of the numbers.
    problem: "classification" or "regression".
    options: of the problem, as `arrays` has them.
    weights: what each example counts; None where all count alike.
    """

    values: NDArray[Any]
    names: Sequence[str]
    problem: str
    options: dict[str, Any] = field(default_factory=dict)
    weights: NDArray[np.float64] | None = None


def counting(sample_weight: Any, count: int) -> tuple[NDArray[np.bool_] | None, NDArray[np.float64] | None]:
    """Which examples count at all, None for all of them, and what these count, None where all count alike.

    sample_weight: a number of at least 0 for each, or None.
    count: of the examples.

    Raises DataError for weights that are none.
    """
    if sample_weight is None:
        return None, None
    weights = weights_of(sample_weight, count, "sample_weight")
    rows = None if weights.all() else weights > 0
    weights = weights if rows is None else weights[rows]
    return rows, None if weights.min() == weights.max() else weights


def task_of(x: Table | NDArray[Any], asked: Asked, seed: int, folder: Path) -> Task:
    """The task of these examples; a table is written to the project, and read as any table is.

    x: the examples, of what `asked` asks for.
    seed: chooses the examples that are set aside for the final test.
    folder: of the project.
    """
    share = max(min(SHARE_TESTED, MOST_TESTED / len(x)), LEAST_TESTED / len(x))
    options = {**asked.options, "problem": asked.problem, "test_share": share, "split_seed": seed}
    if not isinstance(x, Table):
        y = asked.values[:, 0] if asked.values.ndim == 2 and asked.values.shape[1] == 1 else asked.values
        return arrays(x, y, weights=asked.weights, classes=asked.names, nan="impute-median", name=DATA, **options)
    columns, classes = _targets(x, asked)
    more = {} if asked.weights is None else {_unlike("weight", x, columns): asked.weights.tolist()}
    Store(folder).close()  # a project has its store before anything else lies in its directory
    path = _free(folder / DATA)
    x.write(path, {**columns, **more})
    return csv(
        path,
        target=list(columns),
        weight_column=next(iter(more), None),
        classes=classes,
        nan="impute-median",
        header=True,
        delimiter=",",
        **options,
    )


def _targets(x: Table, asked: Asked) -> tuple[dict[str, Sequence[Any]], Sequence[str] | None]:
    """The columns that say what is asked for, and the names of classes, whose numbers the column holds."""
    if asked.problem == "classification":
        return {_unlike("target", x): asked.values.tolist()}, asked.names
    return {_unlike(name, x): column.tolist() for name, column in zip(asked.names, asked.values.T, strict=True)}, None


def _unlike(name: str, x: Table, beside: Mapping[str, Any] = MappingProxyType({})) -> str:
    """The name, so changed that no column has it, nor one of those beside."""
    while name in x.columns or name in beside:
        name += "_"
    return name


def _free(folder: Path) -> Path:
    """A new file for a table in a folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 0
    while True:
        number += 1
        path = folder / f"{DATA}{'' if number == 1 else f'-{number}'}.csv"
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            continue
        return path
