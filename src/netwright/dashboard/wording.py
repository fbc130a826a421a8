"""How the pages say figures, times and texts; whatever was read somewhere is text, in which nothing steers anything."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from netwright.core.wording import amount, duration, printable, shortened
from netwright.results.metric_words import is_share, number

NOTHING = "\u2013"
_COLOURS = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]")  # what colours a terminal (ECMA-48, control sequences)
MARKS = {
    "completed": "\u2713",
    "running": "\u25b6",
    "infeasible": "\u2205",
    "diverged": "\u2197",
    "out_of_memory": "\u25a6",
    "timeout": "\u29d6",
    "error": "\u2717",
    "lost": "?",
    "cancelled": "\u2013",
    "finished": "\u2713",
    "interrupted": "\u2016",
    "failed": "\u2717",
}
"""A sign for each state of a trial and of a run, so that no state is told by its colour alone."""


def shown(value: Any) -> Any:
    """What a template prints of a value: of a text, only what can be read."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return "\n".join(printable(_COLOURS.sub("", line)) for line in re.split(r"\r?\n", value))
    return NOTHING if value is None else value


def part(name: object) -> str:
    """A name as one part of an address."""
    return quote(str(name), safe="")


def metric(value: float | None, name: str) -> str:
    """A metric's value for a person: a dash where it was not measured."""
    if value is None or math.isnan(value):
        return NOTHING
    return number(name, value) if math.isfinite(value) else ("\u221e" if value > 0 else "-\u221e")


def heading(name: str) -> str:
    """A metric's name as people say it: "val_accuracy" is "val accuracy"."""
    return name.replace("_", " ")


def moment(text: str | None) -> str:
    """A time of the store: 2026-11-30 10:48 UTC."""
    return NOTHING if not text else f"{text[:16].replace('T', ' ')} UTC"


def ago(text: str | None) -> str:
    """How long since a time of the store."""
    if not text:
        return NOTHING
    seconds = (datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds()
    if seconds < 60:
        return "just now"
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {word}{'s' * (count != 1)} ago"
    return NOTHING


def mark(state: str) -> str:
    return MARKS.get(state, "\u2022")


FILTERS = {
    "part": part,
    "metric": metric,
    "heading": heading,
    "moment": moment,
    "ago": ago,
    "mark": mark,
    "amount": amount,
    "duration": duration,
    "shortened": shortened,
    "is_share": is_share,
}
