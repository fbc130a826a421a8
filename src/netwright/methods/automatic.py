"""The default search: what is tried, how it is trained and for how long, decided from data, machine and time.

A race (`strategies.Race`) between the well-known networks of the kind of data and changes of the leaders, in their
layers and in their training. Every contestant gets the same seconds, or where examples are few the same folds of a
cross-validation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from netwright.core.decision_space import DecisionSpace
from netwright.core.wording import duration
from netwright.engine.region import Region, seconds_of
from netwright.spaces.with_training import WithTraining
from netwright.strategies.race import Race
from netwright.training.balance import EACH_CLASS_ALIKE
from netwright.training.settings import TrainingSettings
from netwright.training.usual import choices, usual

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.objective import Constraint
    from netwright.core.space import Space
    from netwright.estimators.training import Training
    from netwright.tasks.task import Task
    from netwright.training.mirrors import Mirrored
    from netwright.training.timing import Pace

__all__ = ["auto"]

HANDED_OVER = "what was validated is handed over"
BY_THE_CLOCK: Mapping[str, Any] = {
    "schedule": "stable",
    "warm_up": 0.01,
    "average": 0.999,
    "fresh_statistics": True,
    "keep_best": True,
    "part_decay": True,
    "patience": 8,
}
"""What a training needs that can be judged and continued anywhere, beside what suits the data."""
SHARE_OF_ONE = 0.45  # of the search's time, that a full training may take
SHARE_OF_ONE_ANEW = 0.28  # likewise, where the winner is trained anew on all examples after it
ENOUGH_ANEW = 12  # passes over the examples that fit into that, from which on the winner is trained anew
COPIES = 5  # of the winner, trained anew side by side, at most
GAINS_FROM_COPIES = "regression"
"""The kind of problem where the mean of several networks was worth it (`benchmarks/side_by_side.py`, ten splits): R² of
diabetes +2.6 ± 0.9 points; accuracy of breast cancer -0.2 ± 0.2, wine +0.2 ± 0.5 and digits -0.2 ± 0.1."""
MORE_ANEW = 1.15  # times as long as is reckoned, a training anew may take
DECAY = TrainingSettings().decay
PASSES, STEPS = (
    120,
    2_500,
)  # after which a training has little more to gain: passes over the examples, at least so many steps
LEAST_STEPS, LEAST_SECONDS = 60, 0.8  # of a contestant before it is judged for the first time
MOST_RUNGS = 3  # below the full training
ETA = 3.0
FEW = 1_500  # examples, below which contestants are judged by a cross-validation
FOLDS = 6  # a first third of them is two
LEAST_FOLD = 150  # steps of a fold, with fewer of which one split must do
FEW_STEPS = 1_000  # of a training on few examples
SURE = 4_000  # examples that one would like to validate on
LEAST_VALIDATION, MOST_VALIDATION = 0.1, 0.2  # shares of the examples
MOST_WORKERS = 8
LEAST_FOR_WORKERS = 40.0  # seconds of a race, in which processes of its own are worth their start
STARTING = 4.0  # seconds that they take to start
LEAST_TIME = 2.0  # seconds that a search takes, however little is left of what it was given
FIRST = 0.4  # of the search's time at most may the first judgement of the well-known networks take
MIRRORING, MOST_MIRRORING = 0.03, 4.0  # share of the time, and seconds, to find out whether images may be mirrored
LEAST_TO_MIRROR = 20  # seconds of a search that has the time to find it out
REFERENCES, MOST_REFERENCES = 0.06, 15.0  # of the time, and seconds, for references that cost little
CALIBRATING = 0.15  # of the time at most, to foretell latencies


def auto(
    space: Space,
    seconds: float | None = None,
    first: Mapping[str, Architecture | str] | Sequence[Architecture | str] = (),
    least: float = 1 / 27,
    eta: float = ETA,
) -> Race:
    """The default search: a race between well-known networks and changes of the leaders.

    `netwright search` decides on all of these, and on the training, from the data, the machine and the time.

    space: the one to search.
    seconds: of the search; None for no limit.
    first: architectures to begin with.
    least: the smallest share of the full training.
    eta: a candidate among the best 1/eta of those that had as much goes on, to eta times as much.
    """
    return Race(space, seconds, first, least, eta)


@dataclass(frozen=True)
class Decided:
    """What was decided for one search; plain data, from which it is made again.

    seconds: of the race, and of training its winner anew.
    full: seconds of a full training, or of one fold of it.
    least: the share of a full training after which contestants are judged for the first time.
    fidelity: "seconds" or "folds", of which a share is taken.
    validation: share of the examples to validate on.
    folds: of a cross-validation.
    settings: of each training.
    choices: by training setting, what contestants may choose.
    known: by name, the networks that begin, as text.
    again: whether the winner is trained anew on all examples, within `seconds`.
    examples: to train on, those to validate on included.
    after: seconds for what follows the search.
    said: what was found out of the data, a sentence each.
    own_validation: whether the data came with examples to validate on.
    judged_on: examples that contestants are judged on, where what is asked for is a share of them; otherwise 0.
    copies: networks that the winner is trained anew as, side by side, at most.
    workers: trials at once, each in a process of its own where more than one.
    judged_by: the metric that trainings keep their best weights by, as the problem calls it; its main one where empty.
    """

    seconds: float
    full: float
    least: float
    fidelity: str
    validation: float
    folds: int
    settings: Mapping[str, Any]
    choices: Mapping[str, Sequence[Any]]
    known: Mapping[str, str] = field(default_factory=dict)
    again: bool = False
    examples: int = 0
    after: float = 0.0
    said: Sequence[str] = ()
    own_validation: bool = False
    judged_by: str = ""
    judged_on: int = 0
    copies: int = 1
    workers: int = 1

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Self:
        raced = {name: tuple(each) for name, each in described["choices"].items()}
        return cls(**{**described, "choices": raced, "said": tuple(described.get("said", ()))})

    def as_json(self) -> dict[str, Any]:
        raced = {name: list(each) for name, each in self.choices.items()}
        return {**asdict(self), "choices": raced, "said": list(self.said)}

    def space(self, networks: Space) -> Space:
        """The networks with how each is trained."""
        return (
            WithTraining(networks, self.choices) if isinstance(networks, DecisionSpace) and self.choices else networks
        )

    def strategy(self, space: Space) -> Race:
        by_time = self.fidelity == "seconds"
        overlap = self.settings.get("decay", DECAY) if by_time and self.settings.get("part_decay") else 0.0
        shorter = 1 - (self.validation if by_time else 1 / self.folds)
        return Race(
            *(space, self.seconds, self.known, self.least, ETA),
            full=self.full if by_time else None,
            overlap=overlap,
            anew=MORE_ANEW / shorter if self.again else 0.0,
            copies=self.copies,
            examples=self.judged_on or None,
        )

    def training(self, space: Space, task: Task, device: str) -> Training:
        from netwright.estimators.training import Training

        options: dict[str, Any] = {**self.settings, "seconds": self.full, "judged_by": self.judged_by}
        if self.fidelity == "folds":
            return Training(space, task, device=device, fidelity="folds", folds=self.folds, **options)
        return Training(space, task, device=device, fidelity="seconds", validation=self.validation, **options)

    def lines(self) -> list[str]:
        """What will be tried, and why."""
        raced = ", ".join(f"{_words(name)} {' or '.join(map(_shown, each))}" for name, each in self._raced())
        last = f"the winner is trained anew on all examples{self._copied()}" if self.again else HANDED_OVER
        return [
            f"contestants: {'; '.join([*(self.known or ['random networks']), 'changes of the leaders'])}",
            f"training: {', '.join(self._usual())}{f'; raced: {raced}' if raced else ''}",
            f"race: {self._race()}",
            f"time: {duration(self.seconds)} for the race{self._at_once()}; then {last}",
            *(f"data: {each}" for each in self.said),
        ]

    def _copied(self) -> str:
        return f", up to {self.copies} times side by side, as time allows" if self.copies > 1 else ""

    def _at_once(self) -> str:
        return f", {self.workers} trainings at once" if self.workers > 1 else ""

    def _race(self) -> str:
        """How long each trains, and what it is judged on."""
        examples = f"{self.examples:,} examples"
        if self.fidelity == "folds":
            return (
                f"each is trained for {duration(self.full)} a fold at most, and judged by {self.folds} folds of the "
                f"{examples}, which are few; the better third of those with two folds goes on to all"
            )
        ladder = ", ".join(duration(share * self.full) for share in self._shares()[:-1])
        share = (
            "their own examples" if self.own_validation else f"{round(self.validation * self.examples):,} of {examples}"
        )
        return (
            f"each is trained for {duration(self.full)} at most; after {ladder} the better third goes on; judged on "
            f"{share}"
        )

    def _raced(self) -> list[tuple[str, Sequence[Any]]]:
        return [(name, each) for name, each in self.choices.items() if len(each) > 1]

    def _usual(self) -> list[str]:
        names = ("optimiser", "learning_rate", "batch_size", "schedule", "average")
        return [f"{_words(name)} {_shown(self.settings[name])}" for name in names if name in self.settings]

    def _shares(self) -> list[float]:
        from netwright.strategies.fidelity.rungs import shares, steps_below

        return list(shares(steps_below(self, self.least, ETA), ETA))


def decided(
    task: Task,
    networks: Space,
    seconds: float,
    *,
    given: Mapping[str, Any] | None = None,
    validation: float | None = None,
    limits: Sequence[Constraint] = (),
    device: str = "auto",
    after: float = 0.0,
    pace: Pace | None = None,
    mirrored: Mirrored | None = None,
    metric: str = "",
    latency: str = "",
) -> Decided:
    """What the default search of a task is.

    task: with its data.
    networks: the space without training.
    seconds: for the search and all that follows it.
    given: training settings that the person decides on; they are not raced.
    validation: share of the examples to validate on, where the person decides on it.
    limits: that networks must keep.
    device: to train on.
    after: seconds that are needed after the search in any case, such as for an export.
    pace: of a well-known network's training, where it is known; timed otherwise.
    mirrored: whether images may be mirrored, where it is known; found out otherwise.
    metric: that is asked for, as the problem calls it, where trainings should be made for it.
    latency: how it is measured where it is limited, as of `estimators.machine.where`.
    """
    from netwright.estimators.machine import calibrated_within, known_beforehand

    given, seconds = dict(given or {}), max(seconds, LEAST_TIME)
    examples = len(task.train)
    settings = {**usual(task.shape, task.problem, examples), **BY_THE_CLOCK, **given}
    if settings["schedule"] != "stable" or not settings["keep_best"]:
        settings["part_decay"] = False
    raced = {name: each for name, each in choices(task.shape, task.problem, examples).items() if name not in given}
    share = validation_share(examples) if validation is None else validation
    said: tuple[str, ...] = ()
    if task.shape.is_image and seconds >= LEAST_TO_MIRROR and not given.keys() & {"flip", "augment"}:
        mirrored = mirrored or _mirrored(task, share, seconds)
        said = (mirrored.reason,) if mirrored.reason else ()
        settings |= {} if mirrored.alike is None else {"flip": mirrored.alike}
    if metric in EACH_CLASS_ALIKE and task.problem.kind == "classification" and "balance" not in given:
        settings["balance"], raced["balance"] = 1.0, (1.0, 0.5)
        said = (*said, f"rare classes count as much as frequent ones in training, since {metric} is asked for")
    own = task.validation is not None
    found = Decided(
        *(seconds, 1.0, 1 / ETA, "seconds", share, FOLDS, settings, raced),
        examples=examples,
        own_validation=own,
        said=said,
        judged_by=metric if metric in {*task.problem.further, *(each.name for each in task.problem.metrics)} else "",
    )
    space = found.space(networks)
    known = {name: _with_usual_training(space, each) for name, each in networks.known(task.shape).items()}
    stages = known_beforehand(space, task.shape, [each.metric for each in limits], latency).stages()
    region = Region(space, stages, limits, seconds=seconds_of(seconds))
    if limits:
        with calibrated_within(CALIBRATING * seconds):
            known = _within(region, known)
    if pace is None:
        pace = _pace(space, task, found.training(space, task, device), _pilot(space, known, region))
    timed = _timed(found, task, pace, seconds, after)
    copies = COPIES if timed.again and not limits and task.problem.kind == GAINS_FROM_COPIES else 1
    timed = replace(timed, copies=copies, judged_on=_judged_on(timed, task, metric))
    if timed.seconds >= LEAST_FOR_WORKERS and pace.at_once > 1:
        workers = min(MOST_WORKERS, pace.at_once)
        timed = replace(timed, workers=workers, seconds=timed.seconds - STARTING)
    first = timed.least * timed.full * (FOLDS if timed.fidelity == "folds" else 1) / timed.workers
    most = max(2, int(FIRST * timed.seconds / first))
    return replace(timed, known={name: str(each) for name, each in list(known.items())[:most]})


def _judged_on(found: Decided, task: Task, metric: str) -> int:
    """How many examples a score is a share of; 0 where it is something else. metric: that is asked for, if any."""
    problem = task.problem
    names = {each.name: each for each in problem.metrics}
    asked = names.get(metric) if metric else problem.main
    if problem.dense or asked is None or not asked.percent:
        return 0
    if task.validation is not None:
        return len(task.validation)
    return found.examples if found.fidelity == "folds" else round(found.validation * found.examples)


def _mirrored(task: Task, validation: float, seconds: float) -> Mirrored:
    """Whether images may be mirrored, found out on the CPU on the training examples of the search."""
    from netwright.training.mirrors import mirrored_alike

    return mirrored_alike(task.search_data(0, "cpu", validation), seconds=min(MOST_MIRRORING, MIRRORING * seconds))


def validation_share(examples: int) -> float:
    """Of the examples to validate on: enough to tell networks apart, where there are enough."""
    return round(min(MOST_VALIDATION, max(LEAST_VALIDATION, SURE / max(1, examples))), 3)


def _with_usual_training(space: Space, architecture: Architecture) -> Architecture:
    return space.trained_with(architecture) if isinstance(space, WithTraining) else architecture


def _within(region: Region, known: Mapping[str, Architecture]) -> dict[str, Architecture]:
    """The well-known networks that keep the limits, and the others made so small that they do."""
    found = {name: each for name, each in known.items() if region.keeps(each)}
    if len(found) == len(known) or not region.find(first=[*known.values()]):
        return found
    rng, taken = np.random.default_rng(0), set(found.values())
    for name, each in known.items():
        smaller = None if name in found else region.nearest(each, rng)
        if smaller is not None and smaller not in taken:
            found[f"{name}, changed to keep the limits"] = smaller
            taken.add(smaller)
    return found


def _pilot(space: Space, known: Mapping[str, Architecture], region: Region) -> Architecture:
    """A network to time: the first well-known one, all of which keep the limits, or another that does."""
    if not known and region.active and region.find():
        return region.known[0]
    if not known and region.nearest_found is not None:
        return region.nearest_found[1]
    return next(iter(known.values()), None) or space.sample(np.random.default_rng(0))


def _pace(space: Space, task: Task, training: Training, architecture: Architecture) -> Pace:
    from netwright.training import seeded
    from netwright.training.timing import pace

    with seeded(0):
        network = space.build(architecture, task.shape)
    data = task.search_data(training.split_seed, training.device, training.validation)
    return pace(network, data, training.settings_of(architecture), training.device)


def _timed(found: Decided, task: Task, pace: Pace, seconds: float, after: float) -> Decided:
    """With the seconds of each part. pace: of a well-known network."""
    step = max(pace.step, 1e-6)
    examples, batch = found.examples, found.settings["batch_size"]
    testing = pace.validation * len(task.test) / max(1.0, found.validation * examples)
    after += testing + min(MOST_REFERENCES, REFERENCES * seconds)
    race = max(seconds - after, 0.5 * seconds)
    few = examples < FEW and not task.problem.dense and task.validation is None and not task.by_time
    folds = few and SHARE_OF_ONE * race / FOLDS >= LEAST_FOLD * step
    enough = step * max(FEW_STEPS if folds else STEPS, PASSES * examples / batch)
    again = task.validation is None and (
        folds or min(SHARE_OF_ONE_ANEW * race, enough) >= ENOUGH_ANEW * step * examples / batch
    )
    share = SHARE_OF_ONE_ANEW if again and not folds else SHARE_OF_ONE
    full = min(share * race / (FOLDS if folds else 1), enough)
    least, fidelity = _least(full, step, folds), "folds" if folds else "seconds"
    return replace(found, seconds=race, after=after, full=full, least=least, fidelity=fidelity, again=again)


def _least(full: float, step: float, folds: bool) -> float:
    """The first share of a full training: after it contestants have done enough steps to be judged."""
    if folds:
        return 1 / ETA
    enough = max(LEAST_SECONDS, LEAST_STEPS * step) / full
    rungs = 1
    while rungs < MOST_RUNGS and ETA ** -(rungs + 1) >= enough:
        rungs += 1
    return ETA**-rungs


def _words(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
