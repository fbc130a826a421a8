"""The plan fitted to data, machine and time: how long candidates are trained, how many fit, and what to say of that.

Candidates are told apart by what they have learnt, which is a matter of steps, not of passes over the data: a hundred
examples make two steps an epoch, a hundred thousand make 1,600.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netwright.cli.arguments import counted, split
from netwright.core.wording import duration, rough

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.tasks.task import Task
    from netwright.training.timing import Pace

LEAST_STEPS = 200  # of a candidate; with fewer, candidates are ranked by noise
GOOD_STEPS = 600  # of a candidate where time allows
LEAST_EPOCHS, MOST_EPOCHS = 5, 100  # of a candidate where time allows; where the data are few
FEW, MANY = 20, 100  # candidates that a search should have; from which on longer trainings are worth more than more
OVERHEAD = 0.03  # seconds of a trial beside its training
SHARE_OF_SEARCH = 0.6  # of the time, as far as is known beforehand
SURE = 500  # validation examples from which on nothing is said of chance


@dataclass(frozen=True)
class Fitted:
    """What a typical candidate takes, and how many fit.

    steps: in an epoch. each: seconds of a candidate. candidates: that fit into the time; None without a limit.
    """

    pace: Pace
    steps: int
    each: float
    candidates: int | None

    def final(self, epochs: int) -> float:
        """Seconds of a final training of so many epochs."""
        return epochs * self.pace.epoch * 1.1  # the validation examples are trained on, too


def typical_pace(task: Task, space: Space, plan: Plan, architecture: Architecture) -> Pace:
    """What training this network takes here, from a few warm steps."""
    from netwright.training import seeded
    from netwright.training.timing import pace

    training = plan.make_training(task, space)
    with seeded(0):
        network = space.build(architecture, task.shape)
    data = task.search_data(training.split_seed, training.device, training.validation)
    return pace(network, data, training.settings, training.device)


def fitted(plan: Plan, pace: Pace, seconds: float | None) -> tuple[Plan, Fitted]:
    """The plan with the epochs of its candidates and a strategy of a size that suits how many fit.

    seconds: of the whole command that are left; None without a limit.
    """
    steps = max(1, round(pace.epoch / max(pace.step, 1e-9)))
    search = None if seconds is None else SHARE_OF_SEARCH * seconds * plan.workers
    epochs = plan.epochs or _epochs(steps, pace.epoch + pace.validation, search)
    each = pace.of(epochs) + OVERHEAD
    candidates = None if search is None else max(1, int(search / each))
    if plan.trials is not None:
        candidates = plan.trials if candidates is None else min(candidates, plan.trials)
    return replace(plan, epochs=epochs, expected_trials=candidates), Fitted(pace, steps, each, candidates)


def _epochs(steps: int, epoch: float, search: float | None) -> int:
    """Epochs of a candidate. steps, epoch: steps and seconds of an epoch. search: seconds for all candidates."""
    least = min(MOST_EPOCHS, math.ceil(LEAST_STEPS / steps))
    good = min(MOST_EPOCHS, max(LEAST_EPOCHS, math.ceil(GOOD_STEPS / steps)))
    if search is None:
        return good
    few, many = (int(search / (number * epoch)) for number in (FEW, MANY))
    return max(least, min(few, max(good, min(many, 3 * good))))


def said(plan: Plan, found: Fitted, task: Task, *, asked: bool) -> list[str]:
    """How many candidates fit, and what will come of it, before it is found out. asked: whether epochs were given."""
    epochs = plan.epochs or 1
    steps = epochs * found.steps
    fit = "" if found.candidates is None or plan.time_limit is None else f"; about {found.candidates:,} fit"
    lines = [
        f"candidates: {counted(epochs, 'epoch')} of {counted(found.steps, 'step')} each, about {duration(found.each)} "
        f"for a typical network here{fit}"
    ]
    lines += [f"warning: {each}" for each in _warnings(plan, found, task, steps, asked)]
    return lines


def _warnings(plan: Plan, found: Fitted, task: Task, steps: int, asked: bool) -> list[str]:
    warnings: list[str] = []
    validation = max(1, round(len(task.train) * 0.1))
    if steps < LEAST_STEPS:
        more = f"; --epochs {math.ceil(LEAST_STEPS / found.steps)} tells them apart better" if asked else ""
        warnings.append(f"{steps} steps rank candidates mostly by noise{more}")
    if validation < SURE:
        error = 100 * (0.25 / validation) ** 0.5
        warnings.append(
            f"accuracies on {validation} validation examples have a standard error of up to {error:.1f} points: small "
            "differences between candidates mean nothing"
        )
    if found.candidates is not None and plan.time_limit is not None:
        warnings += _few(plan, found.candidates, task)
    return warnings


def _few(plan: Plan, candidates: int, task: Task) -> list[str]:
    """What so few candidates mean, and what would make room for more."""
    name, options = split(plan.strategy)
    population = options.get("population", "")
    if candidates > 4:
        if population.isdigit() and int(population) >= candidates:
            advice = f"--strategy {name}:population={max(2, candidates // 4)} would be more than that"
            return [f"a population of {population} makes this a random search for {candidates} candidates; {advice}"]
        return []
    cheaper: list[str] = []
    if task.shape.is_image and max(task.shape.height, task.shape.width) > 48:
        share = (32 / max(task.shape.height, task.shape.width)) ** 2
        cheaper.append(f"--image-size 32 (about {rough(max(2, round(1 / share)))} times as quick)")
    elif len(task.train) > 5_000:
        cheaper.append("--examples 5000")
    cheaper.append("more --time")
    only = "one candidate fits" if candidates == 1 else f"{candidates} candidates fit"
    return [f"only about {only}, which is hardly a search; {' or '.join(cheaper)} makes room for more"]
