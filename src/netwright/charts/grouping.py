"""What the labels of a decision have to do with a score: groups of trials, their means, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from netwright.charts.run_data import Label, RunData

LEAST = 8  # trials that ask a decision, below which nothing is said of it
MOST_LABELS = 12  # of numbers more are put into as many groups of equal size


@dataclass(frozen=True)
class Decision:
    """The trials that took each label of one decision.

    name: of the decision.
    labels: as text, in the order of their values.
    groups: int (n,): the place of each trial's label.
    scores: float (n,): larger is better.
    """

    name: str
    labels: tuple[str, ...]
    groups: np.ndarray
    scores: np.ndarray


def decisions(data: RunData) -> list[Decision]:
    """Those that were asked in enough trials of one fidelity and answered in more than one way."""
    if "decisions" not in data.memo:
        data.memo["decisions"] = _decisions(data)
    return data.memo["decisions"]


def _decisions(data: RunData) -> list[Decision]:
    places = np.flatnonzero(data.alike(LEAST) & np.isfinite(data.scores[:, 0])).tolist()
    found: list[Decision] = []
    for name, labels in data.choices.items():
        asked = [place for place in places if labels[place] is not None]
        if len(asked) >= LEAST:
            names, groups = grouped([labels[place] for place in asked])
            if len(names) > 1:
                found.append(Decision(name, names, groups, data.scores[asked, 0]))
    return found


def few(data: RunData) -> str:
    """Why nothing can be said of groups of trials; "" where something can."""
    if data.alike(LEAST).any():
        return ""
    if int(data.completed.sum()) < LEAST:
        return f"fewer than {LEAST} trials have completed"
    return f"fewer than {LEAST} trials were trained for equally long"


def of_what(data: RunData, chosen: np.ndarray) -> str:
    """A sentence about trials that are not the longest trainings; "" for the longest."""
    share, longest = data.fidelities[chosen].max(), data.fidelities[data.completed].max()
    return "" if share >= longest else f" They were trained for {share:.1%} of the full time: few were for longer."


def grouped(labels: Sequence[Label]) -> tuple[tuple[str, ...], np.ndarray]:
    """The labels in order, as text, and the place of each one's; very many numbers are put into ranges."""
    distinct = sorted(set(labels), key=_order)
    numbers = all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in distinct)
    if numbers and len(distinct) > MOST_LABELS:
        return _ranges(np.array(labels, dtype=float))
    place = {each: at for at, each in enumerate(distinct)}
    return tuple(map(text, distinct)), np.array([place[each] for each in labels])


def _ranges(values: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    edges = np.unique(np.quantile(values, np.linspace(0, 1, MOST_LABELS // 2 + 1)))
    groups = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    return tuple(f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)), groups


def text(label: Label) -> str:
    """A label as people read it."""
    return (
        {True: "yes", False: "no"}[label]
        if isinstance(label, bool)
        else f"{label:g}"
        if isinstance(label, float)
        else str(label)
    )


def _order(label: Any) -> tuple[int, Any]:
    return (1, str(label)) if isinstance(label, str) else (0, label)


def explained(decision: Decision) -> tuple[float, float, float]:
    """The share of the scores' variance that a decision explains by itself, with its 95 % interval.

    The estimate is epsilon squared, which takes off what groups explain by chance (Kelley 1935); the interval is that
    of the noncentral F distribution (Steiger 2004); both end at 0.
    """
    from scipy.special import ncfdtrinc

    count, kinds = len(decision.scores), len(decision.labels)
    sizes = np.bincount(decision.groups, minlength=kinds)
    means = np.bincount(decision.groups, decision.scores, minlength=kinds) / np.maximum(sizes, 1)
    total = float(((decision.scores - decision.scores.mean()) ** 2).sum())
    within = float(((decision.scores - means[decision.groups]) ** 2).sum())
    left = count - kinds
    if total <= 0 or left < 1:
        return 0.0, 0.0, 0.0
    if within <= 0:
        return 1.0, 1.0, 1.0
    noise = within / left
    ratio = (total - within) / (kinds - 1) / noise
    ends = [ncfdtrinc(kinds - 1, left, chance, ratio) for chance in (0.975, 0.025)]
    low, high = (float(each / (each + count)) if np.isfinite(each) and each > 0 else 0.0 for each in ends)
    return max(0.0, 1 - noise * (count - 1) / total), low, high


def mean_interval(scores: np.ndarray) -> tuple[float, float, float]:
    """Mean and 95 % interval by Student's t; the interval is the mean itself for a single number."""
    from scipy.special import stdtrit

    mean = float(scores.mean())
    if len(scores) < 2:
        return mean, mean, mean
    half = float(stdtrit(len(scores) - 1, 0.975) * scores.std(ddof=1) / np.sqrt(len(scores)))
    return mean, mean - half, mean + half
