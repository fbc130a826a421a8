"""A search: a strategy, an estimator, what is wanted, and a seed. `run` is the only loop there is."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.configuration import Configured, as_json
from netwright.core.display import place_of_progress
from netwright.core.errors import ConfigurationError, UserError, nearest
from netwright.core.estimator import Estimator
from netwright.core.kinds import for_any_space, kinds_checked
from netwright.core.objective import Constraint, Direction, Objective, names_in
from netwright.core.roles import problem_of, space_of
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.engine.progress import shown
from netwright.engine.session import Session, load_run
from netwright.engine.stops import Stops

if TYPE_CHECKING:
    from netwright.core.executor import Executor
    from netwright.core.problem import Problem
    from netwright.core.trial import Trial
    from netwright.engine.progress import Progress
    from netwright.engine.run import Run
    from netwright.engine.under_way import RetryPolicy
    from netwright.store.store import Store

PROVIDES = ("core.runner",)


@dataclass(frozen=True, eq=False, repr=False)
class Search(Configured):
    """What to search with, and for what.

    strategy: decides which network is tried next.
    estimator: measures it.
    objective: a metric, or several for a Pareto front; "params:minimize" gives a direction, most names imply theirs,
        and metrics of the problem have their own, with or without "val_" before them. By default the problem's main
        metric on validation examples, "val_accuracy" of classes.
    constraints: limits that a network must keep ("params <= 500k"), checked as soon as they are measured.
    seed: everything random follows from it.

    `objectives` and `limits` hold what was asked by `objective` and `constraints`, always as tuples.

    A search is a value: running it twice with one seed gives the same trials, since each run begins with the strategy
    as its constructor made it. Raises ConfigurationError for parts that do not fit each other.
    """

    strategy: Strategy
    estimator: Estimator
    objective: str | Objective | Sequence[str | Objective] | None = None
    constraints: str | Constraint | Sequence[str | Constraint] = ()
    seed: int = 0
    objectives: tuple[Objective, ...] = field(init=False)
    limits: tuple[Constraint, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", _whole("seed", self.seed))
        self._arguments["seed"] = self.seed
        asked = () if self.objective is None else _several(self.objective, Objective)
        self._measure([*asked, *_several(self.constraints, Constraint)])
        asked = (_main(self.estimator),) if self.objective is None else asked
        objectives = tuple(_objective(each, self.estimator) for each in asked)
        limits = tuple(_limit(each, self.estimator) for each in _several(self.constraints, Constraint))
        object.__setattr__(self, "objectives", objectives)
        object.__setattr__(self, "limits", limits)
        _check_objectives(objectives)
        _check_limits(limits)
        _check_spaces(self.strategy, self.estimator)
        _check_metrics(self.estimator, objectives, limits)

    def _measure(self, asked: Sequence[str | Objective | Constraint]) -> None:
        """Have the estimator measure the further metrics of its problem that are asked for, too."""
        if _problem(self.estimator) is None:
            return
        estimator = self.estimator.measuring(*names_in(asked))
        if estimator is not self.estimator:
            object.__setattr__(self, "estimator", estimator)
            self._arguments["estimator"] = estimator

    @property
    def space(self) -> Space:
        """The space that the strategy searches."""
        return self.strategy.space

    def limited(self, limit: str = "", *, lifted: str = "") -> Search:
        """The same search with another limit, or with one fewer.

        limit: is added, in place of one on the same metric in the same direction ("params <= 500k").
        lifted: a metric, of which all limits are lifted, or one of the limits.

        Raises UserError for a limit that is none or is not there, ConfigurationError for one on what the estimator does
        not measure.
        """
        kept = list(self.limits)
        if limit:
            new = _limit(limit, self.estimator)
            kept = [each for each in kept if (each.metric, each.relation) != (new.metric, new.relation)] + [new]
        if lifted:
            gone = [each for each in kept if lifted in (each.metric, str(each)) or _is(lifted, each, self.estimator)]
            if not gone:
                there = ", ".join(map(str, kept)) or "none"
                raise UserError(f"there is no limit {lifted!r}; the limits are: {there}")
            kept = [each for each in kept if each not in gone]
        found = self.replace(constraints=kept)
        if found.estimator is not self.estimator:
            raise ConfigurationError(f"{limit!r} is on what this search does not measure")
        return found

    def configuration(self) -> dict[str, Any]:
        """The search as JSON; equal for searches that give equal trials."""
        described = super().configuration()
        described["arguments"] = {
            "strategy": as_json(self.strategy),
            "estimator": as_json(self.estimator),
            "objective": [str(each) for each in self.objectives],
            "constraints": [each.exactly for each in self.limits],
            "seed": self.seed,
        }
        return described

    @kinds_checked
    def run(
        self,
        trials: int | None = None,
        time: str | float | None = None,
        *,
        target: float | None = None,
        patience: int | None = None,
        store: Store | str | Path | None = None,
        name: str | None = None,
        executor: Executor | None = None,
        on_trial: Callable[[Trial], object] | None = None,
        on_progress: Callable[[Progress], object] | None = None,
        progress: bool | None = None,
        resume: bool = False,
        notes: Any = None,
        reserve: Callable[[Trial], float] | None = None,
        retries: RetryPolicy | None = None,
        preflight: bool = True,
        expected: float | None = None,
    ) -> Run:
        """Search until one of the stops that are given, or until the strategy has nothing more to ask.

        trials: how many end, in whatever state but for networks that broke a limit before they cost anything.
        time: "10m", "1h30m", or seconds; where shared weights are trained first, only after something was evaluated.
        target: value of the first objective's metric.
        patience: trials in a row without improvement.
        store: the directory of a project, or a Store; None keeps the run in memory.
        name: of the run; by default made from task, space and strategy.
        executor: where trials run; by default one at a time in this process.
        on_trial: called with each trial once it is stored.
        on_progress: called with a `Progress`, at most ten times a second.
        progress: whether one line shows how far it is; by default where a person looks, without `on_...` above.
        resume: go on with the stored run `name`, by default the latest; all stops count a resumed run as one.
        notes: JSON to keep with the run.
        reserve: called with each new best trial; seconds of `time` to leave for what the caller does afterwards.
        retries: how often a trial is begun again that was lost with its worker or ran out of memory.
        preflight: whether the smallest and the largest network are tried first (see `netwright.engine.preflight`).
        expected: seconds of a typical trial, if measured beforehand; plans `time` until trials tell.

        Where a strategy trains shared weights first, give its estimator epochs that fit the time.
        Raises ConfigurationError without any stop (unless the strategy ends by itself), SearchFailed where the trials
        fail, UserError where no network keeps the limits or the stored run is another one, Busy and CorruptStore from
        the store, and `Interrupted` (a KeyboardInterrupt) on Ctrl-C, SIGTERM and SIGHUP; a stored run can be resumed.
        """
        stops = Stops.of(trials, time, target, patience, bounded=self.strategy.bounded)
        if progress is None and (on_trial is not None or on_progress is not None):
            progress = False
        with (
            Session(self, stops, store, name, resume, notes, executor, preflight) as session,
            shown(place_of_progress(progress), self.objectives, on_progress) as watching,
        ):
            run = session.drive(on_trial, watching.heard, reserve, retries, expected)
            watching.end(run.stopped, run.further)
            return run

    @kinds_checked
    def load(self, store: Store | str | Path, name: str | None = None) -> Run:
        """A stored run of this search as it is, by default the latest; nothing is asked and nothing is written.

        Raises UserError where there is none, or it was made with other settings.
        """
        return load_run(self, store, name)


def _whole(name: str, value: Any) -> int:
    """The value as an int; ConfigurationError for what is no whole number, and for True and False."""
    try:
        if not isinstance(value, bool):
            return operator.index(value)
    except TypeError:
        pass
    raise ConfigurationError(f"{name} must be a whole number; found {value!r}")


def _several(value: Any, kind: type) -> Sequence[Any]:
    if isinstance(value, (str, kind)):
        return (value,)
    try:
        return tuple(value)
    except TypeError:
        raise ConfigurationError(f"expected text, {kind.__name__}, or several of them; found {value!r}") from None


def _main(estimator: Estimator) -> str:
    """What is improved unless something else is asked for."""
    problem = _problem(estimator)
    return "val_accuracy" if problem is None else f"val_{problem.main.name}"


def _problem(estimator: Estimator) -> Problem | None:
    return next((found for each in estimator.stages() if (found := problem_of(each)) is not None), None)


def _objective(asked: str | Objective, estimator: Estimator) -> Objective:
    """The objective, where a problem's metric is meant in its direction and on validation examples."""
    found = Objective.parse(asked)
    known = [name for each in estimator.stages() for name in each.metrics]
    if found.metric not in known and f"val_{found.metric}" in known:
        found = Objective(f"val_{found.metric}", found.direction)
    problem = _problem(estimator)
    if isinstance(asked, Objective) or ":" in asked or problem is None or found.metric == "val_loss":
        return found
    own: dict[str, Direction] = {f"val_{each.name}": each.direction for each in problem.metrics}
    return Objective(found.metric, own.get(found.metric, found.direction))


def _limit(asked: str | Constraint, estimator: Estimator) -> Constraint:
    """The limit, where a problem's metric is meant on validation examples."""
    found = Constraint.parse(asked)
    known = [name for each in estimator.stages() for name in each.metrics]
    if found.metric not in known and f"val_{found.metric}" in known:
        return Constraint(f"val_{found.metric}", found.limit, found.relation)
    return found


def _is(text: str, limit: Constraint, estimator: Estimator) -> bool:
    """Whether a text, as people write limits, is this limit."""
    try:
        return _limit(text, estimator) == limit
    except UserError:
        return f"val_{text}" == limit.metric


def _check_objectives(objectives: Sequence[Objective]) -> None:
    metrics = [each.metric for each in objectives]
    if not metrics:
        raise ConfigurationError("a search needs an objective, for example 'val_accuracy'")
    if len(set(metrics)) < len(metrics):
        raise ConfigurationError(f"an objective is named twice: {', '.join(map(str, objectives))}")


def _check_limits(limits: Sequence[Constraint]) -> None:
    for upper in limits:
        for lower in limits:
            opposite = upper.metric == lower.metric and (upper.relation, lower.relation) == ("<=", ">=")
            if opposite and lower.limit > upper.limit:
                raise ConfigurationError(f"no network can keep both limits: {lower} and {upper}")


def _check_metrics(estimator: Estimator, objectives: Sequence[Objective], limits: Sequence[Constraint]) -> None:
    """ConfigurationError for a metric that no stage gives; nothing is known where a stage declares none."""
    declared = [stage.metrics for stage in estimator.stages()]
    if not all(declared):
        return
    known = list(dict.fromkeys(name for names in declared for name in names))
    needed = [name for each in objectives for name in each.needs(known)]
    for metric in (*needed, *(each.metric for each in limits)):
        if metric not in known:
            raise ConfigurationError(f"{type(estimator).__name__} does not measure {metric!r}{nearest(metric, known)}")


def _inside(strategy: Strategy) -> list[Strategy]:
    """The strategy, and those that it is made of."""
    inner = [each for each in strategy.arguments.values() if isinstance(each, Strategy)]
    return [strategy, *(found for each in inner for found in _inside(each))]


def _check_spaces(strategy: Strategy, estimator: Estimator) -> None:
    space = space_of(strategy)
    if space is None:
        raise ConfigurationError(
            f"{type(strategy).__name__}.space is {vars(strategy).get('space')!r}; expected the Space that it searches"
        )
    for part in (*_inside(strategy), estimator, *estimator.stages()):
        if not isinstance(space, part.needs):
            name = type(part).__name__
            raise ConfigurationError(
                f"{name} needs a {part.needs.__name__}, which {type(space).__name__} is not; {for_any_space(name)}"
            )
    for stage in (estimator, *estimator.stages()):
        other = space_of(stage)
        if other is not None and other is not space and other != space and other.id != space.id:
            raise UserError(
                f"the strategy searches {space.id} but {type(stage).__name__} measures networks of {other.id}"
            )
