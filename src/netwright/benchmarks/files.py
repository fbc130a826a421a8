"""Writes a comparison into files: the report as text and LaTeX, plots, and every number as CSV."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.benchmarks.cells import COLUMNS, Cell
from netwright.core.inside import refuse_link
from netwright.core.objective import Objective
from netwright.core.trial import STATES

if TYPE_CHECKING:
    import pyarrow

    from netwright.benchmarks.comparison import Comparison

Row = Sequence[Any]
NAMES = ("report.txt", "table.tex", "finals.csv", "curves.csv", "pairs.csv", "attained.csv", "evaluations.csv.gz")
PLOTS = (".svg", ".pdf")
_STATE = COLUMNS.index("state")
AT_ONCE = 100  # searches whose evaluations are written together


def write_reports(found: Comparison, folder: Path, *, plots: bool) -> list[Path]:
    """Every report; the files that were written."""
    if plots:
        from netwright.benchmarks.plots import require_plots

        require_plots()
    folder.mkdir(parents=True, exist_ok=True)
    for each in folder.iterdir():
        if each.name in NAMES or each.suffix in PLOTS:
            refuse_link(each)
    with ThreadPoolExecutor(1) as beside:  # most of it needs no interpreter
        evaluations = beside.submit(write_evaluations, folder / "evaluations.csv.gz", found)
        written = _write_texts(found, folder)
        if plots:
            from netwright.benchmarks.plots import write_plots

            written += write_plots(found, folder)
        evaluations.result()
    return [*written, folder / "evaluations.csv.gz"]


def _write_texts(found: Comparison, folder: Path) -> list[Path]:
    """The report as text and LaTeX, and what was made of the evaluations as CSV; the files."""
    texts = {"report.txt": "\n".join([*found.lines(), ""]), "table.tex": found.latex()}
    written = [folder / name for name in texts]
    for path, text in zip(written, texts.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    tables = {"finals.csv": final_rows, "curves.csv": curve_rows, "pairs.csv": pair_rows}
    if found.plan.objectives:
        from netwright.benchmarks.front_comparison import attained_rows

        tables["attained.csv"] = attained_rows
    for name, rows in tables.items():
        written.append(folder / name)
        _write_csv(folder / name, rows(found))
    return written


def _write_csv(path: Path, rows: Iterable[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def final_rows(found: Comparison) -> Iterator[Row]:
    """A row a search: what it had found at the end of its budget, and how it ended."""
    yield (
        *("problem", "strategy", "repeat", "seed", "searched", "reported", "regret"),
        *("evaluations", "machine_seconds", "stopped", "failed"),
    )
    for problem in found.problems:
        for strategy in found.strategies:
            curves = found.curves(strategy, problem)
            rows = {repeat: row for row, repeat in enumerate(found.finished(strategy, problem))}
            for place in found.places(strategy, problem, failed=True):
                cell, row = found.cells[place], rows.get(place.repeat)
                values: list[Any] = ["", "", ""]
                if row is not None:
                    reported = curves.reported[row, -1]
                    values = [curves.searched[row, -1], reported, *_known(found.regret(problem, reported))]
                yield (
                    *(problem, strategy, place.repeat, found.seed(place), *values),
                    *(len(cell.numbers), f"{cell.seconds:.4f}", cell.stopped, cell.reason),
                )


def _known(value: Any) -> list[Any]:
    return ["" if np.isnan(value) else float(value)]


def curve_rows(found: Comparison) -> Iterator[Row]:
    """A row a strategy and point of the budget: mean report and regret with their 95 % bands, and mean rank."""
    yield "problem", "strategy", "budget", "reported", "low", "high", "regret", "regret_low", "regret_high", "rank", "n"
    for problem in found.problems:
        ranks = found.ranks(problem)
        for strategy in ranks:
            mean, low, high = found.band(strategy, problem)
            count = len(found.finished(strategy, problem))
            regret, *ends = (found.regret(problem, each) for each in (mean, low, high))
            known = np.array([mean, low, high, regret, np.minimum(*ends), np.maximum(*ends)])
            for point in range(len(found.grid)):
                cells = ["" if np.isnan(each) else each for each in known[:, point]]
                yield problem, strategy, found.grid[point], *cells, ranks[strategy][point], count


def pair_rows(found: Comparison) -> Iterator[Row]:
    """A row a pair of strategies."""
    yield (
        *("problem", "first", "second", "first_mean", "second_mean", "difference", "difference_low", "difference_high"),
        *("wins", "ties", "losses", "p", "p_holm", "tests", "rank_biserial", "a12", "better"),
    )
    for problem, pairs in found.pairs.items():
        for each in pairs:
            yield (
                *(
                    problem,
                    each.first,
                    each.second,
                    *each.means,
                    each.difference,
                    *each.interval,
                    each.wins,
                    each.ties,
                    each.losses,
                ),
                *(each.p, each.corrected, each.tests, each.leaning, each.superiority, each.better),
            )


def write_evaluations(path: Path, found: Comparison) -> None:
    """A row an evaluation, every raw number, as compressed CSV; equal rows give equal files at any time."""
    from pyarrow import csv as arrow

    cells = [each for each in found.cells.values() if len(each.numbers)]
    groups = [cells[at : at + AT_ONCE] for at in range(0, len(cells), AT_ONCE)] or [[]]
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as file:
        for number, group in enumerate(groups):
            arrow.write_csv(_evaluations(found, group), file, arrow.WriteOptions(include_header=number == 0))


def _evaluations(found: Comparison, cells: Sequence[Cell]) -> pyarrow.Table:
    """The evaluations of some searches as a table, in the order in which they ended; null where there is no number."""
    import pyarrow

    objectives = [Objective.parse(each).metric for each in found.plan.objectives]
    counts = [len(each.numbers) for each in cells]
    numbers = np.concatenate([np.empty((0, len(COLUMNS) + len(objectives))), *(each.numbers for each in cells)])
    texts = [text for each in cells for text in each.architectures]

    def repeated(values: Sequence[Any], kind: pyarrow.DataType) -> pyarrow.Array:
        return pyarrow.array(values, kind).take(np.repeat(np.arange(len(cells)), counts))

    columns = {
        "problem": repeated([each.place.problem for each in cells], pyarrow.string()),
        "strategy": repeated([each.place.strategy for each in cells], pyarrow.string()),
        "repeat": repeated([each.place.repeat for each in cells], pyarrow.int64()),
        "seed": repeated([str(found.seed(each.place)) for each in cells], pyarrow.string()),
        "evaluation": np.concatenate([np.arange(0), *map(np.arange, counts)]),
        "architecture": pyarrow.array(texts, pyarrow.string()),
    }
    names = ("searched", "reported", "cost_seconds", "fidelity", "counted", "finished_seconds")
    measured = {name: pyarrow.array(numbers[:, at], from_pandas=True) for at, name in enumerate(names)}
    ends = {"state": pyarrow.array(STATES).take(numbers[:, _STATE].astype(np.int64))}
    own = {name: pyarrow.array(numbers[:, at], from_pandas=True) for at, name in enumerate(objectives, len(COLUMNS))}
    every = {**columns, **measured, **ends}
    return pyarrow.table([*every.values(), *own.values()], [*every, *own])
