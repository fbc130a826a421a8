"""What a run takes, and whether it is well: workers, failures, memory, disk, and the process that drives it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import Response

from netwright.dashboard.answers import Answer
from netwright.dashboard.run_pages import run_values

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.dashboard.site import Site

CHARTS = ("timeline", "failures", "costs", "calibration")
MOST_FILES = 20_000  # that are looked at to say what a folder takes
MOST_REASONS = 12
_FINE = ("completed", "infeasible", "running", "cancelled")


def routes(site: Site) -> APIRouter:
    made = APIRouter()

    @made.get("/runs/{name}/resources")
    def resources(request: Request, name: str) -> Response:
        with site.project.run(name) as data:
            values = {"figures": site.figures.there(data, CHARTS), **resource_values(site, data)}
            return site.page("resources.html", request, **values, **run_values(site, data))

    return made


def answers(site: Site) -> APIRouter:
    """The same as JSON."""
    made = APIRouter(prefix="/api", tags=["health"])

    @made.get("/health", summary="The machine, the disk, and the process that drives the project")
    def health() -> Response:
        return Answer({"driver": driver_of(site), "machine": machine(site.project.directory)})

    return made


@dataclass
class Worker:
    """What one worker did. busy: seconds. peak: bytes, None where that was not measured."""

    place: str
    attempts: int = 0
    failed: int = 0
    busy: float = 0.0
    peak: int | None = None


@dataclass
class Group:
    """Failures of one kind with like reasons. first: the number of the first trial."""

    state: str
    reason: str
    first: int
    count: int = 0
    numbers: list[int] = field(default_factory=list[int])


def resource_values(site: Site, data: RunData) -> dict[str, Any]:
    span = float(np.nanmax(data.ended)) if len(data) and np.isfinite(data.ended).any() else 0.0
    return {
        "workers": workers_of(data),
        "span": span,
        "failures": failures_of(data),
        "driver": driver_of(site),
        "machine": machine(site.project.directory),
    }


def workers_of(data: RunData) -> list[Worker]:
    """Each worker that ended an attempt, the busiest first."""
    found: dict[str, Worker] = {}
    columns = data.attempts
    names = ("place", "state", "seconds", "peak_memory")
    for place, state, seconds, peak in zip(*(columns[name] for name in names), strict=True):
        worker = found.setdefault(place, Worker(place or "the search's own process"))
        worker.attempts += 1
        worker.failed += state not in _FINE
        worker.busy += seconds
        worker.peak = worker.peak if peak is None else max(peak, worker.peak or 0)
    return sorted(found.values(), key=lambda each: -each.busy)


def failures_of(data: RunData) -> list[Group]:
    """Failed trials by state and the beginning of the reason, the most frequent first."""
    found: dict[tuple[str, str], Group] = {}
    for place, state in enumerate(data.states):
        if state in _FINE:
            continue
        reason = kind_of_reason(data.reasons[place])
        group = found.setdefault((state, reason), Group(state, reason, int(data.numbers[place])))
        group.count += 1
    return sorted(found.values(), key=lambda each: -each.count)[:MOST_REASONS]


def kind_of_reason(reason: str) -> str:
    """A reason without its numbers, so that like ones fall together."""
    return re.sub(r"\d+(\.\d+)?", "#", reason[:200])


def driver_of(site: Site) -> dict[str, Any] | None:
    """The process that drives the project, with what it takes where it runs on this machine; None for none."""
    found = site.project.driver()
    if found is None:
        return None
    here = found.get("host") == socket.gethostname()
    told = {name: found.get(name) for name in ("pid", "host", "since")}
    return {**told, "here": here, **(_process(found.get("pid")) if here else {})}


def _process(pid: Any) -> dict[str, Any]:
    """Memory and threads of a process of this machine, as Linux tells them."""
    if not isinstance(pid, int):
        return {}
    wanted = {"VmRSS": "memory", "Threads": "threads"}
    told: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            key, _, value = line.partition(":")
            if key in wanted:
                told[wanted[key]] = int(value.split()[0]) * (1024 if value.strip().endswith("kB") else 1)
    return told


def machine(directory: Path) -> dict[str, Any]:
    """Of the machine that serves the pages: load, cores, memory, and the disk of the project."""
    told: dict[str, Any] = {"cores": os.cpu_count(), "load": None, "memory": None, "available": None}
    with contextlib.suppress(OSError):
        told["load"] = os.getloadavg()[0]
    memory = _memory()
    told |= {"memory": memory.get("MemTotal"), "available": memory.get("MemAvailable")}
    with contextlib.suppress(OSError):
        disk = shutil.disk_usage(directory)
        told |= {"disk": disk.total, "free": disk.free}
    return {**told, "folders": folders(directory)}


def _memory() -> Mapping[str, int]:
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        return {line.partition(":")[0]: 1024 * int(line.split()[1]) for line in lines}
    return {}


def folders(directory: Path) -> dict[str, int]:
    """Bytes of what lies in the project, by the first part of its name; the first so many files are counted."""
    found: defaultdict[str, int] = defaultdict(int)
    left = MOST_FILES
    for folder, _, names in os.walk(directory):
        inside = os.path.relpath(folder, directory)
        first = "database" if inside == "." else inside.split(os.sep)[0]
        for name in names:
            left -= 1
            with contextlib.suppress(OSError):
                found[first] += os.lstat(os.path.join(folder, name)).st_size
        if left <= 0:
            break
    return dict(sorted(found.items(), key=lambda each: -each[1]))
