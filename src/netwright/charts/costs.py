"""What the run cost: device time by what it went into, and money by a rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from netwright.charts.axes import room_for_words, time_unit
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.finalists import figures_of
from netwright.charts.run_data import RunData
from netwright.core.wording import duration

HOUR = 3600.0


def applies(data: RunData) -> str:
    return "" if np.nansum(data.seconds) > 0 else "nothing has taken any time yet"


def draw(data: RunData, rate: float = 0.0, currency: str = "") -> Drawn:
    """Time of the estimator by what came of it, lost attempts, the final training and the baselines."""
    rows = [row for row in _parts(data) if row["seconds"] > 0]
    total = sum(row["seconds"] for row in rows)
    unit, unit_name = time_unit(total)
    for row in rows:
        row.update(time=row["seconds"] / unit, share=row["seconds"] / total, words=duration(row["seconds"]))
        if rate:
            row["money"] = round(row["seconds"] / HOUR * rate, 4)
    alt = altair()
    text = "words:N"
    base = alt.Chart(alt.NamedData("costs")).encode(
        y=alt.Y(
            "what:N", sort=None, title=None, axis=alt.Axis(domain=False, ticks=False, labelPadding=6, labelLimit=260)
        ),
        x=alt.X(
            "time:Q",
            title=f"device time ({unit_name})",
            axis=alt.Axis(tickCount=6),
            scale=room_for_words(max(row["time"] for row in rows)),
        ),
        tooltip=["what:N", "words:N", alt.Tooltip("share:Q", format=".1%"), *(["money:Q"] if rate else [])],
    )
    bars = base.mark_bar(height=18, color="role:main")
    words = base.mark_text(align="left", dx=4, color="role:ink").encode(text=text)
    note = (
        f"{duration(total)} of device time in all; the search has taken {duration(data.summary.seconds)} by the clock."
    )
    if rate:
        note += f" At {rate:g} {currency} an hour: {total / HOUR * rate:,.2f} {currency}".rstrip() + "."
    heads = {"words": "", "time": ""}
    return Drawn((bars + words).properties(width=430, height=alt.Step(28)), {"costs": rows}, note, heads=heads)


def _parts(data: RunData) -> list[dict[str, Any]]:
    """Seconds by what they went into, the largest first."""
    seconds = np.nan_to_num(data.seconds)
    done = np.array([each == "completed" for each in data.states], dtype=bool)
    full = data.fidelities >= (data.fidelities[data.completed].max() if data.completed.any() else 1.0)
    trials = data.evaluations
    parts = {
        "trials trained in full": trials & done & full,
        "trials stopped early": trials & done & ~full,
        "trials that did not complete": trials & ~done,
        "shared weights": ~trials,
    }
    found = {name: float(seconds[chosen].sum()) for name, chosen in parts.items()}
    attempts = data.attempts
    last = dict(zip(data.numbers.tolist(), data.tries, strict=True))
    found["attempts that were lost"] = sum(
        taken
        for number, attempt, taken in zip(attempts["trial"], attempts["attempt"], attempts["seconds"], strict=True)
        if attempt < last.get(number, 0)
    )
    figures = figures_of(data) or {}
    found["final training"] = float((figures.get("winner") or {}).get("seconds") or 0.0)
    found["baselines"] = sum(float(each.get("seconds") or 0.0) for each in figures.get("baselines", []))
    return [{"what": name, "seconds": spent} for name, spent in sorted(found.items(), key=lambda each: -each[1])]


CHART = Chart(
    "costs",
    "What the run cost",
    "What did the time go into, and what does it come to?",
    draw,
    applies,
    {"rate": "money for an hour of device time", "currency": "its name"},
)
