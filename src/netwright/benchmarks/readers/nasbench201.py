"""The published file of NAS-Bench-201 (Dong and Yang 2020), and plain tables of it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, DataError, UserError, nearest, shown
from netwright.estimators.table import Table
from netwright.estimators.tables.source_columns import Columns
from netwright.estimators.tables.sources import FileSource
from netwright.spaces.nasbench201 import NasBench201
from netwright.tasks.given_paths import existing

PROVIDES = ("est.tabular",)
PAPERS = {
    "nasbench201": (
        "netwright compare --space nasbench201 --table TABLE --metric METRIC --evaluations 300",
        "",
    ),
}

SETS = {  # what is evaluated after a training on each, by the file's names
    "cifar10-valid": {"val": "x-valid", "test": "ori-test"},
    "cifar10": {"test": "ori-test"},
    "cifar100": {"val": "x-valid", "test": "x-test"},
    "ImageNet16-120": {"val": "x-valid", "test": "x-test"},
}
TRAININGS = {12: "less", 200: "full"}
ADVICE = (
    "Convert it once with the authors' package into a CSV file with the columns arch, seed and your metrics "
    "(docs/tables.md shows how), and give that file"
)


def nasbench201(
    path: str | os.PathLike[str],
    dataset: str = "cifar10-valid",
    epochs: int = 200,
    *,
    space: NasBench201 | None = None,
    **options: Any,
) -> Table:
    """The table of NAS-Bench-201-v1_1-096897.pth, or of a CSV, JSON or Parquet file with a column "arch".

    path: of the file.
    dataset: "cifar10-valid", "cifar10", "cifar100" or "ImageNet16-120"; of the .pth file only.
    epochs: 12 or 200; of the .pth file only.
    space: whose architectures are read; by default `NasBench201()`.
    options: those of `Table`.

    From the .pth file, the metrics are "train_accuracy", "val_accuracy", "test_accuracy" (per cent), the losses,
    "params" and "flops" (in millions) and "cost_seconds" (training, and one look at the validation examples); those
    that were evaluated after each epoch have curves, and the seed of a trial picks one of the trainings.

    Raises UserError for the folders and .pickle.pbz2 files of NATS-Bench, which are pickles, and DataError where
    a .pth file needs more than PyTorch's restricted loader allows.
    """
    space = space or NasBench201()
    place = existing(path, "any", "a table of NAS-Bench-201")
    if place.is_dir() or place.suffix in (".pbz2", ".pickle", ".pkl"):
        raise UserError(f"{place} is a pickle or a folder of them, which can run code when it is read. {ADVICE}")
    if place.suffix != ".pth":
        return Table(space, place, **options)
    return Table(
        space,
        NasBench201File(place, dataset, epochs),
        **{"repeat": "seed", "cost": "seconds", "curve": True, **options},
    )


class NasBench201File(FileSource):
    """One data set and length of training out of the published .pth file; a row for each training."""

    def __init__(self, path: str | os.PathLike[str], dataset: str = "cifar10-valid", epochs: int = 200) -> None:
        super().__init__(path)
        if dataset not in SETS:
            raise ConfigurationError(f"NAS-Bench-201 has no data set {dataset!r}{nearest(dataset, SETS)}")
        if epochs not in TRAININGS:
            raise ConfigurationError(f"NAS-Bench-201 has trainings of 12 and of 200 epochs, not of {epochs!r}")
        self.dataset, self.epochs = dataset, epochs

    @property
    def signature(self) -> object:
        return super().signature, self.dataset, self.epochs

    def configuration(self) -> dict[str, Any]:
        return {**super().configuration(), "dataset": self.dataset, "epochs": self.epochs}

    def read(self, space: DecisionSpace) -> Columns:
        found = _loaded(self.path)
        try:
            rows = [
                _row(text, seed, result, SETS[self.dataset], self.epochs)
                for text, seed, result in _results(found, self.dataset, TRAININGS[self.epochs])
            ]
        except (KeyError, TypeError, AttributeError, IndexError) as problem:
            kind = type(problem).__name__
            raise DataError(f"{self.path.name} is not laid out as NAS-Bench-201's file: {kind}: {problem}") from None
        if not rows:
            raise DataError(f"{self.path.name} holds no training on {self.dataset!r} of {self.epochs} epochs")
        names = [name for name in rows[0] if all(name in row for row in rows)]
        cells: dict[str, Any] = {name: [row[name] for row in rows] for name in names}
        for name in names:
            if isinstance(cells[name][0], list):
                cells[name] = np.array(cells[name], dtype=np.float64)
        return Columns(self.path.name, cells, lambda row: f"seed {rows[row]['seed']} of {rows[row]['arch']}")


def _loaded(path: Path) -> Mapping[str, Any]:
    import torch

    try:
        with torch.serialization.safe_globals(_numpy_numbers()):
            found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as problem:
        reason = str(problem).strip().splitlines()
        raise DataError(
            f"{path.name} needs more than PyTorch's loader of plain data allows: {reason[0] if reason else ''} {ADVICE}"
        ) from None
    except (RuntimeError, OSError, EOFError) as problem:
        raise DataError(f"{path.name} cannot be read: {str(problem).splitlines()[0]}") from None
    if not isinstance(found, Mapping) or not {"meta_archs", "arch2infos"} <= set(found):
        what = sorted(map(str, found))[:8] if isinstance(found, Mapping) else shown(found)
        raise DataError(
            f"{path.name} is not NAS-Bench-201's file: expected 'meta_archs' and 'arch2infos', found {what}"
        )
    return found


def _numpy_numbers() -> list[Any]:
    """What numbers of numpy are made of, under the names of its earlier versions too: bytes and nothing else."""
    scalar = np.float64(0.0).__reduce__()[0]
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    kinds = [type(np.dtype(kind)) for kind in ("f4", "f8", "i4", "i8")]
    return [np.dtype, *kinds, *((scalar, name) for name in names)]


def _results(found: Mapping[str, Any], dataset: str, training: str) -> list[tuple[str, int, Mapping[str, Any]]]:
    """Architecture, seed and results of each training on the data set."""
    results: list[tuple[str, int, Mapping[str, Any]]] = []
    for index, infos in sorted(found["arch2infos"].items()):
        for (name, seed), result in infos[training]["all_results"].items():
            if name == dataset:
                results.append((found["meta_archs"][index], int(seed), result))
    return results


def _row(text: str, seed: int, result: Mapping[str, Any], sets: Mapping[str, str], epochs: int) -> dict[str, Any]:
    """The metrics of one training: whole curves where each epoch was evaluated, otherwise the value at the end."""
    row: dict[str, Any] = {"arch": text, "seed": seed, "params": result["params"], "flops": result["flop"]}
    row |= _measured("train", "accuracy", [result["train_acc1es"].get(i) for i in range(epochs)])
    row |= _measured("train", "loss", [result["train_losses"].get(i) for i in range(epochs)])
    for name, evaluated in sets.items():
        for what, values in (("accuracy", result["eval_acc1es"]), ("loss", result["eval_losses"])):
            row |= _measured(name, what, [values.get(f"{evaluated}@{i}") for i in range(epochs)])
    times = result.get("train_times")
    if times:
        looks = [result["eval_times"].get(f"{sets['val']}@{i}") for i in range(epochs)] if "val" in sets else []
        known = [each for each in looks if each is not None]
        row["seconds"] = sum(times.values()) + (sum(known) / len(known) if known else 0.0)
    return row


def _measured(name: str, what: str, values: list[float | None]) -> dict[str, Any]:
    if values[-1] is None:
        return {}
    return {f"{name}_{what}": values[-1] if None in values else values}
