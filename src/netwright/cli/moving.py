"""A stored plan with other options about where its trials run, as `resume` and `final` take them.

An option that is given counts. What was kept from the beginning counts, too, as far as the executor knows what to do
with it; the rest is dropped, and said. The word "none" lifts an option.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from netwright.cli.workers import EXECUTORS, ONLY, chosen, flag
from netwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from netwright.cli.plan import Plan

NONE = "none"
NUMBERS = ("gpus_per_trial", "cpus_per_trial")


def moved(plan: Plan, given: Mapping[str, Any]) -> tuple[Plan, str]:
    """The plan with what was given, and one line about what of it was dropped, empty where nothing was.

    given: values by field of the plan; None stands for an option that was not given, and "none" lifts it. Raises
    ConfigurationError for options that do not go together, and for values that are none.
    """
    wanted = {name: _read(name, value) for name, value in given.items() if value is not None}
    executor, followed = _executor(plan, wanted)
    name = chosen(_merged(plan, {**wanted, "executor": executor}))
    if "executor" not in wanted:
        _refuse_unfit(name, wanted)
    dropped: dict[str, Any] = {
        option: None for option, known_to in ONLY.items() if name in EXECUTORS and name not in known_to
    }
    if name == "inline":
        dropped["workers"] = 1
    dropped = {key: value for key, value in dropped.items() if key not in wanted and getattr(plan, key) != value}
    told = {key: getattr(plan, key) for key in (*followed, *dropped)}
    line = ", ".join(f"{flag(key)} {value}" for key, value in told.items())
    made = replace(plan, **wanted, **dropped, **({} if "executor" in wanted else {"executor": executor}))
    return made, f"dropped for --executor {name}: {line}" if told else ""


def _read(name: str, value: Any) -> Any:
    """A value as the plan has it; None for one that is lifted."""
    if isinstance(value, str) and value.strip().lower() == NONE:
        return 1 if name == "workers" else None
    if name not in NUMBERS or not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        raise ConfigurationError(f"{flag(name)} {value}: expected a number such as 0.5, or {NONE} to lift it") from None


def _executor(plan: Plan, wanted: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    """The executor to have, None for what follows from the rest; with it ("executor",) where the plan's gives way.

    A local one gives way to options that it does not know. A cluster, and workers elsewhere, are left only by name.
    """
    if "executor" in wanted or plan.executor in (None, "ray", "folder"):
        return wanted.get("executor", plan.executor), ()
    unknown = [
        each for each, known_to in ONLY.items() if wanted.get(each) is not None and plan.executor not in known_to
    ]
    if unknown or (plan.executor == "inline" and wanted.get("workers", 1) > 1):
        return None, ("executor",)
    return plan.executor, ()


def _merged(plan: Plan, wanted: Mapping[str, Any]) -> Any:
    """What counts for the choice of an executor, which a plan would refuse where it does not go together yet."""
    kept = {each: getattr(plan, each) for each in ("workers", *ONLY)}
    return SimpleNamespace(**{**kept, **wanted})


def _refuse_unfit(name: str, wanted: Mapping[str, Any]) -> None:
    """ConfigurationError for an option that the run's own executor does not know."""
    for option, known_to in ONLY.items():
        if wanted.get(option) is not None and name not in known_to:
            raise ConfigurationError(
                f"{flag(option)} needs --executor {' or '.join(known_to)}, and this run's trials are on {name}; "
                f"add --executor {known_to[0]}"
            )
