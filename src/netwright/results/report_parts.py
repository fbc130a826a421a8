"""The tables of a report that stand below the comparison: further metrics, each class, and what is taken for what."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from netwright.core.problem import Breakdown, Metric, amount
from netwright.core.wording import shortened
from netwright.results.figures import Contender, Figures

MOST_CLASSES = 20  # whose recall is shown; JSON has all
WIDEST = 100  # characters of a table of confusions
LONGEST = 12  # of a class's name there
LOSS = Metric("loss", "minimize")
MOST_WORST = 8  # examples that are shown; JSON and the chart have more
LONGEST_LOOK = 60  # characters of what one is


def parts(figures: Figures) -> list[Breakdown]:
    """The tables, those without rows left out.

    figures: of the finished network.
    """
    found = [figures.limits, further(figures), recalled(figures), confused(figures), figures.breakdown, figures.known]
    found.append(worst(figures))
    return [each for each in found if each is not None]


def worst(figures: Figures) -> Breakdown | None:
    """The test examples that are answered worst; a page shows the pictures, too."""
    if not figures.worst:
        return None
    shown = figures.worst[:MOST_WORST]
    asked, looks = any(each.asked for each in shown), any(each.looks for each in shown)
    headings = ("test example", *(("is",) if asked else ()), "answered", "loss", *(("what it is",) if looks else ()))
    rows = [
        (
            str(each.number),
            *((each.asked,) if asked else ()),
            each.answered,
            amount(each.loss),
            *((shortened(each.looks, LONGEST_LOOK),) if looks else ()),
        )
        for each in shown
    ]
    text = f"The {len(shown)} test examples of the highest loss, {_whose(figures)}; they are counted from 0."
    return Breakdown("Worst examples", text, headings, tuple(tuple(map(printable, row)) for row in rows))


def further(figures: Figures) -> Breakdown | None:
    """What was measured beside the main metric, a row a contender."""
    everyone = [each for each in (figures.winner, *figures.baselines) if each.others]
    metrics = [each for each in (*figures.metrics[1:], LOSS) if any(each.name in one.others for one in everyone)]
    if not metrics:
        return None
    headings = ("", *(f"test {each.words}" for each in metrics))
    rows = tuple((each.name, *(_value(each, metric) for metric in metrics)) for each in everyone)
    return Breakdown("Other metrics", "", headings, rows)


def _value(contender: Contender, metric: Metric) -> str:
    values = contender.others.get(metric.name, ())
    return (
        metric.text(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None) if values else ""
    )


def recalled(figures: Figures) -> Breakdown | None:
    """What is found of each class, the least found first."""
    if not figures.classes:
        return None
    balanced, known = figures.balanced_accuracy, [each for each in figures.classes if each.recall is not None]
    text = "Each class counts alike in the balanced accuracy"
    if balanced is not None:
        text += f", {100 * balanced:.2f} % with the weights of seed {figures.exported_seed}"
    ordered = sorted(known, key=lambda each: each.recall or 0.0)
    shown = ordered if len(ordered) <= MOST_CLASSES else ordered[:MOST_CLASSES]
    left = f"; of {len(ordered):,} classes the {MOST_CLASSES} that are found least" if len(shown) < len(ordered) else ""
    rows = tuple((printable(each.name), f"{100 * (each.recall or 0.0):.2f} %", f"{each.examples:,}") for each in shown)
    text = f"{text}. Recall is the share of a class's test examples that is found{left}."
    return Breakdown("Each class", text, ("class", "recall", "test examples"), rows)


def confused(figures: Figures) -> Breakdown | None:
    """How many test examples of each class are taken for each; of many classes the confusions that are most."""
    if not figures.confusion:
        return None
    names = [printable(each.name) for each in figures.classes]
    short = [name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..." for name in names]
    rows = tuple((name, *map(str, counts)) for name, counts in zip(names, figures.confusion, strict=True))
    widths = [max(len(cell) for cell in column) for column in zip(("class", *short), *rows, strict=True)]
    if sum(widths) + 2 * len(widths) <= WIDEST:
        text = f"Test examples of each class (rows) by what they are taken for (columns), {_whose(figures)}."
        return Breakdown("Confusions", text, ("class", *short), rows)
    return _most_confused(figures, names)


def _most_confused(figures: Figures, names: Sequence[str]) -> Breakdown | None:
    wrong = [
        (count, names[true], names[found])
        for true, counts in enumerate(figures.confusion)
        for found, count in enumerate(counts)
        if count and found != true
    ]
    if not wrong:
        return None
    most = sorted(wrong, key=lambda each: -each[0])[:MOST_CLASSES]
    rows = tuple((true, found, f"{count:,}") for count, true, found in most)
    text = f"The confusions that are most, {_whose(figures)}; JSON has all."
    return Breakdown("Confusions", text, ("class", "taken for", "test examples"), rows)


def _whose(figures: Figures) -> str:
    return f"with the weights of seed {figures.exported_seed}"


def printable(text: str) -> str:
    """Text on one line: line breaks and invisible characters as their codes."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
