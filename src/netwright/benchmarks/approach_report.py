"""A comparison of methods as text for a terminal, Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from netwright.benchmarks.latex_report import escaped
from netwright.benchmarks.statistics import LEVEL
from netwright.core.wording import amount, as_cell, duration, table

if TYPE_CHECKING:
    from netwright.benchmarks.approaches import Line, MethodComparison

RUNS = (
    *("label", "repeat", "run", "state", "reason", "value", "params", "macs"),
    *("search_seconds", "training_seconds", "memory", "trials", "architecture"),
)
NOTHING = "-"


def text_lines(found: MethodComparison) -> list[str]:
    """The report for a terminal: the table, a sentence for each method that differs, and what a reader must know."""
    head, *rows = cells(found)
    return [title(found), "", *table(head, rows), "", *sentences(found)]


def markdown(found: MethodComparison) -> str:
    """The same as Markdown."""
    head, *rows = ([each.replace("|", r"\|") for each in row] for row in cells(found))
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join([f"# {title(found)}", "", *lines, "", *(f"- {each}" for each in sentences(found)), ""])


def latex(found: MethodComparison) -> str:
    """The table for the booktabs package; what differs from random search is bold."""
    head, *rows = cells(found)
    bold = [each.told_apart for each in found.lines()]
    body = [_latex_row(row, marked=mark) for row, mark in zip(rows, bold, strict=True)]
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            rf"\begin{{tabular}}{{ll{'r' * (len(head) - 2)}}}",
            *(r"\toprule", _latex_row(head), r"\midrule", *body, r"\bottomrule", r"\end{tabular}"),
            *(f"% {each}" for each in (title(found), *sentences(found))),
            "",
        ]
    )


def rows_csv(found: MethodComparison) -> str:
    """A row a method, every number in full."""
    head = (
        *("family", "method", "space", "n", "failed", "mean", "deviation", "params", "search_seconds", "seconds"),
        *("memory_bytes", "baseline", "gain", "gain_low", "gain_high", "p", "p_holm", "told_apart"),
    )
    return _csv([head, *map(_full, found.lines())])


def runs_csv(found: MethodComparison) -> str:
    """A row a repeat of a method."""
    return _csv([RUNS, *([_plain(getattr(each, name)) for name in RUNS] for each in found.outcomes)])


def cells(found: MethodComparison) -> list[list[str]]:
    """Head and rows of the table as text."""
    metric = found.metric
    head = [
        *("approach", "method", f"test {metric.words}", "n", "parameters", "search", "in all", "peak memory"),
        *("beside random search", "95 % interval", "p (Holm)"),
    ]
    return [head, *([*_measured(found, each), *_beside(found, each)] for each in found.lines())]


def _measured(found: MethodComparison, line: Line) -> list[str]:
    mean = NOTHING if line.mean is None else found.metric.text(line.mean, line.deviation)
    return [
        line.approach.family,
        line.approach.label,
        mean,
        str(len(line.values)),
        _shown(line.params),
        NOTHING if line.search_seconds is None else duration(line.search_seconds),
        NOTHING if line.seconds is None else duration(line.seconds),
        NOTHING if line.memory is None else f"{amount(line.memory)}B",
    ]


def _beside(found: MethodComparison, line: Line) -> list[str]:
    """The difference from random search, its interval and its p; a star where they are told apart."""
    if line.approach.is_baseline:
        return ["", "", ""]
    if line.gain is None:
        return [NOTHING, NOTHING, NOTHING]
    difference = found.metric.difference
    bounds = [difference(each).partition(" ")[0] for each in line.interval or ()]
    p = NOTHING if line.corrected is None else f"{line.corrected:.2g}{'*' * line.told_apart}"
    return [difference(line.gain), " to ".join(bounds) or NOTHING, p]


def _shown(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}"


def title(found: MethodComparison) -> str:
    """What was compared, in a line."""
    repeats = "1 repeat" if found.repeats == 1 else f"{found.repeats} repeats"
    return f"{found.task}: {found.budget} for each search, {repeats} of each method"


def sentences(found: MethodComparison) -> list[str]:
    """What the table shows and what it does not, a sentence each."""
    lines = found.lines()
    told = [_sentence(found, each) for each in lines if each.told_apart]
    beside = [each for each in lines if not each.approach.is_baseline and each.gain is not None]
    left = len(beside) - len(told)
    if left:
        who = "no method is" if not told else "the others are not"
        told.append(f"{who} told apart from random search in the same space" if beside else "")
    told += [
        f"{each.approach.label} found nothing in {each.failed[0]} of {found.repeats} repeats: {each.failed[1]}"
        for each in lines
        if each.failed[0]
    ]
    told += [f"{found.missing} searches have not been run"] if found.missing else []
    return [*filter(None, told), *_meaning(found, beside), *found.notes]


def _sentence(found: MethodComparison, line: Line) -> str:
    gain = line.gain or 0.0
    better = (gain > 0) == found.metric.larger_is_better
    n = len(line.values)
    return (
        f"{line.approach.label} is {'better' if better else 'worse'} than random search in the same space: "
        f"{found.metric.difference(gain)}, p = {line.corrected:.2g}, n = {n}"
    )


def _meaning(found: MethodComparison, beside: Sequence[Line]) -> list[str]:
    """How it was measured."""
    lines = [f"measured once a repeat, on {found.test_examples:,} test examples that no search saw"]
    if any(each.p is not None for each in beside):
        lines.append(
            f"told apart (*): p < {LEVEL} by Welch's t test over repeats, corrected for {len(beside)} methods (Holm), "
            "and the 95 % interval of the difference on one side of 0; it says nothing of other data and test examples"
        )
    elif beside:
        lines.append("one repeat says nothing of chance; --repeats 3 and more gives intervals")
    return lines


def _full(line: Line) -> list[object]:
    low, high = line.interval or (None, None)
    return [
        _plain(each)
        for each in (
            *(line.approach.family, line.approach.label, line.approach.space, len(line.values), line.failed[0]),
            *(line.mean, line.deviation, line.params, line.search_seconds, line.seconds, line.memory),
            *(line.approach.baseline, line.gain, low, high, line.p, line.corrected, line.told_apart),
        )
    ]


def _plain(value: object) -> object:
    return "" if value is None else as_cell(value)


def _csv(rows: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()


def _latex_row(row: Sequence[str], *, marked: bool = False) -> str:
    shown = [escaped(each).replace("±", r"$\pm$") for each in row]
    return " & ".join([rf"\textbf{{{each}}}" if marked and each else each for each in shown]) + r" \\"
