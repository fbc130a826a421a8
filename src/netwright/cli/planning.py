"""The plans that the options of a command ask for, and which of the two sorts a `--method` is."""

from __future__ import annotations

from typing import Any

from netwright.catalogue import load, own_spaces, shipped, split
from netwright.catalogue.loading import gives_a_search
from netwright.cli.asked import Asked, SearchOptions
from netwright.cli.asked_evidence import ProxiesOptions, Scoring
from netwright.cli.plan import AUTOMATIC, Plan
from netwright.cli.taking import part
from netwright.cli.workers import ONLY
from netwright.core.errors import ConfigurationError


def plan_of_search(options: SearchOptions) -> Plan:
    """The plan of a search. Raises ConfigurationError for options that do not go together."""
    recipe, strategy = _sorted_out(options.method, options.recipe, options.strategy, options.warm_start)
    most = zip(("params", "macs", "activation_memory"), options.amounts.values(), strict=True)
    own = own_spaces().get(split(recipe or strategy or "")[0])
    given: dict[str, Any] = {**part(options, Asked), "recipe": recipe, "space": options.space or own}
    strategy = strategy or _usual_strategy(options)
    given["decides_workers"] = _may_decide_workers(options) and strategy == AUTOMATIC and recipe is None
    given["workers"] = 1 if options.workers is None else options.workers
    return Plan(
        **given,
        strategy=strategy,
        epochs=None if recipe else options.epochs,
        shared_epochs=options.epochs if recipe else None,
        **options.read_as,
        objectives=tuple(options.objective or ()),
        limits=(*options.limit, *(f"{metric} <= {amount}" for metric, amount in most if amount)),
    )


def _usual_strategy(options: SearchOptions) -> str:
    """The default search, unless the person decides on what that decides on: then evolution."""
    several = options.repeats > 1 or len(options.objective) > 1 or options.warm_start
    return "evolution" if several or options.epochs or (options.trials and not options.time) else AUTOMATIC


def _may_decide_workers(options: SearchOptions) -> bool:
    """Whether the person has said nothing about where trials run, and how many of them at once."""
    return options.workers is None and options.executor is None and all(getattr(options, name) is None for name in ONLY)


def plan_of_scoring(options: ProxiesOptions) -> Plan:
    """The plan of which space, data and place are used to score networks."""
    return Plan(**part(options, Scoring), **options.read_as)


def _sorted_out(
    method: str | None, recipe: str | None, strategy: str | None, warm_start: str | None
) -> tuple[str | None, str | None]:
    """The recipe and the strategy, one of which the method may be.

    Raises ConfigurationError where more than one of the three was given, for a warm start of shared weights, and for a
    method that does not exist.
    """
    if method:
        for option, given in (("--recipe", recipe), ("--strategy", strategy)):
            if given:
                raise ConfigurationError(f"--method {method} brings its own strategy; leave out {option} {given}")
        recipe, strategy = (method, None) if _is_search(method) else (None, method)
    if recipe and strategy:
        raise ConfigurationError(f"--recipe {recipe} brings its own strategy; leave out --strategy {strategy}")
    if recipe and warm_start:
        raise ConfigurationError(f"--recipe {recipe} begins with its shared weights; leave out --warm-start")
    return recipe, strategy


def _is_search(method: str) -> bool:
    name, _ = split(method)
    return name not in shipped("strategy") and gives_a_search(load("method", name))
