"""The weights of the options over epochs: is the mixture converging, or collapsing?"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from netwright.charts.axes import WHOLE
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.run_data import RunData

MOST_CELLS = 20_000  # weights in all epochs that are kept
MOST_DECISIONS = 60
MOST_EPOCHS = 200
WATCHED = {
    "entropy": "entropy, share of the largest",
    "parameter_free": "share of operations without parameters",
    "discretisation_gap": "what rounding loses",
}


def rounds(data: RunData) -> np.ndarray:
    """The places of the epochs whose candidate is a mixture."""
    purposes = np.array([each == "train" for each in data.purposes], dtype=bool)
    mixtures = np.array([each is None for each in data.digests], dtype=bool)
    return np.flatnonzero(purposes & mixtures)


def applies(data: RunData) -> str:
    return "" if len(rounds(data)) > 1 else "this run has no mixture: its method samples architectures"


def draw(data: RunData, epoch: int = 0) -> Drawn:
    """The weight of each option of each decision at one epoch; below it what the mixture is watched for, over all."""
    places = rounds(data)
    numbers = data.numbers[places].tolist()
    mixtures = data.mixtures(numbers)
    cells = max(1, sum(len(flat(each)) for each in mixtures[numbers[-1]].values()))
    kept = places[_spaced(len(places), max(2, MOST_CELLS // cells))].tolist()
    epochs = [_epoch(data, at) for at in kept]
    shown = min(epochs, key=lambda each: abs(each - epoch)) if epoch else epochs[-1]
    names = option_names(data, mixtures[numbers[-1]])
    rows = [
        {
            "decision": name,
            "option": label,
            "epoch": at_epoch,
            "weight": weight,
            "largest": weight >= max(flat(weights)),
        }
        for at, at_epoch in zip(kept, epochs, strict=True)
        for name, weights in mixtures[int(data.numbers[at])].items()
        if name in names
        for label, weight in zip(names[name], flat(weights), strict=False)
    ]
    rows.sort(key=lambda row: -row["epoch"])
    watched = _watched(data, places[_spaced(len(places), MOST_EPOCHS)].tolist(), mixtures)
    decisions = len(mixtures[numbers[-1]])
    note = f"{len(places)} epochs of shared weights, {decisions} decisions; a dot marks the largest weight."
    if len(names) < len(mixtures[numbers[-1]]):
        note += f" The first {len(names)} decisions are shown."
    chart = _chart(len(names), shown, epochs, watched)
    return Drawn(chart, {"weights": rows, "watched": watched, "here": [{"at": shown}]}, note + alarm(data, places))


def _spaced(there: int, most: int) -> np.ndarray:
    """Places of so many of them, evenly, the first and the last among them."""
    return np.unique(np.linspace(0, there - 1, min(there, most)).round().astype(int))


def flat(weights: Any) -> list[float]:
    """The weights as one list."""
    found = np.asarray(weights, dtype=float)
    return found.reshape(-1).tolist()


def _epoch(data: RunData, at: int) -> float:
    epochs = data.metrics.get("epoch")
    return float(epochs[at]) if epochs is not None and np.isfinite(epochs[at]) else float(data.numbers[at]) + 1


def option_names(data: RunData, last: dict[str, list[float]]) -> dict[str, list[str]]:
    """The decisions that are shown, with a name for each weight: the space's own where it is known, else numbers."""
    known = data.option_labels
    shown = list(last)[:MOST_DECISIONS]
    found: dict[str, list[str]] = {}
    for name in shown:
        size, labels = len(flat(last[name])), list(known.get(name, ()))
        found[name] = labels if len(labels) == size else [f"option {at + 1}" for at in range(size)]
    return found


def _watched(data: RunData, places: list[int], mixtures: dict[int, dict[str, list[float]]]) -> list[dict[str, Any]]:
    """What is measured of the mixture, an entry an epoch; the entropy is computed where it was not kept."""
    rows: list[dict[str, Any]] = []
    for at in places:
        epoch, number = _epoch(data, at), int(data.numbers[at])
        for name, title in WATCHED.items():
            values = data.metrics.get(name)
            value = float(values[at]) if values is not None else math.nan
            if name == "entropy" and not math.isfinite(value):
                value = entropy(mixtures[number])
            if math.isfinite(value):
                rows.append({"epoch": epoch, "what": title, "value": value})
    return rows


def entropy(mixture: dict[str, list[float]]) -> float:
    """Mean over the decisions of the entropy of their weights, as a share of the largest there can be."""
    found: list[float] = []
    for weights in mixture.values():
        shares = np.maximum(np.array(flat(weights)), 0)
        if len(shares) > 1 and shares.sum() > 0:
            shares = shares / shares.sum()
            found.append(float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum() / math.log(len(shares))))
    return float(np.mean(found)) if found else math.nan


def alarm(data: RunData, places: np.ndarray) -> str:
    """What the last epoch's measures say of collapse."""
    said = ""
    last = {name: data.metrics[name][places[-1]] for name in data.metrics}
    if last.get("entropy", 0) > 0.98:
        said += " Almost uniform in the end: small differences decide what is chosen."
    if last.get("parameter_free", 0) > 0.5 and last["parameter_free"] > last.get("parameter_free_by_chance", 0.5) + 0.1:
        said += f" {last['parameter_free']:.0%} of the chosen operations have no parameters: a sign of collapse."
    if last.get("discretisation_gap", 0) > 0.2:
        lost = 100 * last["discretisation_gap"]
        said += f" Rounding the mixture to an architecture loses {lost:.0f} points with these weights."
    return said


def _chart(decisions: int, shown: float, epochs: list[float], watched: list[dict[str, Any]]) -> Any:
    alt = altair()
    step = max(1.0, min((b - a for a, b in pairwise(epochs)), default=1.0))
    slider = alt.binding_range(min=epochs[0], max=epochs[-1], step=step, name="epoch ")
    chosen = alt.param(name="shown", value=shown, bind=slider)
    own = alt.Chart(alt.NamedData("weights")).transform_filter("abs(datum.epoch - shown) < 0.5")
    x = alt.X(
        "option:N",
        sort=None,
        title="option",
        axis=alt.Axis(orient="top", labelAngle=-40, domain=False, labelLimit=160, labelOverlap=False),
    )
    y = alt.Y("decision:N", sort=None, title=None, axis=alt.Axis(domain=False, ticks=False, labelLimit=260))
    scale = alt.Scale(range=["role:low", "role:high"], interpolate="rgb")
    colour = alt.Color("weight:Q", scale=scale, legend=alt.Legend(title="weight", format=".3~g"))
    tips = ["decision:N", "option:N", "epoch:Q", alt.Tooltip("weight:Q", format=".3f")]
    cells = own.mark_rect(stroke="role:paper").encode(x=x, y=y, color=colour, tooltip=tips)
    dots = own.transform_filter("datum.largest").mark_point(color="role:best", size=26).encode(x=x, y=y)
    heat = alt.layer(cells, dots).properties(width=alt.Step(30), height=alt.Step(20 if decisions < 20 else 13))
    if not watched:
        return heat.add_params(chosen)
    names = [each for each in WATCHED.values() if any(row["what"] == each for row in watched)]
    roles = [f"role:category {place}" for place in range(len(names))]
    legend = alt.Legend(orient="right", labelLimit=300, symbolType="stroke", symbolSize=300)
    dashes = alt.Scale(domain=names, range=[[1, 0], [6, 3], [2, 2]][: len(names)])
    lines = (
        alt.Chart(alt.NamedData("watched"))
        .mark_line(point=alt.OverlayMarkDef(size=20))
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(grid=False, **WHOLE)),
            y=alt.Y("value:Q", title=None, axis=alt.Axis(format=".0%"), scale=alt.Scale(domainMin=0)),
            color=alt.Color("what:N", title=None, scale=alt.Scale(domain=names, range=roles), legend=legend),
            strokeDash=alt.StrokeDash("what:N", title=None, scale=dashes, legend=legend),
            tooltip=["what:N", "epoch:Q", alt.Tooltip("value:Q", format=".3f")],
        )
    )
    mark = alt.Chart(alt.NamedData("here")).transform_calculate(at="shown")
    rule = mark.mark_rule(color="role:quiet", strokeDash=[4, 4]).encode(x="at:Q")
    below = alt.layer(rule, lines).properties(width=360, height=130)
    return alt.vconcat(heat, below).add_params(chosen).resolve_scale(color="independent", strokeDash="independent")


CHART = Chart(
    "mixture",
    "Weights of the options over epochs",
    "Is the mixture converging, or collapsing?",
    draw,
    applies,
    {"epoch": "that is shown first; the last if left out"},
)
