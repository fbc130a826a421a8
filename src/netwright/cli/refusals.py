"""What can be refused from the words of a command alone, before any data is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.cli import catalogue
from netwright.cli.arguments import pairs, split
from netwright.core.configuration import bind, constructor
from netwright.core.errors import ConfigurationError, UserError, nearest
from netwright.core.objective import Constraint, Objective

if TYPE_CHECKING:
    from netwright.cli.plan import Plan


def refuse_early(plan: Plan, directory: Path, amounts: dict[str, str | None]) -> None:
    """Raise UserError for what no data can make right. amounts: the limits given as options of their own, by option."""
    if plan.seed < 0:
        raise ConfigurationError(f"--seed {plan.seed}: expected a whole number of at least 0")
    if directory.exists() and not directory.is_dir():
        raise UserError(f"--dir {directory}: this is a file; expected a directory, or a name that is free")
    for option, amount in amounts.items():
        _refuse_amount(option, amount)
    for limit in plan.limits:
        Constraint.parse(limit)
    for objective in plan.objectives:
        Objective.parse(objective)
    _refuse_parts(plan)


def _refuse_amount(option: str, amount: str | None) -> None:
    """UserError for a limit that is no amount, or that nothing could keep."""
    if amount is None:
        return
    try:
        limit = Constraint.parse(f"amount <= {amount or '?'}").limit
    except UserError:
        limit = 0.0
    if limit <= 0:
        raise ConfigurationError(f"{option} {amount}: expected an amount above 0, such as 500k, 4M, 4MB or 512KiB")


def _refuse_parts(plan: Plan) -> None:
    """ConfigurationError for a space, strategy or recipe that does not exist, and for options that they do not have."""
    if plan.space:
        _refuse_options(plan.space, "space", catalogue.SPACES)
    if plan.recipe:
        from netwright import recipes

        recipes.load(split(plan.recipe)[0])
        return
    _refuse_options(plan.strategy, "strategy", catalogue.STRATEGIES)
    _refuse_training(pairs(plan.training))


def _refuse_options(text: str, kind: str, shipped: Any) -> None:
    """For the names that are known; a file of the user's is run once only, where the space is made."""
    name, options = split(text)
    place = name.rpartition(":")[0]
    if place.endswith(".py"):
        if not Path(place).is_file():
            raise ConfigurationError(f"{kind} {name!r}: there is no file {place}")
        return
    made_by = catalogue.load(kind, name, shipped)
    if isinstance(made_by, type):
        unknown = [each for each in options if each not in constructor(made_by).parameters]
        if unknown:
            bind(made_by, (), dict.fromkeys(unknown))


def _refuse_training(options: dict[str, str]) -> None:
    if not options:
        return
    from netwright.estimators.training import Training

    known = [each for each in constructor(Training).parameters if each not in ("space", "task")]
    for name in options:
        if name not in known:
            raise ConfigurationError(f"--training has no option {name!r}{nearest(name, known)}")
