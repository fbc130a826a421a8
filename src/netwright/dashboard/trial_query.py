"""Which trials a table shows: typed filters, a search, an order, columns and a page, as an address says them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.errors import UserError, nearest
from netwright.core.objective import Constraint
from netwright.core.trial import STATES

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData

PAGE = 50
LARGEST_PAGE = 1000
CHOICE = "choice:"  # before the name of a decision, where it is a column
PLAIN = ("number", "state", "seconds", "fidelity", "parent", "device", "architecture", "reason")


@dataclass(frozen=True)
class TrialQuery:
    """What is shown of the trials of a run.

    search: text that the architecture or the reason contains, in any case.
    states: how they ended; empty for all.
    where: limits on metrics that they keep, as "params <= 50k".
    sort: a column; empty for the order of numbers.
    descending: largest first.
    columns: that are shown; empty for the usual ones.
    page: from 1.
    size: trials on a page.
    rounds: whether rounds of weight sharing are shown beside trials.
    """

    search: str = ""
    states: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    sort: str = ""
    descending: bool = False
    columns: tuple[str, ...] = ()
    page: int = 1
    size: int = PAGE
    rounds: bool = False


@dataclass(frozen=True)
class Found:
    """Rows of a table. places: of the rows on this page. total: how many match. of: how many there are."""

    places: list[int]
    total: int
    of: int
    columns: list[str]
    problems: list[str] = field(default_factory=list[str])


def known_columns(data: RunData) -> list[str]:
    """Every column that a table of this run may have."""
    return [*PLAIN[:2], *data.metrics, *PLAIN[2:], *(f"{CHOICE}{name}" for name in data.choices)]


def usual_columns(data: RunData) -> list[str]:
    """Those that are shown where none were chosen."""
    named = [each.metric for each in data.objectives] + [each.metric for each in data.limits] + ["params"]
    measured = [name for name in dict.fromkeys(named) if name in data.metrics]
    return ["number", "state", *measured, "seconds", "architecture"]


def find(data: RunData, query: TrialQuery, *, everything: bool = False) -> Found:
    """The trials that a query asks for; what of it could not be understood is told and left out.

    everything: all that match, rather than one page of them.
    """
    problems: list[str] = []
    kept = np.ones(len(data), dtype=bool) if query.rounds else data.evaluations.copy()
    total = int(kept.sum())
    if query.states:
        kept &= _in_states(data, query.states, problems)
    for text in query.where:
        kept &= _keeping(data, text, problems)
    if query.search:
        kept &= _containing(data, query.search)
    columns = _columns(data, query.columns, problems)
    places = _ordered(data, np.flatnonzero(kept), query, problems)
    first = (query.page - 1) * query.size
    shown = places if everything else places[first : first + query.size]
    return Found([int(each) for each in shown], len(places), total, columns, problems)


def _in_states(data: RunData, states: Sequence[str], problems: list[str]) -> np.ndarray:
    known = (*STATES, "running")
    problems += [f"no trial ends as {each!r}{nearest(each, known)}" for each in states if each not in known]
    wanted = {each for each in states if each in known}
    if not wanted:
        return np.ones(len(data), dtype=bool)
    return np.array([each in wanted for each in data.states], dtype=bool)


def _keeping(data: RunData, text: str, problems: list[str]) -> np.ndarray:
    everything = np.ones(len(data), dtype=bool)
    try:
        limit = Constraint.parse(text)
    except UserError as problem:
        problems.append(str(problem))
        return everything
    values = numbers_of(data, limit.metric)
    if values is None:
        problems.append(f"{limit.metric!r} was not measured{nearest(limit.metric, data.metrics)}")
        return everything
    with np.errstate(invalid="ignore"):
        return values <= limit.limit if limit.relation == "<=" else values >= limit.limit


def _containing(data: RunData, search: str) -> np.ndarray:
    wanted = search.lower()
    texts = zip(data.texts, data.reasons, strict=True)
    return np.array([wanted in text.lower() or wanted in reason.lower() for text, reason in texts], dtype=bool)


def _columns(data: RunData, asked: Sequence[str], problems: list[str]) -> list[str]:
    known = known_columns(data)
    problems += [f"there is no column {each!r}{nearest(each, known)}" for each in asked if each not in known]
    return [each for each in dict.fromkeys(asked) if each in known] or usual_columns(data)


def numbers_of(data: RunData, column: str) -> np.ndarray | None:
    """A column of numbers, NaN where there is none; None for another column."""
    if column in data.metrics:
        return data.metrics[column]
    plain = {"number": data.numbers, "seconds": data.seconds, "fidelity": data.fidelities, "parent": data.parents}
    return plain.get(column)


def texts_of(data: RunData, column: str) -> Sequence[Any] | None:
    """A column of texts or labels; None for another column."""
    if column.startswith(CHOICE):
        return data.choices.get(column.removeprefix(CHOICE))
    return {
        "state": data.states,
        "device": data.devices,
        "architecture": data.texts,
        "reason": data.reasons,
    }.get(column)


def _ordered(data: RunData, places: np.ndarray, query: TrialQuery, problems: list[str]) -> np.ndarray:
    """In the order that is asked for, what was not measured last; of equal ones in the order of numbers."""
    if not query.sort:
        return places[::-1] if query.descending else places
    values = numbers_of(data, query.sort)
    if values is not None:
        keys = values[places].astype(float)
        keys = -keys if query.descending else keys
        return places[np.argsort(keys, kind="stable")]  # NaN comes last
    texts = texts_of(data, query.sort)
    if texts is None:
        problems.append(f"there is no column {query.sort!r} to sort by{nearest(query.sort, known_columns(data))}")
        return places
    return np.array(_sorted_by_text(places, texts, descending=query.descending), dtype=int)


def _sorted_by_text(places: np.ndarray, texts: Sequence[Any], *, descending: bool) -> list[int]:
    there = [each for each in places if texts[each] not in (None, "")]
    missing = [each for each in places if texts[each] in (None, "")]
    return [*sorted(there, key=lambda each: _text_key(texts[each]), reverse=descending), *missing]


def _text_key(value: Any) -> tuple[int, float, str]:
    """Numbers before texts."""
    return (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, str(value))
