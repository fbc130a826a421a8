"""What a search found, in lines and rows: its best trial, or the front of several objectives with its knee."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from netwright.core.fronts import knee
from netwright.core.objective import comparable, front
from netwright.core.wording import duration, table
from netwright.results.front_again import measured_front_line
from netwright.results.metric_words import metrics_text, number

if TYPE_CHECKING:
    from netwright.core.objective import Constraint, Objective
    from netwright.core.trial import Trial
    from netwright.engine.run import Run
    from netwright.results.front_again import Again
    from netwright.store import StoredTrial

MOST_SHOWN = 20
AHEAD = "which no other beats in every objective"


def best_line(run: Run) -> str:
    """The run's name and its best trial with its metrics."""
    return f"run {run.name}: best is trial {run.best.number}  {metrics_text(run.best.metrics, _metrics(run))}"


def front_lines(run: Run, named: str, *, trained: bool) -> list[str]:
    """The trials of the front, and how another than the best one is taken.

    named: the run for a command, with {} for its further options. trained: whether the best is trained finally.
    """
    names = _metrics(run)
    completed = sum(each.completed for each in run.trials if not each.proposal.is_round)
    first = f"run {run.name}, front: {len(run.front)} of {completed} trials, {AHEAD}"
    ahead, again = run.front, run.again
    marks = marked_front(ahead, run.best.number, beaten_of(ahead, again, run.search.objectives))
    shown = front_table(ahead[:MOST_SHOWN], names, marks, again, run.trials)
    what = f"trial {run.best.number} is trained finally" if trained else f"best in the first: trial {run.best.number}"
    other = named.format(" --trial N")
    return [
        first,
        *table(*shown),
        *again_lines(again, ahead),
        *limit_lines(run.trials, run.search.limits),
        f"{what}; another: netwright final {other}, netwright export {other}",
    ]


Points = Sequence["Trial | StoredTrial"]


def front_table(
    shown: Points, names: Sequence[str], marks: Mapping[int, str], again: Again | None, searched: Points
) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of a front; what was measured again stands beside what was foretold and measured in the search.

    shown: as `Again.replaced` gives them. marks: what is to be said of each. searched: the trials as they were.
    """
    before = {each.number: each.metrics for each in searched}
    foretold = None if again is None else again.metric.replace("_ms", "_predicted_ms")
    known = foretold is not None and any(foretold in before[each.number] for each in shown)
    headings, rows = ["trial"], [[str(each.number)] for each in shown]
    for name in names:
        if again is None or name != again.metric:
            headings.append(name)
            _append(rows, [number(name, each.metrics[name]) if name in each.metrics else "" for each in shown])
            continue
        headings += [*([f"{name} foretold"] if known else []), "in the search", "measured again"]
        if foretold is not None and known:
            _append(rows, [_known(name, before[each.number].get(foretold)) for each in shown])
        _append(rows, [_known(name, before[each.number].get(name)) for each in shown])
        _append(rows, [_again(again, each) for each in shown])
    _append(rows, [duration(each.seconds) for each in shown])
    _append(rows, [marks.get(each.number, "") for each in shown])
    return [*headings, "time", ""], rows


def _append(rows: list[list[str]], column: Sequence[str]) -> None:
    for each, cell in zip(rows, column, strict=True):
        each.append(cell)


def _known(name: str, value: float | None) -> str:
    return "" if value is None else number(name, value)


def _again(again: Again, trial: Trial | StoredTrial) -> str:
    if trial.number not in again.found:
        return ""
    return f"{number(again.metric, trial.metrics[again.metric])} ± {again.doubt(trial.number):.0%}"


def again_lines(again: Again | None, ahead: Points) -> list[str]:
    """What was measured again of a front, if anything was."""
    said = measured_front_line(again, ahead)
    return [said] if said else []


def beaten_of(ahead: Points, again: Again | None, objectives: Sequence[Objective]) -> Mapping[int, int]:
    """Of a front the points that another may beat, as far as a clock can tell: by number the other's."""
    return {} if again is None else again.perhaps_beaten(ahead, objectives)


def marked_front(points: Points, best: int | None = None, beaten: Mapping[int, int] | None = None) -> dict[int, str]:
    """By number what is to be said of points of a front: where it bends most, and the best in the first objective.

    points: the best in the first objective first. best: the trial that is taken; by default the first. beaten: by
    number which other one may be better, as far as a clock can tell.
    """
    bend = knee([each.scores for each in points])
    found: dict[int, list[str]] = {}
    if bend is not None:
        found.setdefault(points[bend].number, []).append("knee")
    if points:
        found.setdefault(points[0].number if best is None else best, []).append("best in the first")
    for place, other in (beaten or {}).items():
        found.setdefault(place, []).append(f"not told apart from {other} by the clock")
    return {number: ", ".join(said) for number, said in found.items()}


def limit_lines(trials: Sequence[Trial | StoredTrial], limits: Sequence[Constraint]) -> list[str]:
    """Of each limit how many trials broke it, and which point of the front is nearest to it."""
    broke = [each for each in trials if each.state == "infeasible"]
    ahead = front(comparable([each for each in trials if each.state == "completed" and each.scores]))
    lines: list[str] = []
    for limit in limits:
        over = sum(not limit.holds(each.metrics) for each in broke if limit.metric in each.metrics)
        measured = [each for each in ahead if limit.metric in each.metrics]
        said = f"limit {limit}: {over} trials broke it" if over else f"limit {limit}: no trial broke it"
        if measured:
            near = min(measured, key=lambda each: abs(each.metrics[limit.metric] - limit.limit))
            said += (
                f"; nearest of the front is trial {near.number} with {number(limit.metric, near.metrics[limit.metric])}"
            )
        lines.append(said)
    return lines


def _metrics(run: Run) -> list[str]:
    return with_params([each.metric for each in run.search.objectives])


def with_params(metrics: Sequence[str]) -> list[str]:
    """The objectives and the parameters."""
    return list(dict.fromkeys([*metrics, "params"]))


def head(names: Sequence[str]) -> list[str]:
    """The columns of a table of trials."""
    return ["trial", *names, "time"]


def row(trial: Trial | StoredTrial, names: Sequence[str]) -> list[str]:
    """One trial under these columns."""
    values = [number(name, trial.metrics[name]) if name in trial.metrics else "" for name in names]
    return [str(trial.number), *values, duration(trial.seconds)]
