"""Stratified splits: every class keeps its share on both sides, and the same seed always gives the same split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError
from netwright.core.randomness import derived_seed

_LEAST_TEST = 1000
VALIDATION, TEST, LIMIT = 1, 2, 3  # what a split is for: three purposes with one seed are three independent splits

Indices = NDArray[np.int64]


def split(labels: Indices, share: float, seed: int, purpose: int) -> tuple[Indices, Indices]:
    """Set a share of the examples aside: (set aside, the rest), as indices into `labels`.

    Each class gives its share rounded, at least one example and never all of them. The rest is ordered so that each
    beginning of it is stratified too, and holds every class once it is as long as there are classes.
    Raises UserError for a share outside 0..1 and DataError for a class with one example.
    """
    if not 0 < share < 1:
        raise UserError(f"the share that is set aside must lie between 0 and 1, found {share!r}; 0.1 is usual")
    groups = shuffled_classes(labels, seed, purpose)
    aside = allot([len(group) for group in groups], share)
    first = [group[:count] for group, count in zip(groups, aside, strict=True)]
    rest = [group[count:] for group, count in zip(groups, aside, strict=True)]
    return np.sort(np.concatenate(first)), interleave(rest)


def divided(
    strata: Indices,
    share: float,
    seed: int,
    purpose: int,
    *,
    groups: Indices | None = None,
    by_time: bool = False,
) -> tuple[Indices, Indices]:
    """Set a share of the examples aside as `split` does, but whole groups, or the last in time: (aside, the rest).

    strata: a number each; those of one number keep their share on both sides.
    share, seed, purpose: as of `split`.
    groups: a number each; those of one number are on one side. A share of the groups is drawn, whatever their strata.
    by_time: the examples are in the order of time, and the last ones are set aside; with groups, the groups whose last
        example is latest.

    Raises UserError for a share outside 0..1, and DataError where all examples are of one group.
    """
    if groups is None and not by_time:
        return split(strata, share, seed, purpose)
    if not 0 < share < 1:
        raise UserError(f"the share that is set aside must lie between 0 and 1, found {share!r}; 0.1 is usual")
    places = np.arange(len(strata))
    names, of_each = np.unique(places if groups is None else groups, return_inverse=True)
    if len(names) < 2:
        raise DataError("all examples are of one group, so that none can be set aside; give more groups, or none")
    generator = np.random.Generator(np.random.Philox(key=derived_seed(seed, purpose)))
    order = generator.permutation(len(names))
    if by_time:
        last = np.zeros(len(names), dtype=np.int64)
        np.maximum.at(last, of_each, places)
        order = np.argsort(-last, kind="stable")
    sizes = np.bincount(of_each)[order].cumsum()
    count = int(np.abs(sizes[:-1] - share * len(strata)).argmin()) + 1
    is_aside = np.isin(of_each, order[:count])
    aside, rest = np.flatnonzero(is_aside), np.flatnonzero(~is_aside)
    return aside, rest[interleave(shuffled_classes(strata[rest], seed, purpose))]


def folded(strata: Indices, count: int, seed: int, purpose: int, groups: Indices | None = None) -> list[Indices]:
    """Divide the examples into folds of nearly equal size: of each its places, in their order.

    strata: a number each; those of one number are spread evenly over the folds.
    count: how many folds, at least 2.
    seed, purpose: as of `split`.
    groups: a number each; those of one number are in one fold, and the largest groups are dealt first, each to the
        smallest fold, whatever their strata.

    Raises DataError for fewer examples, or groups, than folds.
    """
    names, of_each = np.unique(np.arange(len(strata)) if groups is None else groups, return_inverse=True)
    if len(names) < count:
        what = "examples" if groups is None else "groups"
        raise DataError(f"{count} folds need at least {count} {what}, found {len(names)}; give fewer folds")
    if groups is None:
        dealt = np.concatenate(shuffled_classes(strata, seed, purpose))
        return [np.sort(dealt[start::count]) for start in range(count)]
    generator = np.random.Generator(np.random.Philox(key=derived_seed(seed, purpose)))
    order = generator.permutation(len(names))
    sizes = np.bincount(of_each)
    fold_of, filled = np.zeros(len(names), dtype=np.int64), [0] * count
    for group in order[np.argsort(-sizes[order], kind="stable")]:
        smallest = filled.index(min(filled))
        fold_of[group], filled[smallest] = smallest, filled[smallest] + int(sizes[group])
    return [np.flatnonzero(fold_of[of_each] == fold) for fold in range(count)]


def ordered(labels: Indices, aside: Indices, seed: int, purpose: int) -> Indices:
    """All places in `labels` but those set aside, in an order of which each beginning is stratified."""
    rest = np.delete(np.arange(len(labels)), aside)
    return rest[interleave(shuffled_classes(labels[rest], seed, purpose))]


def pick(labels: Indices, count: int, seed: int) -> Indices:
    """A stratified choice of `count` examples (at least one a class), as sorted indices into `labels`."""
    groups = shuffled_classes(labels, seed, LIMIT)
    return np.sort(interleave(groups)[: max(count, len(groups))])


def shuffled_classes(labels: Indices, seed: int, purpose: int) -> list[Indices]:
    """The indices of each class that occurs, in a random order."""
    generator = np.random.Generator(np.random.Philox(key=derived_seed(seed, purpose)))
    order = generator.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    boundaries = np.flatnonzero(np.diff(labels[order])) + 1
    return np.split(order, boundaries)


def allot(counts: Sequence[int], share: float) -> list[int]:
    """How many each class gives: the largest remainders are rounded up, within 1..count-1."""
    if min(counts) < 2:
        raise DataError("a class with one example cannot be in both parts of a split")
    exact = np.asarray(counts) * share
    given = np.floor(exact).astype(int)
    missing = round(sum(counts) * share) - int(given.sum())
    given[np.argsort(given - exact, kind="stable")[:missing]] += 1
    return np.clip(given, 1, np.asarray(counts) - 1).tolist()


def interleave(groups: Sequence[Indices]) -> Indices:
    """All groups in one order, each spread evenly over it."""
    position = np.concatenate([np.arange(len(group)) / len(group) for group in groups])
    return np.concatenate(groups)[np.argsort(position, kind="stable")]


def kept(total: int, limit: int | float | None) -> int:
    """How many examples of `total` a limit keeps: a whole number is a count, a number up to 1.0 a share."""
    if limit is None:
        return total
    if isinstance(limit, bool) or limit <= 0 or (isinstance(limit, float) and limit > 1):
        raise UserError(f"limit is a number of examples (2000) or a share (0.1), found {limit!r}")
    return min(total, limit) if isinstance(limit, int) else max(1, round(total * limit))


def limited(
    codes: Indices, codes_test: Indices | None, limit: int | float, seed: int
) -> tuple[Indices, Indices | None, tuple[str, ...]]:
    """Which training and test examples a limit keeps, and the sentence that says so.

    The same share of both, but no fewer than 1,000 test examples, so that the final accuracy means something.
    """
    count = kept(len(codes), limit)
    chosen = pick(codes, count, seed)
    if codes_test is None:
        return chosen, None, (f"limit: {len(chosen):,} of {len(codes):,} examples kept",)
    count_test = min(len(codes_test), max(_LEAST_TEST, round(len(codes_test) * count / len(codes))))
    chosen_test = pick(codes_test, count_test, seed)
    note = f"limit: {len(chosen):,} of {len(codes):,} training examples kept"
    return chosen, chosen_test, (f"{note}, {len(chosen_test):,} of {len(codes_test):,} test examples",)
