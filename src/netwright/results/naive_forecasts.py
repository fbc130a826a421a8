"""References for forecasts that take no network: values stay as they are, or come again after a season."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from netwright.problems.forecast import Forecast
from netwright.results.figures import Contender
from netwright.results.plain_references import fixed

if TYPE_CHECKING:
    from netwright.tasks.task import Task


def repeated_values(task: Task, name: str, back: int) -> Contender:
    """Says each value again that was there so many times before it.

    task: a forecast.
    name: as reports call it.
    back: 1 for the last value.
    """
    began, problem = time.monotonic(), task.problem
    assert isinstance(problem, Forecast)
    tally = problem.tally()
    tally.add(problem.repeated(task.test.inputs, back), task.test.targets)
    return fixed(name, problem, tally.figures(), params=0, macs=0, seconds=time.monotonic() - began)
