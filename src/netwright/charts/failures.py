"""What did not complete, by its reason: why did so many fail?"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from netwright.charts.axes import WHOLE
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.run_data import RunData
from netwright.core.wording import shortened

ENDS = ("infeasible", "diverged", "error", "out_of_memory", "timeout", "lost", "cancelled")
LONGEST_REASON = 90
MOST = 15
NUMBER = re.compile(r"\d[\d,._]*\d|\d")


def applies(data: RunData) -> str:
    if any(each in ENDS for each in data.states):
        return ""
    return "every trial that ended has completed" if len(data) else "no trial was asked yet"


def draw(data: RunData) -> Drawn:
    """A bar for each reason, numbers in it left out so that alike ones are one."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, state in enumerate(data.states):
        if state in ENDS:
            groups[state, alike(data.reasons[place])].append(place)
    rows = [_row(data, state, places) for (state, _), places in groups.items()]
    rows.sort(key=lambda row: (-row["trials"], row["first trial"]))
    alt = altair()
    ends = [each for each in ENDS if any(row["ended as"] == each for row in rows)]
    roles = [f"role:category {(1, 3, 4, 5, 0, 6, 2)[ENDS.index(each)]}" for each in ends]
    scale = alt.Scale(domain=ends, range=roles)
    base = alt.Chart(alt.NamedData("failures")).encode(
        y=alt.Y(
            "label:N", sort=None, title=None, axis=alt.Axis(labelLimit=430, ticks=False, domain=False, labelPadding=6)
        ),
        x=alt.X("trials:Q", title="trials", axis=alt.Axis(**WHOLE, tickCount=6)),
    )
    bars = base.mark_bar(height=18).encode(
        color=alt.Color("ended as:N", title=None, scale=scale, legend=alt.Legend(orient="bottom")),
        tooltip=["ended as:N", "trials:Q", "first trial:Q", "reason:N"],
    )
    counts = base.mark_text(align="left", dx=4, color="role:ink").encode(text="trials:Q")
    ended = sum(each != "running" for each in data.states)
    failed = sum(row["trials"] for row in rows)
    note = f"{failed} of {ended} trials that ended did not complete ({failed / ended:.0%})."
    if len(rows) > MOST:
        note += f" The {MOST} most frequent of {len(rows)} reasons are shown."
    chart = (bars + counts).properties(width=430, height=alt.Step(26))
    return Drawn(chart, {"failures": rows[:MOST]}, note + data.present.note)


def alike(reason: str) -> str:
    """A reason without its numbers."""
    return NUMBER.sub("…", reason)


def common(reasons: list[str]) -> str:
    """Reasons that differ in numbers only, as one: numbers that differ are left out."""
    parts = [NUMBER.split(each) for each in reasons]
    numbers = zip(*(NUMBER.findall(each) for each in reasons), strict=True)
    kept = [each[0] if len(set(each)) == 1 else "…" for each in numbers]
    return "".join(text + number for text, number in zip(parts[0], [*kept, ""], strict=True))


def _row(data: RunData, state: str, places: list[int]) -> dict[str, Any]:
    first = places[0]
    reason = common([data.reasons[each] for each in places]) or state
    return {
        "ended as": state,
        "label": shortened(f"{state}: {reason}" if reason != state else state, LONGEST_REASON),
        "trials": len(places),
        "first trial": int(data.numbers[first]),
        "reason": reason,
    }


CHART = Chart("failures", "What failed, and why", "Why did trials fail?", draw, applies)
