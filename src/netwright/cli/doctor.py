"""Checks what netwright needs of a machine, each with a verdict."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from netwright.cli.output import say, say_json
from netwright.core.installing import installing, package, required
from netwright.core.wording import amount, counted

# What users install besides, and what it is for.
EXTRAS = {"ray": "--executor ray", "compare": "netwright compare", "onnx": "netwright export --format onnx"}
LEAST_DISK = 10**9  # bytes
LEAST_SHARED = 2**28  # bytes of shared memory; Ray and data loaders with workers put batches there
SHARED = Path("/dev/shm")  # noqa: S108 - where Linux has it
SAFE_SQLITE = (3, 51, 3)  # from here on two writers cannot meet in a write-ahead log reset


class Finding(NamedTuple):
    subject: str
    verdict: str  # "ok", "note" or "problem"
    detail: str


def examine(directory: Path, *, as_json: bool) -> int:
    """Print every finding; exit code 0, or 1 where there is a problem."""
    findings = [finding for check in CHECKS for finding in check(directory)]
    if as_json:
        say_json([finding._asdict() for finding in findings])
    else:
        widest = max(len(finding.subject) for finding in findings)
        say(*[f"{each.verdict:8}{each.subject:{widest}}  {each.detail}" for each in findings])
    return int(any(finding.verdict == "problem" for finding in findings))


def _python(directory: Path) -> Iterator[Finding]:
    fits = sys.version_info >= (3, 11)
    yield Finding("Python", "ok" if fits else "problem", f"{platform.python_version()} on {platform.platform()}")


def _packages(directory: Path) -> Iterator[Finding]:
    for needed in required():
        name = package(needed)
        try:
            yield Finding(name, "ok", version(name))
        except PackageNotFoundError:
            yield Finding(name, "problem", f"not installed; get it with: {installing(needed)}")


def _devices(directory: Path) -> Iterator[Finding]:
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError as problem:
        yield Finding("devices", "problem", f"torch does not import: {problem}")
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Finding("cpu", "ok", f"{cores} cores, {torch.get_num_threads()} threads used by torch")
    for index in range(torch.cuda.device_count()):
        memory = torch.cuda.get_device_properties(index).total_memory
        yield Finding(f"cuda:{index}", "ok", f"{torch.cuda.get_device_name(index)}, {amount(memory)}B")
    if not torch.cuda.is_available():
        yield Finding("cuda", "note", "no CUDA device: training runs on the CPU")


def _sqlite(directory: Path) -> Iterator[Finding]:
    found = sqlite3.sqlite_version_info
    text = sqlite3.sqlite_version
    if found >= SAFE_SQLITE:
        yield Finding("SQLite", "ok", text)
    else:
        yield Finding(
            "SQLite", "note", f"{text}: before 3.51.3 two writers could damage a file; netwright has one writer"
        )


def _disk(directory: Path) -> Iterator[Finding]:
    place = next(each for each in (directory.absolute(), *directory.absolute().parents) if each.exists())
    free = shutil.disk_usage(place).free
    verdict = "ok" if free >= LEAST_DISK else "problem"
    yield Finding("disk", verdict, f"{amount(free)}B free at {place}")
    yield _file_system(place)
    if not os.access(place, os.W_OK):
        yield Finding("project", "problem", f"{place} cannot be written; choose another with --dir")


def _file_system(place: Path) -> Finding:
    from netwright.store.filesystem import on_network

    if on_network(place):
        return Finding(
            "file system", "note", f"{place} is on a network: slower and less safe; prefer a local disk, with --dir"
        )
    return Finding("file system", "ok", f"{place} is local")


def _shared_memory(directory: Path) -> Iterator[Finding]:
    if not SHARED.exists():
        yield Finding("shared memory", "note", f"there is no {SHARED} on this system")
        return
    size = shutil.disk_usage(SHARED).total
    if size >= LEAST_SHARED:
        yield Finding("shared memory", "ok", f"{amount(size)}B at {SHARED}")
    else:
        yield Finding(
            "shared memory", "note", f"only {amount(size)}B at {SHARED}; in a container, start it with --shm-size=2g"
        )


def _ports(directory: Path) -> Iterator[Finding]:
    """Whether a page could be served to this machine."""
    try:
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            yield Finding("ports", "ok", f"127.0.0.1 has free ports, {server.getsockname()[1]} for one")
    except OSError as problem:
        yield Finding("ports", "problem", f"nothing can listen on 127.0.0.1: {problem}")


def _extras(directory: Path) -> Iterator[Finding]:
    for extra, use in EXTRAS.items():
        for needed in required(extra):
            name = package(needed)
            try:
                yield Finding(name, "ok", f"{version(name)}, for {use}")
            except PackageNotFoundError:
                get = installing(needed)
                yield Finding(name, "note", f"not installed; only needed for {use}: {get}")


def _ray(directory: Path) -> Iterator[Finding]:
    """Whether Ray keeps others out of a cluster; nothing where it is not installed."""
    from netwright.executors.on_ray import tokens

    try:
        found = version("ray")
    except PackageNotFoundError:
        return
    if tokens.too_old(found):
        yield Finding("ray token", "problem", f"Ray {found} is from before tokens; install 'ray>=2.52'")
    elif tokens.mode() == "disabled":
        yield Finding("ray token", "note", f"{tokens.MODE} is 'disabled': a cluster without a token is joined unasked")
    elif not tokens.is_here():
        yield Finding("ray token", "note", "none; before a cluster of several machines: ray get-auth-token --generate")
    elif tokens.mode():
        yield Finding("ray token", "ok", f"there is one, and {tokens.MODE} is {tokens.mode()!r}")
    else:
        yield Finding("ray token", "note", f"there is one; to join a cluster with it: export {tokens.MODE}=token")


def _store(directory: Path) -> Iterator[Finding]:
    from netwright.core.errors import NetwrightError
    from netwright.store import Store

    if not directory.exists():
        yield Finding("runs", "note", f"{directory} does not exist yet; the first search makes it")
        return
    try:
        with Store.open_readonly(directory) as store:
            yield Finding("runs", "ok", f"{counted(len(store.runs()), 'run')} in {directory}")
    except NetwrightError as problem:
        yield Finding("runs", "problem", str(problem))


CHECKS: tuple[Callable[[Path], Iterator[Finding]], ...] = (
    *(_python, _packages, _extras, _ray, _devices, _shared_memory),
    *(_sqlite, _disk, _ports, _store),
)
