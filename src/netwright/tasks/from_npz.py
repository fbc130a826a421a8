"""An .npz file with inputs and labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from netwright.core.errors import DataError, nearest
from netwright.core.kinds import kinds_checked
from netwright.core.preparation import Preparation
from netwright.core.task import Augmentation
from netwright.tasks.archives import Arrays
from netwright.tasks.asked import Wish, understood, understood_as
from netwright.tasks.building import build
from netwright.tasks.example_weights import used_weights
from netwright.tasks.from_arrays import arrays
from netwright.tasks.grouping import numbered
from netwright.tasks.packed import Packed, is_packed
from netwright.tasks.raw_inputs import OwnBytes, Pictures
from netwright.tasks.remaking import remakeable
from netwright.tasks.splits import Indices, limited
from netwright.tasks.task import Task

TRAIN_KEYS = (
    ("x_train", "y_train"),
    ("train_images", "train_labels"),
    ("train_x", "train_y"),
    ("train_images", "train_masks"),
)
TEST_KEYS = (("x_test", "y_test"), ("test_images", "test_labels"), ("test_x", "test_y"), ("test_images", "test_masks"))
VALIDATION_KEYS = (
    *(("x_val", "y_val"), ("val_images", "val_labels"), ("val_x", "val_y"), ("x_valid", "y_valid")),
    ("val_images", "val_masks"),
    ("x_validation", "y_validation"),
)
PLAIN_KEYS = (
    ("x", "y"),
    ("data", "labels"),
    ("data", "target"),
    ("data", "targets"),
    ("images", "labels"),
    ("images", "masks"),
    ("x", "masks"),
    ("inputs", "labels"),
    ("features", "labels"),
)


@remakeable("npz")
@kinds_checked
def npz(
    path: str | os.PathLike[str],
    *,
    test: str | os.PathLike[str] | None = None,
    classes: Sequence[str] | None = None,
    problem: str | None = None,
    loss: str | None = None,
    class_weights: str | Sequence[float] | None = None,
    separator: str | None = None,
    group_column: str | None = None,
    weight_column: str | None = None,
    by_time: bool = False,
    tile: int | None = None,
    ignore: int | str | None = None,
    dice: float = 0.0,
    augmentation: Augmentation | None = None,
    nan: str = "error",
    layout: str = "auto",
    skip_bad: bool | float | str = False,
    limit: int | float | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
) -> Task:
    """A task of an .npz file with `x` and `y`, `data` and `labels`, or `x_train`, `y_train`, `x_test`, `y_test`.

    A search validates on `x_val` and `y_val` where they are there.

    Also reads packed JPEG images: `data` with all bytes, `offsets` and `labels`.

    path: of the file.
    test: a second file with the test split. The other options are those of `arrays`.
    problem, loss, class_weights, separator, by_time: as in `arrays`. Labels of packed images are classes unless they
        are fractions, or rows of several numbers, or one of the first options says otherwise.
    tile, ignore, dice: as in `arrays`, of masks.
    group_column: the name of an array of the file with a value for each training example: the `groups` of `arrays`.
    weight_column: the name of an array of the file with what each training example counts: the `weights` of `arrays`.
    classes, augmentation, nan, layout, limit, test_share, split_seed: as in `arrays`.
    skip_bad: leave out packed images that cannot be decoded, as in `image_folder`.

    Raises DataError for a foreign or damaged file, listing its keys; arrays of Python objects are never read.
    """
    stored = Arrays(path)
    if is_packed(stored):
        return packed_task(
            stored.path.stem,
            stored,
            Arrays(test) if test is not None else None,
            Wish(problem, loss, class_weights, separator),
            classes=classes,
            groups=None if group_column is None else _named(stored, group_column),
            weights=None if weight_column is None else _named(stored, weight_column),
            by_time=by_time,
            augmentation=augmentation or Augmentation(),
            skip_bad=skip_bad,
            limit=limit,
            test_share=test_share,
            split_seed=split_seed,
        )
    inputs, targets = pair_of(stored, TRAIN_KEYS + PLAIN_KEYS, str(stored.path))
    return arrays(
        stored[inputs],
        stored[targets],
        test=_test_pair(stored, test),
        validation=_held(stored, VALIDATION_KEYS),
        classes=classes,
        problem=problem,
        loss=loss,
        class_weights=class_weights,
        separator=separator,
        groups=None if group_column is None else _named(stored, group_column),
        weights=None if weight_column is None else _named(stored, weight_column),
        by_time=by_time,
        tile=tile,
        ignore=ignore,
        dice=dice,
        augmentation=augmentation,
        nan=nan,
        layout=layout,
        limit=limit,
        test_share=test_share,
        split_seed=split_seed,
        name=stored.path.stem,
    )


def packed_task(
    name: str,
    train: Arrays,
    test: Arrays | None,
    wish: Wish | None = None,
    *,
    classes: Sequence[str] | None,
    augmentation: Augmentation,
    skip_bad: bool | float | str,
    limit: int | float | None,
    test_share: float = 0.1,
    split_seed: int = 0,
    groups: Any = None,
    weights: Any = None,
    by_time: bool = False,
) -> Task:
    """A task of packed JPEG files; only the images that `limit` keeps are decoded."""
    ours = Packed(train)
    names = classes if classes is not None else ours.classes
    asked = understood(ours.labels, _of_packed(ours.labels, wish or Wish()), names, f"labels of {train.where}")
    of_group = None if groups is None else numbered(groups, len(ours), "groups")
    chosen, chosen_test = np.arange(len(ours)), None
    theirs, told = None, None
    if test is not None:
        theirs = Packed(test)
        told = understood_as(theirs.labels, asked, f"labels of {test.where}")
    notes: tuple[str, ...] = ()
    if limit is not None:
        strata = None if told is None else asked.strata(told)
        chosen, chosen_test, notes = limited(asked.strata(asked.values), strata, limit, split_seed)
    prepared, used, found = ours.decoded(chosen, asked.values[chosen], skip_bad, None)
    held_out, used_test = None, used
    if theirs is not None and told is not None:
        picked = np.arange(len(theirs)) if chosen_test is None else chosen_test
        held_out, used_test, more = theirs.decoded(picked, told[picked], skip_bad, prepared.inputs.shape[1:])
        found += more

    def preparation(places: Indices | None) -> Preparation:
        source, of = (ours, used[places]) if theirs is None or places is not None else (theirs, used_test)
        return Pictures(prepared.inputs.shape[1:], OwnBytes(source.first(of), ".jpg"))

    return build(
        name,
        prepared,
        held_out,
        asked.problem,
        augmentation=augmentation,
        notes=asked.notes + notes + found,
        test_share=test_share,
        split_seed=split_seed,
        preparation=preparation,
        groups=None if of_group is None else of_group[used],
        weights=used_weights(weights, len(ours), used),
        by_time=by_time,
    )


def _of_packed(labels: np.ndarray, wish: Wish) -> Wish:
    """Whole numbers and texts beside packed images are classes, however many there are of them."""
    plain = wish.kind is None and labels.ndim == 1 and labels.dtype.kind != "f"
    return replace(wish, problem="classification") if plain else wish


def pair_of(stored: Arrays, pairs: Sequence[tuple[str, str]], where: str) -> tuple[str, str]:
    """The names of inputs and of what is asked for, the first of these pairs that is there; else DataError."""
    keys = stored.lower()
    for first, second in pairs:
        if first in keys and second in keys:
            return keys[first], keys[second]
    raise DataError(
        f"{where} holds the arrays {', '.join(stored.keys) or '(none)'}; expected x and y, data and labels, or "
        "x_train, y_train, x_test, y_test: np.savez(path, x=x, y=y)"
    )


def _test_pair(stored: Arrays, test: str | os.PathLike[str] | None) -> tuple[np.ndarray, np.ndarray] | None:
    if test is not None:
        other = Arrays(test)
        first, second = pair_of(other, TEST_KEYS + TRAIN_KEYS + PLAIN_KEYS, str(other.path))
        return other[first], other[second]
    return _held(stored, TEST_KEYS)


def _named(stored: Arrays, key: str) -> np.ndarray:
    """The array of this name; DataError names the nearest."""
    if key not in stored.keys:
        raise DataError(f"{stored.path} holds no array {key!r}{nearest(key, stored.keys)}")
    return stored[key]


def _held(stored: Arrays, pairs: Sequence[tuple[str, str]]) -> tuple[np.ndarray, np.ndarray] | None:
    keys = stored.lower()
    for first, second in pairs:
        if first in keys and second in keys:
            return stored[keys[first]], stored[keys[second]]
    return None
