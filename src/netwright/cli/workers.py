"""Where the trials of a plan run: in this process, in workers beside it, on a cluster, or by workers over a folder."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.catalogue.arguments import parse_bytes
from netwright.core.errors import ConfigurationError, UserError, marked, nearest
from netwright.core.room import keep_freed_memory

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.cli.sharing import Shared
    from netwright.core.executor import Executor
    from netwright.engine import RetryPolicy

EXECUTORS = ("inline", "processes", "folder", "ray")
LOGS = "logs"  # the folder of a project in which worker processes print
ONLY = {  # which executors know what to do with an option
    "trial_timeout": ("processes", "folder", "ray"),
    "memory": ("processes", "folder", "ray"),
    "gpus_per_trial": ("processes", "folder", "ray"),
    "stall_timeout": ("processes", "folder"),
    "address": ("ray",),
    "cpus_per_trial": ("ray",),
}


def flag(option: str) -> str:
    """The option of the command line for a field of a plan."""
    return f"--{option.replace('_', '-')}"


def chosen(plan: Plan) -> str:
    """The executor's name: as given, "ray" for an address, "processes" for workers or limits, otherwise "inline"."""
    if plan.executor is not None:
        return plan.executor
    if plan.address is not None or plan.cpus_per_trial is not None:
        return "ray"
    needed = plan.workers > 1 or any(getattr(plan, name) is not None for name in ONLY)
    return "processes" if needed else "inline"


def check(plan: Plan) -> None:
    """ConfigurationError for options that do not go together, and for amounts that are none."""
    _check_amounts(plan)
    name = chosen(plan)
    if name not in EXECUTORS:
        raise ConfigurationError(f"there is no executor {name!r}{nearest(name, EXECUTORS)}")
    for option, fitting in ONLY.items():
        if getattr(plan, option) is not None and name not in fitting:
            raise ConfigurationError(f"{flag(option)} needs --executor {' or '.join(fitting)}; it was {name}")
    if name == "inline" and plan.workers > 1:
        raise ConfigurationError(
            f"--executor inline runs one trial at a time; leave it out for --workers {plan.workers} in processes"
        )
    if plan.recipe and name != "inline":
        raise ConfigurationError(
            f"--recipe {plan.recipe} trains its shared weights in this process and scores networks with them; leave "
            f"out {'--workers' if plan.workers > 1 else '--executor and the limits of a trial'}"
        )


def _check_amounts(plan: Plan) -> None:
    from netwright.engine.duration import parse_duration

    for option, parse in (
        ("trial_timeout", parse_duration),
        ("stall_timeout", parse_duration),
        ("memory", parse_bytes),
    ):
        value = getattr(plan, option)
        try:
            if value is not None:
                parse(value)
        except UserError as problem:
            raise ConfigurationError(f"{flag(option)} {value}: {marked(problem)}") from None
    for option in ("gpus_per_trial", "cpus_per_trial"):
        value = getattr(plan, option)
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise ConfigurationError(f"{flag(option)} {value:g}: expected a number of at least 0")


def in_this_process(plan: Plan) -> Plan:
    """The plan for what runs here, whatever else it asks for."""
    return replace(plan, executor="inline", workers=1, **dict.fromkeys(ONLY))


def make_executor(plan: Plan, logs: Path | None = None, shared: Shared | None = None) -> Executor | None:
    """The executor of a plan, which must be closed; None for this process.

    logs: where worker processes print. shared: where work is shared, for workers over a folder.
    """
    name = chosen(plan)
    if name == "inline":
        keep_freed_memory()
        return None
    if name == "ray":
        return _ray(plan)
    from netwright.engine import parse_duration

    stall = None if plan.stall_timeout is None else parse_duration(plan.stall_timeout)
    gpus = 1.0 if plan.gpus_per_trial is None else plan.gpus_per_trial
    limits = {**_limits(plan), "stall_timeout": stall, "gpus_per_trial": gpus}
    if name == "processes":
        from netwright.executors import Processes

        return Processes(plan.workers, logs=logs, **limits)
    from netwright.executors import Folder

    assert shared is not None, "the command does not say where it shares its work"
    return Folder(
        shared.queue,
        project=shared.project,
        work=shared.work,
        stays=shared.stays,
        invitation=shared.command,
        tell=shared.tell,
        **limits,
    )


def _ray(plan: Plan) -> Executor:
    from netwright.executors import Ray

    return Ray(
        plan.workers,
        address=plan.address,
        cpus_per_trial=1.0 if plan.cpus_per_trial is None else plan.cpus_per_trial,
        gpus_per_trial=plan.gpus_per_trial or 0.0,
        **_limits(plan),
    )


def _limits(plan: Plan) -> dict[str, Any]:
    """The limits of a trial that all executors know."""
    from netwright.engine import parse_duration

    timeout = None if plan.trial_timeout is None else parse_duration(plan.trial_timeout)
    return {"trial_timeout": timeout, "memory": None if plan.memory is None else parse_bytes(plan.memory)}


def retries(plan: Plan) -> RetryPolicy:
    """How often a trial is begun again. Workers over a folder come and go as they like, and take trials with them."""
    from netwright.engine import RetryPolicy

    waits = (0.0, 1.0, 4.0, 4.0, 4.0) if chosen(plan) == "folder" else RetryPolicy().waits
    return RetryPolicy(waits, auto_batch=plan.auto_batch)


def waited(executor: Executor | None, shared: Shared | None) -> float:
    """Say how to start workers over a folder, and wait for the first; how many seconds that took. Nothing elsewhere."""
    from netwright.executors.folder import Folder

    if not isinstance(executor, Folder) or shared is None:
        return 0.0
    shared.tell(f"start any number of workers, on any machine that sees this folder: {shared.command}")
    return executor.wait_for_worker()


@contextmanager
def working(plan: Plan, logs: Path | None = None, shared: Shared | None = None) -> Generator[Executor]:
    """The executor of a plan, this process where it has none; closed at the end. See `make_executor`."""
    from netwright.executors import Inline

    executor = make_executor(plan, logs, shared) or Inline()
    with closing(executor):
        yield executor


def described(plan: Plan) -> str:
    """Where trials run, for the plan that is printed; empty for this process."""
    name = chosen(plan)
    if name == "inline":
        return ""
    limits = [
        f"{word} {value}"
        for word, value in (("at most", plan.trial_timeout), ("silent for", plan.stall_timeout), ("in", plan.memory))
        if value
    ]
    several = plan.workers != 1
    where = {
        "processes": f"{plan.workers} worker process{'es' * several}",
        "ray": f"{plan.workers} worker{'s' * several} on Ray",
    }
    return where.get(name, "workers over a folder") + (f", a trial {', '.join(limits)}" if limits else "")
