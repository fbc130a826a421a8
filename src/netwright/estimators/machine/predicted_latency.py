"""The time that a network takes to answer, foretold from what its operations take on this machine."""

from __future__ import annotations

import math
import os
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from netwright.core.alone import alone
from netwright.core.architecture import Architecture, Content
from netwright.core.descent import descended
from netwright.core.objective import Constraint
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.core.trial import Measurement, Proposal
from netwright.estimators.machine.followed import Followed
from netwright.estimators.machine.foretold import FORETOLD, MEASURED, ForetoldLatency
from netwright.estimators.machine.latency import MARGIN, PAUSE, REMEMBERED, Latency
from netwright.estimators.machine.on_machine import OnMachine, TooSlow, fresh, limits_on
from netwright.estimators.machine.operation_times import Fit, OperationTimes, fitted, key_of, work_of
from netwright.networks.executed import Execution
from netwright.runtimes.timing import Timing

PROVIDES = ("obj.latency",)

CALIBRATED = 12  # networks that are measured whole before the first one is foretold
DRAWN, CHEAPER = 30, 0.8  # random networks, and which share of them, the cheaper ones, those are taken from
CALIBRATING, EACH = 6.0, 0.06  # seconds for that, and of one network
LEAST_CALIBRATED = 5  # networks, among them those of the least work and the fewest operations
FINDING = 0.5  # seconds to find each of those two
MOST_REACHED = 1.0  # a relative error of what is foretold that is reckoned with, where nothing is known of it
LOOKED_AT, DRAWN_FOR_IT = 12, 4  # operations that are timed again before a search, of so many networks
DRIFT = 1.25  # times what is kept, either way, from which on everything is timed anew
DISTURBED = 0.1  # share of the runs of a calibration that others interrupted, from which on that is said
TIMING = 4.0  # seconds in all, for operations that are met later; then they are told from those of their kind


class PredictedLatency(OnMachine):
    """Foretells how long a network takes to answer, from the times of its operations on this machine.

    "latency_predicted_ms" is the sum of what its operations take by themselves, weighed by what operations of a kind
    count for within a network; that is fitted to twelve networks of the space which are measured whole, once for a
    machine, space and shape. Where a search limits latency_ms, a network is infeasible, before it is measured or
    trained, that exceeds the limit by more than such predictions err.

    space, shape, runtime, threads, batch, machine: as of `Latency`.
    table: the file that keeps times of operations; None for one of this machine's own in the user's cache folder
        (`$XDG_CACHE_HOME/netwright`, or `~/.cache/netwright`); "" for none, so that each process measures its own.
    """

    metrics: ClassVar[tuple[str, ...]] = (FORETOLD,)
    analytic = True
    foretells: ClassVar[Mapping[str, str]] = {MEASURED: FORETOLD}

    def __init__(
        self,
        space: Space,
        shape: TaskShape | Mapping[str, Any],
        runtime: str = "torch",
        threads: int = 1,
        batch: int = 1,
        machine: str = "cpu",
        table: str | None = None,
    ) -> None:
        super().__init__(space, shape, runtime, threads, batch, machine)
        self.table = table
        self._known: OrderedDict[Content, float] = OrderedDict()
        self._spent = 0.0

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Foretell the candidate's latency; `seed` changes nothing.

        Raises TooSlow (state "infeasible") where it is beyond the search's limit, whatever the prediction errs.
        """
        architecture = self.untrained(proposal.candidate)
        ms = self.of(architecture)
        for limit in limits_on(MEASURED):
            if limit.relation == "<=" and ms > (1 + self.fit.reach) * limit.limit:
                raise TooSlow(f"{FORETOLD} {ms:.4g} is out of reach of the limit {limit}", {FORETOLD: ms})
        return Measurement({FORETOLD: ms})

    def of(self, architecture: Architecture) -> float:
        """Milliseconds of an architecture of the networks alone."""
        found = self._known.get(architecture.content)
        if found is None:
            execution = self.followed(architecture)
            fit = self.fit
            self.meet(execution, TIMING - self._spent)
            found = self._known[architecture.content] = self.times.predict(execution, fit)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found

    @cached_property
    def followed(self) -> Followed:
        """What the network of an architecture does."""
        return Followed(self.networks, self.shape, self.place.batch)

    def room(self, limit: Constraint) -> tuple[float, float]:
        return 1 - MARGIN, 1 + min(self.fit.reach, MOST_REACHED)

    def meet(self, execution: Execution, seconds: float) -> None:
        """Time the operations that were not met before, as long as there is time for that."""
        missing = self.times.missing(execution)
        if not missing or seconds <= 0:
            return
        began = time.monotonic()
        with alone():
            self.times.measure(missing, began + seconds)
        self._spent += time.monotonic() - began
        self._known.clear()
        self.times.save()

    def look_again(self) -> tuple[str, str]:
        """Time a handful of the operations that an earlier search timed; where they take much longer or shorter now,
        forget them and calibrate anew. What to say of that, and a warning where others disturbed the calibration."""
        said, drift = "", self._drift()
        if not 1 / DRIFT <= drift <= DRIFT:
            self.times.forget()
            self._known.clear()
            said = (
                f"latency: operations take {drift:.2g} times what an earlier search measured, when this machine was "
                f"{'quieter' if drift > 1 else 'busier'}; timed anew"
            )
        disturbed = self.fit.disturbed
        if disturbed <= DISTURBED:
            return said, ""
        return said, (
            f"others interrupted {disturbed:.0%} of the runs by which latencies were calibrated, so that what is "
            "foretold may be off; what is handed over is measured nevertheless"
        )

    def _drift(self) -> float:
        """Times what is kept; of two looks the one nearer to it, since a moment's disturbance tells nothing."""
        if not self.times.known or self.times.file is None:
            return 1.0
        rng = np.random.default_rng(0)
        known = list(self.networks.known(self.shape).values())[:DRAWN_FOR_IT]
        drawn = [*known, *(self.networks.sample(rng) for _ in range(DRAWN_FOR_IT))]
        met = {key_of(each): each for one in drawn for each in self.followed(one).operations}
        operations = [each for key, each in met.items() if key in self.times.known]
        chosen = [operations[n] for n in rng.permutation(len(operations))[:LOOKED_AT]]
        found = 1.0
        for turn in range(2):
            time.sleep(PAUSE if turn else 0.0)
            with alone():
                now = self.times.drift(chosen)
            found = now if not turn or abs(math.log(now)) < abs(math.log(found)) else found
            if 1 / DRIFT <= found <= DRIFT:
                break
        return found

    @property
    def costs(self) -> ForetoldLatency:
        """What it foretells, also of mixtures on average."""
        return ForetoldLatency(self)

    @property
    def share(self) -> float:
        """Of a limit, what may be foretold of a network that is to keep it: a clock is to keep it with its margin."""
        return 1 - MARGIN

    @cached_property
    def times(self) -> OperationTimes:
        """Of the operations at this place."""
        file = cache_folder() / f"operations-{self.place.key}.json" if self.table is None else Path(self.table)
        return OperationTimes(self.place, file if self.table != "" else None)

    @property
    def fit(self) -> Fit:
        """What makes sums of operations the time of a network of this space."""
        key = f"{self.networks.id} {list(self.shape.input)} {self.shape.outputs}"
        if key not in self.times.fits:
            self.times.fits[key] = self._calibrated()
            self.times.save()
        return self.times.fits[key]

    def _calibrated(self) -> Fit:
        end = time.monotonic() + _calibrating.get()
        sums: list[dict[str, float]] = []
        timings: list[Timing] = []
        meter = Latency(self.networks, self.shape, *self._where, seconds=EACH)
        for architecture, execution in self._spread():
            with alone():
                self.times.measure(self.times.missing(execution))
            timings.append(meter.timing(fresh(self.networks, architecture, self.shape, 0)))
            sums.append(self.times.by_kind(execution))
            if len(sums) >= CALIBRATED or (len(sums) >= LEAST_CALIBRATED and time.monotonic() > end):
                break
        disturbed = float(np.mean([each.disturbed if each.alone else 1.0 for each in timings]))
        return replace(fitted(sums, [each.ms for each in timings]), disturbed=disturbed)

    def _spread(self) -> list[tuple[Architecture, Execution]]:
        """Networks to calibrate on: the cheapest, well-known ones, and random ones, the cheaper of which limits are
        about."""
        rng = np.random.default_rng(0)
        known = list(self.networks.known(self.shape).values())[: CALIBRATED // 2]
        drawn = [self.networks.sample(rng) for _ in range(DRAWN)]
        followed = [(each, self.followed(each)) for each in dict.fromkeys([*known, *drawn])]
        few, many = followed[: len(known)], sorted(followed[len(known) :], key=lambda each: work_of(each[1]))
        wanted = max(1, CALIBRATED - len(few))
        step = max(1, int(CHEAPER * len(many)) // wanted)
        chosen = many[: step * wanted : step]
        order = [*few, *chosen]
        least = self._cheapest((many or few)[0][0], rng)
        return [*least, *(order[each] for each in rng.permutation(len(order)) if order[each][0] not in dict(least))]

    def _cheapest(self, start: Architecture, rng: np.random.Generator) -> list[tuple[Architecture, Execution]]:
        """Those of the fewest operations and of the least work that are found from one on."""
        found: dict[Architecture, Execution] = {}
        for cost in (lambda execution: float(len(execution.operations)), work_of):
            until = time.monotonic() + FINDING
            least = descended(start, lambda each, cost=cost: cost(self.followed(each)), rng, until=until).architecture
            found[least] = self.followed(least)
        return list(found.items())

    @property
    def _where(self) -> tuple[str, int, int, str]:
        return self.place.runtime, self.place.threads, self.place.batch, self.place.device


_calibrating: ContextVar[float] = ContextVar("calibrating", default=CALIBRATING)


@contextmanager
def calibrated_within(seconds: float) -> Iterator[None]:
    """Within this block, what foretells latencies is calibrated in about so many seconds at most, at a few networks at
    least."""
    token = _calibrating.set(min(seconds, CALIBRATING))
    try:
        yield
    finally:
        _calibrating.reset(token)


def cache_folder() -> Path:
    """Where what was found of this machine is kept for later searches."""
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base if base else Path.home() / ".cache") / "netwright"
