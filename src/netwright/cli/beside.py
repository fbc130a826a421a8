"""The runs that belong to a run: its repetitions with other seeds; of shared weights, what each of them chose
trained by itself, and random searches for as long as each took.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from netwright.catalogue import split
from netwright.core.chance import by_chance
from netwright.core.roles import hands_over
from netwright.results.metric_words import is_share, metrics_text

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.core.space import Space
    from netwright.engine.run import Run
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

RANDOM = "random search"
SURELY = 2.8  # times what chance makes of two scores on the same examples (see `core.chance`): 1.96 standard errors


def repetitions(plan: Plan, name: str) -> dict[str, Plan]:
    """Name and plan of each repetition of the run of that name, without itself."""
    seeds = range(plan.seed + 1, plan.seed + plan.repeats)
    return {f"{name}-seed{seed}": replace(plan, seed=seed, repeats=1) for seed in seeds}


def random_plan(plan: Plan, seed: int) -> Plan:
    """What the random search beside a recipe's run is stored with."""
    alone = {"recipe": None, "strategy": "random", "training": plan.final_training, "final_training": ""}
    return replace(plan, seed=seed, repeats=1, **alone)


def random_search(plan: Plan, seed: int, task: Task, space: Space) -> Search:
    return replace(plan, seed=seed).make_random_search(task, space)


def random_name(name: str) -> str:
    return f"{name}-random"


def trained_name(name: str) -> str:
    return f"{name}-trained"


def trained_plan(plan: Plan, run: Run) -> Plan | None:
    """The plan of training what shared weights chose by itself, as the candidates of the random search are trained.

    None where there is no random search to compare it with, where networks were trained by themselves already or leave
    with their share of the weights, and where something else than a score on the validation examples comes first.
    """
    from netwright.engine.rounds import round_estimator

    first = plan.objectives[0] if plan.objectives else "val_"
    shares = plan.recipe and round_estimator(run.search.estimator) is not None
    if not (shares and plan.random_search and plan.epochs_finally and first.startswith("val_")):
        return None
    if hands_over(run.search.estimator):
        return None
    own = random_plan(plan, run.search.seed)
    return replace(own, first=(str(run.best.architecture),), trials=1, objectives=plan.objectives[:1], limits=())


def method_name(plan: Plan) -> str:
    """The name of a plan's recipe without its options and its file."""
    return split(plan.recipe or "")[0].rpartition(":")[2]


def leading_search(run: Run, trained: Run | None, other: Run, task: Task) -> str:
    """Why the network of another search is handed over in place of a run's; empty where it is not.

    trained: the run in which what the run chose was trained by itself. other: the random search beside it.
    """
    objective, *others = run.search.objectives
    if trained is None or others:
        return ""
    own, theirs = (each.best.metrics[objective.metric] for each in (trained, other))
    better = theirs - own if objective.direction == "maximize" else own - theirs
    examples = _validation_examples(task, trained) if is_share(objective.metric) else None
    if better <= SURELY * by_chance(max(own, theirs), examples):
        return ""
    figures = [metrics_text({objective.metric: each}, [objective.metric]) for each in (theirs, own)]
    return (
        f"trained alike on the same examples, the best network of the random search has {figures[0]}, what was chosen "
        f"with shared weights {figures[1]}: the former is handed over"
    )


def _validation_examples(task: Task, trained: Run) -> int:
    """How many examples a network that is trained by itself is validated on."""
    share: float = getattr(trained.search.estimator.stages()[-1], "validation", 0.1)
    return len(task.validation) if task.validation is not None else max(1, round(share * len(task.train)))


def load_trained_alone(plan: Plan, runs: list[Run], task: Task, space: Space, directory: Path) -> dict[str, Run]:
    """By name of a stored run, that in which its choice was trained by itself, where there is one that ended well."""
    from netwright.store import Store

    with Store.open_readonly(directory) as store:
        there = set(store.names())
    found: dict[str, Run] = {}
    for each in runs:
        own = trained_plan(plan, each) if trained_name(each.name) in there else None
        loaded = None if own is None else own.make_search(task, space).load(directory, trained_name(each.name))
        if loaded is not None and any(trial.scores for trial in loaded.trials):
            found[each.name] = loaded
    return found


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
