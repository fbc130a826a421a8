"""The energy that an answer takes, where the machine counts it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from netwright.core.alone import alone
from netwright.core.errors import UserError
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.core.trial import Measurement, Proposal
from netwright.estimators.machine.nvml import microjoules_of
from netwright.estimators.machine.on_machine import OnMachine, fresh
from netwright.runtimes.running import example_of, running

PROVIDES = ("obj.latency",)

COUNTERS = Path("/sys/class/powercap")
SECONDS = 0.5  # of one measurement; the counters move once a millisecond


class Energy(OnMachine):
    """Measures the joules of one answer by the counters of the processor (RAPL) or GPU (NVML), before it is trained.

    All that the processor or the GPU takes meanwhile is in it, also what it takes when it idles, as a device would.

    space, shape, runtime, threads, batch, machine: as of `Latency`; the energy is that of a batch. With "cuda" it is
        that of the GPU alone.

    Raises UserError where the machine has no counters that can be read.
    """

    metrics: ClassVar[tuple[str, ...]] = ("energy_j",)

    def __init__(
        self,
        space: Space,
        shape: TaskShape | Mapping[str, Any],
        runtime: str = "torch",
        threads: int = 1,
        batch: int = 1,
        machine: str = "cpu",
    ) -> None:
        super().__init__(space, shape, runtime, threads, batch, machine)
        counters(machine)

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Measure the candidate; `seed` is that of its weights."""
        network = fresh(self.networks, self.untrained(proposal.candidate), self.shape, seed)
        network = network.to(self.place.device)
        example = example_of(self.shape, self.place.batch, self.place.device)
        with running(network, example, self.place.runtime, threads=self.place.threads) as call, alone():
            call()
            before, end, answers = counters(self.place.device), time.monotonic() + SECONDS, 0
            while time.monotonic() < end:
                call()
                answers += 1
            after = counters(self.place.device)
        return Measurement({"energy_j": spent(before, after) / answers})


def counters(machine: str = "cpu") -> dict[Path, int]:
    """Microjoules that each processor, or a GPU, has taken. Raises UserError where there are none that can be read.

    machine: as PyTorch calls it, "cpu", "cuda" or "cuda:1".
    """
    if machine.startswith("cuda"):
        return {Path(machine): microjoules_of(machine)}
    found: dict[Path, int] = {}
    reason = f"there is nothing like {COUNTERS}/intel-rapl:0/energy_uj"
    for file in sorted(COUNTERS.glob("*:[0-9]/energy_uj")):
        try:
            found[file] = int(file.read_text())
        except (OSError, ValueError) as problem:
            reason = f"{file} cannot be read ({getattr(problem, 'strerror', None) or problem})"
    if not found:
        raise UserError(f"energy_j is not available here: {reason}; limit latency_ms or macs instead")
    return found


def spent(before: Mapping[Path, int], after: Mapping[Path, int]) -> float:
    """Joules between two readings; a counter that went round has begun at 0 again."""
    total = 0
    for file, first in before.items():
        last = after[file]
        if last < first:
            last += int((file.parent / "max_energy_range_uj").read_text())
        total += last - first
    return total / 1e6
