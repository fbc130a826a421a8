"""What a search says before it begins: what it understood, and what it will do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netwright.catalogue import split
from netwright.cli import workers
from netwright.cli.plan import DEFAULT_TIME
from netwright.core.roles import hands_over
from netwright.core.wording import counted, duration, rough
from netwright.methods.departures import departure, shortened
from netwright.methods.expectations import expected, steps_needed
from netwright.store.changed_limits import LIMITS

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.engine.run import Run
    from netwright.engine.search import Search


def understood(plan: Plan, search: Search) -> list[str]:
    """Space and objective."""
    limits = f", limits {', '.join(map(str, search.limits))}" if search.limits else ""
    objectives = ", ".join(map(str, search.objectives))
    device = search.estimator.stages()[-1].device  # pyright: ignore[reportAttributeAccessIssue]
    smaller = [
        f"note: a smaller space than the usual {split(plan.space or '')[0]}, so that more epochs fit into "
        f"{plan.time_limit}; --space {split(plan.space or '')[0]} takes the usual one"
    ]
    return [
        f"space: {search.space}, {how_many(search.space.size)}",
        *(smaller if plan.made_smaller else []),
        f"objective: {objectives}{limits}, seed {plan.seed}, device {device}",
    ]


def how_many(size: int | None) -> str:
    """The size of a space in words."""
    return "architectures without end" if size is None else f"{rough(size)} architectures"


def strategy_lines(plan: Plan, search: Search) -> list[str]:
    """The strategy, with what it begins with and what sets it apart from its paper."""
    if plan.decisions is not None:
        return plan.decisions.lines()
    strategy: object = search.strategy
    if plan.first:
        chosen = f"the best {len(plan.first)} of {plan.warm_start_networks} random networks by {plan.warm_start}"
        strategy = f"{plan.strategy}, begun with {chosen}"
    said = departure(plan.recipe or plan.resolved().strategy)
    short = shortened(f"{plan.recipe}:{plan.training}", search) if plan.recipe else ""
    notes = [f"note: this is {said}"] if said else []
    return [f"strategy: {strategy}", *notes, *([f"note: {short}"] if short else [])]


def shares(parts: Mapping[str, float]) -> list[str]:
    """What each part takes of the time; nothing where nothing is known. parts: seconds by name."""
    total = sum(parts.values())
    if not total:
        return []
    shown = [f"{name} {seconds / total:.0%} ({duration(seconds)})" for name, seconds in parts.items() if seconds > 0]
    return [f"time, roughly: {', '.join(shown)}"]


def run_by_clock(run: Run) -> bool:
    """Whether trainings last so many seconds, so that any of them may end in the middle of an epoch."""
    estimator = run.search.estimator
    settings = (getattr(each, "settings", None) for each in (estimator, *estimator.stages()))
    return any(getattr(each, "seconds", None) is not None for each in settings)


def cut_short(run: Run) -> list[str]:
    """A warning for each network whose training had to end in the middle of an epoch, so that there is one at all."""
    if run_by_clock(run):
        return []
    steps = {
        trial.number: int(entry["steps"])
        for trial in run.trials
        for entry in trial.measurement.curve
        if "steps" in entry and trial.state == "completed"
    }
    return [
        f"warning: the network of trial {number} had time for {counted(done, 'step')} of its last epoch only; more "
        "--time, fewer --examples or smaller networks (--max-params) help"
        for number, done in steps.items()
    ]


def led_lines(run: Run) -> list[str]:
    """How many candidates broke a limit, so that others were tried in their place; nothing where none did.

    Where limits were changed, of those that were asked since the last change.
    """
    changes = run.kept(LIMITS)
    first = changes[-1]["asked"] if changes else 0
    asked = [each for each in run.trials if each.number >= first]
    led = sum(each.proposal.instead_of is not None for each in asked)
    if not led or not run.search.limits:
        return []
    limits = " and ".join(map(str, run.search.limits))
    since = f" since trial {first}, when limits were changed," if first else ""
    return [
        f"limits: {counted(led, 'candidate')} of {len(asked)}{since} would have broken {limits}; the nearest that may "
        "keep them were tried instead"
    ]


def planned(plan: Plan, search: Search, *, fitted: bool) -> str:
    """The plan in a sentence. fitted: whether a recipe's epochs were made to fit the time."""
    repeated = f", {plan.repeats} times with other seeds" if plan.repeats > 1 else ""
    if plan.is_automatic:
        return f"race until {plan.time_limit} in all{_default(plan)}"
    if plan.recipe:
        from netwright.engine.rounds import round_estimator

        estimator = round_estimator(search.estimator)
        known = None if estimator is None else estimator.trained
        searched = f"search the shared weights of {known}" if known else recipe_words(plan, fitted)
        after = "the winner leaves with its share of the weights"
        handed = plan.final_epochs is None and hands_over(search.estimator)
        return f"{searched}{repeated}; {after if handed else _finally(plan)}"
    stops = [counted(plan.trials, "trial")] if plan.trials else []
    stops += [f"{search.objectives[0].metric} {plan.target:g}"] if plan.target is not None else []
    stops += [f"{plan.patience} trials without improvement"] if plan.patience else []
    stops += [f"{plan.time_limit} in all"] if plan.time_limit else []
    trained = (
        f"train candidates for {counted(plan.candidate_epochs, 'epoch')} until {' or '.join(stops)}{_default(plan)}"
    )
    where = f", {elsewhere}" if (elsewhere := workers.described(plan)) else ""
    return f"{trained}{repeated}{where}; {_finally(plan)}"


def _default(plan: Plan) -> str:
    """Behind a time limit: that nobody has given one."""
    return " (none was given)" if plan.time_limit == DEFAULT_TIME and plan.time is None else ""


def recipe_words(plan: Plan, fitted: bool) -> str:
    fitting = f", as many as fit into {plan.time_limit} in all{_default(plan)}" if plan.time_limit and fitted else ""
    alone = " train what they choose by itself;" if plan.epochs_finally else ""
    beside = f";{alone} a random search for as long beside it" if plan.random_search else ""
    beside = "; no random search beside it, so that an epoch fits" if plan.random_left_out else beside
    return f"train shared weights for {counted(plan.shared_epochs or 0, 'epoch')}{fitting}{beside}"


def final_lines(plan: Plan, run: Run) -> list[str]:
    """What is trained finally, before it is."""
    if plan.network:
        return [f"run {run.name}: training for {counted(plan.epochs_finally, 'epoch')}"]
    return ["", f"final training of trial {run.best.number}, then evidence as time remains"]


ENOUGH = 0.5  # of a paper's epochs, below which it is not the paper's method that runs


def recipe_warnings(plan: Plan) -> list[str]:
    """What becomes of a recipe for which there is far less time than its paper takes; before it is spent."""
    wanted, epochs, seconds = plan.paper_epochs, plan.shared_epochs, plan.shared_seconds
    if not wanted or not epochs or not seconds or epochs >= ENOUGH * wanted:
        return []
    assert plan.recipe is not None
    name = plan.recipe.partition(":")[0]
    whole = seconds / epochs * wanted
    share = plan.search_seconds or seconds
    needed = duration((plan.seconds or share) / share * whole)
    return [
        f"warning: {counted(epochs, 'epoch')} of the {wanted} that the paper trains is no {name}: mixtures that have "
        f"hardly moved are read as a choice. All {wanted} would take about {duration(whole)} here, --time {needed} in "
        "all. In the time given, a search that trains each candidate by itself (leave --method out) finds more"
    ]


def expectations(plan: Plan, search: Search) -> list[str]:
    """How well the shared weights of a recipe will rank, and what is better where that is hardly above chance."""
    if plan.recipe is None:
        return []
    from netwright.engine.rounds import round_estimator
    from netwright.methods.weight_sharing import training_steps

    estimator: Any = round_estimator(search.estimator)
    steps = training_steps(estimator)
    text = expected(plan.recipe, steps)
    lines = [f"expected: {text}"] if text else []
    needed = steps_needed(plan.recipe)
    if not text or (needed is not None and steps >= needed):
        return lines
    enough = f"at least {needed:,} steps" if needed else "more steps than were measured"
    time = ""
    if needed and plan.shared_seconds and plan.shared_epochs:
        whole = plan.shared_seconds / steps * needed
        share = plan.search_seconds or plan.shared_seconds
        given = duration((plan.seconds or share) / share * whole)
        time = f", about {duration(whole)} here (--time {given} in all)"
    return [
        *lines,
        f"warning: after {counted(steps, 'step')} shared weights are not known to rank networks better than chance; "
        f"{enough} are needed{time}. Until then evolution with candidates that are trained by themselves (leave "
        "--method out) is the safer choice",
    ]


def _finally(plan: Plan) -> str:
    if not plan.epochs_finally:
        return "no final training"
    beside = " beside a random pick and a plain reference" if plan.baselines else ""
    epochs = counted(plan.epochs_finally, "epoch")
    if plan.time_limit is not None and plan.final_epochs is None:
        epochs = f"as long as time allows ({epochs} or so)"
    else:
        epochs = f"for {epochs}"
    if plan.repeats > 1:
        return f"then train on what each search found {epochs}{beside}"
    seeds = f", then with {counted(plan.final_seeds - 1, 'other seed')}" if plan.final_seeds > 1 else ""
    return f"then train the winner on {epochs}{seeds}{beside}"
