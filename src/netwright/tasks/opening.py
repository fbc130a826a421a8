"""A task from one word, a path or `module:function`, as the command line gets it; and again from its configuration."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from netwright.core.errors import DataError, UserError, nearest
from netwright.core.kinds import kinds_checked
from netwright.core.spelling import option
from netwright.tasks.foreign_files import foreign, refuse_foreign
from netwright.tasks.from_arrays import arrays
from netwright.tasks.from_cifar10 import cifar10
from netwright.tasks.from_csv import csv
from netwright.tasks.from_dataset import dataset
from netwright.tasks.from_digits import digits
from netwright.tasks.from_folder import image_folder
from netwright.tasks.from_forecast import forecast
from netwright.tasks.from_labelled_texts import text_folders, text_table
from netwright.tasks.from_listed import image_table, image_table_of
from netwright.tasks.from_masks import mask_folder
from netwright.tasks.from_mnist import mnist
from netwright.tasks.from_npz import npz
from netwright.tasks.from_series import is_series, series
from netwright.tasks.from_text import is_prose, text
from netwright.tasks.given_paths import existing
from netwright.tasks.mask_files import holds_masks
from netwright.tasks.remaking import bound_arguments, from_json
from netwright.tasks.task import Task

MAKERS: dict[str, Callable[..., Task]] = {
    "digits": digits,
    "cifar10": cifar10,
    "mnist": mnist,
    "image_folder": image_folder,
    "image_table": image_table,
    "mask_folder": mask_folder,
    "npz": npz,
    "csv": csv,
    "text": text,
    "series": series,
    "forecast": forecast,
    "text_table": text_table,
    "text_folders": text_folders,
}
READ_BY = {
    "image_folder": "folders of images",
    "image_table": "tables of images",
    "mask_folder": "images with masks",
    "npz": "arrays (.npz)",
    "csv": "tables",
    "text": "texts (.txt)",
    "series": "series",
    "forecast": "forecasts (horizon)",
    "text_table": "tables of texts",
    "text_folders": "folders of texts",
}
"""What each maker of data reads, in words."""
_NEED_DATA = ("cifar10", "mnist")
_ENDINGS = {".npz": "npz", ".ts": "series", ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".data": "csv"}
_TEXTS = tuple(ending for ending in _ENDINGS if ending != ".npz")
_CODE = re.compile(r"(?:[A-Za-z_][\w.]*|.+\.py):[A-Za-z_][\w.]*")


@kinds_checked
def open_task(text: str, /, data_dir: str | os.PathLike[str] | None = None, **options: Any) -> Task:
    """The task that a text names: digits, cifar10, mnist, a folder of images or texts, a file, or code of yours.

    text: the name, as on the command line.
    data_dir: where cifar10 and mnist lie, and where a relative path is looked for too.
    options: those of the function that reads it (`target` of csv, `size` of image_folder, ...); ConfigurationError
        names an unknown one. Code is `module:name` or `file.py:name`: a Task, a torch dataset, (x, y), or a function or
        class that makes one of these.

    Raises UserError for an unknown name, with the nearest.
    """
    if text in ("digits", *_NEED_DATA):
        return _named(text, data_dir, options)
    place = _place(text, data_dir)
    if place is not None:
        return _from_path(place, options)
    if code_named(text, data_dir) is not None:
        return _from_code(text, options)
    plug_in = {entry.name: entry for entry in entry_points(group="netwright.tasks")}
    if text in plug_in:
        return _checked(plug_in[text].load(), text, options)
    if os.sep in text or "/" in text or Path(text).suffix.lower() in _ENDINGS:
        existing(text, "any", "a data set")
    raise UserError(
        f"unknown task {text!r}{nearest(text, ['digits', *_NEED_DATA, *plug_in])} It can also be a folder of class "
        "folders, of images with masks or of texts, an .npz, .csv, .txt or .ts file, or module:name or file.py:name."
    )


def readers_with(option: str) -> list[str]:
    """What is read by a function with this option, in words."""
    return [what for name, what in READ_BY.items() if option in inspect.signature(MAKERS[name]).parameters]


def code_named(text: str, data_dir: str | os.PathLike[str] | None = None) -> str | None:
    """The module or file that `open_task` imports for this text; None where that is data, or a name of its own."""
    if text in ("digits", *_NEED_DATA) or _place(text, data_dir) is not None:
        return None
    module = text.rpartition(":")[0]
    if not _CODE.fullmatch(text):
        return None
    return os.path.expanduser(module) if module.endswith(".py") else module


def from_configuration(configuration: Mapping[str, Any], allow_code: bool = False) -> Task:
    """The task that `Task.configuration` describes, read again from its source.

    configuration: as `Task.configuration` gives it.
    allow_code: whether a task made by `module:function` may be imported and called.

    A task made by `module:function` runs that code: only with `allow_code`, after asking whoever runs it.
    Raises UserError for a task of arrays in memory, which only the program that had them can make again.
    """
    name = str(configuration.get("task"))
    arguments = configuration.get("arguments")
    if configuration.get("in_memory"):
        raise UserError(f"the task {name!r} was made of data in memory, which is not stored; make it again in Python")
    if not isinstance(arguments, Mapping):
        raise UserError(
            f"a task's configuration is {{'task': name, 'arguments': {{...}}}}, found {dict(configuration)!r}"
        )
    if name in MAKERS:
        return _call(name, from_json(arguments))
    if _CODE.fullmatch(name):
        if not allow_code:
            raise UserError(
                f"the task {name!r} runs code of that module; allow it with allow_code=True if you trust it"
            )
        return _from_code(name, dict(arguments))
    raise UserError(f"unknown task {name!r}" + nearest(name, MAKERS))


def _named(name: str, data_dir: str | os.PathLike[str] | None, options: dict[str, Any]) -> Task:
    if name not in _NEED_DATA:
        return _call(name, options)
    if data_dir is None and "path" not in options:
        raise UserError(f"where is {name}? Say {option('data_dir')} with the folder that holds its files")
    return _call(name, options if data_dir is None else {"path": data_dir, **options})


def _place(text: str, data_dir: str | os.PathLike[str] | None) -> Path | None:
    candidates = [Path(os.path.expanduser(text))]
    if data_dir is not None:
        candidates.append(Path(os.path.expanduser(data_dir)) / text)
    return next((each for each in candidates if text and each.exists()), None)


def _from_path(place: Path, options: dict[str, Any]) -> Task:
    if place.is_dir():
        inside = {each.name for each in place.iterdir()}
        if {"train.npz", "test.npz"} <= inside:
            return _call("npz", {"path": place / "train.npz", "test": place / "test.npz", **options})
        if inside & {"data_batch_1", "data_batch_1.bin", "cifar-10-batches-py", "cifar-10-batches-bin"}:
            return _call("cifar10", {"path": place, **options})
        if any(name.startswith("train-images") for name in inside):
            return _call("mnist", {"path": place, **options})
        if image_table_of(place) is not None:
            return _call("image_table", {"path": place, **options})
        reader = "mask_folder" if holds_masks(place) else "text_folders" if _holds_texts(place) else "image_folder"
        return _call(reader, {"path": place, **options})
    if image_table_of(place) is not None:
        return _call("image_table", {"path": place, **options})
    kind = _ENDINGS.get(place.suffix.lower())
    if kind in ("csv", "npz") and (
        options.get("series") or (kind == "npz" and "series" not in options and is_series(place))
    ):
        kind = "series"
    elif kind == "npz":
        options = {name: value for name, value in options.items() if name != "series"}
    elif kind == "csv" and "horizon" in options:
        kind = "forecast"
    elif kind == "csv" and "text" in options:
        kind = "text_table"
    elif kind == "csv" and _asks_for_text(place, options):
        kind = "text"
    if kind is None and place.name.endswith((".tar.gz", ".tgz")) and "cifar" in place.name.lower():
        kind = "cifar10"
    if kind is None:
        what = foreign(place) or "is a file of an unknown kind"
        raise UserError(f"{place} {what}; expected a folder, {', '.join(_ENDINGS)} or a CIFAR-10 .tar.gz")
    if place.suffix.lower() in _TEXTS and options.get("tokens") != "bytes":
        given = (options.get(name) for name in ("test", "validation"))
        refuse_foreign([place, *(Path(each) for each in given if isinstance(each, str | os.PathLike))], kind != "text")
    return _call(kind, {"path": place, **options})


def _holds_texts(folder: Path) -> bool:
    """Whether the class folders, or those in train/, hold text files and nothing else."""
    inside = folder / "train" if (folder / "train").is_dir() else folder
    classes = [each for each in inside.iterdir() if each.is_dir() and not each.name.startswith(".")]
    endings = {file.suffix.lower() for each in classes for file in each.iterdir() if not file.name.startswith(".")}
    return endings == {".txt"}


def _asks_for_text(place: Path, options: Mapping[str, Any]) -> bool:
    """Whether a text file is meant as prose, not as a table: by an option that only one of them has, or by itself."""
    of_text, of_csv = (set(inspect.signature(each).parameters) for each in (text, csv))
    if set(options) & (of_text ^ of_csv):
        return bool(set(options) & (of_text - of_csv))
    return place.suffix.lower() == ".txt" and is_prose(place)


def _call(name: str, options: dict[str, Any]) -> Task:
    bound_arguments(name, MAKERS[name], (), options)
    return MAKERS[name](**options)


def _from_code(text: str, options: dict[str, Any]) -> Task:
    module_name, _, attribute = text.rpartition(":")
    value = _imported(module_name, text)
    for part in attribute.split("."):
        if not hasattr(value, part):
            public = [name for name in vars(value) if not name.startswith("_")]
            raise UserError(f"{module_name} has no {part!r}" + nearest(part, public))
        value = getattr(value, part)
    task = _checked(value, text, options)
    if module_name.endswith(".py"):
        text = f"{Path(module_name).absolute()}:{attribute}"
    task._configuration = {"task": text, "arguments": options}
    return task


def _imported(module: str, text: str) -> Any:
    """A module by its name, looked for in the current folder too, or a Python file by its path."""
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        return _from_file(Path(module)) if module.endswith(".py") else importlib.import_module(module)
    except UserError:
        raise
    except Exception as problem:
        what = f"{type(problem).__name__}: {problem}"
        raise UserError(f"cannot import {module!r} for the task {text!r}: {what}") from problem
    finally:
        sys.path.remove(folder)


def _from_file(path: Path) -> Any:
    """Run a Python file as a module of a name that no other module has, whatever the file is called."""
    path = existing(path, "file", "a Python file")
    name = f"netwright_data_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _checked(maker: Any, text: str, options: dict[str, Any]) -> Task:
    if callable(maker) and not isinstance(maker, Task):
        bound_arguments(text, maker, (), options)
        maker = maker(**options)
    if isinstance(maker, Task):
        return maker
    if isinstance(maker, str | bytes):
        raise DataError(f"{text} gave a {type(maker).__name__}; expected a Task, a torch dataset, or a pair (x, y)")
    if isinstance(maker, tuple | list) and len(maker) == 2:
        return arrays(*maker, name=text)
    if isinstance(maker, DataLoader) or (hasattr(maker, "__getitem__") and hasattr(maker, "__len__")):
        return dataset(maker, name=text)
    raise DataError(f"{text} gave a {type(maker).__name__}; expected a Task, a torch dataset, or a pair (x, y)")
