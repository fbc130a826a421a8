"""How much the front dominates, over trials: is it still growing?"""

from __future__ import annotations

import numpy as np

from netwright.charts.axes import WHOLE, metric_title
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.run_data import RunData
from netwright.core.fronts import hypervolumes

MOST = 4000


def applies(data: RunData) -> str:
    if len(data.objectives) < 2:
        return "the run has one objective; a front needs two"
    return "" if int(data.compared.sum()) > 1 else "fewer than two trials have completed"


def draw(data: RunData) -> Drawn:
    """The hypervolume after each trial at the highest fidelity, objectives scaled from their worst to their best."""
    places = np.flatnonzero(data.compared)
    places = places[np.argsort(data.told[places], kind="stable")]
    scores = data.scores[places]
    kept = np.isfinite(scores).all(axis=1)
    places, scores = places[kept], scores[kept]
    low, high = scores.min(axis=0), scores.max(axis=0)
    unit = (scores - low) / np.where(high > low, high - low, 1.0)
    volumes = hypervolumes(unit, (-0.1,) * unit.shape[1])
    rows = [
        {"trials": count, "hypervolume": volume, "trial": int(data.numbers[place])}
        for count, (volume, place) in enumerate(zip(volumes, places, strict=True), start=1)
    ]
    rows = [row for at, row in enumerate(rows) if at in (0, len(rows) - 1) or row["hypervolume"] > volumes[at - 1]]
    alt = altair()
    line = alt.Chart(alt.NamedData("volumes")).mark_line(interpolate="step-after", color="role:main", point=True)
    chart = line.encode(
        x=alt.X("trials:Q", title="completed trials", axis=alt.Axis(**WHOLE, grid=False)),
        y=alt.Y("hypervolume:Q", title="hypervolume", scale=alt.Scale(zero=False)),
        tooltip=["trial:Q", alt.Tooltip("hypervolume:Q", format=".4f")],
    )
    names = " and ".join(metric_title(each.metric) for each in data.objectives)
    last = (
        rows[-2]["trials"]
        if len(rows) > 1 and rows[-1]["hypervolume"] == rows[-2]["hypervolume"]
        else rows[-1]["trials"]
    )
    note = (
        f"n = {len(places)} trials; {names}, each scaled to 0..1 over all of them, reference point -0.1. "
        f"It grew last with trial {last} of {len(places)}."
    )
    return Drawn(chart.properties(width=640, height=260), {"volumes": rows}, note)


CHART = Chart("hypervolume", "How much the front dominates", "Is the front still growing?", draw, applies)
