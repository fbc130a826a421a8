"""Several labels in one text, such as "red; round": what separates them, and which there are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, nearest
from netwright.core.wording import listed
from netwright.tasks.portable.cells import is_missing

SEPARATORS = ("|", ";", ",")
_SHOWN = 8
_MOST = 1000  # labels


def separator_of(texts: Sequence[str]) -> str | None:
    """What separates labels in these texts; None where each is one class.

    texts: the different ones.

    Labels are fewer than their combinations, and come alone or in several of them: "red|blue", "red", "blue|green" are
    labels, "Rome, IT", "Oslo, NO" are not.
    """
    for separator in SEPARATORS:
        combined = [each for each in texts if separator in each]
        sets = [parts(each, separator) for each in texts]
        labels = {label for each in sets for label in each}
        if combined and len(labels) < len(sets) and _all_recur(sets, labels) and _of_any_number(sets):
            return separator
    return None


def _all_recur(sets: Sequence[Sequence[str]], labels: set[str]) -> bool:
    """Whether most labels are in several of the texts."""
    seen = [label for each in sets for label in set(each)]
    once = sum(seen.count(label) == 1 for label in labels) if len(labels) <= _MOST else len(labels)
    return once <= len(labels) // 3


def _of_any_number(sets: Sequence[Sequence[str]]) -> bool:
    """Whether texts hold different numbers of labels, which places of one address do not."""
    return len({len(each) for each in sets}) > 1


def parts(text: str, separator: str) -> list[str]:
    """The labels in a text, none in an empty one."""
    if is_missing(text):
        return []
    return [each.strip() for each in text.split(separator) if each.strip()]


def label_names(texts: Sequence[str], separator: str, what: str) -> tuple[str, ...]:
    """The labels that there are, sorted; DataError for fewer than two, and for too many."""
    names = sorted({label for each in texts for label in parts(each, separator)})
    if len(names) < 2:
        found = f"only {names[0]!r}" if names else "none"
        raise DataError(
            f"several labels need at least 2 of them, but the {what}, separated by {separator!r}, hold {found}"
        )
    if len(names) > _MOST:
        raise DataError(
            f"the {what} hold {len(names):,} different labels between {separator!r}, at most {_MOST:,} are learnt: "
            f"{listed(names, _SHOWN)}"
        )
    return tuple(names)


def label_rows(texts: Sequence[str], separator: str, names: Sequence[str], what: str) -> NDArray[np.uint8]:
    """1 for each label of each text: (texts, names). DataError for a label that is none of `names`."""
    number = {name: i for i, name in enumerate(names)}
    found = np.zeros((len(texts), len(names)), dtype=np.uint8)
    for row, text in enumerate(texts):
        for label in parts(text, separator):
            if label not in number:
                raise DataError(
                    f"the {what} hold the label {label!r}, which the training examples do not"
                    f"{nearest(label, names)}; they know {listed(names, _SHOWN)}"
                )
            found[row, number[label]] = 1
    return found
