"""The plans that the options of a command ask for."""

from __future__ import annotations

from typing import Any

from netwright.cli.asked import Asked, ProxiesOptions, Scoring, SearchOptions
from netwright.cli.methods import sorted_out
from netwright.cli.plan import Plan
from netwright.cli.taking import part, reading


def plan_of_search(options: SearchOptions) -> Plan:
    """The plan of a search. Raises ConfigurationError for options that do not go together."""
    recipe, strategy = sorted_out(options.method, options.recipe, options.strategy, options.warm_start)
    most = zip(("params", "macs", "activation_memory"), options.amounts.values(), strict=True)
    given: dict[str, Any] = {**part(options, Asked), "recipe": recipe}
    return Plan(
        **given,
        strategy=strategy or "evolution",
        epochs=None if recipe else options.epochs,
        shared_epochs=options.epochs if recipe else None,
        data_dir=str(options.data_dir) if options.data_dir else None,
        data_options=reading(options),
        objectives=options.objective or ("val_accuracy",),
        limits=(*options.limit, *(f"{metric} <= {amount}" for metric, amount in most if amount)),
    )


def plan_of_scoring(options: ProxiesOptions) -> Plan:
    """The plan of which space, data and place are used to score networks."""
    data_dir = str(options.data_dir) if options.data_dir else None
    return Plan(**part(options, Scoring), data_dir=data_dir, data_options=reading(options))
