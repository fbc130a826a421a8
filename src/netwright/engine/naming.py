"""Names of runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from netwright.core.errors import UserError
from netwright.core.estimator import Estimator
from netwright.core.strategy import Strategy

_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_name(name: str) -> str:
    """The name itself; UserError unless it can stand in a table, a path and a command."""
    if not isinstance(name, str) or not _ALLOWED.fullmatch(name):
        raise UserError(
            f"{name!r} cannot be the name of a run; expected letters, digits, '.', '_' and '-', at most 100, "
            "beginning with a letter or digit"
        )
    return name


def next_name(strategy: Strategy, estimator: Estimator, taken: Iterable[str], method: str = "") -> str:
    """Task, space and strategy (or `method`) with the next free number: "digits-chain-evolution-1"."""
    task = next((name for stage in estimator.stages() if (name := _task_name(stage))), "")
    parts = [task, strategy.space.name, method or _kebab(type(strategy).__name__)]
    stem = "-".join(cleaned for part in parts if (cleaned := _clean(part)))[:90] or "run"
    numbers = [int(each[len(stem) + 1 :]) for each in taken if re.fullmatch(rf"{re.escape(stem)}-\d+", each)]
    return f"{stem}-{max(numbers, default=0) + 1}"


def _task_name(stage: Any) -> str:
    return str(getattr(getattr(stage, "task", None), "name", "") or "")


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)


def _clean(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
