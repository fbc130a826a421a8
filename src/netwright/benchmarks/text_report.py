"""A comparison in words and plain tables that claim no more than the tests show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.benchmarks import statistics
from netwright.benchmarks.problem import oriented
from netwright.core.wording import duration, table

if TYPE_CHECKING:
    from netwright.benchmarks.comparison import Comparison, Final
    from netwright.benchmarks.statistics import Pair

_SPENT = 0.95  # share of the budget below which it is said that a strategy ended early


def report_lines(found: Comparison) -> list[str]:
    """The whole report, problem by problem."""
    lines: list[str] = []
    for problem in found.problems:
        lines += [*problem_lines(found, problem), ""]
    if len(found.problems) > 1:
        lines += [*_over_problems(found), ""]
    return [*lines, *notes(found)]


def problem_lines(found: Comparison, problem: str) -> list[str]:
    """What was found on one problem: final values, the limits of the table, and the pairs that are told apart."""
    finals, pairs = found.finals(problem), found.pairs[problem]
    head = [_title(found, problem), _setting(found, problem), ""]
    if not finals:
        return [*head, "no search has finished"]
    lines = [*head, *table(*final_rows(found, problem, finals)), *_limits(found, problem, finals)]
    if found.searched(problem).metric != found.reported(problem).metric:
        lines += ["", *_searched(found, problem, finals)]
    lines += found.more_lines(problem)
    if len(finals) > 2 and pairs:
        lines += ["", *_matrix(finals, pairs)]
    return [*lines, "", *_sentences(finals, pairs, found.plan.repeats)] if pairs else lines


def _searched(found: Comparison, problem: str, finals: Sequence[Final]) -> list[str]:
    """What the strategies found by the metric that they were told, which they are to be judged by as searches."""
    values = {each.strategy: found.final_searched(each.strategy, problem) for each in finals}
    objective, known = found.searched(problem), found.limits(problem).get("searched")
    errors = [each.std(ddof=1) / math.sqrt(len(each)) for each in values.values() if len(each) > 1]
    d = _digits(errors)
    rows: list[list[str]] = []
    for name, each in sorted(values.items(), key=lambda pair: -oriented(pair[1], objective).mean()):
        spread = float(each.std(ddof=1)) if len(each) > 1 else float("nan")
        row = [name, f"{each.mean():.{d}f}", _range(*statistics.mean_interval(each), d), _number(spread, d)]
        rows.append(
            [*row, f"{np.median(each):.{d}f}", *([f"{abs(known - each).mean():.{d}f}"] if known is not None else [])]
        )
    head = ["strategy", "mean", "95 % interval", "sd", "median", *(["regret"] if known is not None else [])]
    return [f"the metric that was searched, {objective.metric}, of the same networks", *table(head, rows)]


def _sentences(finals: Sequence[Final], pairs: Sequence[Pair], repeats: int) -> list[str]:
    """A sentence for each pair that is told apart, and how many are not; one for the only pair there is."""
    apart = [each for each in _ordered(finals, pairs) if each.better or len(pairs) == 1]
    lines = [sentence(each, decimals(finals), repeats) for each in apart]
    left = len(pairs) - len(apart)
    if not left:
        return lines
    return [*lines, f"{'the other ' if lines else ''}{left} {'pair is' if left == 1 else 'pairs are'} not told apart"]


def _title(found: Comparison, problem: str) -> str:
    searched, reported = found.searched_by(problem), found.reported(problem).metric
    by = f"searched by {searched}, reported by {reported}"
    return f"{problem}: {by}" if problem not in (searched, reported) or searched == reported else by


def _setting(found: Comparison, problem: str) -> str:
    plan = found.plan
    workers = f", {plan.workers} workers" if plan.workers > 1 else ""
    _, repeats = found.shared(problem)
    count = f"{len(repeats)} of {plan.repeats}" if len(repeats) < plan.repeats else str(plan.repeats)
    same = ", the same for every strategy" if len(plan.strategies) > 1 else ""
    return f"budget {plan.budget} a search{workers}; n = {count} seeds ({plan.seeds}{same})"


def decimals(finals: Sequence[Final]) -> int:
    """How many decimals the means deserve: down to the first digit of the usual standard error."""
    return _digits([each.deviation / math.sqrt(len(each.values)) for each in finals if len(each.values) > 1])


def _digits(errors: Sequence[float]) -> int:
    errors = [each for each in errors if each > 0]
    return min(6, max(0, -math.floor(math.log10(float(np.median(errors)))))) if errors else 4


def final_rows(found: Comparison, problem: str, finals: Sequence[Final]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of final values."""
    d = decimals(finals)
    known = bool(found.limits(problem))
    base = found.baseline if any(each.beats for each in finals) else ""
    head = ["strategy", "mean", "95 % interval", "sd", "median"]
    head += ["regret"] if known else []
    head += [f"beats {base}", "95 % interval", "A12"] if base else []
    rows: list[list[str]] = []
    for each in finals:
        low, high = each.interval
        row = [
            each.strategy,
            f"{each.mean:.{d}f}",
            _range(low, high, d),
            _number(each.deviation, d),
            f"{each.median:.{d}f}",
        ]
        row += [f"{each.regret:.{d}f}"] if known else []
        if base and each.beats is not None:
            share, (least, most) = each.beats
            row += [f"{share:.2f}", _range(least, most, 2), f"{each.superiority:.2f}"]
        elif base:
            row += ["", "", ""]
        rows.append([*row, f"{each.rank:.2f}", f"{found.machine_seconds(each.strategy):.2g}"])
    return [*head, "rank", "s/search"], rows


def _number(value: float, d: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{d}f}"


def _range(low: float, high: float, d: int) -> str:
    return "-" if math.isnan(low) else f"{low:.{d}f} to {high:.{d}f}"


def _limits(found: Comparison, problem: str, finals: Sequence[Final]) -> list[str]:
    limits, d = found.limits(problem), decimals(finals)
    if not limits:
        return []
    searched, reported = found.searched(problem).metric, found.reported(problem).metric
    best = f"the best {reported} there is: {limits['reported']:.{d}f}"
    if found.plan.objectives:
        return [best]
    if searched == reported:
        return [f"{best}; what is reported is what was searched, which flatters every strategy where it is noisy"]
    return [f"{best}; of the network with the best {searched}: {limits['perfect']:.{d}f}"]


def _matrix(finals: Sequence[Final], pairs: Sequence[Pair]) -> list[str]:
    """Every strategy against every other: A12, marked where they are told apart."""
    names = [each.strategy for each in finals]
    found: dict[tuple[str, str], str] = {}
    for pair in pairs:
        mark = "*" if pair.better else ""
        found[pair.first, pair.second] = f"{pair.superiority:.2f}{mark}"
        found[pair.second, pair.first] = f"{1 - pair.superiority:.2f}{mark}"
    rows = [[name, *(found.get((name, other), "") for other in names)] for name in names]
    said = "how probably a run of the row beats one of the column, ties counting half (A12); * told apart"
    return [said, *table(["", *names], rows)]


def _ordered(finals: Sequence[Final], pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs in the order of the table."""
    place = {each.strategy: number for number, each in enumerate(finals)}
    return sorted(pairs, key=lambda each: sorted((place[each.first], place[each.second])))


def sentence(pair: Pair, d: int, repeats: int) -> str:
    """What is known of two strategies, in plain words."""
    one, other = pair.means
    n = pair.wins + pair.ties + pair.losses
    tests = "1 pair" if pair.tests == 1 else f"Holm, {pair.tests} pairs"
    some = f", n = {n}" if n < repeats else ""
    told = f"p {_p(pair.corrected)} ({tests}{some})"
    if not pair.better:
        sides = sorted([(-pair.difference, pair.first, one), (pair.difference, pair.second, other)])
        (_, up, high), (_, down, low) = sides
        return f"{up} and {down} are not told apart: {high:.{d}f} and {low:.{d}f}, {told}"
    first = pair.better == pair.first
    worse, means = (pair.second, (one, other)) if first else (pair.first, (other, one))
    superiority, won = (pair.superiority, pair.wins) if first else (1 - pair.superiority, pair.losses)
    return (
        f"{pair.better} is better than {worse}: {means[0]:.{d}f} against {means[1]:.{d}f}, {told}; "
        f"A12 {superiority:.2f}, better on {won} seeds, equal on {pair.ties}, worse on {n - won - pair.ties}"
    )


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.2g}"


def _over_problems(found: Comparison) -> list[str]:
    """Mean ranks over all problems."""
    ranks: dict[str, list[float]] = {}
    for problem in found.problems:
        for each in found.finals(problem):
            ranks.setdefault(each.strategy, []).append(each.rank)
    rows = sorted((float(np.mean(each)), name, len(each)) for name, each in ranks.items())
    return [
        f"mean rank over {len(found.problems)} problems",
        *table(["strategy", "rank", "problems"], [[name, f"{rank:.2f}", str(count)] for rank, name, count in rows]),
    ]


def notes(found: Comparison) -> list[str]:
    """What a reader must know besides: failures, what is missing, strategies that ended early, how it was tested."""
    lines = [f"note: {each}" for each in found.plan.notes]
    failed = Counter((each.place.strategy, each.place.problem) for each in found.failures)
    for (strategy, problem), count in failed.items():
        reason = next(
            each.reason for each in found.failures if (each.place.strategy, each.place.problem) == (strategy, problem)
        )
        lines.append(
            f"warning: {strategy} failed in {count} of {found.plan.repeats} searches on {problem}, which leaves it and "
            f"all it is compared with on the other seeds; the first: {reason}"
        )
    if found.missing:
        lines.append(f"warning: {found.missing} of {found.plan.size} searches have not been run")
    lines += _early(found)
    if any(found.pairs.values()):
        lines.append(
            "told apart: p < 0.05 of Wilcoxon's signed-rank test on the seeds where two strategies differ, corrected "
            "for all pairs (Holm), and the 95 % interval of the mean difference lies on one side of 0"
        )
    seconds = sum(each.seconds for each in found.cells.values())
    evaluations = sum(len(each.numbers) for each in found.cells.values())
    lines.append(f"{len(found.cells):,} searches, {evaluations:,} evaluations, {duration(seconds)} of one core")
    return lines


def _early(found: Comparison) -> list[str]:
    """Strategies that left a part of the budget."""
    lines: list[str] = []
    for problem in found.problems:
        for strategy in found.strategies:
            cells = [found.cells[place] for place in found.places(strategy, problem)]
            spent = float(np.mean([found.spent(each) for each in cells])) if cells else 1.0
            if spent < _SPENT:
                why = Counter(each.stopped for each in cells).most_common(1)[0][0]
                lines.append(f"note: {strategy} used {spent:.0%} of the budget on {problem} ({why})")
    return lines
