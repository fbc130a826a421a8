"""`netwright resume`: a stored run taken up where it was left, with more trials, more time or another executor."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from netwright.cli.beside import random_name, repetitions
from netwright.cli.moving import moved
from netwright.cli.output import say
from netwright.cli.plan import SHARE_OF_SEARCHES, Plan
from netwright.cli.refusals import refuse_export, refuse_place
from netwright.cli.search import Command
from netwright.cli.show import PLAN, named
from netwright.cli.stopping import stoppable
from netwright.cli.trust import stored_plan
from netwright.cli.workers import flag
from netwright.core.errors import UserError
from netwright.engine.control import STEERED


def go_on(
    directory: Path,
    run: str | None,
    trials: int | None,
    time: str | None,
    export: Path | None,
    elsewhere: Mapping[str, Any],
    *,
    takeover: bool,
    trust: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Take a stored run up where it was left; more trials or more time may be given, and another executor.

    trust: see `stored_plan`.
    """
    from netwright.engine import parse_duration
    from netwright.store import Store

    if takeover:
        Store(directory, takeover=True).close()
    with Store.open_readonly(directory) as store:
        name = named(store, run)
        notes, steered = store.document(name, PLAN), store.document(name, STEERED) or {}
        seconds = {each.name: each.seconds for each in store.runs()}
    if notes is None:
        raise UserError(
            f"run {name!r} was made from Python, which alone knows its parts; resume it there with "
            f"search.run(..., store={str(directory)!r}, name={name!r}, resume=True)"
        )
    plan = stored_plan(notes, directory, trust=trust, given=elsewhere)
    more = None if time is None else parse_duration(time)
    if more is not None:
        time = f"{_spent(plan, name, seconds) + plan.prepared + more:.3f}s"  # the engine counts all sessions of a run
    kept = {"workers": elsewhere.get("workers") or elsewhere.get("executor"), "trials": trials, "seconds": time}
    plan, said = as_steered(plan, {name: value for name, value in steered.items() if kept.get(name) is None})
    plan, dropped = moved(plan, elsewhere)
    dropped = "; ".join(each for each in (said, dropped) if each)
    plan = replace(plan, trials=plan.trials if trials is None else trials, time=time or plan.time)
    further = trials is not None or time is not None
    options = {"more": more, "further": further, "as_json": as_json, "quiet": quiet}
    go_on_with(plan, dropped, directory, name, export, **options)


def go_on_with(
    plan: Plan,
    dropped: str,
    directory: Path,
    name: str,
    export: Path | None,
    *,
    more: float | None = None,
    further: bool = True,
    as_json: bool,
    quiet: bool,
) -> None:
    """Take a stored run up with this plan. dropped: what there is to say of it. more: seconds that it may take now.

    further: whether searches that had ended go on.
    """
    refuse_place(plan)
    if export is not None:
        refuse_export(plan, export)
    if dropped:
        say(dropped, stream=sys.stderr)
    with stoppable(), Command(plan, directory, export, as_json=as_json, quiet=quiet, more=more) as command:
        command.check_operations()
        command.drive(name, resume=True, further=further)


def as_steered(plan: Plan, steered: Mapping[str, Any]) -> tuple[Plan, str]:
    """The plan with what its search was asked for while it ran, and a line that says so.

    steered: as `Control` keeps it.
    """
    changed = {name: steered[name] for name in ("workers", "trials") if steered.get(name)}
    if steered.get("seconds"):
        seconds = steered["seconds"] if plan.seconds is None else plan.seconds + steered.get("further", 0.0)
        changed["time"] = f"{seconds:.3f}s"
    if changed.get("workers", 1) > 1 and plan.executor == "inline":
        changed["executor"] = None
    changed = {key: value for key, value in changed.items() if getattr(plan, key) != value}
    words = [f"{flag(key)} {value}" for key, value in changed.items() if value is not None]
    return replace(plan, **changed), f"as it was steered: {', '.join(words)}" if words else ""


def _spent(plan: Plan, name: str, seconds: Mapping[str, float]) -> float:
    """A time limit of the plan by which its searches have used up their part: that of a run and all those beside it."""
    own = [name, *repetitions(plan, name)]
    if plan.recipe and plan.random_search:
        own += [random_name(each) for each in own]
    spent = sum(seconds.get(each, 0.0) for each in own)
    several = plan.searches > 1 or plan.recipe is not None
    return spent / SHARE_OF_SEARCHES if several and plan.epochs_finally else spent
