"""The winner beside its baselines on the test examples, seed by seed: is the winner real?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from netwright.charts.axes import metric_axis, metric_format, metric_title
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.grouping import mean_interval
from netwright.charts.run_data import RunData
from netwright.core.wording import amount
from netwright.results.metric_words import is_share, number

REPORT = "report"
WILSON = 1.959964  # standard deviations of 95 %


def figures_of(data: RunData) -> Mapping[str, Any] | None:
    """What the final training and its baselines measured; None before."""
    report = data.documents.get(REPORT)
    return report["figures"] if isinstance(report, dict) and isinstance(report.get("figures"), dict) else None


def applies(data: RunData) -> str:
    figures = figures_of(data)
    if figures is None or not figures.get("winner"):
        return "nothing was trained finally yet"
    return ""


def draw(data: RunData) -> Drawn:
    """A dot for each seed, the mean, and a 95 % interval over seeds, or over test examples where there is one seed."""
    figures = figures_of(data)
    assert figures is not None
    metric = figures.get("metrics") or [{"name": "accuracy", "direction": "maximize", "of_examples": True}]
    name, of_examples = metric[0]["name"], bool(metric[0].get("of_examples"))
    examples = int(figures.get("test_examples") or 0)
    constant = figures.get("constant")
    contenders = [figures["winner"], *(each for each in figures.get("baselines", []) if each["name"] != constant)]
    rows, means = [], []
    for place, each in enumerate(contenders):
        values = [float(value) for value in each.get("values", each.get("accuracies", ()))]
        if not values:
            continue
        seeds = each.get("seeds") or [None] * len(values)
        params = each.get("params")
        label = each["name"] + (f" ({amount(params)} parameters)" if params else "")
        kind = "winner" if place == 0 else "baseline"
        low, high, of = interval(values, examples if of_examples else 0)
        if is_share(name) and low is not None and high is not None:
            low, high = max(low, 0.0), min(high, 1.0)
        means.append(
            {"who": label, "kind": kind, "mean": float(np.mean(values)), "low": low, "high": high, "interval over": of}
        )
        rows += [
            {"who": label, "kind": kind, "seed": seed, "value": value}
            for value, seed in zip(values, seeds, strict=False)
        ]
    chart = _chart(name, metric[0].get("direction", "maximize"))
    heads = {"right": ""}
    return Drawn(chart, {"means": _sided(means, rows), "seeds": rows}, _note(figures, name, examples), heads=heads)


def _sided(means: list[dict[str, Any]], seeds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The means, each with whether it lies in the right half, where its number has no room to the right."""
    ends = [row[end] for row in means for end in ("mean", "low", "high") if row[end] is not None]
    ends += [row["value"] for row in seeds]
    middle = (min(ends) + max(ends)) / 2 if ends else 0.0
    return [{**row, "right": row["mean"] > middle} for row in means]


def interval(values: list[float], examples: int) -> tuple[float | None, float | None, str]:
    """Low and high end of 95 %, and of what: seeds (Student's t), test examples (Wilson 1927), or nothing."""
    if len(values) > 1:
        _, low, high = mean_interval(np.array(values))
        return low, high, f"{len(values)} seeds"
    if not examples or not 0 <= values[0] <= 1:
        return None, None, ""
    share, z = values[0], WILSON**2 / examples
    middle = (share + z / 2) / (1 + z)
    half = np.sqrt(share * (1 - share) * z + z * z / 4) / (1 + z)
    return float(middle - half), float(middle + half), f"{examples} test examples"


def _chart(metric: str, better: str) -> Any:
    alt = altair()
    scale = alt.Scale(domain=["winner", "baseline"], range=["role:best", "role:main"])
    y = alt.Y("who:N", sort=None, title=None, axis=alt.Axis(labelLimit=320, domain=False, ticks=False, labelPadding=8))
    x = metric_axis(alt.X, "mean", metric, better=better)
    colour = alt.Color("kind:N", scale=scale, legend=None)
    form = ".2%" if is_share(metric) else metric_format(metric)
    tips = ["who:N", *(alt.Tooltip(f"{each}:Q", format=form) for each in ("mean", "low", "high")), "interval over:N"]
    means = alt.Chart(alt.NamedData("means"))
    spans = means.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q", y=y, color=colour)
    middles = means.mark_point(size=110, shape="diamond").encode(x=x, y=y, color=colour, tooltip=tips)
    seeds = alt.Chart(alt.NamedData("seeds")).mark_point(size=26, opacity=0.55, color="role:quiet", yOffset=9)
    dots = seeds.encode(x=alt.X("value:Q"), y=y, tooltip=["who:N", "seed:N", alt.Tooltip("value:Q", format=form)])
    text = alt.Text("mean:Q", format=form)
    words = [
        means.transform_filter(f"{'' if right else '!'}datum.right")
        .mark_text(align="right" if right else "left", dx=-9 if right else 9, dy=-10, color="role:ink")
        .encode(x=x, y=y, text=text)
        for right in (False, True)
    ]
    return alt.layer(spans, dots, middles, *words).properties(width=430, height=alt.Step(38))


def _note(figures: Mapping[str, Any], metric: str, examples: int) -> str:
    said = f"Test {metric_title(metric)}"
    said += f" on {examples:,} examples that no search saw" if examples else ""
    said += "; diamonds are means, dots single seeds, lines 95 % intervals: over seeds (t) where there are several, "
    said += "else over the choice of test examples (Wilson)."
    constant = next((each for each in figures.get("baselines", []) if each["name"] == figures.get("constant")), None)
    if constant and constant.get("values"):
        said += f" {constant['name'].capitalize()}: {number(metric, constant['values'][0])}."
    left = figures.get("left_out") or []
    return said + (f" Not measured for want of time: {', '.join(left)}." if left else "")


CHART = Chart("finalists", "The winner beside its baselines", "Is the winner real?", draw, applies)
