"""The report of a comparison of strategies: who is better than whom, by which test, and what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from netwright.benchmarks.text_report import decimals, final_rows, notes, problem_lines, sentence
from netwright.core.wording import duration, listed
from netwright.dashboard.report.document import document, still
from netwright.dashboard.report.evidence import Table
from netwright.dashboard.report.first_screen import Card

if TYPE_CHECKING:
    from netwright.benchmarks.comparison import Comparison, Final
    from netwright.benchmarks.statistics import Pair
    from netwright.charts.figure import Figure

MOST_PAIRS = 200


def comparison_report(found: Comparison, figures: Sequence[Figure] = (), *, command: str = "") -> str:
    """The report as the text of one HTML file.

    found: the comparison.
    figures: its charts, those of the first problem first.
    command: that makes the comparison again; empty where it was made from Python.

    Raises MissingExtra without the extra `dashboard`.
    """
    shown = [each for each in figures if not each.empty]
    done = [problem for problem in found.problems if found.finals(problem)]
    return document(
        "comparison.html",
        shown,
        found=found,
        title=f"{listed(found.strategies, 4)}: which one is better?",
        lead=lead(found),
        cards=list(_cards(found)),
        charts=shown,
        stills={each.name: still(each) for each in shown[:1]},
        problems=[(problem, _finals(found, problem), _pairs(found, problem)) for problem in done],
        lines=[(problem, problem_lines(found, problem)) for problem in found.problems],
        notes=notes(found),
        command=command,
        plan=found.plan.to_json(),
    )


def lead(found: Comparison) -> str:
    """Who is better on the whole, in words that claim no more than the tests show."""
    finals = {problem: found.finals(problem) for problem in found.problems}
    if not any(finals.values()):
        return "No search has finished yet."
    pairs = [pair for each in found.pairs.values() for pair in each]
    apart = [pair for pair in pairs if pair.better]
    first = "; ".join(_first(found, problem, each) for problem, each in finals.items() if each)
    if not pairs:
        return f"{first}. One seed, or one strategy, tells nothing of chance."
    said = f"{len(apart)} of {len(pairs)} pairs of strategies are told apart." if apart else "No two are told apart."
    return f"{first}. {said}"


def _first(found: Comparison, problem: str, finals: Sequence[Final]) -> str:
    best = finals[0]
    beaten = {pair.first if pair.better == pair.second else pair.second for pair in _better(found, problem, best)}
    on = f" on {problem}" if len(found.problems) > 1 else ""
    mean = f"{best.mean:.{decimals(finals)}f}"
    of = f"The best mean {found.reported(problem).metric}{on} is that of {best.strategy}, {mean}"
    alike = [each.strategy for each in finals[1:] if each.strategy not in beaten]
    if not beaten:
        return f"{of}; it is not told apart from any other" if alike else of
    worse = f"{of}; it is better than {listed(sorted(beaten), 4)}"
    return f"{worse}, and not told apart from {listed(alike, 4)}" if alike else worse


def _better(found: Comparison, problem: str, best: Final) -> list[Pair]:
    return [pair for pair in found.pairs.get(problem, []) if pair.better == best.strategy]


def _cards(found: Comparison) -> Iterator[Card]:
    for problem in found.problems[:2]:
        finals = found.finals(problem)
        if not finals:
            continue
        d, best = decimals(finals), finals[0]
        metric = found.reported(problem).metric
        low, high = best.interval
        interval = "one seed" if math.isnan(low) else f"{metric}; 95 % interval {low:.{d}f} to {high:.{d}f}, over seeds"
        beats = [] if best.beats is None else [f"beats {found.baseline} on {best.beats[0]:.0%} of the seeds"]
        yield Card(
            f"Best mean{f' on {problem}' if len(found.problems) > 1 else ''}: {best.strategy}",
            f"{best.mean:.{d}f}",
            (interval, *beats),
        )
    pairs = [pair for each in found.pairs.values() for pair in each]
    apart = sum(bool(pair.better) for pair in pairs)
    yield Card(
        "Told apart",
        f"{apart} of {len(pairs)} pairs",
        ("Wilcoxon's signed-rank test, p < 0.05 after Holm's correction",),
    )
    searches = len(found.cells)
    seeds = f"{found.plan.repeats} seeds ({found.plan.seeds}), the same for every strategy"
    failed = [f"{len(found.failures)} searches failed"] if found.failures else []
    missing = [f"{found.missing} have not been run"] if found.missing else []
    lines = (f"budget {found.plan.budget} a search", seeds, *failed, *missing)
    yield Card("Searches", f"{searches:,}", lines, "diverged" if failed or missing else "")
    seconds = sum(each.seconds for each in found.cells.values())
    evaluations = sum(len(each.numbers) for each in found.cells.values())
    yield Card("Time of one core", duration(seconds), (f"{evaluations:,} evaluations",))


def _finals(found: Comparison, problem: str) -> Table:
    head, rows = final_rows(found, problem, found.finals(problem))
    reported, searched = found.reported(problem).metric, found.searched_by(problem)
    text = f"Final {reported}, searched by {searched}; sd and intervals over seeds."
    text += f" It is the {measured}." if (measured := found.measured_from(problem)) else ""
    return Table(f"{problem}: what each strategy found", text, tuple(head), tuple(map(tuple, rows)))


def _pairs(found: Comparison, problem: str) -> list[str]:
    """A sentence for each pair, those that are told apart first."""
    finals = found.finals(problem)
    ordered = sorted(found.pairs.get(problem, []), key=lambda pair: not pair.better)
    return [sentence(pair, decimals(finals), found.plan.repeats) for pair in ordered[:MOST_PAIRS]]
