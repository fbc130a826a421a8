"""Who was changed into whom: how did the search get to its best?"""

from __future__ import annotations

from typing import Any

import numpy as np

from netwright.charts.axes import WHOLE, metric_axis, tooltip
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.run_data import Label, RunData
from netwright.charts.sampling import sampled, sampled_note
from netwright.core.wording import shortened

MOST = 1500
LONGEST_CHANGE = 90
CHANGES = 3  # that are named


def applies(data: RunData) -> str:
    if not np.isfinite(data.parents[data.evaluations]).any():
        return "no trial of this run has a parent: its strategy does not go on from earlier trials"
    return "" if data.completed.any() else "no trial has completed yet"


def draw(data: RunData) -> Drawn:
    """Every trial by number and score, a line from its parent; the way to the best is drawn above the others."""
    objective = data.objectives[0]
    place = {number: at for at, number in enumerate(data.numbers.tolist())}
    way = way_to(data, data.best, place)
    rows = [_row(data, at, place, at in way) for at in np.flatnonzero(data.completed).tolist()]
    shown = sampled(rows, MOST, keep=lambda row: row["on the way"])
    points = {row["trial"]: row for row in rows}
    edges = [_edge(points[row["parent"]], row) for row in shown if row["parent"] in points]
    labels = [row for row in rows if row["on the way"]]
    chart = _chart(objective.metric, objective.direction, len(shown))
    generations = len(way) - 1
    away = f"{generations} change{'s' if generations != 1 else ''}"
    whence = f"is {away} away from where its line began" if generations else "was not changed from another"
    note = f"n = {len(rows)} completed trials; the best {whence}."
    steps = [row["change"] for row in sorted(labels, key=lambda row: row["trial"]) if row["change"]]
    note += f" The last: {steps[-1]}." if steps else ""
    tables = {"trials": shown, "edges": edges, "way": sorted(labels, key=lambda row: row["trial"])}
    return Drawn(chart, tables, note + sampled_note(len(shown), len(rows), "trials"), heads={"score": objective.metric})


def way_to(data: RunData, best: int | None, place: dict[int, int]) -> set[int]:
    """The places of a trial and all its ancestors."""
    found: set[int] = set()
    at = best
    while at is not None and at not in found:
        found.add(at)
        parent = data.parents[at]
        at = place.get(int(parent)) if np.isfinite(parent) else None
    return found


def _row(data: RunData, at: int, place: dict[int, int], on_way: bool) -> dict[str, Any]:
    parent = data.parents[at]
    sign = 1.0 if data.objectives[0].direction == "maximize" else -1.0
    row: dict[str, Any] = {
        "trial": int(data.numbers[at]),
        "score": float(sign * data.scores[at, 0]),
        "parent": int(parent) if np.isfinite(parent) else None,
        "on the way": on_way,
    }
    return {**row, "change": change(data, place.get(row["parent"]), at) if on_way and np.isfinite(parent) else ""}


def change(data: RunData, before: int | None, after: int) -> str:
    """What differs between a parent and its child: the decisions with their labels."""
    if before is None or not data.choices:
        return ""
    different = [
        f"{name} {_text(labels[before])} to {_text(labels[after])}"
        for name, labels in data.choices.items()
        if labels[before] != labels[after]
    ]
    more = f" and {len(different) - CHANGES} more" if len(different) > CHANGES else ""
    return shortened(", ".join(different[:CHANGES]), LONGEST_CHANGE) + more if different else "the same architecture"


def _text(label: Label) -> str:
    return "none" if label is None else str(label)


def _edge(parent: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    both = parent["on the way"] and child["on the way"]
    return {"x": parent["trial"], "y": parent["score"], "x2": child["trial"], "y2": child["score"], "way": both}


def _chart(metric: str, better: str, shown: int) -> Any:
    alt = altair()
    x = alt.X("trial:Q", title="trial", axis=alt.Axis(grid=False, **WHOLE, tickCount=8))
    y = metric_axis(alt.Y, "score", metric, better=better)
    tips = ["trial:Q", tooltip("score", metric), "parent:Q"]
    faint = 0.5 if shown < 300 else 0.2
    edges = alt.Chart(alt.NamedData("edges"))
    ends = {"x": alt.X("x:Q"), "y": alt.Y("y:Q"), "x2": "x2:Q", "y2": "y2:Q"}
    other = edges.transform_filter("!datum.way").mark_rule(color="role:faint", strokeOpacity=faint).encode(**ends)
    ways = edges.transform_filter("datum.way").mark_rule(color="role:best", strokeWidth=2).encode(**ends)
    points = alt.Chart(alt.NamedData("trials")).mark_point(color="role:main", size=20, fillOpacity=faint + 0.2)
    on_way = alt.Chart(alt.NamedData("way")).mark_point(color="role:best", size=70)
    words = [points.encode(x=x, y=y, tooltip=tips), on_way.encode(x=x, y=y, tooltip=[*tips, "change:N"])]
    return alt.layer(other, words[0], ways, words[1]).properties(width=640, height=340)


CHART = Chart("lineage", "Who was changed into whom", "How did the search get to its best?", draw, applies)
