"""Which choices matter: how much of the score each decision explains, and what each option is worth."""

from __future__ import annotations

import json
import math
from typing import Any

from netwright.charts.axes import metric_format, metric_title, tooltip
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.grouping import LEAST, Decision, decisions, explained, few, mean_interval, of_what
from netwright.charts.run_data import RunData
from netwright.core.objective import Objective
from netwright.results.metric_words import is_share

MOST_DECISIONS = 20
MOST_SHOWN = 6
LEAST_FOR_INTERVAL = 3
ALIKE = f"no decision was answered in two ways by {LEAST} completed trials or more"


def applies(data: RunData) -> str:
    if not data.has_decisions:
        return "this run's architectures are no lists of decisions"
    return few(data)


def ranked(data: RunData) -> list[tuple[Decision, tuple[float, float, float]]]:
    """The decisions with the share of the variance that they explain, the most important ones first."""
    if "ranked" not in data.memo:
        found = [(each, explained(each)) for each in decisions(data)]
        data.memo["ranked"] = sorted(found, key=lambda each: (-each[1][0], -each[1][2], each[0].name))
    return data.memo["ranked"]


def draw_importance(data: RunData) -> Drawn:
    """A bar for each decision with its interval."""
    found = ranked(data)
    if not found:
        return Drawn({}, {}, empty=ALIKE)
    used = data.alike(LEAST)
    rows = [
        {"decision": each.name, "share": share, "low": low, "high": high, "trials": len(each.scores)}
        for each, (share, low, high) in found[:MOST_DECISIONS]
    ]
    alt = altair()
    base = alt.Chart(alt.NamedData("decisions")).encode(
        y=alt.Y(
            "decision:N",
            sort=None,
            title=None,
            axis=alt.Axis(labelLimit=300, ticks=False, domain=False, labelPadding=6),
        ),
        tooltip=[
            "decision:N",
            *(alt.Tooltip(f"{each}:Q", format=".1%") for each in ("share", "low", "high")),
            "trials:Q",
        ],
    )
    x = alt.X("share:Q", title="share of the variance that it explains", axis=alt.Axis(format="%"))
    bars = base.mark_bar(height=14, color="role:main", opacity=0.85).encode(x=x)
    spans = base.mark_rule(color="role:ink", strokeWidth=1.5).encode(x="low:Q", x2="high:Q")
    first = metric_title(data.objectives[0].metric)
    note = (
        f"n = {int(used.sum())} completed trials, {first}.{of_what(data, used)} Bars: of each decision by itself, less "
        "what chance explains; lines: 95 % intervals (noncentral F). A search does not choose evenly, so that "
        "decisions that were taken together share what they explain."
    )
    if len(found) > MOST_DECISIONS:
        note += f" The first {MOST_DECISIONS} of {len(found)} decisions are shown."
    return Drawn((bars + spans).properties(width=430, height=alt.Step(24)), {"decisions": rows}, note)


def draw_effects(data: RunData, most: int = MOST_SHOWN) -> Drawn:
    """The mean of the trials that took each option, with its interval, of the decisions that matter most."""
    objective = data.objectives[0]
    sign = 1.0 if objective.direction == "maximize" else -1.0
    found = [each for each, _ in ranked(data)[: max(1, most)]]
    if not found:
        return Drawn({}, {}, empty=ALIKE)
    used = data.alike(LEAST)
    rows = [row for each in found for row in _options(each, sign)]
    overall = [{"mean": float(sign * data.scores[used, 0].mean())}]
    panels = [_panel(objective, each, _domain(objective.metric, rows), last=each is found[-1]) for each in found]
    chart = altair().vconcat(*panels, spacing=14)
    note = (
        f"n = {int(used.sum())} completed trials, in brackets those that took the option.{of_what(data, used)} "
        f"Dots: means; lines: 95 % intervals (t) of {LEAST_FOR_INTERVAL} trials and more; dashed: the mean of all. "
        "A search takes good options more often, together with other good ones."
    )
    return Drawn(chart, {"options": rows, "overall": overall}, note)


def _domain(metric: str, rows: list[dict[str, Any]]) -> list[float]:
    """What the axis shows: the means, and half as much again on both sides for intervals."""
    means = [row["mean"] for row in rows]
    low, high = min(means), max(means)
    room = 0.5 * (high - low) or abs(high) * 0.01 or 1.0
    ends = [row[end] for row in rows for end in ("low", "high") if row[end] is not None]
    least, most = (0.0, 1.0) if is_share(metric) else (-math.inf, math.inf)
    room_below, room_above = max(low - room, least, min([low, *ends])), min(high + room, most, max([high, *ends]))
    edge = 0.02 * (room_above - room_below)
    return [room_below - edge, room_above + edge]


def _panel(objective: Objective, decision: Decision, domain: list[float], last: bool) -> Any:
    """Dots and intervals of the options of one decision."""
    alt = altair()
    labels = alt.Axis(format=metric_format(objective.metric), tickCount=6, labels=last, ticks=last, domain=last)
    title = f"{metric_title(objective.metric)}, {'more' if objective.direction == 'maximize' else 'less'} is better"
    x = alt.X("mean:Q", title=title if last else None, axis=labels, scale=alt.Scale(domain=domain, nice=False))
    own = alt.Chart(alt.NamedData("options")).transform_filter(f"datum.decision === {json.dumps(decision.name)}")
    y = alt.Y(
        "label:N", sort=None, title=None, axis=alt.Axis(labelLimit=170, domain=False, ticks=False, labelPadding=6)
    )
    tips = [
        "decision:N",
        "option:N",
        *(tooltip(each, objective.metric, each) for each in ("mean", "low", "high")),
        "trials:Q",
    ]
    dots = own.mark_point(size=60, color="role:main", clip=True).encode(x=x, y=y, tooltip=tips)
    spans = own.mark_rule(color="role:main", strokeWidth=2, clip=True).encode(x="low:Q", x2="high:Q", y=y)
    middle = alt.Chart(alt.NamedData("overall")).mark_rule(color="role:quiet", strokeDash=[4, 4]).encode(x=x)
    words = alt.TitleParams(decision.name, fontSize=12, anchor="start", fontWeight="normal", offset=4, frame="group")
    return alt.layer(middle, spans, dots).properties(width=520, height=alt.Step(20), title=words)


def _options(decision: Decision, sign: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for place, option in enumerate(decision.labels):
        scores = sign * decision.scores[decision.groups == place]
        if not len(scores):
            continue
        mean, low, high = mean_interval(scores)
        sure = len(scores) >= LEAST_FOR_INTERVAL
        row = {"decision": decision.name, "option": option, "mean": mean, "low": low if sure else None}
        rows.append(
            {**row, "high": high if sure else None, "trials": len(scores), "label": f"{option} ({len(scores)})"}
        )
    return rows


IMPORTANCE = Chart(
    "importance", "Which choices matter", "Which decisions of the space decide the score?", draw_importance, applies
)
EFFECTS = Chart(
    "effects",
    "What each option is worth",
    "Which options do good networks take?",
    draw_effects,
    applies,
    {"most": "how many decisions, the most important ones first"},
)
