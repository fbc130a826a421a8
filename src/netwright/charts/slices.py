"""Two choices together: which pairs of options go well?"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from netwright.charts.axes import metric_format, metric_title
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.grouping import LEAST, few, grouped, of_what
from netwright.charts.importance import ranked
from netwright.charts.run_data import RunData
from netwright.core.errors import UserError, nearest

VALUES = ("mean", "best", "rank")


def applies(data: RunData) -> str:
    if not data.has_decisions:
        return "this run's architectures are no lists of decisions"
    return few(data)


def draw(data: RunData, first: str = "", second: str = "", value: str = "mean") -> Drawn:
    """The mean, the best, or the mean rank of the trials that took each pair of options, and how many these are."""
    first, second = _chosen(data, first, second)
    if not second:
        return Drawn({}, {}, empty="fewer than two decisions were answered in different ways")
    labels = data.choices[first], data.choices[second]
    places = [
        at
        for at in np.flatnonzero(data.alike(LEAST)).tolist()
        if labels[0][at] is not None and labels[1][at] is not None
    ]
    if not places:
        return Drawn({}, {}, empty=f"no completed trial was asked both {first} and {second}")
    sides = [grouped([each[at] for at in places]) for each in labels]
    scores = data.scores[places, 0]
    shares = scores.argsort(kind="stable").argsort(kind="stable") / max(1, len(scores) - 1)
    sign = 1.0 if data.objectives[0].direction == "maximize" else -1.0
    rows: list[dict[str, Any]] = []
    for (a, one), (b, other) in product(enumerate(sides[0][0]), enumerate(sides[1][0])):
        own = (sides[0][1] == a) & (sides[1][1] == b)
        if own.any():
            found = {"mean": sign * scores[own].mean(), "best": sign * scores[own].max(), "rank": shares[own].mean()}
            rows.append({"first": one, "second": other, "trials": int(own.sum()), "value": float(found[value])})
    return Drawn(
        _chart(data, first, second, value, sides, [row["value"] for row in rows]),
        {"pairs": rows},
        _note(data, len(places), value),
        heads={"first": first, "second": second, "value": value},
    )


def _chosen(data: RunData, first: str, second: str) -> tuple[str, str]:
    """The two decisions that matter most, where none are named."""
    for each in (first, second):
        if each and each not in data.choices:
            raise UserError(f"run {data.name!r} has no decision {each!r}{nearest(each, data.choices)}")
    names = [each.name for each, _ in ranked(data) if each.name not in (first, second)]
    if not first:
        first = names.pop(0) if names else ""
    if not second:
        together = [name for name in names if _together(data, first, name) >= LEAST]
        second = next(iter([*together, *names]), "")
    return first, second


def _together(data: RunData, first: str, second: str) -> int:
    """How many trials were asked both."""
    labels = data.choices[first], data.choices[second]
    places = np.flatnonzero(data.alike(LEAST)).tolist()
    return sum(labels[0][at] is not None and labels[1][at] is not None for at in places)


def _chart(data: RunData, first: str, second: str, value: str, sides: list[Any], values: list[float]) -> Any:
    alt = altair()
    objective = data.objectives[0]
    form = ".0%" if value == "rank" else metric_format(objective.metric)
    title = {"rank": "mean rank, 100% is best", "best": f"best {metric_title(objective.metric)}"}.get(
        value, f"mean {metric_title(objective.metric)}"
    )
    up = objective.direction == "maximize" or value == "rank"
    scale = alt.Scale(
        range=["role:low", "role:high"] if up else ["role:high", "role:low"], interpolate="rgb", zero=False
    )
    above = {"domain": False, "titleAngle": 0, "titleAlign": "left", "titleX": 0, "titleY": -12}
    x = alt.X("first:N", sort=list(sides[0][0]), title=first, axis=alt.Axis(labelAngle=0, domain=False))
    y = alt.Y("second:N", sort=list(sides[1][0]), title=second, axis=alt.Axis(**above))
    tips = ["first:N", "second:N", alt.Tooltip("value:Q", format=form, title=title), "trials:Q"]
    base = alt.Chart(alt.NamedData("pairs")).encode(x=x, y=y, tooltip=tips)
    cells = base.mark_rect(stroke="role:paper").encode(
        color=alt.Color("value:Q", title=title, scale=scale, legend=alt.Legend(format=form))
    )
    middle = (min(values) + max(values)) / 2
    strong = f"datum.value {'>' if up else '<'} {middle}"
    colour = alt.condition(strong, alt.value("role:paper"), alt.value("role:ink"))
    words = base.mark_text(fontSize=11).encode(text="trials:Q", color=colour)
    return alt.layer(cells, words).properties(width=alt.Step(64), height=alt.Step(34))


def _note(data: RunData, count: int, value: str) -> str:
    said = {"mean": "the mean", "best": "the best", "rank": "the mean rank"}[value]
    which = of_what(data, data.alike(LEAST))
    asked = f"n = {count} completed trials that were asked both.{which}"
    return f"{asked} Colour: {said} of a pair's trials; number: how many."


CHART = Chart(
    "pairs",
    "Two choices together",
    "Which pairs of options go well?",
    draw,
    applies,
    {"first": "a decision", "second": "another; those that matter most if left out", "value": "mean, best or rank"},
    {"value": VALUES},
)
