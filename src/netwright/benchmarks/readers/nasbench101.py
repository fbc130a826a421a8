"""The published file of NAS-Bench-101 (Ying et al. 2019), read without TensorFlow.

Each record is JSON: [hash, epochs, adjacency matrix as digits, operations with commas, metrics]. The metrics are
a protocol buffer in base64: evaluations at the start, halfway and at the end (field 1), trainable parameters (field 2).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from netwright.benchmarks.readers.tfrecord import records
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import Point
from netwright.core.errors import DataError, InvalidArchitecture, OutsideSpace, UserError, marked, shown
from netwright.estimators.table import Table
from netwright.estimators.tables.source_columns import Columns
from netwright.estimators.tables.sources import FileSource
from netwright.spaces.nasbench101 import NasBench101
from netwright.spaces.vertex_cells import CellSize

PROVIDES = ("est.tabular",)
PAPERS = {
    "nasbench101": (
        "netwright compare --space nasbench101 --table TABLE --metric METRIC --evaluations 300",
        "its search by reinforcement learning",
    ),
}

EVALUATED = ("training_time", "train_accuracy", "val_accuracy", "test_accuracy")
NAMES = (*EVALUATED, *(f"halfway_{name}" for name in EVALUATED), "params")
FORM = "[hash, epochs, adjacency, operations, metrics]"
HASHED = 500  # first cells whose hash is computed again

_DOUBLES = struct.Struct("<BdBdBdBdBd")  # an evaluation: fields 1 to 5, each a double
_TAGS = (0x09, 0x11, 0x19, 0x21, 0x29)


def nasbench101(
    path: str | os.PathLike[str],
    *,
    space: NasBench101 | None = None,
    metrics: Any = ("val_accuracy", "test_accuracy", "train_accuracy", "params"),
    **options: Any,
) -> Table:
    """The table of nasbench_only108.tfrecord or nasbench_full.tfrecord, or of the same records as JSON.

    Accuracies are shares (0 to 1). The fidelity is the number of epochs (4, 12, 36, 108: separate trainings), the seed
    of a trial picks one of three repeats, and "cost_seconds" is the time of the training.

    path: of the file.
    space: whose architectures are read; by default `NasBench101()`.
    metrics: of the names in `NAMES`.
    options: those of `Table`.

    The JSON form is {hash: [{"module_adjacency", "module_operations", "trainable_parameters"}, {epochs:
    [{"final_training_time", ...}, ...]}]}.
    """
    given = {"fidelity": "epochs", "repeat": "repeat", "cost": "training_time", **options}
    return Table(space or NasBench101(), NasBench101File(path), metrics=metrics, **given)


class NasBench101File(FileSource):
    """The records of NAS-Bench-101: .tfrecord as published, or .json."""

    def read(self, space: DecisionSpace) -> Columns:
        if not isinstance(space, NasBench101):
            raise UserError(f"{self.path.name} is about cells of NasBench101, not about {space.id}")
        rows = _Rows(self.path.name, space)
        if self.path.suffix == ".json":
            _read_json(self.path, rows)
        else:
            _read_records(self.path, rows)
        return rows.columns()


class _Rows:
    """The rows so far. name: the file's."""

    def __init__(self, name: str, space: NasBench101) -> None:
        self.name, self.space = name, space
        self._whole = NasBench101()
        self._points: dict[str, Point | None] = {}  # by hash; None outside of the space
        self._repeats: dict[tuple[str, int], int] = {}
        self.points: list[Point | None] = []
        self.epochs: list[int] = []
        self.repeats: list[int] = []
        self.values: list[tuple[float, ...]] = []

    def add(
        self, cell: str, epochs: int, values: tuple[float, ...], matrix: Callable[[], tuple[Any, Any]], where: str
    ) -> None:
        """One training of the cell with this hash; `matrix` gives the cell itself, where it is met first."""
        if cell not in self._points:
            self._points[cell] = self._named(cell, matrix, where)
        repeat = self._repeats.get((cell, epochs), 0)
        self._repeats[cell, epochs] = repeat + 1
        self.points.append(self._points[cell])
        self.epochs.append(epochs)
        self.repeats.append(repeat)
        self.values.append(values)

    def _named(self, cell: str, matrix: Callable[[], tuple[Any, Any]], where: str) -> Point | None:
        """The cell's point in the space; None where it is larger than those of the space."""
        try:
            point = CellSize().of_matrix(*matrix())
            self._whole.decisions.check(point)
        except (InvalidArchitecture, TypeError) as problem:
            raise DataError(f"{self.name}, {where}: no cell of {self.space.id}: {marked(problem)}") from None
        found = (
            cell
            if len(self._points) >= HASHED
            else self._whole.module_hash(self._whole.from_indices(point, check=False))
        )
        if found != cell:
            raise DataError(f"{self.name}, {where}: the hash is {cell!r}, but that of the cell there is {found!r}")
        size = self.space.size_of_cells
        try:
            return size.canonical(size.fitted(CellSize().whole(point)))
        except OutsideSpace:
            return None

    def columns(self) -> Columns:
        if not self.points:
            raise DataError(f"{self.name} holds no records")
        values = np.array(self.values)
        cells: dict[str, Any] = {"epochs": np.array(self.epochs), "repeat": np.array(self.repeats)}
        cells |= {name: values[:, i] for i, name in enumerate(NAMES)}
        return Columns(self.name, cells, lambda row: f"training {row} (counted from 0)", points=self.points)


# The published form.


def _read_records(path: Path, rows: _Rows) -> None:
    for number, record in enumerate(records(path)):
        where = f"record {number}"
        try:
            cell, epochs, adjacency, operations, metrics = json.loads(record)
            values = _metrics(base64.b64decode(metrics, validate=True))
            if type(cell) is not str or type(epochs) is not int:
                raise TypeError(f"found the hash {shown(cell)} and the epochs {shown(epochs)}")
        except (ValueError, TypeError, binascii.Error, IndexError, struct.error) as problem:
            raise DataError(f"{path.name}, {where} is not {FORM}: {problem}") from None
        rows.add(cell, epochs, values, lambda a=adjacency, o=operations: _matrix(a, o), where)


def _matrix(adjacency: str, operations: str) -> tuple[list[list[int]], list[str]]:
    count = math.isqrt(len(adjacency))
    if count * count != len(adjacency) or set(adjacency) - {"0", "1"}:
        raise InvalidArchitecture(f"expected the digits of a square matrix, found {adjacency[:100]!r}")
    digits = [int(each) for each in adjacency]
    return [digits[i * count : (i + 1) * count] for i in range(count)], operations.split(",")


def _metrics(message: bytes) -> tuple[float, ...]:
    """The values of `NAMES` out of a ModelMetrics message."""
    evaluations: list[tuple[float, ...]] = []
    params = math.nan
    for field, value in _fields(message):
        if field == 1 and isinstance(value, bytes):
            evaluations.append(_evaluation(value))
        elif field == 2 and isinstance(value, int):
            params = float(value)
    if len(evaluations) != 3:
        raise ValueError(f"expected evaluations at the start, halfway and at the end, found {len(evaluations)}")
    return (*evaluations[2], *evaluations[1], params)


def _evaluation(message: bytes) -> tuple[float, ...]:
    """Training time and accuracies for training, validation and test; 0 for what is left out, as protobuf has it."""
    if len(message) == _DOUBLES.size:
        parts = _DOUBLES.unpack(message)
        if parts[::2] == _TAGS:
            return parts[3::2]
    found = {field: value for field, value in _fields(message) if isinstance(value, float)}
    return tuple(found.get(field, 0.0) for field in range(2, 6))


def _fields(message: bytes) -> Iterator[tuple[int, float | int | bytes]]:
    """The fields of a protocol buffer: doubles, whole numbers, and everything with a length as bytes."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        field, kind = tag >> 3, tag & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield field, value
        elif kind == 1:
            yield field, struct.unpack_from("<d", message, place)[0]
            place += 8
        elif kind == 2:
            length, place = _varint(message, place)
            if place + length > len(message):
                raise ValueError("the metrics end within a field")
            yield field, message[place : place + length]
            place += length
        elif kind == 5:
            yield field, struct.unpack_from("<f", message, place)[0]
            place += 4
        else:
            raise ValueError(f"field {field} of the metrics has the unknown wire type {kind}")


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return value, place
        shift += 7


# The same as JSON.

_IN_JSON = tuple(f"{when}_{name.replace('val_', 'validation_')}" for when in ("final", "halfway") for name in EVALUATED)


def _read_json(path: Path, rows: _Rows) -> None:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        for cell, (fixed, computed) in found.items():
            for epochs, repeats in computed.items():
                for each in repeats:
                    values = (*(float(each[name]) for name in _IN_JSON), float(fixed["trainable_parameters"]))
                    given = fixed["module_adjacency"], fixed["module_operations"]
                    rows.add(cell, int(epochs), values, lambda given=given: given, f"the record of {cell!r}")
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        if isinstance(problem, DataError):
            raise
        kind = type(problem).__name__
        raise DataError(f"{path.name} does not hold records of NAS-Bench-101: {kind}: {problem}") from None
