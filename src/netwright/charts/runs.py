"""Several runs side by side: which strategy wins?"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from netwright.charts.axes import metric_axis, metric_title, time_unit, tooltip
from netwright.charts.best_so_far import OVER, steps
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.grouping import mean_interval
from netwright.charts.run_data import RunData
from netwright.core.errors import UserError
from netwright.core.objective import Objective

MOST_GROUPS = 8
POINTS = 120  # of a line
LEAST_FOR_A_BAND = 3
LEAST_FOR_A_TEST = 4  # runs on each side; with fewer no rank test reaches 5 %


def applies(data: RunData) -> str:
    return "" if data.completed.any() else "no trial has completed yet"


def draw(data: RunData, runs: str = "", over: str = "trials") -> Drawn:
    """The best so far of this run and others of the project; runs that differ in their seed alone are one line."""
    objective = data.objectives[0]
    found = _beside(data, runs)
    groups = dict(list(grouped(found).items())[:MOST_GROUPS])
    ends = [np.nanmax(each.ended[each.completed]) for each in found]
    unit, unit_name = time_unit(float(max(ends))) if over == "time" else (0.0, "")
    rows: list[dict[str, Any]] = []
    finals: list[dict[str, Any]] = []
    for name, members in groups.items():
        lines = [steps(each, objective, unit) for each in members]
        rows += _band(name, lines, objective)
        finals += [
            {"runs": name, "run": each.name, "x": line[-1]["x"], "best": line[-1]["best"]}
            for each, line in zip(members, lines, strict=True)
        ]
    title = f"time since the first trial ({unit_name})" if unit else "completed trials"
    note = _note(groups, finals, objective)
    return Drawn(_chart(objective, title, list(groups)), {"lines": rows, "finals": finals}, note)


def _beside(data: RunData, runs: str) -> list[RunData]:
    """The run, and those asked for, or all of the project with the same first objective."""
    if runs:
        others = [data.beside(name.strip()) for name in runs.split(",")]
        for name, each in zip(runs.split(","), others, strict=True):
            if each is None:
                raise UserError(f"there is no run {name.strip()!r} beside {data.name!r}")
    else:
        others = [data.beside(name) for name in data.all_runs() if name != data.name]
    wanted = data.objectives[0]
    fitting = [each for each in others if each is not None and each.completed.any() and wanted in each.objectives[:1]]
    return [data, *(each for each in fitting if each.name != data.name)]


def grouped(runs: Sequence[RunData]) -> dict[str, list[RunData]]:
    """Runs that differ in their seed alone, by a name that they have in common."""
    found: dict[str, list[RunData]] = {}
    for each in runs:
        arguments = {
            name: value for name, value in each.summary.configuration.get("arguments", {}).items() if name != "seed"
        }
        found.setdefault(json.dumps(arguments, sort_keys=True, default=str), []).append(each)
    return {_common(members): members for members in found.values()}


def _common(members: Sequence[RunData]) -> str:
    if len(members) == 1:
        return members[0].name
    stem = re.sub(r"[-_ ]?\d*$", "", min((each.name for each in members), key=len))
    return f"{stem or members[0].name} ({len(members)} seeds)"


def _band(name: str, lines: list[list[dict[str, Any]]], objective: Objective) -> list[dict[str, Any]]:
    """Mean of the lines at some places up to where the first of them ends, and its 95 % interval."""
    first, last = max(line[0]["x"] for line in lines), min(line[-1]["x"] for line in lines)
    if last <= first:
        first, last = min(first, last), max(first, last)
    grid = np.unique(np.linspace(first, last, POINTS)) if last > first else np.array([first])
    grid = grid if any(line[0]["x"] % 1 for line in lines) else np.unique(np.round(grid))
    values = np.array([_at(line, grid) for line in lines])
    rows: list[dict[str, Any]] = []
    for place, x in enumerate(grid.tolist()):
        mean, low, high = mean_interval(values[:, place])
        row = {"runs": name, "x": x, "best": mean, "n": len(lines)}
        rows.append({**row, "low": low, "high": high} if len(lines) >= LEAST_FOR_A_BAND else row)
    return rows


def _at(line: list[dict[str, Any]], grid: np.ndarray) -> np.ndarray:
    """The best by each place of the grid."""
    places = np.searchsorted([row["x"] for row in line], grid, side="right") - 1
    return np.array([row["best"] for row in line])[np.maximum(places, 0)]


def _chart(objective: Objective, title: str, names: list[str]) -> Any:
    alt = altair()
    x = alt.X("x:Q", title=title, axis=alt.Axis(grid=False))
    y = metric_axis(alt.Y, "best", objective.metric, better=objective.direction)
    roles = [f"role:category {place}" for place in range(len(names))]
    dashes = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]
    legend = alt.Legend(orient="bottom", columns=2, labelLimit=320, symbolType="stroke", symbolSize=400)
    colour = alt.Color("runs:N", title=None, scale=alt.Scale(domain=names, range=roles), legend=legend)
    dash = alt.StrokeDash(
        "runs:N",
        title=None,
        scale=alt.Scale(domain=names, range=[dashes[at % 4] for at in range(len(names))]),
        legend=legend,
    )
    own = alt.Chart(alt.NamedData("lines"))
    band = own.transform_filter("isValid(datum.low)").mark_area(interpolate="step-after", fillOpacity=0.16)
    lines = own.mark_line(interpolate="step-after").encode(
        x=x, y=y, color=colour, strokeDash=dash, tooltip=["runs:N", "n:Q"]
    )
    ends = alt.Chart(alt.NamedData("finals")).mark_point(size=40)
    ends = ends.encode(x=x, y=y, color=colour, tooltip=["run:N", tooltip("best", objective.metric)])
    layers = [band.encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour), lines, ends]
    return alt.layer(*layers).properties(width=640, height=340)


def _note(groups: dict[str, list[RunData]], finals: list[dict[str, Any]], objective: Objective) -> str:
    count = sum(map(len, groups.values()))
    said = f"{count} run{'s' if count > 1 else ''}, {metric_title(objective.metric)}."
    if any(len(each) >= LEAST_FOR_A_BAND for each in groups.values()):
        said += " Lines: means over seeds; bands: 95 % intervals of the mean (t)."
    return said + tests(finals, objective)


def tests(finals: list[dict[str, Any]], objective: Objective) -> str:
    """Which groups differ in what they found in the end, by which test; or why nothing was tested."""
    values: dict[str, list[float]] = {}
    for row in finals:
        values.setdefault(row["runs"], []).append(row["best"])
    if len(values) < 2:
        return ""
    tested = {name: each for name, each in values.items() if len(each) >= LEAST_FOR_A_TEST}
    if len(tested) < 2:
        return f" Not tested: fewer than {LEAST_FOR_A_TEST} runs of each, so that chance alone may make the difference."
    from scipy.stats import mannwhitneyu

    pairs = list(combinations(tested, 2))
    chances = [float(mannwhitneyu(tested[a], tested[b]).pvalue) for a, b in pairs]
    better = max if objective.direction == "maximize" else min
    parts = []
    for (a, b), chance in zip(pairs, holm(chances), strict=True):
        ahead = better((a, b), key=lambda name: float(np.median(tested[name])))
        parts.append(
            f"{ahead} ahead of {b if ahead == a else a} (p = {chance:.2g})"
            if chance < 0.05
            else f"{a} and {b} not told apart (p = {chance:.2g})"
        )
    return f" In the end: {'; '.join(parts)}; Mann-Whitney U test, Holm's correction for {len(pairs)} pairs."


def holm(chances: list[float]) -> list[float]:
    """The chances of several tests, corrected so that any false finding stays as rare as one test's (Holm 1979)."""
    order = np.argsort(chances)
    found, highest = [0.0] * len(chances), 0.0
    for rank, place in enumerate(order.tolist()):
        highest = max(highest, min(1.0, (len(chances) - rank) * chances[place]))
        found[place] = highest
    return found


CHART = Chart(
    "runs",
    "Runs side by side",
    "Which of these searches found more, sooner?",
    draw,
    applies,
    {
        "runs": "names of others, as a,b; all of the project with the same objective if left out",
        "over": "time or trials",
    },
    {"over": OVER},
)
