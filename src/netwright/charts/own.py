"""A chart of somebody's own: a function of the run's columns that gives an Altair chart."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from netwright.charts.chart import Chart, Drawn
from netwright.charts.run_data import RunData
from netwright.core.errors import UserError, shown


def own_chart(function: Callable[..., Any], name: str = "") -> Chart:
    """The chart that a function draws; its docstring's first line is the question.

    function: takes a `RunData`, gives an Altair chart or Vega-Lite as a dict, with its data in it. Further parameters
        with defaults are settings.
    name: of the chart; the function's if left out.
    """
    name = name or getattr(function, "__name__", "own")
    first = (inspect.getdoc(function) or "").partition("\n")[0]

    def draw(data: RunData, **settings: Any) -> Drawn:
        return _drawn(function(data, **settings), name)

    draw.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return Chart(name, name.replace("_", " ").capitalize(), first, draw, lambda _: "")


def _drawn(made: Any, name: str) -> Drawn:
    """What a function gave back, with its rows apart; UserError for anything but a chart whose data is in it."""
    found = made if isinstance(made, dict) else made.to_dict() if hasattr(made, "to_dict") else None
    if not isinstance(found, dict) or not {"mark", "layer", "hconcat", "vconcat", "concat", "facet", "spec"} & set(
        found
    ):
        raise UserError(f"the chart {name!r} gave {shown(made)}; expected an Altair chart, or Vega-Lite as a dict")
    addresses = [each["url"] for each in _dicts(found) if isinstance(each.get("url"), str)]
    if addresses:
        raise UserError(
            f"the chart {name!r} takes its data from {shown(addresses[0])}; expected data that is in the chart"
        )
    tables = {key: rows for key, rows in found.pop("datasets", {}).items() if isinstance(rows, list)}
    if not tables:
        tables = _inline(found)
    return Drawn(found, tables)


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _dicts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _dicts(each)


def _inline(specification: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Rows that stand within, taken out under names of their own."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for each in list(_dicts(specification)):
        rows = each.get("data", {}).get("values") if isinstance(each.get("data"), dict) else None
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            tables[f"rows{len(tables)}"] = rows
            each["data"] = {"name": f"rows{len(tables) - 1}"}
    return tables
