"""The plan fitted to data, machine and time: how long candidates are trained, how many fit, and what to say of that.

Candidates are told apart by what they have learnt, which is a matter of steps, not of passes over the data: a hundred
examples make two steps an epoch, a hundred thousand make 1,600.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netwright.cli.arguments import counted, split
from netwright.core.wording import duration, rough

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.engine.preflight import Preflight
    from netwright.tasks.task import Task
    from netwright.training.timing import Pace

LEAST_STEPS = 200  # of a candidate; with fewer, candidates are ranked by noise
GOOD_STEPS = 600  # of a candidate where time allows
LEAST_EPOCHS, MOST_EPOCHS = 5, 100  # of a candidate where time allows; where the data are few
FEW, MANY = 20, 100  # candidates that a search should have; from which on longer trainings are worth more than more
SOME = 5  # candidates that a search should have at least, if need be of networks that are cheaper than others
LEFT, LEFT_LEAST = 0.05, 4  # share and number of random networks that a limit for the sake of time leaves
TIMED = 3  # networks whose steps are timed to find that limit
LEAST = 10  # steps of an epoch, however little time there is
SURE_OF_ONE = (
    0.7  # of the search's time is planned with where only one candidate fits, which may be larger than typical
)
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


def paced(task: Task, space: Space, plan: Plan, found: Preflight, seconds: float | None) -> tuple[Pace, float | None]:
    """What training a typical network takes here; and a limit on multiply-adds, where only hardly a search would fit.

    seconds: of the whole command that are left; None without a limit. The limit leaves some of the networks that were
    drawn at random, however little time there is. None where the person decides about sizes, trials or epochs.
    """
    macs = [each for each, _ in found.by_cost]
    typical = found.typical()
    assert typical is not None
    pace, most = typical_pace(task, space, plan, typical), None
    decided = plan.limits or plan.epochs is not None or plan.trials is not None or len(plan.objectives) > 1
    if seconds is None or decided or "steps_per_epoch" in plan.training:
        return pace, None
    least = macs[min(len(macs) - 1, max(int(LEFT * len(macs)), LEFT_LEAST))]
    for _ in range(TIMED):
        wanted = _step_that_fits(task, plan, pace, max(0.0, seconds))
        if pace.step <= wanted or most == least or least >= macs[-1]:
            break
        middle = macs[bisect.bisect_right(macs, math.inf if most is None else most) // 2]
        most = max(least, middle * wanted / pace.step)
        typical = found.typical(most)
        assert typical is not None
        pace = typical_pace(task, space, plan, typical)
    return pace, most


def _step_that_fits(task: Task, plan: Plan, pace: Pace, seconds: float) -> float:
    """Seconds of a training step with which a few candidates fit into the time, and a final training and its test."""
    validation = pace.validation / max(pace.step, 1e-9)
    test = validation * len(task.test) / max(1, round(0.1 * len(task.train)))
    search = SHARE_OF_SEARCH * seconds * plan.workers / (SOME * (LEAST_STEPS + validation))
    return min(search, 0.5 * (1 - SHARE_OF_SEARCH) * seconds / (LEAST_STEPS + validation + test))


def fitted(plan: Plan, pace: Pace, seconds: float | None) -> tuple[Plan, Fitted]:
    """The plan with the epochs of its candidates and a strategy of a size that suits how many fit.

    seconds: of the whole command that are left; None without a limit.
    """
    steps = max(1, round(pace.epoch / max(pace.step, 1e-9)))
    search = None if seconds is None else SHARE_OF_SEARCH * max(0.0, seconds) * plan.workers
    if search is not None and plan.epochs is None:
        fitting = steps_that_fit(steps, pace, search / plan.workers)
        if fitting < steps:
            training = f"steps_per_epoch={fitting}"
            plan = replace(plan, training=f"{plan.training},{training}" if plan.training else training)
            steps, pace = fitting, replace(pace, epoch=fitting * pace.step)
    epochs = plan.epochs or _epochs(steps, pace.epoch + pace.validation, search)
    each = pace.of(epochs) + OVERHEAD
    candidates = None if search is None else max(1, int(search / each))
    if plan.trials is not None:
        candidates = plan.trials if candidates is None else min(candidates, plan.trials)
    return replace(plan, epochs=epochs, expected_trials=candidates), Fitted(pace, steps, each, candidates)


def steps_that_fit(steps: int, pace: Pace, search: float) -> int:
    """Steps of an epoch: those that all examples make, fewer where otherwise few candidates would fit.

    search: seconds of one worker for all candidates.
    """
    if search >= FEW * (pace.epoch + pace.validation):
        return steps

    def within(seconds: float) -> int:
        return int((seconds - pace.validation) / max(pace.step, 1e-9))

    return max(LEAST, min(steps, max(within(search / FEW), min(LEAST_STEPS, within(SURE_OF_ONE * search)))))


def _epochs(steps: int, epoch: float, search: float | None) -> int:
    """Epochs of a candidate. steps, epoch: steps and seconds of an epoch. search: seconds for all candidates."""
    least = min(MOST_EPOCHS, math.ceil(LEAST_STEPS / steps))
    good = min(MOST_EPOCHS, max(LEAST_EPOCHS, math.ceil(GOOD_STEPS / steps)))
    if search is None:
        return good
    few, many = (int(search / (number * epoch)) for number in (FEW, MANY))
    return min(max(least, min(few, max(good, min(many, 3 * good)))), max(1, int(search / epoch)))


def said(plan: Plan, found: Fitted, task: Task, *, asked: bool) -> list[str]:
    """How many candidates fit, and what will come of it, before it is found out. asked: whether epochs were given."""
    epochs = plan.epochs or 1
    steps = epochs * found.steps
    part = " (not of all examples: others in each)" if "steps_per_epoch" in plan.training else ""
    fit = "" if found.candidates is None or plan.time_limit is None else f"; about {found.candidates:,} fit"
    lines = [
        f"candidates: {counted(epochs, 'epoch')} of {counted(found.steps, 'step')} each{part}, about "
        f"{duration(found.each)} for a typical network here{fit}"
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
