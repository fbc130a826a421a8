"""`netwright proxies`: scores of untrained networks beside parameters and FLOPs, and how alike they rank."""

from __future__ import annotations

import csv
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from netwright.cli.output import say, say_json
from netwright.cli.reading import read_task
from netwright.cli.refusals import refuse_place
from netwright.cli.sharing import Shared, of_folder, work_of
from netwright.cli.stopping import stoppable
from netwright.cli.trust import note_begun
from netwright.cli.workers import waited, working
from netwright.core.decision_space import with_decisions
from netwright.core.errors import ConfigurationError, UserError, nearest
from netwright.core.wording import amount, duration, table

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.core.architecture import Architecture
    from netwright.core.estimator import Estimator
    from netwright.core.space import Space
    from netwright.estimators.zero_cost import EveryScore
    from netwright.tasks.task import Task

SHOWN = 20  # networks in the table on the terminal
EVERY = 10.0  # seconds between lines of progress
BASELINES = ("params", "flops")
LEAST = 3  # networks below which there is no correlation


@dataclass(frozen=True)
class Scored:
    """scores: by name, parameters and FLOPs first, then the proxies', then the true score where there is a table."""

    architecture: str
    scores: Mapping[str, float]


def score_networks(
    plan: Plan,
    *,
    networks: int,
    proxies: str | None,
    batch_size: int,
    repeats: int,
    known: tuple[Path, str] | None,
    to: Path | None,
    folder: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Score random networks and print the table.

    known: a table of true scores and the column that holds them. folder: where work is shared with other machines.
    """
    if networks < LEAST:
        raise ConfigurationError(f"--networks {networks}: expected at least {LEAST}, to have something to rank")
    if to is not None and to.exists():
        raise UserError(f"--csv {to}: there is a file of that name already")
    if to is not None and not to.absolute().parent.is_dir():
        raise UserError(f"--csv {to}: there is no folder {to.absolute().parent}")
    names = _proxies(proxies)
    refuse_place(plan)
    from netwright.estimators.zero_cost.ranking import different

    task = read_task(plan, folder)
    space = plan.make_space(task)
    every = scoring(space, task, names, batch_size, repeats, plan.device)
    every.zero_cost.require_examples()
    work = work_of("proxies", plan, proxies=list(names), batch_size=batch_size, repeats=repeats)
    shared = of_folder(folder, work, aloud=not (quiet or as_json))
    note_begun(plan, folder)
    truth = None if known is None else _truth(space, *known)
    drawn = different(space, networks, plan.seed)
    began = time.monotonic()
    rows, failures = _all_scored(every, drawn, truth, plan, shared, quiet or as_json)
    if to is not None:
        _write(to, rows)
    if as_json:
        say_json({"space": space.id, "n": len(rows), "seed": plan.seed, "networks": [vars(each) for each in rows]})
        return
    seconds = duration(time.monotonic() - began)
    say(f"space: {space}; seed {plan.seed}, minibatches of {batch_size}, {len(rows)} networks in {seconds}", "")
    if failures:
        say(f"{len(failures)} networks could not be scored, the first: {failures[0]}", "")
    say(*_table(rows), "", *_bests(rows, every.zero_cost.proxies), "", *correlation_lines(rows, known and known[1]))


def _proxies(given: str | None) -> tuple[str, ...]:
    """The proxies to score with, all of them by default; ConfigurationError for a name that is none."""
    from netwright.estimators.zero_cost import PROXIES

    names = list(PROXIES) if given is None else [each.strip() for each in given.split(",") if each.strip()]
    names = [each for each in names if each not in ("params", "macs", "flops")] or ["synflow"]
    for name in names:
        if name not in PROXIES:
            raise ConfigurationError(f"--proxies {name}: there is no proxy {name!r}{nearest(name, PROXIES)}")
    return tuple(names)


def scoring(space: Space, task: Task, proxies: Sequence[str], batch_size: int, repeats: int, device: str) -> EveryScore:
    """What scores each network, with these proxies."""
    from netwright.estimators.zero_cost import EveryScore, ZeroCost

    return EveryScore(ZeroCost(space, task, tuple(proxies), batch_size, repeats=repeats, device=device))


def _truth(space: Space, path: Path, metric: str) -> tuple[Estimator, str]:
    from netwright.estimators.table import Table

    return Table(with_decisions(Table, space), str(path), metrics=[metric]), metric


def _all_scored(
    every: EveryScore,
    drawn: Sequence[Architecture],
    truth: tuple[Estimator, str] | None,
    plan: Plan,
    shared: Shared,
    quiet: bool,
) -> tuple[list[Scored], list[str]]:
    """The networks with their scores, and why some have none; the workers of the plan score them."""
    from netwright.estimators.zero_cost.ranking import outcomes_of

    with stoppable(), working(plan, None, shared) as executor:
        waited(executor, shared)
        outcomes = outcomes_of(every, drawn, plan.seed, executor, None if quiet else _told(len(drawn)))
    nothing = dict.fromkeys(every.metrics, math.nan)
    rows = [
        Scored(str(each), {**nothing, **outcome.measurement.metrics, **_true(each, truth, plan.seed)})
        for each, outcome in zip(drawn, outcomes, strict=True)
    ]
    return rows, [f"{each.state}: {each.reason}" for each in outcomes if each.state != "completed"]


def _true(architecture: Architecture, truth: tuple[Estimator, str] | None, seed: int) -> dict[str, float]:
    from netwright.core.trial import Proposal

    if truth is None:
        return {}
    table, metric = truth
    return {metric: table.estimate(Proposal(architecture), seed).metrics[metric]}


def _told(count: int) -> Callable[[int], object]:
    """Says on standard error, now and then, how far it is and how long the rest takes."""
    began = said = time.monotonic()

    def tell(done: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said > EVERY:
            said, left = now, (now - began) / done * (count - done)
            say(f"scored {done} of {count} networks, {duration(left)} left", stream=sys.stderr)

    return tell


def _write(path: Path, rows: Sequence[Scored]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["arch", *rows[0].scores])
        writer.writerows([each.architecture, *map(repr, each.scores.values())] for each in rows)


# Words.


def _table(rows: Sequence[Scored]) -> list[str]:
    """The first networks that were drawn, those of most FLOPs first."""
    ordered = sorted(range(len(rows)), key=lambda k: -rows[k].scores["flops"])
    step = max(1, math.ceil(len(rows) / SHOWN))
    shown = ordered[::step]
    cells = [[str(k + 1), *(_cell(name, value) for name, value in rows[k].scores.items())] for k in shown]
    lines = table(["network", *rows[0].scores], cells)
    left = len(rows) - len(shown)
    return [*lines, *([f"(every {step}th by FLOPs; all of them with --csv FILE)"] if left else [])]


def _cell(name: str, value: float) -> str:
    return amount(value) if name in BASELINES else f"{value:.4g}"


def _bests(rows: Sequence[Scored], proxies: Sequence[str]) -> list[str]:
    """The best network by each score."""
    lines: list[str] = []
    for name in proxies:
        best = max(rows, key=lambda each: -math.inf if math.isnan(each.scores[name]) else each.scores[name])
        lines.append(f"best by {name}: {best.architecture}")
    return lines


def correlation_lines(rows: Sequence[Scored], truth: str | None) -> list[str]:
    """Spearman's correlation of each two scores; with a true score, of each with it, and its interval."""
    from netwright.core.correlation import bootstrap, spearman

    columns = {name: [each.scores[name] for each in rows] for name in rows[0].scores}
    cells = [
        [name, *("" if i < k else _two(spearman(values, other)) for k, other in enumerate(columns.values()))]
        for i, (name, values) in enumerate(columns.items())
    ]
    lines = [f"rank correlation (Spearman), n = {len(rows)}", *table(["", *columns], cells)]
    failed = {name: sum(not math.isfinite(each) for each in values) for name, values in columns.items()}
    lines += [
        f"{name}: {count} networks without a finite score, ranked last" for name, count in failed.items() if count
    ]
    if truth is None:
        return lines
    against: list[list[str]] = []
    for name, values in columns.items():
        if name != truth:
            low, high = bootstrap(spearman, values, columns[truth])
            against.append([name, _two(spearman(values, columns[truth])), f"{_two(low)} to {_two(high)}"])
    return [*lines, "", f"against {truth}, n = {len(rows)}", *table(["", "Spearman", "95 % interval"], against)]


def _two(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
