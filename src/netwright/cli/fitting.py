"""The plan fitted to data, machine and time: how long candidates are trained, how many fit, and what to say of that.

Candidates are told apart by what they have learnt, which is a matter of steps, not of passes over the data: a hundred
examples make two steps an epoch, a hundred thousand make 1,600.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from netwright.catalogue.arguments import pairs, split
from netwright.core.objective import Objective, leading
from netwright.core.wording import counted, duration, rough

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.core.architecture import Architecture
    from netwright.core.problem import Metric
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
VALIDATION = 0.1  # share of the training examples that `Training` validates on by its default
VALIDATING = 0.25  # of the time of an epoch's steps may a validation take where time is short
UNSURE = 3.0  # times too slow, by a cheaper network, may a typical one seem and yet be timed
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
    return pace(network, data, training.settings_of(architecture), training.device)


def paced(task: Task, space: Space, plan: Plan, found: Preflight, seconds: float | None) -> tuple[Pace, float | None]:
    """What training a typical network takes here; and a limit on multiply-adds, where only hardly a search would fit.

    seconds: of the whole command that are left; None without a limit. The limit leaves some of the networks that were
    drawn at random, however little time there is. None where the person decides about sizes, trials or epochs.
    """
    macs = [each for each, _ in found.by_cost]
    decided = plan.limits or plan.epochs is not None or plan.trials is not None or len(plan.objectives) > 1
    if seconds is None or decided or "steps_per_epoch" in plan.training:
        return typical_pace(task, space, plan, _typical(found, math.inf)), None
    least = macs[min(len(macs) - 1, max(int(LEFT * len(macs)), LEFT_LEAST))]
    # A cheap network first: where time is short, one step of a typical network may take much of it.
    most, middle = math.inf, macs[int(LEFT * len(macs))]
    pace = typical_pace(task, space, plan, found.by_cost[int(LEFT * len(macs))][1])
    for turn in range(TIMED):
        wanted = middle * _step_that_fits(task, plan, pace, max(0.0, seconds)) / max(pace.step, 1e-9)
        if turn and (middle <= wanted or most == least):
            break
        do_all = not turn and wanted * UNSURE > macs[len(macs) // 2]  # a typical network may well do
        most = math.inf if do_all else max(least, wanted)
        within = bisect.bisect_right(macs, most)
        middle = macs[within // 2]
        pace = typical_pace(task, space, plan, _typical(found, most))
    return pace, None if most == math.inf else most


def _typical(found: Preflight, most: float) -> Architecture:
    typical = found.typical(most)
    assert typical is not None
    return typical


def _step_that_fits(task: Task, plan: Plan, pace: Pace, seconds: float) -> float:
    """Seconds of a training step with which a few candidates fit into the time, and a final training and its test."""
    validation = pace.validation / max(pace.step, 1e-9)
    test = validation * len(task.test) / _validated_on(task, VALIDATION)
    validation = min(validation, VALIDATING * LEAST_STEPS)
    search = SHARE_OF_SEARCH * seconds * plan.workers / (SOME * (LEAST_STEPS + validation))
    return min(search, 0.5 * (1 - SHARE_OF_SEARCH) * seconds / (LEAST_STEPS + validation + test))


def fitted(plan: Plan, pace: Pace, seconds: float | None, examples: int | None = None) -> tuple[Plan, Fitted]:
    """The plan with the epochs of its candidates and a strategy of a size that suits how many fit.

    seconds: of the whole command that are left; None without a limit. examples: from which those to validate on are
    drawn; None where they are not drawn.
    """
    steps = max(1, round(pace.epoch / max(pace.step, 1e-9)))
    search = None if seconds is None else SHARE_OF_SEARCH * max(0.0, seconds) * plan.workers
    if search is not None and plan.epochs is None and search < FEW * plan.workers * (pace.epoch + pace.validation):
        plan, pace, steps = _cut(plan, pace, steps, search / plan.workers, examples)
    epochs = plan.epochs or _epochs(steps, pace.epoch + pace.validation, search)
    each = pace.of(epochs) + OVERHEAD
    candidates = None if search is None else max(1, int(search / each))
    if plan.trials is not None:
        candidates = plan.trials if candidates is None else min(candidates, plan.trials)
    return replace(plan, epochs=epochs, expected_trials=candidates), Fitted(pace, steps, each, candidates)


def _cut(plan: Plan, pace: Pace, steps: int, search: float, examples: int | None) -> tuple[Plan, Pace, int]:
    """Epochs of the steps that fit, and fewer examples to validate on, where few candidates would fit otherwise.

    search: seconds of one worker for all candidates.
    """
    options = pairs(plan.training)
    whole = pace.validation / max(pace.step, 1e-9)  # steps that a validation takes as long as
    drawn = examples is not None and "validation" not in options
    least = min(whole, whole * SURE / max(1.0, VALIDATION * examples)) if examples is not None and drawn else whole

    def within(seconds: float) -> int:
        steps = seconds / max(pace.step, 1e-9)
        return int(max(steps - whole, min(steps - least, steps / (1 + VALIDATING)) if drawn else 0))

    done = max(LEAST, min(steps, max(within(search / FEW), min(LEAST_STEPS, within(SURE_OF_ONE * search)))))
    validating = min(whole, max(least, VALIDATING * done))
    new: dict[str, str] = {}
    if done < steps and "steps_per_epoch" not in options:
        new["steps_per_epoch"] = str(done)
    if validating < whole:
        new["validation"] = f"{VALIDATION * validating / whole:.3g}"
    training = ",".join(f"{name}={value}" for name, value in {**options, **new}.items())
    return (
        replace(plan, training=training),
        replace(pace, epoch=done * pace.step, validation=validating * pace.step),
        done,
    )


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
    validation = _validated_on(task, float(pairs(plan.training).get("validation", VALIDATION)))
    if steps < LEAST_STEPS:
        more = f"; --epochs {math.ceil(LEAST_STEPS / found.steps)} tells them apart better" if asked else ""
        warnings.append(f"ranks after {counted(steps, 'step')} are mostly noise{more}")
    if validation < SURE and not task.problem.dense:
        warnings.append(_unsure(leading(list(map(Objective.parse, plan.objectives)), task.problem), validation))
    if found.candidates is not None and plan.time_limit is not None:
        warnings += _few(plan, found.candidates, task)
    return warnings


def _validated_on(task: Task, share: float) -> int:
    """How many examples a search validates on. share: of the training examples, where none are set apart already."""
    return max(1, round(len(task.train) * share)) if task.validation is None else len(task.validation)


def _unsure(metric: Metric, validation: int) -> str:
    """What so few validation examples can tell."""
    nothing = "small differences between candidates mean nothing"
    if not metric.of_examples:
        return f"{metric.words} is measured on {validation} validation examples only: {nothing}"
    error = 100 * (0.25 / validation) ** 0.5
    return (
        f"accuracies on {validation} validation examples have a standard error of up to {error:.1f} points: {nothing}"
    )


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
    if task.shape.is_image and not task.shape.dense and max(task.shape.height, task.shape.width) > 48:
        share = (32 / max(task.shape.height, task.shape.width)) ** 2
        cheaper.append(f"--image-size 32 (about {rough(max(2, round(1 / share)))} times as quick)")
    elif len(task.train) > 5_000:
        cheaper.append("--examples 5000")
    cheaper.append("more --time")
    only = "one candidate fits" if candidates == 1 else f"{candidates} candidates fit"
    return [f"only about {only}, which is hardly a search; {' or '.join(cheaper)} makes room for more"]
