"""The runs that belong to a run: its repetitions with other seeds, and random searches for as long as each took."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.core.space import Space
    from netwright.engine.run import Run
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

RANDOM = "random search"


def repetitions(plan: Plan, name: str) -> dict[str, Plan]:
    """Name and plan of each repetition of the run of that name, without itself."""
    seeds = range(plan.seed + 1, plan.seed + plan.repeats)
    return {f"{name}-seed{seed}": replace(plan, seed=seed, repeats=1) for seed in seeds}


def random_plan(plan: Plan, seed: int) -> Plan:
    """What the random search beside a recipe's run is stored with."""
    return replace(plan, seed=seed, recipe=None, strategy="random", repeats=1, training="")


def random_search(plan: Plan, seed: int, task: Task, space: Space) -> Search:
    return replace(plan, seed=seed).make_random_search(task, space)


def random_name(name: str) -> str:
    return f"{name}-random"


def load_beside(
    plan: Plan, run: Run, task: Task, space: Space, directory: Path
) -> tuple[list[Run], dict[str, list[Run]]]:
    """The repetitions of a stored run, and the random searches beside them where each has one that found something."""
    from netwright.store import Store

    with Store.open_readonly(directory) as store:
        there = set(store.names())
    begun = {name: other for name, other in repetitions(plan, run.name).items() if name in there}
    repeats = [other.make_search(task, space).load(directory, name) for name, other in begun.items()]
    repeats = [each for each in repeats if any(trial.scores for trial in each.trials)]
    own = [run, *repeats]
    if not (plan.recipe and plan.random_search and all(random_name(each.name) in there for each in own)):
        return repeats, {}
    found = [random_search(plan, each.search.seed, task, space).load(directory, random_name(each.name)) for each in own]
    complete = all(any(trial.scores for trial in each.trials) for each in found)
    return repeats, {RANDOM: found} if complete else {}
