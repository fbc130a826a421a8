"""Any torch dataset, read once into memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.core.errors import DataError
from netwright.core.task import Augmentation
from netwright.tasks.from_arrays import arrays
from netwright.tasks.task import Task
from netwright.tasks.values import as_array

INPUT_KEYS = ("image", "images", "img", "pixel_values", "x", "input", "inputs", "data", "features")
LABEL_KEYS = ("label", "labels", "y", "target", "targets", "class", "fine_label")


def dataset(
    torch_dataset: Any,
    test: Any = None,
    classes: Sequence[str] | None = None,
    *,
    augmentation: Augmentation | None = None,
    nan: str = "error",
    layout: str = "auto",
    limit: int | float | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
    name: str = "dataset",
) -> Task:
    """A task of a `torch.utils.data.Dataset` whose items are (x, y), longer tuples, or dictionaries.

    x: a tensor, array or Pillow image, the same shape in all items. y: a number, text or one-element tensor. test:
    another dataset. classes: names of the classes; the dataset's own `classes` where it has some. The other options
    are those of `arrays`. Random transforms in the dataset are frozen: each item is read once.
    Raises DataError that names the item that raises or does not fit, and shows what an item looks like.
    """
    x, y = collected(torch_dataset, name)
    if classes is None and isinstance(own := getattr(torch_dataset, "classes", None), list | tuple):
        classes = [str(each) for each in own]
    return arrays(
        x,
        y,
        test=None if test is None else collected(test, f"test {name}"),
        classes=classes,
        augmentation=augmentation,
        nan=nan,
        layout=layout,
        limit=limit,
        test_share=test_share,
        split_seed=split_seed,
        name=name,
    )


def collected(source: Any, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """All inputs and labels of a dataset, stacked."""
    inputs: list[NDArray[Any]] = []
    labels: list[Any] = []
    for index, item in _items(source, name):
        value, label = _parts(item, index, name)
        value, label = _plain(value, "input", item, index, name), _plain(label, "label", item, index, name)
        if inputs and value.shape != inputs[0].shape:
            raise DataError(
                f"{name}: item {index} has the shape {value.shape}, item 0 {inputs[0].shape}; resize the inputs to one "
                "common shape (a transform of the dataset can)"
            )
        inputs.append(value)
        labels.append(label.item() if label.size == 1 else label)
    if not inputs:
        raise DataError(f"{name} is empty: it has no items")
    return np.stack(inputs), np.asarray(labels)


def _items(source: Any, name: str) -> Iterator[tuple[int, Any]]:
    if not (hasattr(source, "__getitem__") and hasattr(source, "__len__")) and not hasattr(source, "__iter__"):
        raise DataError(f"{name} is a {type(source).__name__}; expected a torch dataset, with items or iterable")
    index = -1
    try:
        if hasattr(source, "__getitem__") and hasattr(source, "__len__"):
            for index in range(len(source)):
                yield index, source[index]
        else:
            for index, item in enumerate(source):
                yield index, item
    except DataError:
        raise
    except Exception as problem:
        first = "" if index == 0 else f"; item 0 is {_first(source)}"
        raise DataError(f"{name}: item {index} raises {type(problem).__name__}: {problem}{first}") from problem


def _first(source: Any) -> str:
    try:
        return structure(source[0] if hasattr(source, "__getitem__") else next(iter(source)))
    except Exception as problem:
        return f"not readable either ({type(problem).__name__})"


def _parts(item: Any, index: int, name: str) -> tuple[Any, Any]:
    if isinstance(item, Mapping):
        first = next((key for key in INPUT_KEYS if key in item), None)
        second = next((key for key in LABEL_KEYS if key in item), None)
        if first is not None and second is not None:
            return item[first], item[second]
    elif isinstance(item, tuple | list) and len(item) >= 2:
        return item[0], item[1]
    raise DataError(
        f"{name}: item {index} is {structure(item)}; expected (input, label) or a dictionary with one of "
        f"{', '.join(INPUT_KEYS)} and one of {', '.join(LABEL_KEYS)}"
    )


def _plain(value: Any, what: str, item: Any, index: int, name: str) -> NDArray[Any]:
    array = as_array(value, f"the {what} of item {index}")
    if array.dtype.kind == "O":
        raise DataError(
            f"{name}: the {what} of item {index} is a {type(value).__name__}, not numbers: {structure(item)}"
        )
    return array


def structure(item: Any) -> str:
    """What an item is made of, in one line: `(tensor(3, 32, 32) of float32, int)`."""
    if isinstance(item, Mapping):
        return "{" + ", ".join(f"{key!r}: {structure(value)}" for key, value in list(item.items())[:8]) + "}"
    if isinstance(item, tuple | list):
        inside = ", ".join(structure(each) for each in item[:8]) + (", ..." if len(item) > 8 else "")
        return f"({inside})" if isinstance(item, tuple) else f"[{inside}]"
    if isinstance(item, torch.Tensor | np.ndarray):
        kind = "tensor" if isinstance(item, torch.Tensor) else "array"
        return f"{kind}{tuple(item.shape)} of {str(item.dtype).removeprefix('torch.')}"
    return type(item).__name__
