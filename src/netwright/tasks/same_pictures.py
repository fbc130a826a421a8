"""Pictures that occur more than once in a data set: in two classes, or in the training and the test split alike."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

_SHOWN = 2


def notes_on(
    inputs: Sequence[NDArray[np.uint8]],
    codes: NDArray[np.int64],
    is_test: NDArray[np.bool_],
    validation: NDArray[np.int64] | None,
    class_names: Sequence[str],
    name: Callable[[int], str],
) -> tuple[str, ...]:
    """What to know of equal pictures, a sentence each; none where all differ.

    inputs: uint8 pictures (n, ...), in parts; what follows counts over all of them.
    is_test: which are test pictures.
    validation: places of a validation split that came with the data.
    name: what one is called.
    """
    groups = [group for group in _equal(inputs) if len(group) > 1]
    if not groups:
        return ()
    held = np.zeros(len(codes), dtype=bool)
    held[[] if validation is None else validation] = True
    mixed = [group for group in groups if len({*codes[group].tolist()}) > 1]
    trained = [[i for i in group if not is_test[i]] for group in groups]
    notes = _in_two_classes(mixed, codes, class_names, name)
    tested = [[i for i in group if is_test[i]] for group in groups]
    notes += _in_both("test", int(is_test.sum()), trained, tested, name)
    if validation is not None:
        ours, theirs = ([[i for i in group if held[i] == flag] for group in trained] for flag in (False, True))
        notes += _in_both("validation", int(held.sum()), ours, theirs, name)
    again = sum(max(0, len(group) - 1) for group in trained)
    if again and validation is None:
        notes += (f"{again:,} of the training images are copies of others, which validation may see, too",)
    return notes


def _equal(inputs: Sequence[NDArray[np.uint8]]) -> list[list[int]]:
    found: dict[bytes, list[int]] = defaultdict(list)
    place = 0
    for part in inputs:
        for picture in part:
            found[hashlib.blake2b(picture.tobytes(), digest_size=16).digest()].append(place)
            place += 1
    return list(found.values())


def _in_two_classes(
    groups: list[list[int]], codes: NDArray[np.int64], class_names: Sequence[str], name: Callable[[int], str]
) -> tuple[str, ...]:
    if not groups:
        return ()
    shown = []
    for group in groups[:_SHOWN]:
        other = next(i for i in group if codes[i] != codes[group[0]])
        shown.append(" and ".join(f"{name(i)} ({class_names[codes[i]]})" for i in (group[0], other)))
    what = "picture occurs" if len(groups) == 1 else "pictures occur"
    return (
        f"warning: {len(groups):,} {what} in more than one class, such as {'; '.join(shown)}: no network can "
        "tell these, leave each in one class",
    )


def _in_both(
    split: str, total: int, ours: list[list[int]], theirs: list[list[int]], name: Callable[[int], str]
) -> tuple[str, ...]:
    both = [(mine, other) for mine, other in zip(ours, theirs, strict=True) if mine and other]
    count = sum(len(other) for _, other in both)
    if not count:
        return ()
    found = f"{count:,} of the {total:,} {split} images {'is' if count == 1 else 'are'} in the training split, too"
    shown = "; ".join(f"{name(other[0])} as {name(mine[0])}" for mine, other in both[:_SHOWN])
    return (
        f"warning: {found} (the same pixels, such as "
        f"{shown}): accuracy on them says little, remove the copies from one of the two",
    )
