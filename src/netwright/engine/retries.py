"""Which ends of an attempt are no end of the trial, and when it is begun again."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from netwright.store.rows import Asked

HALF = 0.5  # of the batch, where the memory was not enough


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a trial is begun again that was lost: its worker was killed, or its node is gone.

    waits: seconds before each attempt, so that their number is the number of attempts; the first is for the first one
    and counts for nothing. auto_batch: whether a trial that ran out of memory is tried once more with half the batch.
    No other end of a trial is tried again: a model's own errors come back.
    """

    waits: tuple[float, ...] = (0.0, 1.0, 4.0)
    auto_batch: bool = False

    def __post_init__(self) -> None:
        if not self.waits or any(not 0 <= wait < float("inf") for wait in self.waits):
            raise ConfigurationError(
                f"waits={self.waits!r}: expected the seconds before each attempt, at least one number, none negative"
            )

    def wait(self, pending: Pending, state: str) -> float | None:
        """Seconds until the next attempt after one that ended so; None where this was the trial's end.

        Notes in `pending` what the next attempt is to know.
        """
        if state == "lost":
            pending.lost += 1
            return self.waits[pending.lost] if pending.lost < len(self.waits) else None
        if state == "out_of_memory" and self.auto_batch and pending.batch_share == 1.0:
            pending.batch_share = HALF
            return 0.0
        return None


class Pending:
    """A trial that was asked and not told yet. lost: attempts that an executor lost."""

    __slots__ = ("batch_share", "lost", "question")

    def __init__(self, question: Asked, lost: int = 0, batch_share: float = 1.0) -> None:
        self.question, self.lost, self.batch_share = question, lost, batch_share


class Delayed:
    """Trials that wait for their next attempt, by the time at which it is due. numbers: theirs."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self.numbers: set[int] = set()

    def add(self, number: int, due: float) -> None:
        heapq.heappush(self._heap, (due, number))
        self.numbers.add(number)

    @property
    def due(self) -> float:
        """When the next one is due; never, where there is none."""
        return self._heap[0][0] if self._heap else float("inf")

    def pop(self) -> int:
        number = heapq.heappop(self._heap)[1]
        self.numbers.remove(number)
        return number

    def clear(self) -> None:
        self._heap.clear()
        self.numbers.clear()
