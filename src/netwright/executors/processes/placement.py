"""Which cores and which GPUs each worker has for itself."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from netwright.core.errors import UserError
from netwright.core.spelling import option, spelled

VISIBLE = "CUDA_VISIBLE_DEVICES"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def cores() -> int:
    """How many CPU cores this process may use: its affinity, and the quota of its control group."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(own, int(quota) // int(period)))
    except (OSError, ValueError):
        return own


def threads_each(workers: int) -> int:
    """Threads of one worker: the cores shared out, at least 1, and no more than OMP_NUM_THREADS says."""
    share = max(1, cores() // workers)
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return min(share, int(asked)) if asked.isdigit() and int(asked) > 0 else share


def visible_gpus() -> list[str]:
    """The names by which the GPUs that this process may use are chosen; nothing is started on any of them."""
    named = os.environ.get(VISIBLE)
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    torch = sys.modules.get("torch")
    if torch is not None:
        return [str(index) for index in range(torch.cuda.device_count())]
    nodes = Path("/dev").glob("nvidia*") if os.name == "posix" else ()
    return [str(index) for index in range(sum(bool(re.fullmatch(r"nvidia\d+", node.name)) for node in nodes))]


class Gpus:
    """Shares the visible GPUs out: worker i of those that take a fraction f each gets GPU i // floor(1 / f)."""

    def __init__(self, each: float, workers: int) -> None:
        self._each, self._workers = each, workers
        self._names = visible_gpus()

    def of(self, worker: int) -> str | None:
        """What CUDA_VISIBLE_DEVICES is for this worker; None where there is nothing to share out."""
        names, each = self._names, self._each
        if not names:
            return None
        if each == 0:
            return ""
        if each > 1:
            count = int(each)
            return ",".join(names[(worker * count + index) % len(names)] for index in range(min(count, len(names))))
        return names[worker // self._on_one % len(names)]

    @property
    def _on_one(self) -> int:
        return int(1 / self._each + 1e-9)

    def require(self, stages: Iterable[Any]) -> None:
        """Raises UserError where stages compute on CUDA devices and these do not suffice for all workers."""
        stages = [stage for stage in stages if str(stage.device).startswith("cuda")]
        if not stages or not self._names:
            return
        for stage in stages:
            asked = str(stage.arguments.get("device", ""))
            if re.fullmatch(r"cuda:0*[1-9]\d*", asked):
                raise UserError(
                    f"{type(stage).__name__} asks for {asked}, but each worker sees only the GPUs that are its share, "
                    f"from cuda:0 on; say {option('device', 'cuda')}, and choose GPUs with {VISIBLE}"
                )
        if self._each == 0:
            raise UserError(
                f"{spelled('gpus_per_trial')} is 0, but the estimator computes on CUDA; give a share, or "
                f"{option('device', 'cpu')}"
            )
        count = len(self._names)
        possible = int(count // self._each) if self._each > 1 else count * self._on_one
        if possible < self._workers:
            fitting = 1000 // -(-self._workers // count) / 1000
            raise UserError(
                f"{self._workers} workers with {self._each:g} GPU each do not fit on {count} GPU{'s'[: count > 1]}, "
                f"which take {possible}; use fewer workers, or {option('gpus_per_trial', fitting)}"
            )
