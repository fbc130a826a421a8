"""A class or numbers for each series: arrays, .ts files, and tables with a row a time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.core.checks import one_of, part
from netwright.core.errors import DataError, UserError
from netwright.core.kinds import kinds_checked
from netwright.core.problem import Problem
from netwright.core.spelling import option
from netwright.core.task import Examples
from netwright.problems.classification import Classification
from netwright.problems.regression import Regression
from netwright.tasks.archives import Arrays
from netwright.tasks.class_labels import encode
from netwright.tasks.from_npz import PLAIN_KEYS, TEST_KEYS, TRAIN_KEYS, pair_of
from netwright.tasks.given_paths import existing
from netwright.tasks.remaking import remakeable
from netwright.tasks.series_files import Found, read_rows, read_ts
from netwright.tasks.splits import TEST, divided, limited
from netwright.tasks.task import Task

LAYOUTS = ("auto", "channels-first", "channels-last")
UNEQUAL = ("error", "pad", "cut")
ASKED = ("auto", "classes", "numbers")
_MOST_CLASSES = 50
_FEWEST_EACH = 2  # series of a class, below which whole numbers are numbers
_LONGER = 4  # times as many times as channels, by which arrays of numbers are told from pictures


@remakeable("series")
@kinds_checked
def series(
    path: str | os.PathLike[str],
    *,
    series: bool | str | int = True,
    target: str | int | None = None,
    time: str | int | None = None,
    test: str | os.PathLike[str] | None = None,
    asked: Literal["auto", "classes", "numbers"] = "auto",
    layout: Literal["auto", "channels-first", "channels-last"] = "auto",
    unequal: Literal["error", "pad", "cut"] = "error",
    drop: Sequence[str] = (),
    header: bool | None = None,
    delimiter: str | None = None,
    limit: int | float | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
) -> Task:
    """A task of series: a class, or numbers, for each.

    path: an .npz file with x (n, channels, times) or (n, times, channels) and y; a .ts file; or a table with a row a
        time, in which `series` names the column that says to which series a row belongs.
    series: that column; True for the other files.
    target: of a table, the column of what is asked for.
    time: of a table, the column by which the rows of a series ascend; None for the order of the file.
    test: a second file with the test split.
    asked: "classes", "numbers", or "auto" to tell by the targets.
    layout: which axis of x comes first; told by the lengths where it is "auto".
    unequal: what is done with series of different lengths: "error" names one, "pad" fills short ones at the end, with a
        channel more that says what is there, "cut" cuts all to the shortest.
    drop: columns of a table to leave out.
    header, delimiter: of a table, found out unless given.
    limit, test_share, split_seed: as of `csv`.

    Raises UserError for an unknown column, DataError for what cannot be read, in one line.
    """
    for name, value, known in (("asked", asked, ASKED), ("layout", layout, LAYOUTS), ("unequal", unequal, UNEQUAL)):
        one_of("", name, value, known)
    part("", "test_share", test_share)
    place = existing(path, "file", "a file of series (.npz, .ts or .csv)")
    options = {"series": series, "target": target, "time": time, "drop": drop, "header": header, "delimiter": delimiter}
    found, theirs = _read(place, layout, **options)
    if test is not None:
        theirs, _ = _read(existing(test, "file", "a file of series"), layout, **options)
    problem, targets, said = _asked(found, asked)
    notes = (*found.notes, *said)
    kept = np.arange(len(found.series))
    if theirs is None:
        if limit is not None:
            kept, _, more = limited(problem.strata(problem.fitted(targets).stored(targets)), None, limit, split_seed)
            notes += more
        strata = problem.strata(problem.fitted(targets[kept]).stored(targets[kept]))
        problem.require(targets[kept], 3, "one each to train, to validate and to test on")
        aside, rest = divided(strata, test_share, split_seed, TEST)
        kept, aside = kept[np.sort(rest)], kept[aside]
        notes += (
            f"no test split came with the data: {len(aside):,} of {len(aside) + len(kept):,} series were set aside for "
            f"the final test (split seed {split_seed})",
        )
        tested, answers = [found.series[i] for i in aside.tolist()], targets[aside]
    else:
        tested, answers = theirs.series, _answers(theirs, problem, found)
    learnt = [found.series[i] for i in kept.tolist()]
    length, names, more = _length([*learnt, *tested], found, unequal)
    inputs, more_of_gaps = _filled(learnt, tested, length, masked=bool(names))
    problem = problem.fitted(targets[kept])
    ours, held_out = (
        Examples(torch.from_numpy(x), torch.from_numpy(np.asarray(problem.stored(y))))
        for x, y in zip(inputs, (targets[kept], answers), strict=True)
    )
    return Task(place.stem, ours, held_out, problem, notes=(*notes, *more, *more_of_gaps))


# Reading.


def _read(place: Path, layout: str, **options: Any) -> tuple[Found, Found | None]:
    """The series of a file, and those of a test split where it holds one."""
    ending = place.suffix.lower()
    if ending == ".ts":
        return read_ts(place), None
    if ending == ".npz":
        return _arrays(place, layout)
    column = options.pop("series")
    if isinstance(column, bool):
        raise UserError(
            f"which column of {place.name} says to which series a row belongs? Give {option('series', 'COLUMN')}; each "
            "row is one time"
        )
    return read_rows(place, column, **options), None


def _arrays(place: Path, layout: str) -> tuple[Found, Found | None]:
    stored = Arrays(place)
    train = _pair(stored, (*TRAIN_KEYS, *PLAIN_KEYS), layout)
    keys = stored.lower()
    there = [pair for pair in TEST_KEYS if set(pair) <= set(keys)]
    return train, _pair(stored, there, layout) if there else None


def _pair(stored: Arrays, pairs: Sequence[tuple[str, str]], layout: str) -> Found:
    first, second = pair_of(stored, pairs, str(stored.path))
    x, y = np.asarray(stored[first]), np.asarray(stored[second])
    if x.ndim == 2:
        x = x[:, None]
    if x.ndim != 3 or x.dtype.kind not in "biuf":
        raise DataError(
            f"{stored.path.name}: {first} of shape {x.shape} and type {x.dtype} is no series; expected numbers of the "
            "shape (n, channels, times) or (n, times, channels)"
        )
    if len(x) != len(y):
        raise DataError(f"{stored.path.name}: {first} holds {len(x):,} series, but {second} {len(y):,} targets")
    last = layout == "channels-last" or (layout == "auto" and x.shape[1] > x.shape[2])
    x = np.moveaxis(x, 2, 1) if last else x
    other = option("layout", "channels-first" if last else "channels-last")
    note = (
        f"read as {len(x):,} series of {x.shape[1]} channels and {x.shape[2]:,} times; {other} if it is the other way"
    )
    names = [f"series {i}" for i in range(len(x))]
    return Found([*x.astype(np.float64)], y, names, [f"channel {i}" for i in range(x.shape[1])], notes=(note,))


def is_series(path: Path) -> bool:
    """Whether the inputs in an .npz file are series: numbers, with many more times than channels."""
    try:
        stored = Arrays(path)
        shape, kind = stored.form(pair_of(stored, (*TRAIN_KEYS, *PLAIN_KEYS), str(path))[0])
    except (DataError, OSError, ValueError):
        return False
    return kind == "f" and len(shape) == 3 and max(shape[1:]) >= _LONGER * min(shape[1:])


# What is asked for.


def _asked(found: Found, asked: str) -> tuple[Problem, NDArray[Any], tuple[str, ...]]:
    """The problem, the targets in the user's units, and what is said of them."""
    y = found.targets
    numbers = _as_numbers(y)
    if asked == "auto":
        asked = "numbers" if found.numbers or _are_measured(y, numbers) else "classes"
        other = option("asked", "classes" if asked == "numbers" else "numbers")
        notes: tuple[str, ...] = (f"the targets are {asked}; {other} if they are not",)
    else:
        notes = ()
    if asked == "classes":
        labels = encode(y if numbers is None else numbers.reshape(-1), what="targets")
        return Classification(labels.names), labels.codes, (*notes, *labels.notes)
    if numbers is None:
        raise DataError(f"the target {next(each for each in y.tolist() if _number(each) is None)!r} is no number")
    if not np.isfinite(numbers).all():
        raise DataError(f"the target of {found.names[int(np.argwhere(~np.isfinite(numbers))[0, 0])]} is missing")
    columns = numbers.reshape(len(numbers), -1)
    names = ("target",) if columns.shape[1] == 1 else tuple(f"target {i}" for i in range(columns.shape[1]))
    return Regression(names), columns, notes


def _are_measured(y: NDArray[Any], numbers: NDArray[np.float64] | None) -> bool:
    """Whether targets are numbers, not classes: several each, or fractions, or many different ones."""
    if numbers is None:
        return False
    if numbers.ndim > 1 and numbers.shape[1] > 1:
        return True
    values, counts = np.unique(numbers, return_counts=True)
    whole = bool((values == np.round(values)).all())
    return not whole or len(values) > _MOST_CLASSES or float(np.median(counts)) < _FEWEST_EACH


def _as_numbers(y: NDArray[Any]) -> NDArray[np.float64] | None:
    if y.dtype.kind in "biuf":
        return y.astype(np.float64)
    found = [_number(each) for each in y.tolist()]
    return None if None in found else np.array(found, dtype=np.float64)


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def _answers(theirs: Found, problem: Problem, ours: Found) -> NDArray[Any]:
    """The targets of a test split, as those of the training split are numbered."""
    numbers = _as_numbers(theirs.targets)
    if not isinstance(problem, Classification):
        if numbers is None:
            raise DataError("the test split has targets that are no numbers")
        return numbers.reshape(len(numbers), -1)
    names = [
        str(each)
        for each in encode(ours.targets if _as_numbers(ours.targets) is None else _as_numbers(ours.targets)).names
    ]
    plain = encode_names(theirs.targets if numbers is None else numbers)
    unknown = sorted(set(plain) - set(names))
    if unknown:
        raise DataError(f"the test split has the class {unknown[0]!r}, which no training series has")
    return np.array([names.index(each) for each in plain])


def encode_names(y: Any) -> list[str]:
    """Each label by its name."""
    array = np.asarray(y)
    if array.dtype.kind == "f" and (array == np.round(array)).all():
        array = array.astype(np.int64)
    return [str(each) for each in array.reshape(-1).tolist()]


# Lengths and gaps.


def _length(
    series: Sequence[NDArray[np.float64]], found: Found, unequal: str
) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """How many times there are; a name for the mask where some have fewer; and what is said of it."""
    channels = {len(each) for each in series}
    if len(channels) > 1:
        raise DataError(
            f"the test split has {max(channels)} channels, or the training split has; found {sorted(channels)}"
        )
    lengths = np.array([each.shape[1] for each in series])
    values, counts = np.unique(lengths, return_counts=True)
    if len(values) == 1:
        return int(values[0]), (), ()
    if unequal == "error" and not found.may_differ:
        usual = int(values[counts.argmax()])
        own = [each.shape[1] for each in found.series]
        odd = next((i for i, each in enumerate(own) if each != usual), None)
        who = (
            f"a series of the test split has {int(lengths.min()):,}"
            if odd is None
            else f"{found.names[odd]} has {own[odd]:,}"
        )
        raise DataError(
            f"{who} times, most have {usual:,} ({int((lengths != usual).sum()):,} of {len(lengths):,} differ): "
            f"{option('unequal', 'pad')} fills short ones, {option('unequal', 'cut')} cuts all to {int(values[0]):,}"
        )
    if unequal == "cut":
        return int(values[0]), (), (f"all series were cut to the shortest, {int(values[0]):,} times",)
    said = f"series have {int(values[0]):,} to {int(values[-1]):,} times: short ones are filled at the end, "
    return int(values[-1]), ("there",), (said + "and a channel more says where values are",)


def _filled(
    learnt: Sequence[NDArray[np.float64]], tested: Sequence[NDArray[np.float64]], length: int, *, masked: bool
) -> tuple[list[NDArray[np.float32]], tuple[str, ...]]:
    """Both splits as float32 (n, channels, length); gaps have their channel's mean over what is trained on."""
    gaps = sum(bool(np.isnan(each[:, :length]).any()) for each in (*learnt, *tested))
    joined = np.concatenate([each[:, :length] for each in learnt], 1)
    if np.isinf(joined).any():
        raise DataError("the series hold infinite values; replace them")
    if np.isnan(joined).all(1).any():
        raise DataError(
            f"channel {int(np.isnan(joined).all(1).argmax())} has no value in any training series; leave it out"
        )
    means = np.nanmean(joined, 1)
    masked = masked or gaps > 0
    notes = (
        (f"{gaps:,} series have missing values: they have the channel's mean, and a channel more says so",)
        if gaps
        else ()
    )
    return [_stacked(each, length, means, masked=masked) for each in (learnt, tested)], notes


def _stacked(
    series: Sequence[NDArray[np.float64]], length: int, means: NDArray[np.float64], *, masked: bool
) -> NDArray[np.float32]:
    channels = len(means)
    x = np.empty((len(series), channels + masked, length), dtype=np.float32)
    x[:, :channels] = means[:, None]
    if masked:
        x[:, channels] = 0
    for row, each in zip(x, series, strict=True):
        times = min(length, each.shape[1])
        there = ~np.isnan(each[:, :times])
        row[:channels, :times][there] = each[:, :times][there]
        if masked:
            row[channels, :times] = there.all(0)
    return x
