"""A trial's number in an address, and its place among the rows of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from fastapi import Path

from netwright.dashboard.project import Unknown

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData

Number = Annotated[int, Path(ge=0, le=2**63 - 1, description="Of the trial, from 0.")]


def place_of(data: RunData, number: int) -> int:
    """The row of a trial; Unknown where the run has none of this number."""
    place = int(np.searchsorted(data.numbers, number))
    if place >= len(data) or data.numbers[place] != number:
        last = int(data.numbers[-1]) if len(data) else -1
        raise Unknown(
            f"run {data.name!r} has no trial {number}; " + (f"it has 0 to {last}" if len(data) else "it has none yet")
        )
    return place
