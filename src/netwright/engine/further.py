"""The call in Python that goes on with a stored run, as code to paste."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from netwright.engine.duration import format_duration, parse_duration
from netwright.engine.stops import Limits


def resuming(limits: Limits, directory: Path, name: str, *, elsewhere: bool) -> str:
    """The call that goes on with a run to these limits. elsewhere: whether its executor must be given again."""
    given = {
        "trials": limits.trials,
        "time": None if limits.seconds is None else _time(limits.seconds),
        "target": limits.target,
        "patience": limits.patience,
        "store": str(directory),
        "name": name,
    }
    arguments = [f"{key}={value!r}" for key, value in given.items() if value is not None]
    arguments += ["executor=executor"] if elsewhere else []
    return f"search.run({', '.join(arguments)}, resume=True)"


def _time(seconds: float) -> str | float:
    """As people write it, unless that is not exact."""
    text = format_duration(seconds)
    return text if parse_duration(text) == seconds else seconds


def beyond(limits: Limits, reached: str, trials: int, seconds: float) -> Limits:
    """Limits with which a run goes on that has ended: the one that was reached, doubled, and any that is half used."""
    used = {"trials": (limits.trials, trials), "seconds": (limits.seconds, seconds), "patience": (limits.patience, 0)}
    raised = {
        name: 2 * limit
        for name, (limit, spent) in used.items()
        if limit is not None and (name == reached or 2 * spent > limit)
    }
    return replace(limits, **raised)
