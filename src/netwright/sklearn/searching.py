"""The search behind an estimator: an ordinary run of a project, and the network that came of it."""

from __future__ import annotations

import math
import time
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from netwright.catalogue import construct, load, making, split
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.engine import Run, Search
from netwright.estimators import Training
from netwright.executors import Processes
from netwright.results import conclude
from netwright.training.batches import steps_per_epoch, usual_batch
from netwright.training.progress import load_trained

if TYPE_CHECKING:
    from netwright.tasks.task import Task

GOOD_STEPS = 600  # of a candidate, with which candidates are told apart by more than noise
LEAST_EPOCHS, MOST_EPOCHS = 5, 100
FEW = 10  # validation examples, at least, where they are no more than `LARGEST_SHARE`
LARGEST_SHARE = 0.3
SHARE_OF_SEARCH = 0.6  # of the time; the rest is for the winner's final training
SHARE_OF_ONE_TRIAL = 0.5  # of the time
LEAST_TIME = 0.1  # share of the time, however long reading the data took
TRIED_FIRST = 10  # trials from which on the smallest and the largest network are tried before all others
SPACES = {"vectors": "mlp", "tokens": "texts", "series": "series", "images": "chain"}


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
    validation: float = 0.1
    training: dict[str, Any] = field(default_factory=dict)
    device: str = "auto"
    seed: int = 0
    workers: int = 1
    progress: bool = False

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
    search = _search(task, wanted)
    finally_ = _final_epochs(search, wanted)
    seconds = wanted.seconds
    if seconds is not None and finally_:
        seconds *= SHARE_OF_SEARCH
    executor = nullcontext() if wanted.workers == 1 else closing(Processes(wanted.workers))
    with executor as workers:
        run = search.run(
            wanted.trials,
            seconds,
            store=directory,
            executor=workers,
            progress=wanted.progress,
            preflight=wanted.trials is None or wanted.trials >= TRIED_FIRST,
        )
    deadline = None if wanted.seconds is None else began + wanted.seconds
    return Found(run, _trained(run, task, finally_, deadline, exact=wanted.final_epochs is not None))


def _search(task: Task, wanted: Wanted) -> Search:
    """The search that is asked for; what nobody named is what suits the data."""
    space = wanted.space
    if not isinstance(space, Space):
        name, options = split(space or SPACES[task.shape.kind])
        space = construct(load("space", name), options=options)
    strategy = wanted.strategy
    if not isinstance(strategy, Strategy):
        strategy = making.strategy(making.fitted(strategy or "evolution", wanted.trials), space, wanted.trials)
    return Search(
        strategy,
        _training(task, space, wanted),
        objective=wanted.objective,
        constraints=wanted.limits,
        seed=wanted.seed,
    )


def _training(task: Task, space: Space, wanted: Wanted) -> Training:
    settings = dict(wanted.training)
    batch = usual_batch(task.shape, len(task.train))
    if batch is not None:
        settings = {"batch_size": batch, **settings}
    validation = max(wanted.validation, min(LARGEST_SHARE, FEW / len(task.train)))
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


def _final_epochs(search: Search, wanted: Wanted) -> int:
    """For which the winner is trained on: four times a candidate's unless it was said."""
    training = search.estimator
    assert isinstance(training, Training)
    return 4 * training.settings.epochs if wanted.final_epochs is None else wanted.final_epochs


def _trained(run: Run, task: Task, epochs: int, deadline: float | None, *, exact: bool) -> nn.Module:
    """The best network of a run, trained on for so many epochs as far as the time allows; with none as it is."""
    kept = run.weights(run.best)
    if not epochs and kept is not None:
        network = run.search.space.build(run.best.architecture, task.shape)
        if load_trained(network, kept) is not None:
            return network.eval()
    return conclude(
        run, final_epochs=epochs, final_seeds=1, baselines=False, deadline=deadline, exact=exact
    ).final.network
