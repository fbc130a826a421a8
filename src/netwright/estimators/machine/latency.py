"""The time that a network takes to answer, measured on this machine and foretold from its operations."""

from __future__ import annotations

import math
import os
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from torch import nn

from netwright.core.alone import alone
from netwright.core.architecture import Architecture, Content
from netwright.core.checks import positive, whole_number
from netwright.core.descent import descended
from netwright.core.errors import TrialFailed, UserError
from netwright.core.estimator import Estimator
from netwright.core.objective import Constraint
from netwright.core.roles import ChoosesTraining
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.core.trial import Measurement, Proposal
from netwright.core.workplace import workplace
from netwright.estimators.machine.followed import Followed
from netwright.estimators.machine.foretold import FORETOLD, MEASURED, ForetoldLatency
from netwright.estimators.machine.operation_times import Fit, OperationTimes, fitted, key_of, work_of
from netwright.networks.executed import Execution
from netwright.runtimes.machine import Place
from netwright.runtimes.running import checked_runtime, example_of, running
from netwright.runtimes.timing import UNSURE, Timing, timed

PROVIDES = ("obj.latency",)

SPREAD = "latency_spread"
HIGHEST = "latency_highest_ms"
NEAR = 1.6, 1.25, 1.15  # times a limit, below which what breaks it is measured a second time, a third and a fourth
AGAIN, FURTHER, PAUSE = 3, 4, 0.2  # measurements of a network before it is handed over, and seconds between them
MARGIN = 0.05  # of the limit that is left free, for what a machine differs from one hour to the next
MARGIN_OF_SEVERAL = 0.03  # likewise, of the slowest of four measurements
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
REMEMBERED = 4096


class TooSlow(TrialFailed):
    """A network that cannot keep a limit on its latency, as far as is known before it is trained."""

    state = "infeasible"


class OnMachine(Estimator):
    """What those have in common: a space, a shape, and where networks run."""

    def __init__(
        self,
        space: Space,
        shape: TaskShape | Mapping[str, Any],
        runtime: str = "torch",
        threads: int = 1,
        batch: int = 1,
        machine: str = "cpu",
    ) -> None:
        self.space = space
        self.shape = shape if isinstance(shape, TaskShape) else TaskShape.from_json(shape)
        runtime = checked_runtime(runtime)
        threads, batch = whole_number(self, "threads", threads), whole_number(self, "batch", batch)
        self.place = Place(runtime, threads, batch, machine)
        self.networks = space.space if isinstance(space, ChoosesTraining) else space

    def untrained(self, candidate: Any) -> Architecture:
        """The candidate in the space of the networks alone."""
        if not isinstance(candidate, Architecture):
            raise UserError(f"{type(self).__name__} measures architectures; a mixture of all options is no network")
        if candidate.space is not self.space:
            self.space.validate(candidate)
        return self.space.untrained(candidate) if isinstance(self.space, ChoosesTraining) else candidate

    def configuration(self) -> dict[str, Any]:
        """The estimator as JSON; the shape as `TaskShape.as_json` gives it, which the constructor takes too."""
        configuration = super().configuration()
        configuration["arguments"]["shape"] = self.shape.as_json()
        return configuration


class Latency(OnMachine):
    """Measures how long a network takes to answer, before it is trained, while no training of this user computes.

    "latency_ms" is the median of warm runs in milliseconds, "latency_spread" their interquartile range as a share of
    it; where that is above 0.1 after three measurements, the median is unsure. Where a search limits latency_ms, a
    network is infeasible that comes nearer to the limit than 5 %, unless the slowest of four measurements leaves 3 %.

    space: of the architectures.
    shape: what one example looks like.
    runtime: "torch", "compile" (torch.compile), or "onnxruntime" (the extra `onnx`).
    threads: that compute on the CPU.
    batch: examples in one answer.
    machine: the device that answers, as PyTorch calls it: "cpu", "cuda".
    seconds: of one measurement, about; it has 30 runs at least.
    """

    metrics: ClassVar[tuple[str, ...]] = (MEASURED, SPREAD)

    def __init__(
        self,
        space: Space,
        shape: TaskShape | Mapping[str, Any],
        runtime: str = "torch",
        threads: int = 1,
        batch: int = 1,
        machine: str = "cpu",
        seconds: float = 0.2,
    ) -> None:
        super().__init__(space, shape, runtime, threads, batch, machine)
        self.seconds = positive(self, "seconds", seconds)
        self._known: OrderedDict[Content, list[Timing]] = OrderedDict()

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Measure the candidate, or give what was measured of it in this process; `seed` is that of its weights.

        Raises TooSlow (state "infeasible") where it cannot be sure to keep the search's limit.
        """
        architecture = self.untrained(proposal.candidate)
        times = self._known.get(architecture.content)
        if times is None:
            times = self._within_reach(fresh(self.networks, architecture, self.shape, seed))
            self._known[architecture.content] = times
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        found = min(times, key=lambda each: each.ms)
        metrics = {MEASURED: found.ms, SPREAD: found.spread}
        for limit in limits_on(MEASURED):
            if limit.holds(metrics) and not self._has_room(limit, times):
                raise TooSlow(
                    f"{MEASURED} {found.ms:.4g} is nearer than {MARGIN:.0%} to the limit {limit}, as near as a clock "
                    "leaves it unsure",
                    metrics,
                )
        return Measurement(metrics)

    def _within_reach(self, network: nn.Module) -> list[Timing]:
        """A measurement; where it breaks a limit by little, or keeps it barely, a few, of which the quickest counts,
        since others on the machine only make a network slower."""
        times = [self.timing(network)]
        upper = [(1 - MARGIN) * each.limit for each in limits_on(MEASURED) if each.relation == "<="]
        for most in NEAR:
            least = min(each.ms for each in times)
            if not any(limit < least < most * limit for limit in upper):
                break
            time.sleep(PAUSE)
            times.append(self.timing(network))
        return times

    def _has_room(self, limit: Constraint, times: Sequence[Timing]) -> bool:
        """Whether the quickest measurement leaves the margin, or several so near to each other that less is enough."""
        least, most = min(each.ms for each in times), max(each.ms for each in times)
        alike = len(times) > AGAIN and limit.holds({MEASURED: (1 + MARGIN_OF_SEVERAL) * most})
        return alike or limit.holds({MEASURED: (1 + MARGIN) * least})

    def again(self, candidate: Architecture | nn.Module) -> dict[str, float]:
        """Measure an architecture, or a network that is there, three times with pauses: the median, and the slowest.

        Where they differ by more than 10 %, four further times, and that of the least spread stands for all: others on
        the machine only make a network slower.

        candidate: of the space, or a network, which is moved to the device that answers.
        """
        network = candidate
        if isinstance(network, Architecture):
            network = fresh(self.networks, self.untrained(network), self.shape, 0)
        found = [self._after_a_pause(network, turn) for turn in range(AGAIN)]
        if max(each.ms for each in found) > (1 + UNSURE) * min(each.ms for each in found):
            found += [self._after_a_pause(network, AGAIN + turn) for turn in range(FURTHER)]
            found = [min(found, key=lambda each: each.spread)]
        found.sort(key=lambda each: each.ms)
        middle = found[len(found) // 2]
        return {MEASURED: middle.ms, SPREAD: middle.spread, HIGHEST: found[-1].ms}

    def _after_a_pause(self, network: nn.Module, turn: int) -> Timing:
        time.sleep(PAUSE if turn else 0.0)
        return self.timing(network)

    def surely(self, limit: Constraint, metrics: Mapping[str, float]) -> bool:
        """Whether the slowest of several measurements keeps the limit."""
        highest = metrics[HIGHEST] if limit.metric == MEASURED and limit.relation == "<=" else metrics[limit.metric]
        return limit.holds({limit.metric: highest})

    def described(self) -> dict[str, Any]:
        """On what machine and how is measured, as JSON."""
        return self.place.described()

    def timing(self, network: nn.Module, seconds: float | None = None) -> Timing:
        """Measure a network that is there, on a device of its own choice afterwards."""
        example = example_of(self.shape, self.place.batch, self.place.device)
        network = network.to(self.place.device)
        with running(network, example, self.place.runtime, threads=self.place.threads) as call, alone() as had:
            found = timed(call, seconds or self.seconds, one_thread=self.place.one_thread)
        return found if had else Timing(**{**vars(found), "alone": False})


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
            execution = self._followed(architecture)
            fit = self.fit
            self.meet(execution, TIMING - self._spent)
            found = self._known[architecture.content] = self.times.predict(execution, fit)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found

    @cached_property
    def _followed(self) -> Followed:
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
        met = {key_of(each): each for one in drawn for each in self._followed(one).operations}
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
        followed = [(each, self._followed(each)) for each in dict.fromkeys([*known, *drawn])]
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
            least = descended(start, lambda each, cost=cost: cost(self._followed(each)), rng, until=until).architecture
            found[least] = self._followed(least)
        return list(found.items())

    @property
    def _where(self) -> tuple[str, int, int, str]:
        return self.place.runtime, self.place.threads, self.place.batch, self.place.device


def fresh(space: Space, architecture: Architecture, shape: TaskShape, seed: int) -> nn.Module:
    """The architecture's network with its first weights; the global generators stay as they are."""
    from netwright.training import seeded

    with seeded(seed):
        return space.build(architecture, shape)


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


def limits_on(metric: str) -> Sequence[Constraint]:
    """The limits of the search on this metric, where an estimator runs in a trial."""
    return [each for each in workplace().limits if each.metric == metric]


def cache_folder() -> Path:
    """Where what was found of this machine is kept for later searches."""
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base if base else Path.home() / ".cache") / "netwright"
