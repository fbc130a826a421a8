"""Arrays and tensors that are already in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError
from netwright.core.kinds import described, kinds_checked
from netwright.core.spelling import option
from netwright.core.task import Augmentation
from netwright.tasks.asked import Asked, Wish, understood, understood_as, weights_of
from netwright.tasks.building import Raw, build, check_shapes, prepare
from netwright.tasks.example_weights import used_weights
from netwright.tasks.grouping import numbered
from netwright.tasks.masked_arrays import MaskWish, are_masks, masked_arrays, require_sizes
from netwright.tasks.plain_numbers import as_array, numeric
from netwright.tasks.splits import Indices, limited, pick
from netwright.tasks.task import Task


def _several(value: Any, what: str) -> NDArray[Any]:
    """The value as an array of several examples; DataError where it is a single thing."""
    found = as_array(value, what)
    if not found.ndim:
        raise DataError(f"{what} is {described(value)}; expected an array, a tensor or a list")
    return found


@kinds_checked
def arrays(
    x: Any,
    y: Any,
    *,
    test: tuple[Any, Any] | None = None,
    validation: tuple[Any, Any] | None = None,
    classes: Sequence[str] | None = None,
    problem: str | None = None,
    loss: str | None = None,
    class_weights: str | Sequence[float] | None = None,
    separator: str | None = None,
    groups: Any = None,
    weights: Any = None,
    by_time: bool = False,
    tile: int | None = None,
    ignore: int | str | None = None,
    dice: float = 0.0,
    augmentation: Augmentation | None = None,
    nan: str = "error",
    layout: str = "auto",
    limit: int | float | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
    name: str = "arrays",
    notes: Sequence[str] = (),
) -> Task:
    """A task of arrays or tensors: images or vectors, and what is asked for of each.

    x: images (n, channels, height, width), (n, height, width) or channels-last, or vectors (n, features). Pixels are
        whole numbers 0..255 or fractions 0..1; any other range is scaled from lowest to highest, where far outliers in
        few images do not count.
    y: (n,) whole numbers, text, or one-hot rows of a class each; a 0/1 column a label, (n, labels), or texts with
        several of them; fractions, or many different whole numbers, (n,) or (n, numbers); or a mask of each image,
        (n, height, width), with a whole number a pixel.
    test: (x, y) of a test split; else `test_share` of each class is set aside by `split_seed`.
    validation: (x, y) to validate on during a search; the final training trains on them, too.
    classes: names for the sorted label values, of the labels' columns, or of the numbers.
    problem: "classification", "labels" (several an example) or "regression"; found out unless given.
    loss: of a regression: "squared" (default), "absolute", "huber", "quantile", or as "quantile:0.05,0.5,0.95".
    class_weights: "balanced" for classes, or labels, that count alike in training however many examples they have; or
        what an example of each counts.
    separator: what stands between several labels in one text; found out unless given.
    groups: a value for each example of x; those of one value are never on both sides of a split.
    weights: what each example of x counts in the loss and the metrics, a number of at least 0; 1 each unless given, as
        for the examples of `test` and `validation`. Not of masks.
    by_time: whether x is in the order of time: the last examples are tested on, those before them validated on.
    tile, ignore, dice: of masks, see `mask_folder`; `problem`, `loss`, `separator`, `by_time` and `nan` are not.
    augmentation: none unless given; of masks mirroring left and right.
    nan: "error", "impute-median" (of vectors) or "drop".
    layout: "auto", "channels-first" or "channels-last".
    limit: keep a stratified part, as a number of training examples or a share; a test split keeps the same share, but
        at least 1,000.
    test_share: of each class, or of the range of a number, that is set aside, where there is no `test`.
    split_seed: chooses which.
    name: of the task.
    notes: sentences to keep with the task.

    Raises DataError for shapes, labels and values that cannot be used.
    """
    inputs = numeric(_several(x, "x"), "x")
    check_shapes(inputs, _several(y, "y"), "x")
    if are_masks(inputs, as_array(y, "y")):
        wish = MaskWish(tile, ignore, weights_of(class_weights), dice)
        if weights is not None:
            raise UserError(f"{option('weights')} is not for masks (n, height, width)")
        of_image = None if groups is None else numbered(groups, len(inputs), "groups")
        return masked_arrays(
            *(x, y, wish),
            test=test,
            validation=validation,
            classes=classes,
            groups=of_image,
            layout=layout,
            limit=limit,
            split_seed=split_seed,
            name=name,
            notes=notes,
            augmentation=augmentation,
            test_share=test_share,
        )
    require_sizes(inputs, as_array(y, "y"))
    _refuse_of_masks(tile, ignore, dice)
    asked = understood(y, Wish(problem, loss, class_weights, separator), classes)
    held_out, own = _pair(test, "test", asked, inputs), _pair(validation, "validation", asked, inputs)
    chosen, held_out, kept = _limited(asked, held_out, limit, split_seed)
    of_group = None if groups is None else numbered(groups, len(inputs), "groups")[chosen]
    train, places = Raw(inputs[chosen], asked.values[chosen]), None
    if own is not None:
        train, places = _joined(train, own, asked, len(inputs), split_seed)
        of_group = None if of_group is None else np.append(of_group, _alone(of_group, len(places)))
    others = 0 if places is None else len(places)
    found = prepare(train, held_out, nan=nan, layout=layout)
    even = used_weights(weights, len(inputs), chosen, others)
    places = None if places is None else np.flatnonzero(np.isin(found.kept, places))
    return build(
        name,
        found.train,
        found.test,
        asked.problem,
        augmentation=augmentation or Augmentation(),
        notes=(*notes, *asked.notes, *kept, *found.notes),
        test_share=test_share,
        split_seed=split_seed,
        preparation=found.made,
        validation=places,
        groups=None if of_group is None else of_group[found.kept],
        weights=None if even is None else even[found.kept],
        by_time=by_time,
    )


def _refuse_of_masks(tile: int | None, ignore: int | str | None, dice: float) -> None:
    """UserError where something was asked of masks that are none."""
    for name, given in (("tile", tile), ("ignore", ignore), ("dice", dice or None)):
        if given is not None:
            raise UserError(f"{option(name, given)} is for masks (n, height, width), a number a pixel; y holds none")


def _alone(groups: Indices, count: int) -> Indices:
    """Groups of one example each, of validation examples: nothing is known of theirs."""
    return np.arange(count) + groups.max() + 1


def _pair(pair: tuple[Any, Any] | None, which: str, asked: Asked, like: NDArray[Any]) -> Raw | None:
    if pair is None:
        return None
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise DataError(f"{which} is a pair (x_{which}, y_{which}), found {type(pair).__name__}")
    inputs = numeric(as_array(pair[0], f"x_{which}"), f"x_{which}")
    check_shapes(inputs, as_array(pair[1], f"y_{which}"), f"x_{which}")
    if inputs.shape[1:] != like.shape[1:]:
        raise DataError(
            f"x_{which} has the shape {inputs.shape}, x {like.shape}; all but the first number must be equal"
        )
    return Raw(inputs, understood_as(pair[1], asked, f"{which} labels"))


def _joined(train: Raw, own: Raw, asked: Asked, count: int, seed: int) -> tuple[Raw, Indices]:
    """Training and validation examples together, and the places of the latter; a limit keeps its share of them."""
    if len(train.codes) < count:
        chosen = pick(asked.strata(own.codes), round(len(own.codes) * len(train.codes) / count), seed)
        own = Raw(own.inputs[chosen], own.codes[chosen])
    both = Raw(np.concatenate([train.inputs, own.inputs]), np.concatenate([train.codes, own.codes]))
    return both, np.arange(len(train.codes), len(both.codes))


def _limited(
    asked: Asked, test: Raw | None, limit: int | float | None, seed: int
) -> tuple[Indices | slice, Raw | None, tuple[str, ...]]:
    """Which training examples a limit keeps, the test examples that it keeps, and what is said of both."""
    if limit is None:
        return slice(None), test, ()
    of_test = None if test is None else asked.strata(test.codes)
    chosen, chosen_test, notes = limited(asked.strata(asked.values), of_test, limit, seed)
    if test is not None and chosen_test is not None:
        test = Raw(test.inputs[chosen_test], test.codes[chosen_test])
    return chosen, test, notes
