"""Who competes: the command of each, which is given data and time and hands over what can be judged."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from worth_parts.sets import DataSet
from worth_parts.splitting import PICTURES, Split

BEFORE = {"images": "chain", "masks": "unet-cells", "series": "series", "tokens": "texts", "vectors": "mlp"}
"""The default spaces before there was `auto`, by kind of data."""
AUTO, RANDOM, EVOLUTION = "auto", "random", "evolution"
SEARCHES = (AUTO, RANDOM, EVOLUTION)
REFERENCES = {
    "images": ("resnet",),
    "masks": ("unet",),
    "series": ("series-resnet", "neighbours"),
    "tokens": ("words",),
    "language": ("counts",),
    "vectors": ("trees", "mlp"),
}
"""The references of each kind of data, those of `references.py`."""
CONTENDERS = {*SEARCHES, *(name for names in REFERENCES.values() for name in names)}


@dataclass(frozen=True)
class Cell:
    """One competitor on one data set with one seed.

    data, contender: names.
    seed: of the split and of the competitor.
    """

    data: str
    contender: str
    seed: int


def kind_of(data: DataSet) -> str:
    """Which kind of data it is, by its form and options alone: a key of REFERENCES."""
    ending = data.path.suffix.lower()
    if data.path.is_dir():
        if (data.path / "masks").is_dir():
            return "masks"
        first = next((each for each in data.path.rglob("*") if each.suffix.lower() in PICTURES), None)
        return "tokens" if first is not None and first.suffix.lower() == ".txt" else "images"
    if ending == ".txt" and "target_column" not in data.options:
        return "language"
    if "text_column" in data.options:
        return "tokens"
    if ending == ".ts" or data.options.get("series", "false") != "false":
        return "series"
    return _kind_of_arrays(data.path) if ending == ".npz" else "vectors"


def _kind_of_arrays(path: Path) -> str:
    import numpy as np

    with np.load(path) as held:
        shape = held["x" if "x" in held.files else "x_train"].shape
    if len(shape) == 3:
        return "series" if max(shape[1:]) >= 4 * min(shape[1:]) else "images"
    return "vectors" if len(shape) == 2 else "images"


def contenders_of(data: DataSet) -> tuple[str, ...]:
    """All that compete on a data set, by name."""
    return (*SEARCHES, *REFERENCES[kind_of(data)])


def command(cell: Cell, data: DataSet, split: Split, folder: Path, seconds: float) -> list[str]:
    """What is run, in a process of its own; it writes into the folder.

    cell: whose command it is.
    data: with the options as they are typed.
    split: of it.
    folder: empty, for what is handed over.
    seconds: that it may take, from the start of the process.
    """
    if cell.contender not in SEARCHES:
        return _of_reference(cell, data, split, seconds)
    strategy = _strategy(cell.contender, kind_of(data), split, data)
    return [
        *(sys.executable, "-m", "netwright.cli", "search", str(split.given), *data.flags(), *strategy),
        *("--time", f"{seconds:g}s", "--seed", str(cell.seed), "--json"),
        *("--export", str(folder / "best"), "--dir", str(folder / "runs")),
    ]


def _strategy(contender: str, kind: str, split: Split, data: DataSet) -> list[str]:
    """How a search is told what to do. `auto` is what is done where nothing is said."""
    if contender == AUTO:
        return []
    if contender == RANDOM:
        return ["--strategy", "random", *same_training(split, data)]
    return ["--strategy", "evolution", "--space", BEFORE["tokens" if kind == "language" else kind]]


def same_training(split: Split, data: DataSet) -> list[str]:
    """The space and the training that `auto` begins with on such data, in the words of the command line."""
    from netwright.cli.plan import Plan
    from netwright.tasks import open_task
    from netwright.training.usual import usual

    task = open_task(str(split.given), **data.read())
    space = Plan(data=str(split.given), strategy=AUTO).make_space(task)
    options = ",".join(f"{name}={value!r}" for name, value in space.call()[1].items())
    named = ":".join(filter(None, (type(space).__module__, type(space).__name__, options)))
    settings = usual(task.shape, task.problem, len(task.train))
    return ["--space", named, "--training", ",".join(f"{name}={value}" for name, value in settings.items())]


def _of_reference(cell: Cell, data: DataSet, split: Split, seconds: float) -> list[str]:
    asked = {
        "reference": cell.contender,
        "given": str(split.given),
        "labelled": str(split.labelled),
        "kind": split.kind,
        "options": dict(data.options),
        "seconds": seconds,
        "seed": cell.seed,
    }
    return [sys.executable, "-m", "worth_parts.references", json.dumps(asked)]
