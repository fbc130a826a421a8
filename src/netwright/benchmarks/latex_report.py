"""The final values of a comparison as a LaTeX table, for the booktabs package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.benchmarks.text_report import decimals

if TYPE_CHECKING:
    from netwright.benchmarks.comparison import Comparison, Final

_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_SPECIAL |= {each: f"\\{each}" for each in "&%$#_{}"}


def latex_table(found: Comparison) -> str:
    """A row a strategy, with mean and deviation on each problem; the best, and what is not told apart from it, bold."""
    columns = {problem: {each.strategy: each for each in found.finals(problem)} for problem in found.problems}
    top = {problem: _top(found, problem, list(finals.values())) for problem, finals in columns.items()}
    rows = []
    for strategy in found.strategies:
        cells = [_cell(columns[each], strategy, strategy in top[each]) for each in found.problems]
        rows.append(" & ".join([escaped(strategy), *cells]) + r" \\")
    heads = " & ".join(["strategy", *map(escaped, found.problems)]) + r" \\"
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            rf"\begin{{tabular}}{{l{'r' * len(found.problems)}}}",
            *(r"\toprule", heads, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}"),
            *(f"% {line}" for line in _caption(found)),
            "",
        ]
    )


def _caption(found: Comparison) -> list[str]:
    plan = found.plan
    return [
        f"Mean and standard deviation over n = {plan.repeats} seeds ({plan.seeds}), budget {plan.budget} a search.",
        "Bold: the best mean, and what is not told apart from it (Wilcoxon's signed-rank test, Holm, p < 0.05).",
    ]


def _cell(finals: dict[str, Final], strategy: str, bold: bool) -> str:
    if strategy not in finals:
        return "--"
    d = decimals(list(finals.values()))
    mean = f"{finals[strategy].mean:.{d}f}"
    spread = "" if finals[strategy].deviation != finals[strategy].deviation else f"{finals[strategy].deviation:.{d}f}"
    shown = rf"\mathbf{{{mean}}}" if bold else mean
    return f"${shown} \\pm {spread}$" if spread else f"${shown}$"


def _top(found: Comparison, problem: str, finals: list[Final]) -> set[str]:
    """The strategy with the best mean, and those that are not told apart from it."""
    if not finals:
        return set()
    best = finals[0].strategy
    apart = {
        name
        for pair in found.pairs[problem]
        for name in (pair.first, pair.second)
        if pair.better and best in (pair.first, pair.second)
    }
    return {each.strategy for each in finals if each.strategy == best or each.strategy not in apart}


def escaped(text: str) -> str:
    """Text as LaTeX prints it."""
    return "".join(_SPECIAL.get(each, each) for each in text)
