"""The search behind an estimator: an ordinary run of a project, and the network that came of it."""

from __future__ import annotations

import math
import time
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from netwright.catalogue import construct, load, making, own_spaces, split
from netwright.core.objective import Constraint
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.engine import Run, Search
from netwright.estimators import Training
from netwright.executors import Processes
from netwright.methods.automatic import decided
from netwright.results import conclude
from netwright.spaces import usual_space
from netwright.training import seeded
from netwright.training.batches import steps_per_epoch, usual_batch
from netwright.training.progress import load_trained

if TYPE_CHECKING:
    from netwright.tasks.task import Task

GOOD_STEPS = 600  # of a candidate, with which candidates are told apart by more than noise
LEAST_EPOCHS, MOST_EPOCHS = 5, 100
FEW = 10  # validation examples, at least, where they are no more than `LARGEST_SHARE`
LARGEST_SHARE = 0.3
SHARE_OF_FINALS = 0.4  # of the time, for the winner's final training
SHARE_OF_ONE_TRIAL = 0.5  # of the time
VALIDATION = 0.1  # share of the examples, unless it is said
LEAST_SECONDS = 0.1  # that a search has, however little is left
LEAST_TIME = 0.1  # share of the time, however long reading the data took
TRIED_FIRST = 10  # trials from which on the smallest and the largest network are tried before all others


@dataclass(frozen=True, eq=False)
class Wanted:
    """What an estimator asks of its search; see `NetworkClassifier`.

    seconds: for everything, None without a limit.
    workers: trials at once.
    """

    space: str | Space | None = None
    strategy: str | Strategy | None = None
    seconds: float | None = None
    trials: int | None = None
    epochs: int | None = None
    final_epochs: int | None = None
    limits: tuple[str, ...] = ()
    objective: Any = None
    validation: float | None = None
    training: dict[str, Any] = field(default_factory=dict)
    device: str = "auto"
    seed: int = 0
    workers: int = 1
    progress: bool = False

    @property
    def is_automatic(self) -> bool:
        """Whether what is tried, and for how long, is decided from data, machine and time."""
        return self.strategy is None and self.epochs is None and self.seconds is not None

    def after(self, spent: float) -> Wanted:
        """The same with what is left of its time once so many seconds are gone, a tenth at least."""
        if self.seconds is None:
            return self
        return replace(self, seconds=max(LEAST_TIME * self.seconds, self.seconds - spent))


@dataclass(frozen=True, eq=False)
class Found:
    """A run that has ended, and its best network, trained to the end and on the CPU."""

    run: Run
    network: nn.Module


def searched(task: Task, wanted: Wanted, directory: Path) -> Found:
    """Search on a task, and train what was found to the end.

    task: with the examples.
    wanted: of the search.
    directory: of the project that keeps the run.

    Raises SearchFailed where no network was found.
    """
    began = time.monotonic()
    made = _by_the_clock(task, wanted) if wanted.is_automatic else _asked_for(task, wanted)
    after = made.after
    deadline = None if wanted.seconds is None else began + wanted.seconds
    executor = nullcontext() if wanted.workers == 1 else closing(Processes(wanted.workers))
    with executor as workers:
        run = made.search.run(
            wanted.trials,
            None if deadline is None else max(LEAST_SECONDS, deadline - time.monotonic()),
            store=directory,
            executor=workers,
            progress=wanted.progress,
            preflight=wanted.trials is None or wanted.trials >= TRIED_FIRST,
            reserve=None if after is None else lambda _: after,
        )
    return Found(run, _trained(run, task, made.finally_, deadline))


@dataclass(frozen=True, eq=False)
class Made:
    """A search, and what follows it.

    after: seconds of the time that are left for that; None without a limit.
    finally_: options of `conclude` where the winner is trained on; None where it is handed over as it is.
    """

    search: Search
    after: float | None
    finally_: dict[str, Any] | None


def _by_the_clock(task: Task, wanted: Wanted) -> Made:
    """The default search: a race, decided from data, machine and time."""
    networks = _space(task, wanted)
    assert wanted.seconds is not None
    found = decided(
        *(task, networks, wanted.seconds),
        given=wanted.training,
        validation=wanted.validation,
        limits=[Constraint.parse(each) for each in wanted.limits],
        device=wanted.device,
    )
    space = found.space(networks)
    search = _search(found.strategy(space), found.training(space, task, wanted.device), wanted)
    anew = {"final_epochs": 1, "anew": True, "exact": False, "copies": found.copies}
    return Made(search, found.after, anew if found.again else None)


def _asked_for(task: Task, wanted: Wanted) -> Made:
    """The search whose strategy or length the person decides on."""
    space, strategy = _space(task, wanted), wanted.strategy
    if not isinstance(strategy, Strategy):
        strategy = making.strategy(making.fitted(strategy or "evolution", wanted.trials), space, wanted.trials)
    training = _training(task, space, wanted)
    epochs = 4 * training.settings.epochs if wanted.final_epochs is None else wanted.final_epochs
    after = None if wanted.seconds is None else wanted.seconds * (SHARE_OF_FINALS if epochs else 0.0)
    exact = wanted.final_epochs is not None
    return Made(
        _search(strategy, training, wanted), after, {"final_epochs": epochs, "exact": exact} if epochs else None
    )


def _space(task: Task, wanted: Wanted) -> Space:
    """The networks that are asked for, or those that suit the data."""
    if isinstance(wanted.space, Space):
        return wanted.space
    own = own_spaces().get(split(wanted.strategy)[0]) if isinstance(wanted.strategy, str) else None
    if wanted.space is None and own is None:
        return usual_space(task.shape, task.problem)
    name, options = split(wanted.space or own or "")
    return construct(load("space", name), options=options).fitted(task.shape)


def _search(strategy: Strategy, training: Training, wanted: Wanted) -> Search:
    return Search(strategy, training, objective=wanted.objective, constraints=wanted.limits, seed=wanted.seed)


def _training(task: Task, space: Space, wanted: Wanted) -> Training:
    settings, batch = dict(wanted.training), usual_batch(task.shape, len(task.train))
    if batch is not None:
        settings = {"batch_size": batch, **settings}
    asked = VALIDATION if wanted.validation is None else wanted.validation
    validation = max(asked, min(LARGEST_SHARE, FEW / len(task.train)))
    made = Training(space, task, validation=validation, device=wanted.device, **settings)
    if "epochs" not in settings:
        made = made.replace(epochs=wanted.epochs or _epochs(task, made))
    limit = wanted.seconds
    return made if limit is None else made.replace(time_limit=limit * SHARE_OF_ONE_TRIAL)


def _epochs(task: Task, training: Training) -> int:
    """As many as tell candidates apart: few examples make few steps an epoch."""
    learnt = max(2, round(len(task.train) * (1 - training.validation)))
    steps = max(1, steps_per_epoch(learnt, training.settings.batch_size))
    return min(MOST_EPOCHS, max(LEAST_EPOCHS, math.ceil(GOOD_STEPS / steps)))


def _trained(run: Run, task: Task, finally_: dict[str, Any] | None, deadline: float | None) -> nn.Module:
    """The best network of a run, trained on where that was planned, else as the run has left it."""
    kept = run.weights(run.best)
    if finally_ is None and kept is not None:
        with seeded(0):
            network = run.search.space.build(run.best.architecture, task.shape)
        if load_trained(network, kept) is not None:
            return network.eval()
    return conclude(run, final_seeds=1, baselines=False, deadline=deadline, **(finally_ or {})).final.network
