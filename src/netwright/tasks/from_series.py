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
from netwright.core.spelling import option
from netwright.core.task import Examples
from netwright.tasks.archives import Arrays
from netwright.tasks.asked import Wish, understood, understood_as
from netwright.tasks.from_npz import PLAIN_KEYS, TEST_KEYS, TRAIN_KEYS, pair_of
from netwright.tasks.given_paths import existing
from netwright.tasks.portable.series import stacked
from netwright.tasks.raw_series import SeriesOf, Stored
from netwright.tasks.remaking import remakeable
from netwright.tasks.series_files import Found, read_rows, read_ts
from netwright.tasks.splits import TEST, divided, limited
from netwright.tasks.task import Task

LAYOUTS = ("auto", "channels-first", "channels-last")
UNEQUAL = ("error", "pad", "cut")
_LONGER = 4  # times as many times as channels, by which arrays of numbers are told from pictures


@remakeable("series")
@kinds_checked
def series(
    path: str | os.PathLike[str],
    *,
    series: bool | str | int = True,
    target: str | int | None = None,
    time_column: str | int | None = None,
    test: str | os.PathLike[str] | None = None,
    problem: str | None = None,
    loss: str | None = None,
    class_weights: str | Sequence[float] | None = None,
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
    time_column: of a table, the column by which the rows of a series ascend; None for the order of the file.
    test: a second file with the test split.
    problem: "classification", "labels" (several an example) or "regression"; found out unless given.
    loss, class_weights: as of `csv`.
    layout: which axis of x comes first; told by the lengths where it is "auto".
    unequal: what is done with series of different lengths: "error" names one, "pad" fills short ones at the end, with a
        channel more that says what is there, "cut" cuts all to the shortest.
    drop: columns of a table to leave out.
    header, delimiter: of a table, found out unless given.
    limit, test_share, split_seed: as of `csv`.

    Raises UserError for an unknown column, DataError for what cannot be read, in one line.
    """
    for name, value, known in (("layout", layout, LAYOUTS), ("unequal", unequal, UNEQUAL)):
        one_of("", name, value, known)
    part("", "test_share", test_share)
    place = existing(path, "file", "a file of series (.npz, .ts or .csv)")
    options = {
        "series": series,
        "target": target,
        "time": time_column,
        "drop": drop,
        "header": header,
        "delimiter": delimiter,
    }
    found, theirs = _read(place, layout, **options)
    if test is not None:
        theirs, _ = _read(existing(test, "file", "a file of series"), layout, **options)
    wish = Wish("regression" if found.numbers and problem is None else problem, loss, class_weights)
    asked = understood(_targets(found), wish, what=f"targets in {place.name}")
    targets, notes = asked.values, (*found.notes, *asked.notes)
    kept = np.arange(len(found.series))
    if theirs is None:
        if limit is not None:
            kept, _, more = limited(asked.strata(targets), None, limit, split_seed)
            notes += more
        asked.problem.require(targets[kept], 3, "one each to train, to validate and to test on")
        aside, rest = divided(asked.strata(targets[kept]), test_share, split_seed, TEST)
        kept, aside = kept[np.sort(rest)], kept[aside]
        notes += (
            f"no test split came with the data: {len(aside):,} of {len(aside) + len(kept):,} series were set aside for "
            f"the final test (split seed {split_seed})",
        )
        tested, answers = [found.series[i] for i in aside.tolist()], targets[aside]
        places = [found.places[i] for i in aside.tolist()]
    else:
        tested, places = theirs.series, theirs.places
        answers = understood_as(_targets(theirs), asked, "test targets")
    learnt = [found.series[i] for i in kept.tolist()]
    length, done, more = _length([*learnt, *tested], found, unequal, place.name)
    means, gaps, more_of_gaps = _gaps(learnt, tested, length)
    masked = done == "pad" or gaps
    inputs = [stacked(each, length, means, masked=masked) for each in (learnt, tested)]
    fitted = asked.problem.fitted(targets[kept])
    ours, held_out = (
        Examples(torch.from_numpy(x), torch.from_numpy(np.asarray(fitted.stored(y))))
        for x, y in zip(inputs, (targets[kept], answers), strict=True)
    )
    reader = found.reader if theirs is None else theirs.reader
    raw = SeriesOf(found.reader, reader, places, length, means, masked, done)
    return Task(place.stem, ours, held_out, fitted, notes=(*notes, *more, *more_of_gaps), preparation=raw)


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
    x, y = given, _ = np.asarray(stored[first]), np.asarray(stored[second])
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
    return Found([*x.astype(np.float64)], y, names, Stored(given, last), range(len(x)), notes=(note,))


def is_series(path: Path) -> bool:
    """Whether the inputs in an .npz file are series: numbers, with many more times than channels."""
    try:
        stored = Arrays(path)
        shape, kind = stored.form(pair_of(stored, (*TRAIN_KEYS, *PLAIN_KEYS), str(path))[0])
    except (DataError, OSError, ValueError):
        return False
    return kind == "f" and len(shape) == 3 and max(shape[1:]) >= _LONGER * min(shape[1:])


# What is asked for.


def _targets(found: Found) -> NDArray[Any]:
    """The targets as they were read; texts that are all numbers as these."""
    try:
        return found.targets.astype(np.float64) if found.targets.dtype.kind == "U" else found.targets
    except ValueError:
        return found.targets


# Lengths and gaps.


def _length(
    series: Sequence[NDArray[np.float64]], found: Found, unequal: str, file: str
) -> tuple[int, str, tuple[str, ...]]:
    """How many times there are; what is done with series of others: "error", "pad" or "cut"; and what is said of it."""
    channels = {len(each) for each in series}
    if len(channels) > 1:
        raise DataError(
            f"the test split has {max(channels)} channels, or the training split has; found {sorted(channels)}"
        )
    lengths = np.array([each.shape[1] for each in series])
    values, counts = np.unique(lengths, return_counts=True)
    if len(values) == 1:
        return int(values[0]), "error", ()
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
            f"{file}: {who} times, most have {usual:,} ({int((lengths != usual).sum()):,} of {len(lengths):,} differ): "
            f"{option('unequal', 'pad')} fills short ones, {option('unequal', 'cut')} cuts all to {int(values[0]):,}"
        )
    if unequal == "cut":
        return int(values[0]), "cut", (f"all series were cut to the shortest, {int(values[0]):,} times",)
    said = f"series have {int(values[0]):,} to {int(values[-1]):,} times: short ones are filled at the end, "
    return int(values[-1]), "pad", (said + "and a channel more says where values are",)


def _gaps(
    learnt: Sequence[NDArray[np.float64]], tested: Sequence[NDArray[np.float64]], length: int
) -> tuple[tuple[float, ...], bool, tuple[str, ...]]:
    """The mean of each channel over what is trained on, whether values are missing, and what is said of it."""
    gaps = sum(bool(np.isnan(each[:, :length]).any()) for each in (*learnt, *tested))
    joined = np.concatenate([each[:, :length] for each in learnt], 1)
    if np.isinf(joined).any():
        raise DataError("the series hold infinite values; replace them")
    if np.isnan(joined).all(1).any():
        raise DataError(
            f"channel {int(np.isnan(joined).all(1).argmax())} has no value in any training series; leave it out"
        )
    notes = (f"{gaps:,} series have missing values: they have the channel's mean, and a channel more says so",)
    return tuple(np.nanmean(joined, 1).tolist()), gaps > 0, notes if gaps else ()
