"""What `netwright train` says before it trains a network that it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.core.trial import Proposal
from netwright.core.wording import amount, counted, duration, settings_text

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.engine.search import Search

WHO = {"sgd": "SGD", "adamw": "AdamW"}


def training_lines(plan: Plan, search: Search) -> list[str]:
    """The network with its size, how it is trained, and how long that will take here."""
    given = plan.given_network
    assert given is not None
    estimator: Any = search.estimator
    architecture = given.made(estimator.task.shape)[1]
    cost = estimator.estimate(Proposal(architecture), 0).metrics
    settings, whose = estimator.settings, given.whose or "your own"
    examples = len(estimator.task.final_data("cpu").train)
    return [
        f"network: {given.name} ({whose}), {_size(search.space)}: {cost['params']:,.0f} parameters, "
        f"{amount(cost['macs'])} multiply-adds, device {estimator.device}",
        f"training: {WHO[settings.optimiser]}, {settings_text(_told(settings, search.space))}",
        f"plan: {counted(plan.epochs_finally, 'epoch')} of {examples:,} examples, "
        f"{counted(plan.final_seeds, 'time')}{_limit(plan)}; then the test{_estimated(plan, search, architecture)}",
    ]


def _size(space: Any) -> str:
    from netwright.spaces.mobile import Mobile  # not at the top: PyTorch takes long to load

    if isinstance(space, Mobile):
        return f"{counted(len(space.decisions), 'decision')} of its space taken"
    cells = getattr(space, "cells", 1)
    second = " and a second classifier while training" if getattr(space, "auxiliary", False) else ""
    return f"{counted(cells, 'cell')} of {space.channels} channels{second}"


def _told(settings: Any, space: Any) -> dict[str, Any]:
    names = ["learning_rate", "batch_size", "weight_decay", "cutout", "auxiliary_weight", "drop_path", "schedule"]
    if not getattr(space, "auxiliary", False):
        names.remove("auxiliary_weight")
    from netwright.spaces.mobile import Mobile  # not at the top: PyTorch takes long to load

    if isinstance(space, Mobile):
        names.remove("drop_path")
    return {name: value for name in names if (value := getattr(settings, name)) is not None}


def _limit(plan: Plan) -> str:
    return "" if plan.time is None else f", fewer where {plan.time} in all does not suffice"


def _estimated(plan: Plan, search: Search, architecture: Any) -> str:
    """How long all trainings take, from a few warm steps; nothing where these raise."""
    from netwright.results import final_work
    from netwright.results.time_left import measured
    from netwright.training import seeded

    work = final_work(search.estimator, objectives=search.objectives)
    try:
        with seeded(plan.seed):
            network = work.space.build(architecture, work.task.shape)
        cost = measured(network, work.task.final_data(work.device), work.settings, work.device)
    except Exception:  # what is wrong with it is for the training to say
        return ""
    return f"; about {duration(cost.of(plan.epochs_finally) * plan.final_seeds)} here for all of it"
