"""From read arrays to a task: checks, conversion, the test split, and what is said about all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.core.errors import DataError, marked
from netwright.core.preparation import Preparation
from netwright.core.problem import Problem, length
from netwright.core.task import Augmentation, Examples
from netwright.core.trees import mapped
from netwright.problems.classification import Classification
from netwright.tasks import features, pixels, repeats, same_pictures
from netwright.tasks import plain_numbers as values
from netwright.tasks.decoding import shown
from netwright.tasks.portable import images
from netwright.tasks.portable.arrays import as_tensor
from netwright.tasks.raw_inputs import Own, Pictures, Vectors, own_array
from netwright.tasks.splits import TEST, Indices, divided
from netwright.tasks.task import Task, as_places


@dataclass(frozen=True, eq=False)
class Raw:
    """Inputs as they were read (any layout and number type) and labels as numbers: one split."""

    inputs: NDArray[Any]
    codes: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Prepared:
    """Inputs as uint8 images or float32 vectors, and what is asked for, in the user's units: one split.

    codes: the labels' numbers of classes; of other problems what `Problem.fitted` and `Problem.stored` take.
    """

    inputs: Any
    codes: Any


def build(
    name: str,
    train: Prepared,
    test: Prepared | None,
    problem: Problem | Sequence[str],
    *,
    augmentation: Augmentation,
    notes: Sequence[str] = (),
    test_share: float = 0.1,
    split_seed: int = 0,
    preparation: Preparation | Callable[[Indices | None], Preparation] | None = None,
    validation: Indices | None = None,
    names: Sequence[str] | None = None,
    vocabulary: int = 0,
    groups: Indices | None = None,
    by_time: bool = False,
    columns: Sequence[int] = (),
    weights: NDArray[np.float32] | None = None,
) -> Task:
    """A task of prepared splits; without a test split a stratified share is set aside by `split_seed`.

    problem: what is asked for; names of classes stand for a `Classification`.
    vocabulary, groups, by_time, columns: as of `Task`, of `train`.
    weights: what each example of `train` counts, see `Examples`; those of `test` count 1.

    validation: places in `train` of a validation split that came with the data; nothing of it becomes a test split.
    preparation: the task's, or a function that makes it once it is known which of `train` became the test split: it
        gets their places, in the test split's order, or None where the test split came with the data.
    names: what the examples are called, those of `train` first, where pictures that occur twice are told; else by their
        number.
    """
    problem = problem if isinstance(problem, Problem) else Classification(tuple(problem))
    said: tuple[str, ...] = tuple(notes)
    validation_given, held_out, given, given_test = validation, None, train, test
    if test is None:
        held_out, rest = _test_split(train.codes, problem, test_share, split_seed, validation_given, groups, by_time)
        said += (
            f"no test split came with the data: {len(held_out):,} of {len(train.codes):,} examples were set aside for "
            f"the final test (split seed {split_seed})",
        )
        validation = None if validation_given is None else np.flatnonzero(np.isin(rest, validation_given))
        problem = problem.fitted(mapped(lambda each: each[rest], train.codes))
        stored = _examples(train, problem, weights)
        ours, theirs = (stored.choose(as_places(each)) for each in (rest, held_out))
        groups = None if groups is None else groups[rest]
    else:
        problem = problem.fitted(train.codes)
        ours, theirs = _examples(train, problem, weights), _examples(test, problem)
    if isinstance(train.inputs, np.ndarray) and train.inputs.ndim == 2 and not vocabulary:
        said += repeats.notes_on(train, test, held_out, validation_given)
    if isinstance(problem, Classification):
        said += _same_pictures(given, given_test, held_out, validation_given, problem.class_names, names)
        said += _absent(theirs, problem.class_names)
    return Task(
        *(name, ours, theirs, problem),
        augmentation=augmentation,
        notes=said,
        preparation=preparation(held_out) if callable(preparation) else preparation,
        validation=validation,
        vocabulary=vocabulary,
        groups=groups,
        by_time=by_time,
        columns=columns,
    )


def _absent(test: Examples, class_names: Sequence[str]) -> tuple[str, ...]:
    absent = np.flatnonzero(np.bincount(test.targets.numpy(), minlength=len(class_names)) == 0)
    return (f"the test split has no example of {', '.join(repr(class_names[i]) for i in absent[:5])}",) * bool(
        len(absent)
    )


def _same_pictures(
    train: Prepared,
    test: Prepared | None,
    held_out: Indices | None,
    validation: Indices | None,
    class_names: Sequence[str],
    names: Sequence[str] | None,
) -> tuple[str, ...]:
    if train.inputs.ndim != 4:
        return ()
    parts = [train] if test is None else [train, test]
    codes = np.concatenate([each.codes for each in parts])
    is_test = np.zeros(len(codes), dtype=bool)
    is_test[np.arange(len(train.codes), len(codes)) if held_out is None else held_out] = True

    def name(place: int) -> str:
        if names is not None:
            return shown(names[place])
        return f"test image {place - len(train.codes)}" if place >= len(train.codes) else f"image {place}"

    return same_pictures.notes_on([each.inputs for each in parts], codes, is_test, validation, class_names, name)


def _test_split(
    targets: Any,
    problem: Problem,
    share: float,
    seed: int,
    validation: Indices | None,
    groups: Indices | None,
    by_time: bool,
) -> tuple[Indices, Indices]:
    """Places of the test split and of the rest, in order; a validation split stays whole."""
    count = length(targets)
    own = np.arange(count) if validation is None else np.delete(np.arange(count), validation)
    chosen = mapped(lambda each: each[own], targets)
    if validation is None:
        problem.require(chosen, 3, "one each to train, to validate and to test on")
    else:
        problem.require(chosen, 2, "one each to train and to test on, beside the validation split")
    of_own = None if groups is None else groups[own]
    held_out, _ = divided(problem.strata(chosen), share, seed, TEST, groups=of_own, by_time=by_time)
    rest = np.delete(np.arange(count), own[held_out])
    if of_own is not None:
        _require_in_other_groups(mapped(lambda each: each[rest], targets), problem, of_own, held_out)
    return own[held_out], rest


def _require_in_other_groups(rest: Any, problem: Problem, groups: Indices, held_out: Indices) -> None:
    """DataError where what is left of the examples is too little because whole groups were set aside."""
    try:
        problem.require(rest, 2, "one to train on, one to validate on")
    except DataError as few:
        aside, total = len(np.unique(groups[held_out])), len(np.unique(groups))
        raise DataError(
            f"groups are split whole, and with {aside:,} of {total:,} set aside for the test, {marked(few)}; or "
            "give groups that hold several classes each, or none"
        ) from None


def _examples(split: Prepared, problem: Problem, weights: NDArray[np.float32] | None = None) -> Examples:
    trees = split.inputs, problem.stored(split.codes)
    own = None if weights is None else torch.from_numpy(_writable(weights))
    return Examples(*(mapped(lambda a: torch.from_numpy(_writable(a)), tree) for tree in trees), weights=own)


def _writable(array: Any) -> NDArray[Any]:
    array = np.ascontiguousarray(array)
    return array if array.flags.writeable else array.copy()


@dataclass(frozen=True, eq=False)
class Found:
    """Splits in the stored form, what was decided on the way, and the preparation that does the same for others.

    preparation: gets the first test examples as their user has them.
    raw: the inputs that the splits were made of.
    kept: the places of the training examples that were not left out.
    """

    train: Prepared
    test: Prepared | None
    notes: tuple[str, ...]
    preparation: Callable[[Own], Preparation]
    raw: NDArray[Any]
    raw_test: NDArray[Any] | None
    kept: Indices

    def made(self, places: Indices | None) -> Preparation:
        """The preparation, once it is known which training examples became the test split."""
        own = own_array(self.raw, places) if self.raw_test is None else own_array(self.raw_test)
        return self.preparation(own)


def prepare(
    train: Raw, test: Raw | None, *, nan: str = "error", layout: str = "auto", columns: Sequence[str] | None = None
) -> Found:
    """Bring inputs of any accepted kind to the one stored form.

    Raises DataError for what is no image or vector, for NaN and infinite values unless `nan` says otherwise, and for
    numbers beyond float32.
    """
    values.check_policy(nan)
    for raw, which in ((train, "x"), (test, "x_test")):
        if raw is not None:
            check_shapes(raw.inputs, raw.codes, which)
    if test is not None and test.inputs.shape[1:] != train.inputs.shape[1:]:
        raise DataError(
            f"x_test has the shape {test.inputs.shape}, x {train.inputs.shape}; all but the first number must be equal"
        )
    bad = values.unusable(train.inputs)
    kept = np.flatnonzero(values.usable_rows(bad)) if nan == "drop" else np.arange(len(train.codes))
    cleaned, cleaned_test, fill, notes = _without_unusable(train, test, nan)
    if train.inputs.ndim == 2:
        found = _vectors(cleaned, cleaned_test, fill, columns)
    else:
        found = _images(cleaned, cleaned_test, layout)
    return replace(found, notes=notes + found.notes, kept=kept)


def check_shapes(x: NDArray[Any], labels: NDArray[Any], what: str) -> None:
    """Raise DataError when x is not images or vectors, or not as long as its labels, with a hint at transposed axes."""
    if x.ndim not in (2, 3, 4):
        hint = "; a single feature is x.reshape(-1, 1)" if x.ndim == 1 else ""
        raise DataError(
            f"{what} has the shape {x.shape}; expected vectors (n, features) or images (n, channels, height, width) "
            f"or (n, height, width){hint}"
        )
    if len(x) != len(labels):
        hint = ""
        if len(labels) in x.shape[1:]:
            axis = x.shape.index(len(labels))
            hint = f"; axis {axis} of {what} has that length: np.moveaxis({what}, {axis}, 0) puts it first"
        raise DataError(
            f"{what} of shape {x.shape} holds {len(x):,} examples, but there are {len(labels):,} labels{hint}"
        )
    if 0 in x.shape:
        raise DataError(f"{what} has the shape {x.shape}: there is nothing in it")


def _without_unusable(
    train: Raw, test: Raw | None, nan: str
) -> tuple[Raw, Raw | None, NDArray[np.float64] | None, tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    fill: NDArray[np.float64] | None = None
    cleaned: list[Raw | None] = []
    for raw, which in ((train, "x"), (test, "x_test")):
        if raw is None:
            cleaned.append(None)
            continue
        values.refuse_huge(raw.inputs, which)
        bad = values.unusable(raw.inputs)
        if bad.any() and (nan == "error" or (nan == "impute-median" and raw.inputs.ndim > 2)):
            values.refuse_unusable(bad, which)
        if bad.any() and nan == "drop":
            keep = values.usable_rows(bad)
            notes += (
                f"{int((~keep).sum()):,} of {len(keep):,} rows of {which} hold NaN or infinity and were left out",
            )
            raw = Raw(raw.inputs[keep], raw.codes[keep])
        if nan == "impute-median" and raw.inputs.ndim == 2:
            fill = values.medians(raw.inputs) if fill is None else fill
            if bad.any():
                notes += (f"{int(bad.sum()):,} NaN or infinite values of {which} became their column's median",)
            raw = Raw(values.filled(raw.inputs, bad, fill), raw.codes)
        cleaned.append(raw)
    first = cleaned[0]
    assert first is not None
    if not len(first.codes):
        raise DataError("every row of x holds NaN or infinity, so that none is left")
    return first, cleaned[1], fill, notes


def _vectors(train: Raw, test: Raw | None, fill: NDArray[np.float64] | None, columns: Sequence[str] | None) -> Found:
    subtract = features.offsets(train.inputs)
    notes = features.column_notes(train.inputs, subtract, columns)
    done, done_test = (
        None if raw is None else Prepared(features.as_float32(raw.inputs, subtract), raw.codes) for raw in (train, test)
    )
    assert done is not None

    def preparation(own: Own) -> Preparation:
        offsets, medians = (None if each is None else tuple(each.tolist()) for each in (subtract, fill))
        return Vectors(train.inputs.shape[1], own, offsets, medians)

    return Found(done, done_test, notes, preparation, train.inputs, None if test is None else test.inputs, np.arange(0))


def _images(train: Raw, test: Raw | None, layout: str) -> Found:
    layout, notes = pixels.layout_of(train.inputs.shape, layout)
    usual = pixels.range_of(train.inputs)
    scale = pixels.scale_of(train.inputs, usual)
    notes += scale.notes
    done, done_test = (
        None if raw is None else Prepared(_stored(raw.inputs, layout, scale), raw.codes) for raw in (train, test)
    )
    assert done is not None
    if test is not None:
        kinds = train.inputs.dtype.kind + test.inputs.dtype.kind
        notes += pixels.range_note(usual, pixels.range_of(test.inputs), kinds)

    def preparation(own: Own) -> Preparation:
        plain = None if train.inputs.dtype == np.uint8 else scale.values
        return Pictures(done.inputs.shape[1:], own, layout=layout, scale=plain, eight_bits=scale.is_plain)

    return Found(done, done_test, notes, preparation, train.inputs, None if test is None else test.inputs, np.arange(0))


def _stored(x: NDArray[Any], layout: str, scale: pixels.Scale) -> NDArray[np.uint8]:
    """Images as uint8, by the function that an exported model has, too."""
    return images.scaled(images.moved(as_tensor(x), layout), scale.values).numpy()
