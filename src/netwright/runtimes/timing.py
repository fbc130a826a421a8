"""How long one call takes: warm runs in rounds, their median and spread, and what others on the machine disturbed."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

WARM_RUNS, WARM_SECONDS = 3, 0.02
ROUNDS, LEAST_RUNS = 5, 3  # runs of a round
UNSURE = 0.1  # interquartile share of the median, from which on a measurement is repeated
REPEATS = 3  # measurements at most, of which the one of the least spread stays
DISTURBED = 1.03  # times the processor's seconds, that a run may take on the clock; more was given to somebody else
LEAST_DISTURBANCE = 5e-6  # seconds, about what the clocks themselves take


@dataclass(frozen=True)
class Timing:
    """How long a call takes.

    ms: milliseconds, the median of warm runs.
    spread: the interquartile range of the runs as a share of the median.
    high: milliseconds, the largest of the medians of rounds.
    runs: that were counted.
    disturbed: share of the runs that others on the machine interrupted, as far as that can be told; of these the
        processor's own seconds count.
    alone: whether no training of this user computed meanwhile.
    """

    ms: float
    spread: float
    high: float
    runs: int
    disturbed: float = 0.0
    alone: bool = True

    @property
    def unsure(self) -> bool:
        """Whether the runs differ by too much to tell the median well."""
        return self.spread > UNSURE


def timed(
    call: Callable[[], object], seconds: float = 0.3, *, one_thread: bool = True, repeats: int = REPEATS
) -> Timing:
    """Time a call by itself, after warm runs; again where the spread is too large.

    call: returns once its work is done.
    seconds: that all rounds take, about; a round has three runs at least.
    one_thread: whether the call computes in this thread alone. Then runs that were interrupted by others are told by
        the processor's own clock, which is taken for them.
    repeats: measurements at most.
    """
    _warm(call)
    found: Timing | None = None
    for _ in range(repeats):
        again = _measured(call, seconds, one_thread)
        found = again if found is None or again.spread < found.spread else found
        if not found.unsure:
            break
    assert found is not None
    return found


def _warm(call: Callable[[], object]) -> None:
    end, done = time.perf_counter() + WARM_SECONDS, 0
    while done < WARM_RUNS or time.perf_counter() < end:
        call()
        done += 1


def _measured(call: Callable[[], object], seconds: float, one_thread: bool) -> Timing:
    collects = gc.isenabled()
    gc.disable()
    try:
        rounds = [_round(call, seconds / ROUNDS) for _ in range(ROUNDS)]
    finally:
        if collects:
            gc.enable()
    own = [[undisturbed(*each) if one_thread else each[0] for each in one] for one in rounds]
    walls = [wall for one in rounds for wall, _ in one]
    runs = [each for one in own for each in one]
    disturbed = sum(each < wall for each, wall in zip(runs, walls, strict=True)) / len(runs)
    middle = statistics.median(runs)
    first, _, third = statistics.quantiles(runs, n=4)
    high = max(statistics.median(one) for one in own)
    return Timing(1e3 * middle, (third - first) / max(middle, 1e-9), 1e3 * high, len(runs), disturbed)


def undisturbed(wall: float, own: float) -> float:
    """Seconds that a run takes where nobody interrupts it.

    wall: by the clock. own: by the processor, in this thread, which is right where others had their turn meanwhile.
    """
    return own if wall > DISTURBED * own and wall > own + LEAST_DISTURBANCE else wall


def _round(call: Callable[[], object], seconds: float) -> list[tuple[float, float]]:
    """Seconds by the clock and by the processor, of each run."""
    found: list[tuple[float, float]] = []
    wall, own = time.perf_counter, time.thread_time
    end = wall() + seconds
    while len(found) < LEAST_RUNS or wall() < end:
        began, busy = wall(), own()
        call()
        found.append((wall() - began, own() - busy))
    return found
