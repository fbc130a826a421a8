"""The table of trials: sorted, filtered, searched, with the columns that are wanted; and the same as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from netwright.core.trial import STATES
from netwright.core.wording import as_cell
from netwright.dashboard.headers import as_file
from netwright.dashboard.run_pages import run_values
from netwright.dashboard.trial_query import (
    CHOICE,
    LARGEST_PAGE,
    PAGE,
    TrialQuery,
    find,
    known_columns,
    numbers_of,
    texts_of,
)

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.dashboard.site import Site

MOST_ROWS = 100_000  # of a CSV file
_Short = Annotated[str, Query(max_length=200)]
_Several = Annotated[list[str], Query(max_length=40)]


def asked(
    search: _Short = "",
    state: _Several = [],  # noqa: B006
    where: _Several = [],  # noqa: B006
    sort: _Short = "",
    descending: bool = False,
    column: _Several = [],  # noqa: B006
    page: Annotated[int, Query(ge=1, le=10**6)] = 1,
    size: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = PAGE,
    rounds: bool = False,
) -> TrialQuery:
    """What an address asks of the trials."""
    some = ([each[:200] for each in given if each] for given in (state, where, column))
    states, limits, columns = map(tuple, some)
    return TrialQuery(search, states, limits, sort, descending, columns, page, size, rounds)


Asked = Annotated[TrialQuery, Depends(asked)]


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/runs/{name}/trials")
    def trials(request: Request, name: str, query: Asked) -> Response:
        with site.project.run(name) as data:
            return site.page("trials.html", request, **table_values(data, query), **run_values(site, data))

    @made.get("/runs/{name}/trials.csv")
    def table(name: str, query: Asked) -> Response:
        with site.project.run(name) as data:
            text = as_csv(data, query)
        return Response(text, media_type="text/csv; charset=utf-8", headers=as_file(f"{name}-trials.csv"))

    return made


def table_values(data: RunData, query: TrialQuery) -> dict[str, Any]:
    """What the page of trials shows."""
    found = find(data, query)
    pages = max(1, math.ceil(found.total / query.size))
    return {
        "query": query,
        "found": found,
        "pages": pages,
        "cell": lambda column, place: cell(data, column, place),
        "numeric": lambda column: numbers_of(data, column) is not None,
        "known": known_columns(data),
        "states": [each for each in (*STATES, "running") if each in data.states],
        "choice": CHOICE,
        "to": lambda **changes: address(query, changes),
        "best": data.best,
    }


def cell(data: RunData, column: str, place: int) -> Any:
    """What stands in a column for one trial; None where there is nothing."""
    values = numbers_of(data, column)
    if values is not None:
        value = float(values[place])
        return None if math.isnan(value) else value
    texts = texts_of(data, column)
    return None if texts is None else texts[place]


def address(query: TrialQuery, changes: Mapping[str, Any]) -> str:
    """The query part of the address of this table, with some of it changed; what is usual is left out."""
    several = {"states": "state", "where": "where", "columns": "column"}
    usual, parts = TrialQuery(), list[tuple[str, str]]()
    for name in TrialQuery.__dataclass_fields__:
        value = changes.get(name, getattr(query, name))
        if value == getattr(usual, name) or (name == "page" and "page" not in changes and changes):
            continue
        values = value if name in several else [value]
        parts += [(several.get(name, name), str(each)) for each in values]
    return f"?{urlencode(parts)}"


def as_csv(data: RunData, query: TrialQuery) -> str:
    """All trials that match, as a table that no spreadsheet takes for formulas."""
    found = find(data, query, everything=True)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(map(safe, found.columns))
    for place in found.places[:MOST_ROWS]:
        writer.writerow([safe(cell(data, column, place)) for column in found.columns])
    return file.getvalue()


def safe(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return int(value) if float(value).is_integer() else value
    return as_cell(str(value))
