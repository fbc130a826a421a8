"""Arrays and tensors that are already in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netwright.core.errors import DataError
from netwright.core.task import Augmentation
from netwright.tasks.building import Raw, build, check_shapes, prepare
from netwright.tasks.labels import encode, encode_as
from netwright.tasks.splits import limited
from netwright.tasks.task import Task
from netwright.tasks.values import as_array, numeric


def arrays(
    x: Any,
    y: Any,
    *,
    test: tuple[Any, Any] | None = None,
    classes: Sequence[str] | None = None,
    augmentation: Augmentation | None = None,
    nan: str = "error",
    layout: str = "auto",
    limit: int | float | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
    name: str = "arrays",
    notes: Sequence[str] = (),
) -> Task:
    """A task of arrays or tensors: images or vectors, and a label for each.

    x: images (n, channels, height, width), (n, height, width) or channels-last, or vectors (n, features). Pixels are
    whole numbers 0..255 or fractions 0..1; any other range is scaled from lowest to highest. y: (n,) whole numbers,
    text, or one-hot rows. test: (x, y) of a test split; else `test_share` of each class is set aside by `split_seed`.
    classes: names for the sorted label values. augmentation: none unless given. nan: "error", "impute-median" (of
    vectors) or "drop". layout: "auto", "channels-first" or "channels-last". limit: keep a stratified
    part, as a number of training examples or a share; a test split keeps the same share, but at least 1,000.
    notes: sentences to keep with the task.
    Raises DataError for shapes, labels and values that cannot be used.
    """
    inputs = numeric(as_array(x, "x"), "x")
    check_shapes(inputs, as_array(y, "y"), "x")
    labels = encode(y, classes)
    held_out = None
    if test is not None:
        if not isinstance(test, tuple | list) or len(test) != 2:
            raise DataError(f"test is a pair (x_test, y_test), found {type(test).__name__}")
        inputs_test = numeric(as_array(test[0], "x_test"), "x_test")
        check_shapes(inputs_test, as_array(test[1], "y_test"), "x_test")
        held_out = Raw(inputs_test, encode_as(test[1], labels))
    train, held_out, kept = _limited(Raw(inputs, labels.codes), held_out, limit, split_seed)
    found = prepare(train, held_out, nan=nan, layout=layout)
    return build(
        name,
        found.train,
        found.test,
        labels.names,
        augmentation=augmentation or Augmentation(),
        notes=(*notes, *labels.notes, *kept, *found.notes),
        test_share=test_share,
        split_seed=split_seed,
        preparation=found.made,
    )


def _limited(
    train: Raw, test: Raw | None, limit: int | float | None, seed: int
) -> tuple[Raw, Raw | None, tuple[str, ...]]:
    if limit is None:
        return train, test, ()
    chosen, chosen_test, notes = limited(train.codes, None if test is None else test.codes, limit, seed)
    if test is not None and chosen_test is not None:
        test = Raw(test.inputs[chosen_test], test.codes[chosen_test])
    return Raw(train.inputs[chosen], train.codes[chosen]), test, notes
