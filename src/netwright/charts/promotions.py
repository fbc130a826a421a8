"""Where the budget went: trials and their time at each share of the full training."""

from __future__ import annotations

from typing import Any

import numpy as np

from netwright.charts.axes import metric_title, room_for_words, time_unit
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.grouping import mean_interval
from netwright.charts.run_data import RunData

MOST_RUNGS = 12


def rungs(data: RunData) -> list[float]:
    """The shares of the full training that evaluations were given, ascending; few of them, rounded."""
    ended = data.evaluations & np.isfinite(data.told)
    return sorted({round(float(each), 3) for each in data.fidelities[ended]})


def applies(data: RunData) -> str:
    found = rungs(data)
    if len(found) < 2:
        return "every trial was given the same training"
    return "" if len(found) <= MOST_RUNGS else "the trials were trained for too many different times to be rungs"


def draw(data: RunData) -> Drawn:
    """For each rung how many trials reached it, how much time they took, and how well they did."""
    ended = data.evaluations & np.isfinite(data.told)
    total = float(np.nansum(data.seconds[ended]))
    unit, unit_name = time_unit(total)
    rows: list[dict[str, Any]] = []
    sign = 1.0 if data.objectives[0].direction == "maximize" else -1.0
    for rung in rungs(data):
        own = ended & (np.abs(data.fidelities - rung) < 5e-4)
        scores = sign * data.scores[own & data.completed, 0]
        mean = mean_interval(scores)[0] if len(scores) else None
        spent = float(np.nansum(data.seconds[own]))
        row = {"rung": f"{rung:.1%} of the training" if rung < 1 else "the whole training", "trials": int(own.sum())}
        rows.append({**row, "time": spent / unit, "share of the time": spent / total if total else 0.0, "mean": mean})
    alt = altair()
    y = alt.Y("rung:N", sort=None, title=None, axis=alt.Axis(domain=False, ticks=False, labelPadding=6, labelLimit=200))
    tips = [
        "rung:N",
        "trials:Q",
        alt.Tooltip("share of the time:Q", format=".0%"),
        alt.Tooltip("mean:Q", format=".4~g"),
    ]
    base = alt.Chart(alt.NamedData("rungs")).encode(y=y, tooltip=tips)
    bare = y.copy()
    bare.axis = alt.Axis(labels=False, domain=False, ticks=False)
    bars = [
        _bars(alt, base, "trials:Q", "trials", "role:main", "trials:Q", max(row["trials"] for row in rows)),
        _bars(
            alt,
            base.encode(y=bare),
            "time:Q",
            unit_name,
            "role:best",
            alt.Text("share of the time:Q", format=".0%"),
            max(row["time"] for row in rows),
        ),
    ]
    last, count = rows[-1], int(ended.sum())
    mean = metric_title(data.objectives[0].metric)
    note = (
        f"n = {count} trials that ended; mean {mean} of each rung when pointed at. {last['trials'] / count:.0%} of the "
    )
    note += f"trials were trained for longest and took {last['share of the time']:.0%} of the time."
    heads = {"time": unit_name, "mean": f"mean {data.objectives[0].metric}"}
    return Drawn(alt.hconcat(*bars, spacing=20), {"rungs": rows}, note, heads=heads)


def _bars(alt: Any, base: Any, field: str, title: str, role: str, text: Any, longest: float) -> Any:
    x = alt.X(field, title=title, axis=alt.Axis(tickCount=4), scale=room_for_words(longest))
    bars = base.mark_bar(height=18, color=role).encode(x=x)
    words = base.mark_text(align="left", dx=4, color="role:ink").encode(x=x, text=text)
    return (bars + words).properties(width=240, height=alt.Step(30))


CHART = Chart("rungs", "Where the budget went", "How much went into trials that were stopped early?", draw, applies)
