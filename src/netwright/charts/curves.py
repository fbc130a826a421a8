"""Learning curves: is pruning fair, and did training go well?"""

from __future__ import annotations

from typing import Any

import numpy as np

from netwright.charts.axes import WHOLE, metric_axis, metric_title
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.run_data import RunData
from netwright.core.errors import UserError, nearest

MOST = 120  # curves
MOST_EPOCHS = 200  # points of a curve
BEST = 10  # of the best that are shown in any case
KINDS = ("best", "trained in full", "stopped early", "failed")


def applies(data: RunData) -> str:
    some = _looked_at(data)
    if not some:
        return "no trial has ended yet"
    return "" if any(data.curves(some).values()) else "no learning curves were kept"


def _looked_at(data: RunData) -> list[int]:
    """A few trials that tell whether there are curves at all."""
    return data.numbers[data.evaluations & np.isfinite(data.told)].tolist()[:20]


def draw(data: RunData, metric: str = "", trials: str = "", most: int = MOST) -> Drawn:
    """A metric by epoch of each trial; a gap where it was not finite, a dot where training ended."""
    numbers = _asked(data, trials) if trials else _chosen(data, most)
    curves = {number: curve for number, curve in data.curves(numbers).items() if curve}
    metric = _metric(data, metric, curves)
    kinds = _kinds(data, bool(trials))
    rows = [
        row for number, curve in curves.items() for row in _points(number, curve, metric, kinds.get(number, KINDS[2]))
    ]
    if not rows:
        return Drawn({}, {}, empty=f"none of these trials has a curve of {metric_title(metric)}")
    rows.sort(key=lambda row: KINDS[::-1].index(row["kind"]) if not trials else 0)
    ends = [row for row in rows if row["last"]]
    rungs = _rungs(data, curves)
    there = int((data.evaluations & np.isfinite(data.told)).sum())
    note = f"{len(curves)} of {there} trials that ended: "
    note += (
        "those asked for." if trials else "the best, and others picked at random." if len(curves) < there else "all."
    )
    gaps = len({row["trial"] for row in rows if row["value"] is None})
    note += f" In {gaps} the {metric_title(metric)} was not a number for a while (gap)." if gaps else ""
    note += " Dotted: where trainings are compared and the worse ones stopped." if rungs else ""
    return Drawn(
        _chart(data, metric, bool(trials), bool(rungs), {row["kind"] for row in rows}),
        {"curves": rows, "ends": ends, "rungs": rungs},
        note,
    )


def _asked(data: RunData, trials: str) -> list[int]:
    """The numbers that were asked for; UserError for what is no number, or no trial of the run."""
    found: list[int] = []
    for each in trials.split(","):
        if not each.strip().isdigit() or int(each) not in data.numbers:
            last = f"0 to {data.numbers[-1]}" if len(data) else "none"
            raise UserError(
                f"run {data.name!r} has no trial {each.strip()!r}; expected numbers as 3,7 of its trials, {last}"
            )
        found.append(int(each))
    return found


def _chosen(data: RunData, most: int) -> list[int]:
    """The best and the failed ones, and of the others some at random."""
    ended = np.flatnonzero(
        data.evaluations & np.isfinite(data.told) & np.array([s != "infeasible" for s in data.states])
    )
    if len(ended) <= most:
        return data.numbers[ended].tolist()
    compared = np.flatnonzero(data.compared)
    first = compared[np.argsort(-data.scores[compared, 0], kind="stable")][:BEST]
    others = np.random.default_rng(0).permutation(np.setdiff1d(ended, first))[: max(0, most - len(first))]
    return sorted(data.numbers[np.concatenate((first, others))].tolist())


def _metric(data: RunData, asked: str, curves: dict[int, list[dict[str, float]]]) -> str:
    """What was asked for, else the first objective's metric, else a loss: the first that curves have."""
    known = list(
        dict.fromkeys(name for curve in curves.values() for name in curve[-1] if name not in ("epoch", "seconds"))
    )
    if asked and asked not in known:
        raise UserError(f"the curves of run {data.name!r} have no {asked!r}{nearest(asked, known)}")
    wanted = [asked, *(each.metric for each in data.objectives), "val_loss", "train_loss", *known]
    return next((each for each in wanted if each in known), "val_loss")


def _kinds(data: RunData, each_its_own: bool) -> dict[int, str]:
    full = data.fidelities[data.completed].max() if data.completed.any() else 1.0
    found: dict[int, str] = {}
    for place, number in enumerate(data.numbers.tolist()):
        if each_its_own:
            found[number] = f"trial {number}"
        elif place == data.best:
            found[number] = KINDS[0]
        elif data.states[place] != "completed":
            found[number] = KINDS[3]
        else:
            found[number] = KINDS[1] if data.fidelities[place] >= full else KINDS[2]
    return found


def _points(number: int, curve: list[dict[str, float]], metric: str, kind: str) -> list[dict[str, Any]]:
    values = [(point.get("epoch", float(at)), point.get(metric)) for at, point in enumerate(curve, start=1)]
    values = [(epoch, value) for epoch, value in values if value is not None]
    step = max(1, len(values) // MOST_EPOCHS)
    kept = values[::step] if not values or values[::step][-1] == values[-1] else [*values[::step], values[-1]]
    finite = [epoch for epoch, value in kept if np.isfinite(value)]
    return [
        {
            "trial": number,
            "epoch": epoch,
            "value": value if np.isfinite(value) else None,
            "kind": kind,
            "last": bool(finite) and epoch == finite[-1],
        }
        for epoch, value in kept
    ]


def _rungs(data: RunData, curves: dict[int, list[dict[str, float]]]) -> list[dict[str, Any]]:
    """The epochs at which trainings of each fidelity below the highest end, where these are few and alike."""
    place = {number: at for at, number in enumerate(data.numbers.tolist())}
    ends: dict[float, list[float]] = {}
    for number, curve in curves.items():
        if data.states[place[number]] == "completed":
            ends.setdefault(float(data.fidelities[place[number]]), []).append(curve[-1].get("epoch", float(len(curve))))
    rungs = sorted(ends)[:-1]
    alike = all(len(set(ends[each])) == 1 for each in rungs)
    return [{"epoch": ends[each][0]} for each in rungs] if alike and len(rungs) <= 8 else []


def _chart(data: RunData, metric: str, own: bool, rungs: bool, kinds: set[str]) -> Any:
    alt = altair()
    better = next((each.direction for each in data.objectives if each.metric == metric), "")
    x = alt.X("epoch:Q", title="epochs of training", axis=alt.Axis(grid=False, **WHOLE))
    y = metric_axis(alt.Y, "value", metric, better=better)
    roles = ["role:best", "role:main", "role:faint", "role:outside"]
    used = [each for each in KINDS if each in kinds]
    scale = alt.Undefined if own else alt.Scale(domain=used, range=[roles[KINDS.index(each)] for each in used])
    colour = alt.Color("kind:N", title=None, scale=scale)
    wide = alt.condition("datum.kind === 'best'", alt.value(3), alt.value(2 if own else 1))
    clear = alt.condition("datum.kind === 'best'", alt.value(1), alt.value(0.9 if own else 0.55))
    lines = alt.Chart(alt.NamedData("curves")).mark_line(invalid="break-paths-show-domains")
    lines = lines.encode(x=x, y=y, color=colour, detail="trial:N", strokeWidth=wide, strokeOpacity=clear)
    tips = ["trial:Q", "kind:N", "epoch:Q", alt.Tooltip("value:Q", title=metric_title(metric), format=".4~g")]
    ends = alt.Chart(alt.NamedData("ends")).mark_point(size=26).encode(x=x, y=y, color=colour, tooltip=tips)
    layers = [lines, ends]
    if rungs:
        layers = [
            alt.Chart(alt.NamedData("rungs")).mark_rule(color="role:quiet", strokeDash=[2, 3]).encode(x=x),
            *layers,
        ]
    return alt.layer(*layers).properties(width=640, height=340)


CHART = Chart(
    "curves",
    "Learning curves",
    "Is stopping early fair, and did training go well?",
    draw,
    applies,
    {"metric": "of the curves", "trials": "their numbers, as 3,7,12, side by side", "most": "how many curves"},
)
