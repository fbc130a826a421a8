"""Which trials of a log with gaps a search can go on from: those up to its last moment of which everything is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netwright.store.numbers import to_json
from netwright.store.rows import COLUMNS, RUNNING

AFTER_THE_GAP = "after_the_gap"  # the document that keeps what cannot be gone on from
Row = tuple[Any, ...]
_NUMBER, _ASKED, _TOLD, _STATE, _PURPOSE, _METRICS, _STARTED = (
    COLUMNS.index(name) for name in ("number", "asked", "told", "state", "purpose", "metrics", "started")
)
_UNKNOWN = ("{}", "[]", None, "[]", 0.0, "", "", "")  # from metrics to traceback, of a trial under way


def resumable(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows of a run's trials from which it can be resumed, in order, and those that are left out or begun again.

    Trials were asked in the order of their numbers. So one that is missing takes all later ones with it; and an end
    that is missing takes what was asked or ended after it. Trials that had been asked before then are under way again.
    """
    rows = sorted(rows, key=lambda row: row[_NUMBER])
    known = [row for place, row in enumerate(rows) if row[_NUMBER] == place]
    ended = {row[_TOLD] for row in known}
    told = next(count for count in range(len(known) + 1) if count not in ended)
    kept: list[Row] = []
    for row in known:
        if row[_ASKED] > told:
            break
        if row[_TOLD] is None or row[_TOLD] < told:
            kept.append(row)
        elif row[_PURPOSE] == "evaluate":
            kept.append(_under_way(row))
        else:
            break  # an epoch of shared weights is trained anew
    return kept, [row for place, row in enumerate(rows) if place >= len(kept) or kept[place] is not row]


def _under_way(row: Row) -> Row:
    """The row as it was before the trial ended."""
    values = list(row)
    values[_TOLD], values[_STATE] = None, RUNNING
    values[_METRICS:_STARTED] = _UNKNOWN
    values[COLUMNS.index("ended")] = None
    return tuple(values)


def as_document(rows: Sequence[Row]) -> str:
    """What is known of trials that had ended, as JSON."""
    names = COLUMNS[_NUMBER:]
    return to_json([dict(zip(names, row[_NUMBER:-1], strict=True)) for row in rows if row[_TOLD] is not None])
