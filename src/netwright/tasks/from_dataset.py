"""Any torch dataset, read once into memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import (
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    default_collate,
    default_convert,
)

from netwright.core import blocks
from netwright.core.errors import DataError, marked
from netwright.core.kinds import kinds_checked
from netwright.core.task import Augmentation
from netwright.tasks.from_arrays import arrays
from netwright.tasks.plain_numbers import as_array
from netwright.tasks.task import Task

INPUT_KEYS = ("image", "images", "img", "pixel_values", "x", "input", "inputs", "data", "features")
_READ_TWICE = 32
LABEL_KEYS = ("label", "labels", "y", "target", "targets", "class", "fine_label")


@kinds_checked
def dataset(
    torch_dataset: Any,
    test: Any = None,
    classes: Sequence[str] | None = None,
    *,
    validation: Any = None,
    problem: str | None = None,
    loss: str | None = None,
    class_weights: str | Sequence[float] | None = None,
    separator: str | None = None,
    groups: Any = None,
    by_time: bool = False,
    augmentation: Augmentation | None = None,
    nan: str = "error",
    layout: str = "auto",
    limit: int | float | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
    name: str = "dataset",
) -> Task:
    """A task of a `torch.utils.data.Dataset` whose items are (x, y), longer tuples, or dictionaries.

    x: a tensor, array or Pillow image, the same shape in all items. y: a number or text, or a tensor of 0 and 1 for
    several labels, or of several numbers.

    test: another dataset.
    validation: a dataset to validate on during a search.
    classes: names of the classes; the dataset's own `classes` where it has some.
    torch_dataset: what is read.
    problem, loss, class_weights, separator, groups, by_time: as in `arrays`.
    augmentation, nan, layout, limit, test_share, split_seed, name: as in `arrays`.

    Each item is read once and kept. Of a DataLoader the dataset behind it is read.
    Raises DataError that names the item that raises or does not fit, and shows what an item looks like; and where items
    differ each time they are read, since random transforms would be frozen.
    """
    torch_dataset, test, validation = (
        taken_apart(each, what)
        for each, what in ((torch_dataset, name), (test, f"test {name}"), (validation, f"validation {name}"))
    )
    x, y = collected(torch_dataset, name)
    if classes is None and isinstance(own := getattr(torch_dataset, "classes", None), list | tuple):
        classes = [str(each) for each in own]
    return arrays(
        x,
        y,
        test=None if test is None else collected(test, f"test {name}"),
        validation=None if validation is None else collected(validation, f"validation {name}"),
        classes=classes,
        problem=problem,
        loss=loss,
        class_weights=class_weights,
        separator=separator,
        groups=groups,
        by_time=by_time,
        augmentation=augmentation,
        nan=nan,
        layout=layout,
        limit=limit,
        test_share=test_share,
        split_seed=split_seed,
        name=name,
    )


def taken_apart(source: Any, name: str) -> Any:
    """The dataset behind a DataLoader; anything else as it is.

    Raises DataError for a class in place of an object, and for a loader that does more than batch and shuffle.
    """
    if isinstance(source, type):
        raise DataError(f"{name} is the class {source.__name__}, not an object of it: write {source.__name__}(...)")
    if not isinstance(source, DataLoader):
        return source
    sampler = source.sampler
    drawn = isinstance(sampler, RandomSampler) and (sampler.replacement or len(sampler) != len(source.dataset))  # type: ignore[arg-type]
    plain = isinstance(source.dataset, IterableDataset) or isinstance(sampler, SequentialSampler | RandomSampler)
    if drawn or not plain:
        raise DataError(
            f"{name} is a DataLoader with a {type(sampler).__name__} that chooses examples; give its data set instead, "
            "or a torch.utils.data.Subset of it"
        )
    if source.collate_fn not in (default_collate, default_convert):
        raise DataError(
            f"{name} is a DataLoader with a collate_fn of its own, which makes batches; give a data set of single "
            "examples instead, (input, label) each"
        )
    return source.dataset


def collected(source: Any, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """All inputs and labels of a dataset, stacked."""
    _refuse_random(source, name)
    inputs: list[NDArray[Any]] = []
    labels: list[Any] = []
    for index, item in _items(source, name):
        value, label = _parts(item, index, name)
        value, label = _plain(value, "input", item, index, name), _plain(label, "label", item, index, name)
        if not inputs:
            _refuse_batch(value, label, item, name)
        if inputs and value.shape != inputs[0].shape:
            raise DataError(
                f"{name}: item {index} has the shape {value.shape}, item 0 {inputs[0].shape}; resize the inputs to one "
                "common shape (a transform of the dataset can)"
            )
        inputs.append(value)
        labels.append(label.item() if label.size == 1 else label)
    if not inputs:
        raise DataError(f"{name} is empty: it has no items")
    return _stacked(inputs), np.asarray(labels)


def _stacked(inputs: list[NDArray[Any]]) -> NDArray[Any]:
    """One array, of numbers in memory that worker processes can map."""
    dtype = np.result_type(*{each.dtype for each in inputs})
    if dtype.kind not in "biuf":
        return np.stack(inputs)
    return np.stack(inputs, out=blocks.empty((len(inputs), *inputs[0].shape), dtype))


def _refuse_random(source: Any, name: str) -> None:
    """Raise DataError where an item differs when it is read again."""
    if not (hasattr(source, "__getitem__") and hasattr(source, "__len__")):
        return
    for index in np.unique(np.linspace(0, len(source) - 1, min(len(source), _READ_TWICE)).astype(int)).tolist():
        try:
            first, again = (_numbers(source[index]) for _ in range(2))
        except Exception:  # noqa: S112 - the items are read again, and then it is said what is wrong with one
            continue
        if not all(map(_equal, first, again)):
            raise DataError(
                f"{name}: item {index} differs each time it is read, so that a random transform would be frozen; take "
                "random transforms out of the data set and say augmentation=Augmentation(flip=True, padding=4) instead"
            )


def _numbers(item: Any) -> list[NDArray[Any]]:
    values = item.values() if isinstance(item, Mapping) else item if isinstance(item, tuple | list) else [item]
    return [np.asarray(as_array(each, "an item")) for each in values]


def _equal(first: NDArray[Any], second: NDArray[Any]) -> bool:
    if first.dtype.kind == "O" or second.dtype.kind == "O":
        return True
    return first.shape == second.shape and np.array_equal(first, second, equal_nan=first.dtype.kind == "f")


def _refuse_batch(value: NDArray[Any], label: NDArray[Any], item: Any, name: str) -> None:
    """Raise DataError where the first item looks like a batch: as many inputs as labels, in one item."""
    several = label.ndim == 1 and len(label) > 1 and value.ndim > 1 and len(value) == len(label)
    single = label.shape == (1,) and value.ndim in (2, 4) and len(value) == 1
    if single or (several and not (_is_one_hot(label) or _is_of_one_image(value, label))):
        raise DataError(
            f"{name}: item 0 is {structure(item)}, which looks like a batch of {len(value)}; give single examples, or "
            "the data set behind the loader"
        )


def _is_one_hot(label: NDArray[Any]) -> bool:
    return label.dtype.kind in "biuf" and set(label.tolist()) <= {0, 1} and label.sum() == 1


def _is_of_one_image(value: NDArray[Any], label: NDArray[Any]) -> bool:
    """Whether as many numbers or labels as a colour image has channels are asked of that image."""
    return value.ndim == 3 and len(value) in (3, 4) and (label.dtype.kind == "f" or set(label.tolist()) <= {0, 1})


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
        raise DataError(f"{name}: item {index} raises {type(problem).__name__}: {marked(problem)}{first}") from problem


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
