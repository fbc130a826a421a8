"""What the cells say together: a table for each data set, then tests over the data sets, as Markdown."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from netwright.benchmarks.statistics import holm, mean_ranks, signed_rank_p
from worth_parts.contenders import AUTO, SEARCHES
from worth_parts.judging import MEASURES
from worth_parts.running import Outcome

BEST = "best reference"
WORSE = 2.0  # points by which a search may be worse than a reference without saying so
AGAINST = ("is better than this network", "instead", "no better than")


@dataclass(frozen=True)
class Results:
    """The scores of one data set, by contender; in each the same seeds in the same order.

    name, kind: of the set.
    scores: (seeds,) of each, of the seeds that all have.
    cells: all that were run.
    """

    name: str
    kind: str
    scores: Mapping[str, np.ndarray]
    cells: Sequence[Outcome]

    @property
    def references(self) -> list[str]:
        return [each for each in self.scores if each not in SEARCHES]

    def mean(self, contender: str) -> float:
        """Of the scores; of the best reference that of the one whose mean is highest, seen on the held-out examples."""
        if contender == BEST:
            return max(self.mean(each) for each in self.references)
        return float(self.scores[contender].mean())

    def of(self, contender: str) -> np.ndarray:
        return self.scores[max(self.references, key=self.mean) if contender == BEST else contender]

    def error(self, one: str, other: str) -> float:
        """One standard error of the difference: over seeds, in pairs; of a single seed by the held-out examples."""
        differences = self.of(one) - self.of(other)
        if len(differences) > 1:
            return float(differences.std(ddof=1) / len(differences) ** 0.5)
        return max((each.error for each in self.cells if each.contender in (one, other, *self.references)), default=0.0)


def results_of(outcomes: Sequence[Outcome]) -> list[Results]:
    """By data set, on the seeds that every contender has finished."""
    found = []
    for name in dict.fromkeys(each.data for each in outcomes):
        cells = [each for each in outcomes if each.data == name]
        scores: dict[str, dict[int, float]] = {}
        for each in cells:
            if each.score is not None:
                scores.setdefault(each.contender, {})[each.seed] = each.score
        seeds = sorted(set.intersection(*map(set, scores.values()))) if scores else []
        if seeds:
            kept = {who: np.array([own[seed] for seed in seeds]) for who, own in scores.items()}
            found.append(Results(name, cells[0].kind, kept, cells))
    return found


def written(outcomes: Sequence[Outcome], plot: Path | None) -> str:
    """The whole page, in Markdown.

    outcomes: of one time limit and number of threads.
    plot: of the ranks, to be linked; None for none.
    """
    found = results_of(outcomes)
    first = outcomes[0]
    seeds = sorted({each.seed for each in outcomes})
    head = (
        f"{date.today()}, {_processor()}, {first.threads} threads, {first.limit:g} s for each of {len(outcomes)} "
        f"cells, {len(found)} data sets, {len(seeds)} seeds, each with a split of its own. Means ± standard error over "
        "the seeds that all have finished; `working` is the share of the limit that went into training and evaluation."
    )
    parts = [head, *(of_one(each) for each in found), *over_all(found)]
    if plot is not None:
        parts.append(f"![average ranks, and what is not told apart]({plot.name})")
    failed = [f"- {each.data}, {each.contender}, seed {each.seed}: {each.failed}" for each in outcomes if each.failed]
    return "\n\n".join([*parts, *(["Failed:", "\n".join(failed)] if failed else [])]) + "\n"


def of_one(found: Results) -> str:
    """The table of a data set."""
    rows = []
    for who in sorted(found.scores, key=found.mean, reverse=True):
        cells = [each for each in found.cells if each.contender == who and each.score is not None]
        values = found.scores[who]
        spread = f" ± {values.std(ddof=1) / len(values) ** 0.5:.2f}" if len(values) > 1 else ""
        used = np.mean([each.seconds / each.limit for each in cells])
        shares = [each.working / each.limit for each in cells if each.working is not None]
        said = sum(against(each.said) for each in cells)
        rows.append(
            [
                *(who, f"{values.mean():.2f}{spread}", str(len(values)), f"{100 * used:.0f} %"),
                *(
                    f"{100 * np.mean(shares):.0f} %" if shares else "",
                    f"{said} of {len(cells)}" if who in SEARCHES else "",
                ),
            ]
        )
    titles = (f"{found.name}, {MEASURES[found.kind]}", "score", "n", "time", "working", 'said "use that instead"')
    return table(titles, rows)


def against(said: str) -> bool:
    """Whether a report says that something simpler is as good or better."""
    return any(each in said for each in AGAINST)


def over_all(found: Sequence[Results]) -> list[str]:
    """Wins, tests and ranks over the data sets that all contenders of a pair have."""
    rivals = [*(each for each in SEARCHES if each != AUTO), BEST]
    rows, p_values = [], []
    for rival in rivals:
        shared = [each for each in found if AUTO in each.scores and _has(each, rival)]
        if shared:
            p, row = _pair(shared, rival)
            p_values.append(p)
            rows.append(row)
    for row, corrected in zip(rows, holm(p_values) if rows else [], strict=True):
        row.append(f"{corrected:.3g}")
    titles = (
        "auto against",
        "sets",
        "better",
        "not told apart",
        "worse",
        "mean difference",
        "p (Wilcoxon)",
        "p (Holm)",
    )
    return [*([table(titles, rows)] if rows else []), *_unsaid(found), *_ranks(found)]


def _has(found: Results, contender: str) -> bool:
    return bool(found.references) if contender == BEST else contender in found.scores


def _pair(found: Sequence[Results], rival: str) -> tuple[float, list[str]]:
    """Of `auto` and another over data sets: the p value, and the row of the table. The margin is one standard error."""
    differences = np.array([each.mean(AUTO) - each.mean(rival) for each in found])
    margins = np.array([each.error(AUTO, rival) for each in found])
    better, worse = int((differences > margins).sum()), int((differences < -margins).sum())
    p = signed_rank_p(differences, np.zeros(len(differences)))
    ties = len(found) - better - worse
    return p, [rival, str(len(found)), str(better), str(ties), str(worse), f"{differences.mean():+.2f}", f"{p:.3g}"]


def _unsaid(found: Sequence[Results]) -> list[str]:
    """The searches that were worse than a reference by more than two points and did not say so."""
    silent = []
    for each in found:
        if AUTO not in each.scores or not each.references or each.kind == "text":
            continue
        behind = each.mean(BEST) - each.mean(AUTO)
        quiet = sum(not against(cell.said) for cell in each.cells if cell.contender == AUTO)
        if behind > WORSE and quiet:
            silent.append(f"{each.name} (by {behind:.2f}, {quiet} reports)")
    said = "; ".join(silent) or "none"
    return [f"Worse than the best reference by more than {WORSE:g} points without the report saying so: {said}."]


def ranked(found: Sequence[Results]) -> tuple[list[str], np.ndarray]:
    """The contenders that every data set has, with the best reference as one, and their means, (contenders, sets)."""
    names = [who for who in (*SEARCHES, BEST) if found and all(_has(each, who) for each in found)]
    return names, np.array([[each.mean(who) for each in found] for who in names])


def critical_difference(contenders: int, sets: int, level: float = 0.05) -> float:
    """The difference of average ranks from which two are told apart by the test of Nemenyi (Demšar 2006).

    contenders, sets: how many.
    level: of the test.
    """
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(1 - level, contenders, np.inf)) / 2**0.5
    return quantile * (contenders * (contenders + 1) / (6 * sets)) ** 0.5


def _ranks(found: Sequence[Results]) -> list[str]:
    """Average ranks, the test of Friedman, and the critical difference."""
    names, values = ranked(found)
    if len(names) < 3 or len(found) < 2:
        return []
    from scipy.stats import friedmanchisquare

    ranks = mean_ranks(values)
    p = float(friedmanchisquare(*values).pvalue)
    listed = ", ".join(f"{who} {rank:.2f}" for rank, who in sorted(zip(ranks, names, strict=True)))
    return [
        f"Average ranks over {len(found)} data sets: {listed}. Friedman p = {p:.3g}; by Nemenyi two are told apart "
        f"from a difference of {critical_difference(len(names), len(found)):.2f} on (level 0.05)."
    ]


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _processor() -> str:
    """The name of the processor."""
    path = Path("/proc/cpuinfo")
    names = (
        [each.partition(":")[2].strip() for each in path.read_text().splitlines() if each.startswith("model name")]
        if path.exists()
        else []
    )
    return names[0] if names else platform.processor() or platform.machine()
