"""What is said of the limits of a network that is handed over, by what a clock says of it each time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn

from netwright.core.objective import Constraint
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.results.kept_limits import kept_limits
from netwright.spaces import Chain

LIMIT = Constraint("latency_ms", 1.0)
ARCHITECTURE = Chain(width=4).at(0)


class Clock:
    """Tells these times in turn, of each the median and the highest of a few."""

    metrics = ("latency_ms",)

    def __init__(self, *times: float) -> None:
        self.times, self.asked = times, 0

    def again(self, candidate: Any) -> dict[str, float]:
        self.asked += 1
        ms = self.times[self.asked - 1]
        return {"latency_ms": ms, "latency_spread": 0.02, "latency_highest_ms": 1.01 * ms}

    def surely(self, limit: Constraint, metrics: dict[str, float]) -> bool:
        return limit.holds({limit.metric: metrics["latency_highest_ms"]})

    def described(self) -> dict[str, Any]:
        return {"machine": "a board", "runtime": "torch", "version": "2", "threads": 1, "batch": 1}


def said(clock: Clock) -> tuple[str, str]:
    """What is said of a network in a sentence, and in the row of its limit."""
    estimator = SimpleNamespace(stages=lambda: [clock])
    trial = Trial(0, Proposal(ARCHITECTURE), "completed", Measurement({"latency_ms": 0.99}), (0.5,))
    search = SimpleNamespace(limits=[LIMIT], objectives=[], estimator=estimator)
    run: Any = SimpleNamespace(search=search, trials=[trial], keep=lambda name, value: None)
    found = kept_limits(run, trial, nn.Linear(1, 1), (1,), measure=True)
    assert found is not None
    return found.text, found.rows[0][-1]


@pytest.mark.parametrize(
    ("times", "asked", "kept"),
    [
        ((0.9,), 1, "yes"),
        ((0.995,), 1, "yes, but not in each of several measurements"),
        ((1.004, 0.98), 2, "yes, but not in each of several measurements"),
        ((1.004, 1.03, 0.999), 3, "yes, but not in each of several measurements"),
        ((1.004, 1.006, 1.005), 3, "no, by less than a clock differs"),
        ((1.2,), 1, "no"),
        ((1.03, 1.2), 2, "no, by less than a clock differs"),
    ],
)
def test_what_breaks_its_limit_by_little_is_measured_again(times: tuple[float, ...], asked: int, kept: str) -> None:
    clock = Clock(*times)
    text, row = said(clock)
    assert (row, clock.asked) == (kept, asked)
    assert text.startswith(
        "The network that is handed over keeps" if kept[0] == "y" else "The network that is handed over breaks"
    )
    assert ("by less than a clock differs from one time" in text) == ("less than a clock" in kept)
