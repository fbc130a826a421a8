"""What a search found, in lines and rows: its best trial, or the front of several objectives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.core.wording import duration, table
from netwright.results.metric_words import metrics_text, number

if TYPE_CHECKING:
    from netwright.core.trial import Trial
    from netwright.engine.run import Run
    from netwright.store import StoredTrial

MOST_SHOWN = 20
AHEAD = "none of which another beats in every objective"


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
    rows = [row(each, names) for each in run.front[:MOST_SHOWN]]
    what = f"trial {run.best.number} is trained finally" if trained else f"best in the first: trial {run.best.number}"
    other = named.format(" --trial N")
    return [
        first,
        *table(head(names), rows),
        f"{what}; another: netwright final {other}, netwright export {other}",
    ]


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
