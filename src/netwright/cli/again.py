"""`netwright search --resume`: the same command again goes on with its run, with other options where those may change.

An option that is left out the second time stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from netwright.cli.flags import FLAGS
from netwright.cli.moving import moved
from netwright.cli.plan import Plan
from netwright.cli.show import PLAN
from netwright.cli.trust import note_begun, stored_plan
from netwright.cli.workers import ONLY, flag
from netwright.core.errors import ConfigurationError, UserError
from netwright.store.directory import DATABASE

WHERE = ("workers", "executor", *ONLY, "device", "auto_batch")
HOW_FAR = ("trials", "time", "target", "patience", "final_epochs", "final_seeds", "baselines")
NAMES = {"objectives": "--objective", "limits": "--limit", "shared_epochs": "--epochs", "data": "the data"}


def stored(directory: Path, name: str | None, now: Plan, *, trust: bool) -> Plan | None:
    """The plan of the run of this name; None where there is none yet. UserError without a name.

    now: what is named this time. trust: see `stored_plan`.
    """
    from netwright.store import Store

    if name is None:
        raise ConfigurationError("--resume goes on with the run of a name; give it with --name")
    if not (directory / DATABASE).exists():
        return None
    with Store.open_readonly(directory) as store:
        if name not in store.names():
            return None
        notes = store.document(name, PLAN)
    if notes is None:
        raise UserError(f"run {name!r} was made from Python, which alone knows its parts; choose another --name")
    note_begun(now, directory)
    return stored_plan(notes, directory, trust=trust, given=vars(now))


def go_on_again(
    before: Plan, now: Plan, directory: Path, name: str, export: Path | None, *, as_json: bool, quiet: bool
) -> None:
    """Go on with a run that was begun with the plan `before`, as the same command with the plan `now` asks for."""
    from netwright.cli.resuming import as_steered, go_on_with
    from netwright.engine.control import STEERED
    from netwright.store import Store

    with Store.open_readonly(directory) as store:
        before, steered = as_steered(before, store.document(name, STEERED) or {})
    plan, dropped = asked_again(before, now)
    dropped = "; ".join(each for each in (steered, dropped) if each)
    further = (plan.trials, plan.time) != (before.trials, before.time)
    go_on_with(plan, dropped, directory, name, export, further=further, as_json=as_json, quiet=quiet)


def asked_again(before: Plan, now: Plan) -> tuple[Plan, str]:
    """The stored plan with what was given otherwise this time, and a line on what was dropped for that.

    Raises ConfigurationError for an option that makes another search of it.
    """
    changed = dict(_changed(before, now))
    fixed = [name for name in changed if name not in (*WHERE, *HOW_FAR)]
    if fixed:
        told = "; ".join(_told(name, changed[name], _first(before)[name]) for name in fixed)
        raise ConfigurationError(
            f"this run cannot go on as another search: {told}; leave it out, or choose another --name"
        )
    plan, dropped = moved(before, {name: value for name, value in changed.items() if name in WHERE})
    return replace(plan, **{name: value for name, value in changed.items() if name in HOW_FAR}), dropped


def _first(plan: Plan) -> dict[str, Any]:
    """The options as they were given when the run was begun; of an early run, as they were fitted then."""
    return Plan.from_json(plan.given).to_json() if plan.given else plan.to_json()


def _changed(before: Plan, now: Plan) -> Iterator[tuple[str, Any]]:
    """The fields that were given this time, with another value than when the run was begun."""
    first, found, unset = _first(before), now.to_json(), Plan(now.data).to_json()
    for each in fields(Plan):
        name = each.name
        if name == "data_options":
            if any(first[name].get(key) != value for key, value in found[name].items()):
                yield name, found[name]
        elif (
            name not in ("given", "operations_file")
            and found[name] != first[name]
            and (found[name] != unset[name] or name == "data")
        ):
            yield name, getattr(now, name)


def _told(name: str, now: Any, before: Any) -> str:
    if name == "data_options":
        different = [key for key, value in now.items() if before.get(key) != value]
        return "; ".join(_told(str(FLAGS.get(key, key)), now[key], before.get(key)) for key in different)
    shown = name if name.startswith("-") else NAMES.get(name, flag(name))
    return f"{shown} was {_words(before)} and is {_words(now)}"


def _words(value: Any) -> str:
    return (
        " and ".join(map(str, value))
        if isinstance(value, list | tuple)
        else "not given"
        if value is None
        else str(value)
    )
