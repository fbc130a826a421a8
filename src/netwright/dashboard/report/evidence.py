"""What a reviewer checks in a report: what was compared, what failed, what was asked, and what nobody measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.problem import Breakdown
from netwright.core.wording import duration, shortened
from netwright.dashboard.facts import Facts, plan_of
from netwright.dashboard.wording import heading, metric
from netwright.results.figures import Figures
from netwright.results.final_report import headings, parts, sentences, table

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData

MOST_TRIALS = 500
MOST_REASONS = 12
LONGEST = 400  # characters of an architecture or a reason


_ONLY_OF_TRIALS = ("state", "share", "from", "architecture")  # columns that a choice from the front does not need


@dataclass(frozen=True)
class Table:
    """title: of the table. text: what is shown. head: the columns. rows: as text. numeric: the columns of numbers."""

    title: str
    text: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @cached_property
    def numeric(self) -> tuple[bool, ...]:
        return tuple(_numbers([row[place] for row in self.rows if place < len(row)]) for place in range(len(self.head)))


def _numbers(cells: Sequence[str]) -> bool:
    filled = [each for each in cells if each]
    return bool(filled) and all(each[0] in "-+.0123456789\u2013\u221e" for each in filled)


def comparison(figures: Figures) -> Table:
    """The winner and what stands beside it, all on the test examples."""
    rows = table([figures.winner, *figures.baselines], figures.main)
    text = f"On {figures.test_examples:,} test examples that neither search nor training saw; n trainings each."
    return Table("Beside references", text, headings(figures.main), tuple(map(tuple, rows)))


def findings(figures: Figures) -> list[str]:
    """What the comparison says, in sentences."""
    return sentences(figures)


def details(figures: Figures) -> list[Table]:
    """Limits, further metrics, each class, what is taken for what, and the well-known networks."""
    return [of_breakdown(each) for each in parts(figures)]


def of_breakdown(part: Breakdown) -> Table:
    return Table(part.title, part.text, tuple(part.headings), tuple(tuple(map(str, row)) for row in part.rows))


def failures(data: RunData) -> Table | None:
    """Why trials did not complete, the most frequent reason first; None where all did."""
    found: dict[tuple[str, str], list[int]] = {}
    for place, (state, reason) in enumerate(zip(data.states, data.reasons, strict=True)):
        if state not in ("completed", "running"):
            found.setdefault((state, _kind(reason)), []).append(place)
    if not found:
        return None
    ordered = sorted(found.items(), key=lambda each: -len(each[1]))
    rows = tuple(
        (str(len(places)), heading(state), str(data.numbers[places[0]]), shortened(data.reasons[places[0]], LONGEST))
        for (state, _), places in ordered[:MOST_REASONS]
    )
    left = len(ordered) - len(rows)
    text = "Reasons that differ in their numbers alone are one."
    return Table(
        "Trials that did not complete",
        f"{text} {left:,} rarer reasons are left out." if left > 0 else text,
        ("trials", "ended as", "first", "its reason"),
        rows,
    )


def _kind(reason: str) -> str:
    return "".join("0" if each.isdigit() else each for each in reason)[:60]


def trials(data: RunData, facts: Facts, most: int = MOST_TRIALS) -> Table:
    """The trials, the front or the best first, then as they were asked."""
    places = [place for place in range(len(data)) if data.evaluations[place]]
    ahead = [each for each in (*facts.front, facts.best) if each is not None]
    first = list(dict.fromkeys(ahead))[:most]
    known = set(first)
    scored = sorted(
        (each for each in places if each not in known),
        key=lambda each: (math.isnan(data.scores[each, 0]), -np.nan_to_num(data.scores[each, 0]), each),
    )
    shown = [*first, *scored][:most]
    names = [name for name in dict.fromkeys([*(o.metric for o in data.objectives), "params"]) if name in data.metrics]
    rows = tuple(
        (
            str(data.numbers[each]),
            heading(data.states[each]),
            f"{data.fidelities[each]:.3g}",
            *(metric(float(data.metrics[name][each]), name) for name in names),
            duration(float(data.seconds[each])) if not math.isnan(data.seconds[each]) else "",
            "" if math.isnan(data.parents[each]) else str(int(data.parents[each])),
            shortened(data.texts[each] or data.reasons[each], LONGEST),
        )
        for each in shown
    )
    head = ("trial", "state", "share", *map(heading, names), "time", "from", "architecture")
    some = f"{len(rows):,} of {len(places):,}, the best first" if len(rows) < len(places) else f"all {len(places):,}"
    text = f"{some}. Share: of the full training. From: the trial that it goes on from or was changed from."
    return Table("Trials", text, head, rows)


def front(data: RunData, facts: Facts, most: int = 12) -> Table | None:
    """The networks that no other beats in everything, the best in the first objective first; None for one objective."""
    if len(data.objectives) < 2 or not facts.front:
        return None
    found = trials(data, facts, min(most, len(facts.front)))
    left = len(facts.front) - len(found.rows)
    text = "No other network beats one of these in every objective. Each can be taken home: netwright export "
    text += f"{data.name} --trial N." + (f" {left:,} more are in the table of trials." if left > 0 else "")
    kept = [place for place, name in enumerate(found.head) if name not in _ONLY_OF_TRIALS]
    rows = tuple(tuple(row[place] for place in kept) for row in found.rows)
    return Table("Which one to take", text, tuple(found.head[place] for place in kept), rows)


def settings(data: RunData, figures: Figures | None) -> list[tuple[str, dict[str, str]]]:
    """What was asked, with which versions and on what, as groups of names and texts."""
    plan, summary = plan_of(data), data.summary
    asked = {"objectives": ", ".join(map(str, data.objectives)), "limits": ", ".join(map(str, data.limits)) or "none"}
    asked |= {"limits were changed": "; ".join(data.present.lines)} if data.present.changed else {}
    keys = ("data", "space", "recipe", "strategy", "epochs", "shared_epochs", "training", "trials", "time", "seed")
    keys = tuple(key for key in keys if not plan.get("recipe") or key not in ("strategy", "epochs"))
    asked |= {key.replace("_", " "): _text(plan[key]) for key in keys if plan.get(key) not in (None, "", [], {}, ())}
    run = {"run": summary.name, "space": summary.space, "begun": summary.created, "ended": summary.ended or ""}
    run |= {"netwright": summary.version, "stopped": summary.stopped}
    groups = [("Asked", asked), ("Run", run)]
    if figures:
        seeds = ", ".join(map(str, figures.winner.seeds)) or "none"
        training = {key: _text(value) for key, value in figures.training.items() if key != "settings"}
        chosen = {key.replace("_", " "): _text(value) for key, value in figures.training.get("settings", {}).items()}
        groups += [
            ("Machine", {key: _text(value) for key, value in figures.hardware.items()}),
            ("Final training", {"seeds": seeds, "seed of the weights": str(figures.exported_seed), **training}),
            ("Training settings", chosen),
        ]
    return [(name, {key: text for key, text in group.items() if text}) for name, group in groups if group]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(each)}" for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def unmeasured(data: RunData, figures: Figures | None) -> list[str]:
    """What nobody may take from this report."""
    if figures is None:
        return [
            "How good the network is on examples that the search did not see: there was no final test.",
            "Whether it is better than a random pick or something simpler.",
        ]
    found = [f"{each}: did not fit into the time." for each in figures.left_out]
    found += [f"{name}: was not run, {reason}." for name, reason in figures.skipped.items()]
    if len(figures.winner.values) == 1:
        found.append("How much a training with other first weights would differ: there was one training.")
    if not any(each.name == "random pick" for each in figures.baselines):
        found.append("Whether the search was better than a random pick of the same space.")
    if not any(name.startswith(("latency", "energy")) for name in data.metrics):
        found.append("How long an answer takes and what energy it costs on your device.")
    found.append("How it does on data that differ from these: the test examples come from the same source.")
    return [f"{each[:1].upper()}{each[1:]}" for each in found]


def repeatable(data: RunData) -> str:
    """How far the same command gives the same result."""
    plan = plan_of(data)
    if plan.get("time") and not plan.get("trials"):
        return (
            "The search ends by the clock, so that another machine, or the same one at another load, may try more or "
            "fewer networks; the seed fixes everything else."
        )
    return "On one device and number of threads the same command gives the same trials, bit for bit."
