"""What the place where a trial runs offers to its estimators, without their knowing which executor it is.

An estimator that trains for long keeps its checkpoints in `workplace().folder`, so that another attempt at the same
trial goes on from them, and calls `workplace().report(entry)` about once an epoch: the sign of life that a stall limit
looks for. One with a batch size makes it `share_of_batch(batch_size)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.objective import Constraint


PROJECT: ContextVar[Path] = ContextVar("project", default=Path("netwright-runs"))
"""The directory of the project that is worked in, where what other runs have left is looked up by their names."""


def _unheard(entry: Mapping[str, float]) -> None:
    """What `report` is where nobody listens."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The trial from whose trained weights another one begins, though its architecture may differ.

    architecture: the parent's.
    seed: of the parent's estimate.
    folder: where it kept its network; None for nowhere.
    share: of the full training that the child takes, where it begins from these weights; above 0 and at most 1.
    """

    architecture: Architecture
    seed: int
    folder: Path | None = None
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where one attempt at a trial runs.

    folder: for checkpoints, shared by the trial's attempts; it may not exist yet. None: nothing is kept.
    report: takes what an epoch measured.
    attempt: counts from 1.
    batch_share: of the batch size that was asked for, above 0 and at most 1; less after the memory was not enough.
    continued: the fidelity of an earlier trial of the architecture that this one goes on from, 0 where it begins anew.
    ends: in `time.monotonic()` seconds, when the time of the search is up; what still runs then is given up.
    settles: whether it had better end by then with what it has, as no trial has completed yet.
    parent: the trial from whose weights this one begins; None where it begins anew, or goes on with its own.
    limits: of the search, so that an estimator need not measure in full what surely breaks one.
    """

    folder: Path | None = None
    report: Callable[[Mapping[str, float]], None] = _unheard
    attempt: int = 1
    batch_share: float = 1.0
    continued: float = 0.0
    ends: float | None = None
    settles: bool = False
    parent: Parent | None = None
    limits: Sequence[Constraint] = ()

    def share_of_batch(self, batch_size: int) -> int:
        """The batch size to use here: rounded down, at least 1."""
        return max(1, int(batch_size * self.batch_share))


NOWHERE = Workplace()
_current: ContextVar[Workplace] = ContextVar("workplace", default=NOWHERE)


def workplace() -> Workplace:
    """Where this code runs; outside of any executor, a place that keeps and hears nothing."""
    return _current.get()


class at:
    """Within this block, `workplace()` is `place`."""

    __slots__ = ("_place", "_token")

    def __init__(self, place: Workplace) -> None:
        self._place = place

    def __enter__(self) -> Workplace:
        self._token = _current.set(self._place)
        return self._place

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)
