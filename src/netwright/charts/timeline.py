"""What each worker did when: am I wasting machines?"""

from __future__ import annotations

from typing import Any

import numpy as np

from netwright.charts.axes import time_unit
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.run_data import RunData
from netwright.core.wording import duration

PIXELS = 640
MOST_WORKERS = 40
KINDS = ("completed", "infeasible", "failed", "lost and begun again", "running")
ROLES = ("role:main", "role:faint", "role:best", "role:outside", "role:other")


def applies(data: RunData) -> str:
    return "" if len(data) else "no trial was begun yet"


def draw(data: RunData) -> Drawn:
    """A bar from start to end of each attempt, one line a worker; bars of one kind that touch are one."""
    attempts = _attempts(data)
    if not attempts:
        return Drawn({}, {}, empty="no attempt has ended yet")
    span = max(each["to"] for each in attempts) or 1.0
    unit, unit_name = time_unit(span)
    workers = list(dict.fromkeys(sorted((each["worker"] for each in attempts), key=_by_number)))
    kept = set(workers[:MOST_WORKERS])
    bars = joined([each for each in attempts if each["worker"] in kept], 1.5 * span / PIXELS)
    rows = [
        {**each, "from": each["from"] / unit, "to": each["to"] / unit, "took": duration(each["to"] - each["from"])}
        for each in bars
    ]
    alt = altair()
    kinds = [each for each in KINDS if any(row["kind"] == each for row in rows)]
    roles = [ROLES[KINDS.index(each)] for each in kinds]
    chart = alt.Chart(alt.NamedData("attempts")).mark_bar(height=16, **_edges(len(rows)))
    chart = chart.encode(
        x=alt.X("from:Q", title=f"time since the first trial ({unit_name})", axis=alt.Axis(grid=True)),
        x2="to:Q",
        y=alt.Y("worker:N", sort=None, title=None, axis=alt.Axis(labelLimit=180, domain=False, ticks=False)),
        color=alt.Color(
            "kind:N", title=None, scale=alt.Scale(domain=kinds, range=roles), legend=alt.Legend(orient="bottom")
        ),
        tooltip=["worker:N", "trial:N", "kind:N", "took:N", "reason:N"],
    )
    return Drawn(
        chart.properties(width=PIXELS, height=alt.Step(24)),
        {"attempts": rows},
        _note(attempts, workers, span, len(rows)),
    )


def _edges(bars: int) -> dict[str, Any]:
    """Lines between bars, where there are few enough to be told apart."""
    return {"stroke": "role:paper", "strokeWidth": 0.6} if bars < 200 else {}


def _attempts(data: RunData) -> list[dict[str, Any]]:
    """All attempts that have ended, and the trials that run."""
    place = {number: at for at, number in enumerate(data.numbers.tolist())}
    columns = ("trial", "attempt", "state", "place", "reason", "started", "ended")
    rows: list[dict[str, Any]] = []
    for number, attempt, state, worker, reason, begun, ended in zip(
        *(data.attempts[each] for each in columns), strict=True
    ):
        again = number in place and attempt < data.tries[place[number]]
        kind = KINDS[3] if again else state if state in KINDS else KINDS[2]
        row = {
            "worker": worker or "this process",
            "trial": str(number),
            "kind": kind,
            "from": begun,
            "to": max(begun, ended),
        }
        rows.append({**row, "reason": reason, "attempts": 1})
    now = max([*(row["to"] for row in rows), *data.started.tolist()], default=0.0)
    for at in [at for at, state in enumerate(data.states) if state == "running"]:
        row = {
            "worker": "running now",
            "trial": str(data.numbers[at]),
            "kind": KINDS[4],
            "from": float(data.started[at]),
        }
        rows.append({**row, "to": now, "reason": "", "attempts": 1})
    return rows


def joined(attempts: list[dict[str, Any]], nearer: float) -> list[dict[str, Any]]:
    """Bars of one worker and kind that follow one another within so many seconds and are shorter than that are one."""
    rows: list[dict[str, Any]] = []
    for each in sorted(attempts, key=lambda each: (_by_number(each["worker"]), each["from"])):
        last = rows[-1] if rows else None
        short = last is not None and min(each["to"] - each["from"], last["to"] - last["from"]) < nearer
        if last is not None and short and _alike(last, each) and each["from"] - last["to"] < nearer:
            count = last["attempts"] + 1
            first = last["trial"].split(" ")[0]
            rows[-1] = {
                **last,
                "to": max(last["to"], each["to"]),
                "attempts": count,
                "trial": f"{first} and {count - 1} more",
            }
        else:
            rows.append(each)
    return rows


def _alike(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return first["worker"] == second["worker"] and first["kind"] == second["kind"]


def _by_number(worker: str) -> tuple[int, str]:
    digits = "".join(each for each in worker.partition("(")[0] if each.isdigit())
    return int(digits or 0), worker


def _note(attempts: list[dict[str, Any]], workers: list[str], span: float, bars: int) -> str:
    spent = [sum(each["to"] - each["from"] for each in attempts if each["worker"] == name) for name in workers]
    busy = float(np.mean([min(1.0, each / span) for each in spent]))
    lost = sum(each["kind"] == KINDS[3] for each in attempts)
    said = f"{len(attempts)} attempts of {len(workers)} worker{'s' if len(workers) > 1 else ''} in {duration(span)}; "
    said += f"on average a worker had a trial {busy:.0%} of the time"
    said += f"; {lost} attempts were lost and begun again." if lost else "."
    if len(workers) > MOST_WORKERS:
        said += f" The first {MOST_WORKERS} workers are shown."
    return said + (" Short attempts of one kind next to each other are one bar." if bars < len(attempts) else "")


CHART = Chart("timeline", "What each worker did when", "Are machines idle, or lost?", draw, applies)
