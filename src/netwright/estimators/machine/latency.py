"""The time that a network takes to answer, measured on this machine."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import nn

from netwright.core.alone import alone
from netwright.core.architecture import Architecture, Content
from netwright.core.checks import positive
from netwright.core.objective import Constraint
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.core.trial import Measurement, Proposal
from netwright.estimators.machine.foretold import MEASURED
from netwright.estimators.machine.on_machine import OnMachine, TooSlow, fresh, limits_on
from netwright.runtimes.running import example_of, running
from netwright.runtimes.timing import UNSURE, Timing, timed

PROVIDES = ("obj.latency",)

SPREAD = "latency_spread"
HIGHEST = "latency_highest_ms"
NEAR = 1.6, 1.25, 1.15  # times a limit, below which what breaks it is measured a second time, a third and a fourth
AGAIN, FURTHER, PAUSE = 3, 4, 0.2  # measurements of a network before it is handed over, and seconds between them
MARGIN = 0.05  # of the limit that is left free, for what a machine differs from one hour to the next
MARGIN_OF_SEVERAL = 0.03  # likewise, of the slowest of four measurements
REMEMBERED = 4096


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
