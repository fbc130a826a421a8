"""Sets the scores of a run's shared weights beside those of networks trained alone, or of a table of known results."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.errors import DataError, SpaceExhausted, UserError, nearest
from netwright.core.kinds import kinds_checked
from netwright.core.problem import Metric
from netwright.core.roles import HoldsOut, problem_of
from netwright.core.trial import Proposal
from netwright.results.audit import Audit, Scored

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.estimator import RoundEstimator
    from netwright.core.executor import Executor
    from netwright.core.space import Space
    from netwright.core.trial import Trial
    from netwright.engine.run import Run
    from netwright.engine.search import Search
    from netwright.estimators.training import Training

PROVIDES = ("est.audit",)
PAPERS = {
    "eval_nas": (
        "netwright audit RUN",
        "its comparison with ENAS, whose controller is not there",
    ),
}

KEPT = "audit"  # under which a run keeps its audit


@kinds_checked
def audit(
    run: Run,
    *,
    networks: int = 20,
    epochs: int = 10,
    table: str | Path | None = None,
    metric: str | None = None,
    seed: int = 0,
    limit: str | float | None = None,
    on_progress: Callable[[str], object] | None = None,
    executor: Executor | None = None,
    **training: Any,
) -> Audit:
    """Draw random networks of the run's space, and score them and the recommended one both ways.

    networks: how many different ones are drawn, each decision uniformly.
    epochs, training: of each network's own training (see `estimators.Training`), on the examples that trained the
        shared weights; it is judged on the same validation examples.
    table: instead of training, a CSV file whose column "arch" (the first one without it) holds str(architecture), and
        `metric` the true scores.
    limit: time for these trainings, as "2h"; what was not trained is left out.
    executor: where they are trained alone, several at once; the shared weights score in this process. A stored run
        keeps each training as a trial of a run beside it, so that an interrupted audit goes on.

    Raises UserError where the run has no shared weights, or the table lacks the column or a network; DataError for a
    table that cannot be read.
    """
    say = on_progress or (lambda _: None)
    shared = _shared_weights(run)
    true_of = None if table is None else _read(Path(table), metric)
    judge = judged_by(shared)
    recommended = run.best.architecture
    drawn = _drawn(run.search.space, networks, seed)
    everyone = [*drawn, *([] if recommended in drawn else [recommended])]
    truths = [] if true_of is None else [(_looked_up(true_of, each), "") for each in everyone]
    began = time.monotonic()
    scores = [_scored(shared, each, judge, say, place, len(everyone)) for place, each in enumerate(everyone)]
    seconds = time.monotonic() - began
    if true_of is not None:
        cost, name, larger = 0.0, f"{metric} in {Path(str(table)).name}", True
    else:
        truths, cost = _trained(run, everyone, epochs, seed, limit, say, executor, training)
        larger = judge.larger_is_better
        name = f"val_{judge.name} after {epochs} {'epoch' if epochs == 1 else 'epochs'} of training alone"
    rows = {
        each: Scored(str(each), score, true, each == recommended, note)
        for each, score, (true, note) in zip(everyone, scores, truths, strict=True)
    }
    found = Audit(
        *(run.name, tuple(rows[each] for each in drawn), rows[recommended], f"val_{judge.name}", name),
        seconds=(seconds, cost),
        seed=seed,
        larger_is_better=(judge.larger_is_better, larger),
    )
    run.keep(KEPT, found.as_json())
    return found


def training_alone(search: Search, epochs: int, **training: Any) -> Training:
    """What an audit trains each network alone with: on the examples, and judged on those, of the shared weights."""
    from netwright.engine.rounds import round_estimator
    from netwright.estimators.training import Training

    shared = round_estimator(search.estimator)
    if not isinstance(shared, HoldsOut):
        raise UserError(
            f"{type(shared).__name__} does not say on which examples it judges, so no network can be trained and "
            "judged as it does; give it `task`, `validation` and `split_seed`, as estimators.SharedWeights has them"
        )
    split = {"validation": shared.validation, "split_seed": shared.split_seed, "device": str(shared.device)}
    return Training(search.space, shared.task, epochs=epochs, **{**split, **training})


def _shared_weights(run: Run) -> RoundEstimator:
    from netwright.engine.rounds import round_estimator

    found = round_estimator(run.search.estimator)
    if found is None:
        raise UserError(
            f"run {run.name!r} measures with {type(run.search.estimator).__name__}, not with shared weights, so there "
            "is nothing to audit"
        )
    return found


def _drawn(space: Space, count: int, seed: int) -> list[Architecture]:
    """Different random architectures, fewer where the space holds fewer."""
    from netwright.strategies.unseen import Unseen

    unseen, rng = Unseen(space), np.random.default_rng(seed)
    found: list[Architecture] = []
    with suppress(SpaceExhausted):
        while len(found) < count:
            found.append(unseen.draw(rng))
    return found


def judged_by(estimator: object) -> Metric:
    """The metric that an audit compares: the main one of what the estimator's task asks for; of others the accuracy."""
    problem = problem_of(estimator)
    return Metric("accuracy", percent=True) if problem is None else problem.main


def _scored(
    shared: RoundEstimator,
    architecture: Architecture,
    judge: Metric,
    say: Callable[[str], object],
    place: int,
    count: int,
) -> float:
    say(f"scoring network {place + 1} of {count} with the shared weights")
    return shared.estimate(Proposal(architecture), 0).metrics[f"val_{judge.name}"]


# True scores by training alone.


def _trained(
    run: Run,
    everyone: Sequence[Architecture],
    epochs: int,
    seed: int,
    limit: str | float | None,
    say: Callable[[str], object],
    executor: Executor | None,
    training: dict[str, Any],
) -> tuple[list[tuple[float | None, str]], float]:
    """Each network's score after training alone, or why there is none; and the seconds it took."""
    from netwright.engine.search import Search
    from netwright.store.store import Store
    from netwright.strategies.listed import Listed

    estimator = training_alone(run.search, epochs, **training)
    score = f"val_{judged_by(estimator).name}"
    search = Search(Listed(run.search.space, list(everyone)), estimator, seed=seed)
    name = f"{run.name}-audit-{len(everyone)}-{epochs}-{seed}"
    resume, before = False, 0.0
    if run.store_directory is not None:
        with Store.open_readonly(run.store_directory) as store:
            resume = name in store.names()
            before = store.summary(name).seconds if resume else 0.0
    done = search.run(
        time=None if limit is None else before + _seconds(limit),
        store=run.store_directory,
        name=name,
        resume=resume,
        executor=executor,
        on_trial=lambda trial: say(f"trained network {trial.number + 1} of {len(everyone)}: {_words(trial, score)}"),
    )
    ended = {trial.architecture: trial for trial in done.trials}
    return [_truth(ended.get(each), score) for each in everyone], sum(trial.seconds for trial in done.trials)


def _seconds(limit: str | float) -> float:
    from netwright.engine.duration import parse_duration

    return parse_duration(limit)


def _words(trial: Trial, score: str) -> str:
    return f"{score} {trial.metrics[score]:.4f}" if trial.completed else f"{trial.state}, {trial.reason}"


def _truth(trial: Trial | None, score: str) -> tuple[float | None, str]:
    if trial is None:
        return None, "the time was up before it was trained"
    if not trial.completed:
        return None, f"{trial.state}: {trial.reason}"
    return trial.metrics[score], ""


# True scores from a table.


def _read(table: Path, metric: str | None) -> dict[str, float]:
    """Score by architecture, as the table has them."""
    if metric is None:
        raise UserError(f"which column of {table.name} holds the true scores? give metric")
    try:
        with table.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or ())
            key = "arch" if "arch" in columns else (columns or [""])[0]
            if metric not in columns:
                raise UserError(f"{table.name} has no column {metric!r}{nearest(metric, columns)}")
            return {row[key]: float(row[metric]) for row in reader if row[metric]}
    except OSError as problem:
        raise DataError(f"{table} cannot be read: {problem.strerror}") from None
    except (ValueError, csv.Error, TypeError) as problem:
        if isinstance(problem, UserError):
            raise
        raise DataError(f"{table} is not a table of scores: {problem}") from None


def _looked_up(true_of: dict[str, float], architecture: Architecture) -> float:
    found = true_of.get(str(architecture))
    if found is None:
        example = next(iter(true_of), "nothing")
        raise UserError(f"the table has no score for {architecture}; it holds, for one, {example}")
    return found
