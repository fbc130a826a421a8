"""The numbers as lines of text, in words that claim no more than they show."""

from __future__ import annotations

import html
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netwright.core.preparation import Preparation
from netwright.core.problem import Breakdown, Metric
from netwright.core.wording import listed
from netwright.core.wording import table as plain_table
from netwright.results.figures import ACCURACY, Contender, Difference, Figures
from netwright.results.report_parts import parts, printable
from netwright.results.verdict import capital, value_text, verdict

_USE = """```python
from model import load, predict

network = load()  # plain PyTorch, without netwright
print(predict(network, examples))  # as you have them: {examples}
```"""


def headings(metric: Metric = ACCURACY) -> tuple[str, ...]:
    """Of a comparison by this metric."""
    return "", f"test {metric.words}", "n", "parameters", "multiply-adds", "seconds"


def table(contenders: Sequence[Contender], metric: Metric = ACCURACY) -> list[list[str]]:
    """One row a contender under `headings`.

    contenders: in the order of the rows.
    metric: that they were judged by.
    """
    return [
        [
            each.name,
            value_text(each, metric),
            str(len(each.values)),
            amount(each.params),
            amount(each.macs),
            _seconds(each),
        ]
        for each in contenders
    ]


def report_lines(figures: Figures) -> list[str]:
    """The comparison for a terminal: what to know first, a table, one sentence a baseline, then the limits.

    figures: of the finished network.
    """
    rows = [list(headings(figures.main)), *table([figures.winner, *figures.baselines], figures.main)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(_aligned(cell, width, i) for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    first = figures.verdict or verdict(figures)
    found = [*([first, ""] if first else []), *(line.rstrip() for line in lines), "", *sentences(figures)]
    instead = ["", "What to type instead:", "", *(f"    {line}" for line in figures.instead)] if figures.instead else []
    return [*found, *instead, *(line for each in parts(figures) for line in _part_lines(each))]


def _part_lines(part: Breakdown) -> list[str]:
    return ["", *([part.text, ""] if part.text else []), *plain_table(part.headings, part.rows)]


def sentences(figures: Figures) -> list[str]:
    """What the comparison says, a baseline a line; then its limits.

    figures: of the finished network.
    """
    compared = [each for each in figures.differences if each.baseline != figures.constant]  # which the verdict is of
    found = [difference_text(each, figures.main) for each in compared]
    found += [f"{name} was not run: {reason}" for name, reason in figures.skipped.items()]
    found += [f"did not fit into the time: {', '.join(figures.left_out)}"] if figures.left_out else []
    found += [_resolution(figures)]
    found += [f"{each.name}: {each.note}" for each in (figures.winner, *figures.baselines) if each.note]
    return [f"{capital(each)}." if not each.endswith(".") else capital(each) for each in (*found, *figures.notes)]


def difference_text(found: Difference, metric: Metric = ACCURACY) -> str:
    """One sentence that says better, not better or worse, by how much of the metric, and on how many runs."""
    points = metric.difference(found.value)
    n = f"n = {found.counts[0]} and {found.counts[1]}"
    against = _with_article(found.baseline)
    if found.whole is None:
        if found.ahead:
            side = "above" if found.larger_is_better else "below"
            return f"{side} {against} by {points}; without repetitions on both sides ({n}) this may be chance"
        return f"not better than {against}: difference {points}, {n}"
    measured = f"{points}, 95 % interval {_intervals(found, metric)}, {n}"
    if found.better:
        return f"better than {against}: {measured}"
    return f"{'worse' if found.worse else 'not better'} than {against}: difference {measured}"


def _intervals(found: Difference, metric: Metric) -> str:
    """What is known of how sure it is: by other seeds, by other test examples, or both."""
    known = [(found.interval, " over seeds" if found.paired else ""), (found.paired, " over test examples")]
    told = [f"{_signed(metric, bounds[0])} to {_signed(metric, bounds[1])}{over}" for bounds, over in known if bounds]
    return " and ".join(told)


def _signed(metric: Metric, value: float) -> str:
    """A difference without its unit, which stands before it."""
    return metric.difference(value).partition(" ")[0]


def amount(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def usage(preparation: Preparation, answers: Sequence[Mapping[str, Any]] = (), lines: Sequence[str] = ()) -> str:
    """How examples are predicted, in Markdown.

    preparation: of the examples.
    answers: what `model.py --json` printed for a user's own files.
    lines: the same answers as people read them.
    """
    named = [f"`{name}`" for name in (answers[0] if answers else ("file", "example"))]
    parts = [
        _USE.replace("{examples}", " ".join(preparation.describe().split())),
        "Files, folders and patterns of names go to `model.py`, which prepares them as the training data was prepared:",
        _fenced(*_example_lines(answers, lines), "python model.py --json FILE... > answers.jsonl"),
        escaped(preparation.needs()),
        f"With `--json` each example is one JSON object on a line: {listed(named, len(named))}. "
        "`python model.py --help` lists the other options and the exit codes.",
    ]
    return "\n\n".join(part for part in parts if part)


def _example_lines(answers: Sequence[Mapping[str, Any]], lines: Sequence[str]) -> list[str]:
    """A command that was run, and the first line that it printed."""
    if not answers:
        return ["python model.py FILE..."]
    file, example = str(answers[0]["file"]), str(answers[0]["example"])
    where = file if example in ("", file) or example.startswith(Path(file).name) else f"{file}, {example}"
    return [f"python model.py {shlex.quote(file)}", f"{where}: {lines[0]}"]


def _fenced(*lines: str) -> str:
    """Lines as they are, whatever they hold, in a block of code."""
    shown = [printable(line) for line in lines]
    return "\n".join(["```", *(each.replace("```", "") for each in shown), "```"])


def readme(figures: Figures, files: Mapping[str, str], verification: Sequence[str], use: str = "") -> str:
    """The README of an exported folder, in Markdown.

    figures: of the finished network.
    files: name -> what it is.
    verification: what was checked.
    use: see `usage`.
    """
    winner, first = figures.winner, figures.verdict or verdict(figures)
    n, main = len(winner.values), figures.main
    spread = "" if winner.std is None else " ± sample standard deviation"
    page = [
        f"# A network for {escaped(figures.task)}",
        f"**{escaped(first)}**" if first else "",
        f"Test {main.words} {value_text(winner, main)}: mean{spread} of n = {n} {_plural('training', n)}, each tested "
        f"once on {figures.test_examples:,} test examples that neither search nor training saw.",
        _markdown(headings(main), table([winner, *figures.baselines], main)),
        _bullets([escaped(each) for each in sentences(figures)]),
        *_instead(figures),
        *(text for each in parts(figures) for text in _part(each)),
        "## How to use it",
        use,
        f"The weights are those of seed {figures.exported_seed}, the first that was "
        "trained, not the best on the test split.",
        _bullets([f"`{name}`: {what}" for name, what in files.items()]),
        "## Data",
        _bullets([escaped(line) for line in figures.data]),
        "## Each training",
        _trainings(figures),
        "## Cost and settings",
        _settings({"hardware": figures.hardware, "final training": figures.training, "search": figures.search}),
        "## Verification",
        _bullets(list(verification)),
        "## Architecture",
        f"```\n{figures.architecture.replace('```', '')}\n```",
    ]
    return "\n\n".join(part for part in page if part) + "\n"


def _instead(figures: Figures) -> list[str]:
    if not figures.instead:
        return []
    code = [printable(each).replace("```", "") for each in figures.instead]
    return ["## What to type instead", "\n".join(["```python", *code, "```"])]


def escaped(text: str) -> str:
    """Text that stays text in Markdown, on one line."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return "".join(f"\\{c}" if c in "\\`*_[]|#" else c for c in line)


def _part(part: Breakdown) -> list[str]:
    return [f"## {escaped(part.title)}", part.text, _markdown(part.headings, part.rows)]


def _trainings(figures: Figures) -> str:
    winner, main = figures.winner, figures.main
    seeds = winner.seeds or tuple(range(len(winner.values)))
    rows = [[str(seed), main.text(each)] for seed, each in zip(seeds, winner.values, strict=True)]
    return _markdown(("seed", f"test {main.words}"), rows)


def _settings(groups: Mapping[str, Mapping[str, Any]]) -> str:
    return _bullets(
        [
            f"{group}, {key}: {escaped(value) if isinstance(value, str) else _code(value)}"
            for group, values in groups.items()
            for key, value in values.items()
            if value not in (None, "", [], {})
        ]
    )


def _code(value: Any) -> str:
    return f"`{json.dumps(value, default=str).replace('`', '')}`"


def _markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _aligned(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)


def _seconds(contender: Contender) -> str:
    return f"{contender.seconds:,.1f}"


def _with_article(name: str) -> str:
    return f"a {name}" if name == "random pick" else name


def _resolution(figures: Figures) -> str:
    """What so many test examples can tell at all."""
    main, n, error = figures.main, figures.test_examples, figures.standard_error
    if main.of_examples and error == 0:
        right = figures.winner.mean > 0.5
        other = max(0.0, 1 - 3 / n) if right else min(1.0, 3 / n)  # the rule of three
        return (
            f"all {n:,} test examples were answered {'right' if right else 'wrong'}, which happens once in 20 times at "
            f"{100 * other:.2g} % {main.words}"
        )
    if main.of_examples and error is not None:
        return (
            f"one of the {n:,} test examples is {points(1 / n)}, and their choice alone gives the {main.words} a "
            f"standard error of {points(error)}"
        )
    if error is None:
        return f"how far {main.words} hangs on the choice of the {n:,} test examples is not known"
    size = points(error) if main.percent else main.text(error)
    return f"the choice of the {n:,} test examples alone gives {main.words} a standard error of {size}"


def points(share: float) -> str:
    """A share of the whole as points of a hundred with two digits, as "0.95 points"."""
    text = f"{100 * share:.2g}"
    return f"{text} point{'' if text == '1' else 's'}"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
