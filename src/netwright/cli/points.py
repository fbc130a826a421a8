"""Points of a front from the command line: chosen by a limit, several trained finally, all exported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.cli.front import beaten_of, marked_front
from netwright.cli.output import say
from netwright.core.errors import UserError
from netwright.core.fronts import best_within, knee, spread
from netwright.core.objective import Constraint
from netwright.core.wording import table
from netwright.results.metric_words import number

if TYPE_CHECKING:
    from netwright.core.executor import Executor
    from netwright.core.trial import Trial
    from netwright.engine.run import Run
    from netwright.results import Concluded

FRONT_REPORT = "front report"  # the points that were trained finally, as kept in the store
INDEX = "README.md"  # of a folder with exported points


def one_choice(**given: object) -> None:
    """UserError where more than one of these options was given, each of which says which network is meant."""
    named = [f"--{name}" for name, value in given.items() if value not in (None, (), False)]
    if len(named) > 1:
        raise UserError(f"{' and '.join(named)} each say which network is meant; give one of them")


def chosen_at(run: Run, limits: Sequence[str]) -> Trial:
    """The best trial within these limits."""
    return best_within(run.compared, [*map(Constraint.parse, limits)])


def points(run: Run, count: int | None = None) -> list[Trial]:
    """The front, the best in the first objective first; with a count so many of it: that one, the knee, then those
    that stand for most of the front."""
    several(run)
    front = run.front
    if not front:
        raise UserError(f"run {run.name!r} has no front: none of its {len(run.trials)} trials completed")
    if count is None or count >= len(front):
        return front
    scores = [each.scores for each in front]
    bend = knee(scores)
    order: list[int] = [0, *([] if bend is None else [bend]), *spread(scores, len(front))]
    return [front[place] for place in sorted(list(dict.fromkeys(order))[:count])]


def several(run: Run) -> None:
    """UserError where the run has one objective only."""
    first, *others = run.search.objectives
    if not others:
        raise UserError(f"run {run.name!r} has one objective, {first.metric}, and so no front; leave out --front")


def train_points(
    run: Run,
    count: int,
    conclude: Callable[[int, Executor | None], Concluded],
    executor: Executor | None,
    *,
    quiet: bool,
) -> list[dict[str, Any]]:
    """Train so many points of the front finally, and keep a row of each with the run.

    conclude: trains one trial's network.
    """
    found: list[dict[str, Any]] = []
    chosen = points(run, count)
    with nullcontext() if executor is None else closing(executor):
        for place, trial in enumerate(chosen, 1):
            if not quiet:
                say(f"point {place} of {len(chosen)}: trial {trial.number}")
            found.append(row_of(trial, conclude(trial.number, executor)))
    run.keep(FRONT_REPORT, {"lines": lines_of(run, found), "points": found})
    return found


def row_of(trial: Trial, concluded: Concluded) -> dict[str, Any]:
    """What a report says of a point that was trained: its trial, what the search measured, and its test."""
    figures = concluded.figures
    winner, main = figures.winner, figures.main
    return {
        "trial": trial.number,
        "metrics": dict(trial.metrics),
        "metric": f"test_{main.name}",
        "test": winner.mean,
        "spread": winner.std,
        "text": main.text(winner.mean, winner.std),
        "seeds": len(winner.seeds),
        "params": winner.params,
        "macs": winner.macs,
    }


def lines_of(run: Run, found: Sequence[dict[str, Any]]) -> list[str]:
    """A table of points that were trained: what the search measured beside the test, and which of them the knee is."""
    names = [each.metric for each in run.search.objectives]
    marks = marked_front(run.front, run.best.number, beaten_of(run.front, run.again, run.search.objectives))
    seeds = ", ".join(map(str, sorted({each["seeds"] for each in found})))
    head = ["trial", *names, f"{found[0]['metric']} (trained finally)", ""]
    rows = [
        [
            str(each["trial"]),
            *(number(name, each["metrics"][name]) if name in each["metrics"] else "" for name in names),
            each["text"],
            marks.get(each["trial"], ""),
        ]
        for each in found
    ]
    return [f"{len(found)} points of the front, each trained with {seeds} seed(s):", *table(head, rows)]


def write_index(to: Path, run: Run, found: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """The page that says what lies in each folder of exported points."""
    rows = list(found)
    lines = lines_of(run, [each for _, each in rows])
    places = [f"- `{folder}`: trial {each['trial']}" for folder, each in rows]
    text = "\n".join([f"# The front of run {run.name}", "", "```", *lines, "```", "", *places, ""])
    (to / INDEX).write_text(text, encoding="utf-8")
