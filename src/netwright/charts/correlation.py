"""A cheap score against the trained one: can I trust it, and is it better than counting parameters?"""

from __future__ import annotations

from typing import Any

import numpy as np

from netwright.charts.axes import direction, metric_axis, metric_title, spread_widely, tooltip
from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.grouping import of_what
from netwright.charts.run_data import RunData
from netwright.charts.sampling import MOST_POINTS, sampled, sampled_note
from netwright.core.errors import UserError, nearest

RESAMPLES = 200
MOST_RANKED = 2000  # trials that agreement is measured on
TOP = 0.1
LEAST = 8
COUNTED = ("params", "macs", "activation_memory", "size", "seconds", "epoch")
AFTER = ("val_", "train_", "test_", "trained_")  # of metrics that come of the same training


def applies(data: RunData) -> str:
    if not data.alike(LEAST).any():
        return f"fewer than {LEAST} trials were trained for equally long"
    return "" if _cheap(data) else "nothing but the training itself was measured"


def draw(data: RunData, x: str = "", y: str = "") -> Drawn:
    """Two metrics of the trials at the highest fidelity, and how far their orders agree."""
    y = y or (data.objectives[0].metric if data.objectives[0].metric in data.metrics else "val_accuracy")
    x = x or _cheap(data)[0]
    for each in (x, y):
        if each not in data.metrics:
            raise UserError(f"{each!r} was not measured in run {data.name!r}{nearest(each, data.metrics)}")
    first, second = data.metrics[x], data.metrics[y]
    places = np.flatnonzero(data.alike(LEAST) & np.isfinite(first) & np.isfinite(second))
    if len(places) < LEAST:
        return Drawn({}, {}, empty=f"fewer than {LEAST} trials have both {metric_title(x)} and {metric_title(y)}")
    rows = [{"trial": int(data.numbers[at]), "x": float(first[at]), "y": float(second[at])} for at in places.tolist()]
    shown = sampled(rows, MOST_POINTS)
    note = f"n = {len(rows)} trials.{of_what(data, data.alike(LEAST))} {agreement(data, x, y, places)}"
    if x != "params" and "params" in data.metrics:
        beside = places[np.isfinite(data.metrics["params"][places])]
        tau, low, high = kendall(oriented(data, "params", beside), oriented(data, y, beside))
        note += f" Beside it, more parameters: Kendall's tau {tau:.2f} ({low:.2f} to {high:.2f})."
    note += sampled_note(len(shown), len(rows), "trials")
    alt = altair()
    log = spread_widely(float(first[places].min()), float(first[places].max()))
    chart = (
        alt.Chart(alt.NamedData("pairs"))
        .mark_point(color="role:main", fillOpacity=0.5, size=36)
        .encode(
            x=metric_axis(alt.X, "x", x, better=direction(data.objectives, x), log=log),
            y=metric_axis(alt.Y, "y", y, better=direction(data.objectives, y)),
            tooltip=["trial:Q", tooltip("x", x), tooltip("y", y)],
        )
    )
    return Drawn(chart.properties(width=520, height=360), {"pairs": shown}, note, heads={"x": x, "y": y})


def _cheap(data: RunData) -> list[str]:
    """Metrics that were known before the training: scores without training first, then what was counted."""
    asked = {each.metric for each in data.objectives[:1]}
    known = [name for name, values in data.metrics.items() if np.isfinite(values[data.alike(LEAST)]).sum() >= LEAST]
    scores = [each for each in known if each not in (*COUNTED, *asked) and not each.startswith(AFTER)]
    return [*scores, *(each for each in ("params", "macs") if each in known and each not in asked)]


def oriented(data: RunData, metric: str, places: np.ndarray) -> np.ndarray:
    """float (n,): larger is better; more, where something was counted."""
    values = data.metrics[metric][places]
    return values if metric in COUNTED or direction(data.objectives, metric) == "maximize" else -values


def agreement(data: RunData, x: str, y: str, places: np.ndarray) -> str:
    """Kendall's tau with its interval, Spearman's rho, and how many of the best tenth both have in common."""
    if len(places) > MOST_RANKED:
        places = np.sort(np.random.default_rng(0).choice(places, MOST_RANKED, replace=False))
    first, second = oriented(data, x, places), oriented(data, y, places)
    tau, low, high = kendall(first, second)
    top = max(1, round(TOP * len(places)))
    best = [set(np.argsort(-each, kind="stable")[:top].tolist()) for each in (first, second)]
    from scipy.stats import spearmanr

    measured: Any = spearmanr(first, second) if np.ptp(first) > 0 and np.ptp(second) > 0 else (0.0,)
    rho = float(measured[0])
    more = "More" if x in COUNTED else "Better"
    return (
        f"{more} {metric_title(x)} with better {metric_title(y)}: Kendall's tau {tau:.2f} (95 % interval {low:.2f} to "
        f"{high:.2f}, bootstrap), Spearman's rho {rho:.2f}; of the first {top} by either, {len(best[0] & best[1])} are "
        "the same."
    )


def kendall(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Kendall's tau-b, and its 95 % interval over resamples of the trials."""
    from scipy.stats import kendalltau

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0, 0.0, 0.0
    rng, count = np.random.default_rng(0), len(first)
    found = [_tau(kendalltau, first, second, rng.integers(0, count, count)) for _ in range(RESAMPLES)]
    low, high = np.nanpercentile(found, (2.5, 97.5))
    return _coefficient(kendalltau(first, second)), float(low), float(high)


def _tau(kendalltau: Any, first: np.ndarray, second: np.ndarray, drawn: np.ndarray) -> float:
    a, b = first[drawn], second[drawn]
    return _coefficient(kendalltau(a, b)) if np.ptp(a) > 0 and np.ptp(b) > 0 else float("nan")


def _coefficient(found: Any) -> float:
    return float(found[0])


CHART = Chart(
    "correlation",
    "A cheap score against the trained one",
    "Can I trust the cheap score?",
    draw,
    applies,
    {
        "x": "the cheap metric; a score without training, or the parameters",
        "y": "what is foretold; the first objective",
    },
)
