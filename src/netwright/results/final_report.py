"""The numbers as lines of text, in words that claim no more than they show."""

from __future__ import annotations

import html
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netwright.core.preparation import Preparation
from netwright.core.wording import table as plain_table
from netwright.results.figures import Contender, Difference, Figures

_USE = """```python
from model import load, predict

network = load()  # needs torch and safetensors only
print(predict(network, examples))  # as you have them: {examples}
```"""
RECALL_HEADINGS = ("class", "recall", "test examples")
MOST_CLASSES = 20  # whose recall is shown; JSON has all
HEADINGS = ("", "test accuracy", "n", "parameters", "multiply-adds", "seconds")


def table(contenders: Sequence[Contender]) -> list[list[str]]:
    """One row a contender under `HEADINGS`.

    contenders: in the order of the rows.
    """
    return [
        [
            each.name,
            accuracy_text(each),
            str(len(each.accuracies)),
            amount(each.params),
            amount(each.macs),
            _seconds(each),
        ]
        for each in contenders
    ]


CLOSE = 1.96  # standard errors within which an accuracy is at the level of chance


def verdict(figures: Figures) -> str:
    """What to know before anything else: a result that is no better than chance or than a reference; else empty."""
    winner, chance = figures.winner, figures.chance
    if chance is not None:
        error = (chance * (1 - chance) / max(1, figures.test_examples)) ** 0.5
        if winner.mean <= chance + CLOSE * error:
            return (
                f"This network is no better than chance: {accuracy_text(winner)} on the test split, where always "
                f"naming the most frequent class gives {100 * chance:.2f} %."
            )
    better = [each for each in figures.baselines if each.name != "random pick" and each.mean > winner.mean]
    if not better:
        return ""
    best = max(better, key=lambda each: each.mean)
    figures_text = f"{accuracy_text(best)} on the test split against {accuracy_text(winner)}"
    error = (winner.mean * (1 - winner.mean) / max(1, figures.test_examples)) ** 0.5
    if best.mean - winner.mean <= error:
        return f"This network is no better than {best.name}, which has {figures_text}."
    return f"{_capital(best.name)} is better than this network: {figures_text}."


def report_lines(figures: Figures) -> list[str]:
    """The comparison for a terminal: what to know first, a table, one sentence a baseline, then the limits.

    figures: of the finished network.
    """
    rows = [list(HEADINGS), *table([figures.winner, *figures.baselines])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "  ".join(_aligned(cell, width, i) for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    first = verdict(figures)
    found = [*([first, ""] if first else []), *(line.rstrip() for line in lines), "", *sentences(figures)]
    return found + (["", *recall_lines(figures)] if figures.classes else [])


def sentences(figures: Figures) -> list[str]:
    """What the comparison says, a baseline a line; then its limits.

    figures: of the finished network.
    """
    found = [difference_text(each) for each in figures.differences]
    found += [f"{name} was not run: {reason}" for name, reason in figures.skipped.items()]
    found += [f"did not fit into the time: {', '.join(figures.left_out)}"] if figures.left_out else []
    found += [_resolution(figures)]
    found += [f"{each.name}: {each.note}" for each in (figures.winner, *figures.baselines) if each.note]
    return [f"{_capital(each)}." if not each.endswith(".") else _capital(each) for each in (*found, *figures.notes)]


def recalled(figures: Figures) -> tuple[str, list[list[str]]]:
    """What is found of the classes: a sentence, and a row under `RECALL_HEADINGS` for each, the least found first."""
    balanced, known = figures.balanced_accuracy, [each for each in figures.classes if each.recall is not None]
    text = "Each class counts alike in the balanced accuracy"
    if balanced is not None:
        text += f", {100 * balanced:.2f} % with the weights of seed {figures.exported_seed}"
    ordered = sorted(known, key=lambda each: each.recall or 0.0)
    shown = ordered if len(ordered) <= MOST_CLASSES else ordered[:MOST_CLASSES]
    left = f"; of {len(ordered):,} classes the {MOST_CLASSES} that are found least" if len(shown) < len(ordered) else ""
    rows = [[_printable(each.name), f"{100 * (each.recall or 0.0):.2f} %", f"{each.examples:,}"] for each in shown]
    return f"{text}. Recall is the share of a class's test examples that is found{left}.", rows


def recall_lines(figures: Figures) -> list[str]:
    """The recalls for a terminal."""
    text, rows = recalled(figures)
    return [text, "", *plain_table(RECALL_HEADINGS, rows)]


def difference_text(found: Difference) -> str:
    """One sentence that says better, not better or worse, by how many points of accuracy, and on how many runs."""
    points = f"{100 * found.value:+.2f} points"
    n = f"n = {found.counts[0]} and {found.counts[1]}"
    against = _with_article(found.baseline)
    if found.interval is None:
        if found.value > 0:
            return f"above {against} by {points}; without repetitions on both sides ({n}) this may be chance"
        return f"not better than {against}: difference {points}, {n}"
    low, high = (100 * bound for bound in found.interval)
    measured = f"{points}, 95 % interval {low:+.2f} to {high:+.2f}, {n}"
    if found.better:
        return f"better than {against}: {measured}"
    worse = "worse" if found.interval[1] < 0 else "not better"
    return f"{worse} than {against}: difference {measured}"


def accuracy_text(contender: Contender) -> str:
    spread = contender.std
    return f"{100 * contender.mean:.2f} %" + ("" if spread is None else f" ± {100 * spread:.2f}")


def amount(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def usage(preparation: Preparation, answers: Sequence[Mapping[str, Any]] = ()) -> str:
    """How examples are predicted, in Markdown.

    answers: what `model.py --json` printed for a user's own files.
    """
    parts = [
        _USE.replace("{examples}", " ".join(preparation.describe().split())),
        "Files, folders and patterns of names go to `model.py`, which prepares them as the training data was prepared:",
        _fenced(*_example_lines(answers), "python model.py --json FILE... > answers.jsonl"),
        escaped(preparation.needs()),
        "With `--json` each example is one JSON object on a line: `file`, `example`, `class`, `probability`, and "
        "`probabilities` of all classes. `python model.py --help` lists the other options and the exit codes.",
    ]
    return "\n\n".join(part for part in parts if part)


def _example_lines(answers: Sequence[Mapping[str, Any]]) -> list[str]:
    """A command that was run, and the first line that it printed."""
    if not answers:
        return ["python model.py FILE..."]
    first = answers[0]
    file, example = str(first["file"]), str(first["example"])
    where = file if example in ("", file) or example.startswith(Path(file).name) else f"{file}, {example}"
    return [f"python model.py {shlex.quote(file)}", f"{where}: {first['class']} ({first['probability']:.1%})"]


def _fenced(*lines: str) -> str:
    """Lines as they are, whatever they hold, in a block of code."""
    shown = [_printable(line) for line in lines]
    return "\n".join(["```", *(each.replace("```", "") for each in shown), "```"])


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def readme(figures: Figures, files: Mapping[str, str], verification: Sequence[str], use: str = "") -> str:
    """The README of an exported folder, in Markdown.

    figures: of the finished network.
    files: name -> what it is.
    verification: what was checked.
    use: see `usage`.
    """
    winner = figures.winner
    n = len(winner.accuracies)
    spread = "" if winner.std is None else " ± sample standard deviation"
    parts = [
        f"# A network for {escaped(figures.task)}",
        f"**{escaped(verdict(figures))}**" if verdict(figures) else "",
        f"Test accuracy {accuracy_text(winner)}: mean{spread} of n = {n} {_plural('training', n)}, each tested once on "
        f"{figures.test_examples:,} test examples that neither search nor training saw.",
        _markdown(HEADINGS, table([winner, *figures.baselines])),
        _bullets([escaped(each) for each in sentences(figures)]),
        *_recalls(figures),
        "## How to use it",
        use,
        f"The weights are those of seed {figures.exported_seed}, the first that was "
        "trained, not the best on the test split.",
        _bullets([f"`{name}`: {what}" for name, what in files.items()]),
        "## Data",
        _bullets([escaped(line) for line in figures.data]),
        "## Each training",
        _trainings(winner),
        "## Cost and settings",
        _settings({"hardware": figures.hardware, "final training": figures.training, "search": figures.search}),
        "## Verification",
        _bullets(list(verification)),
        "## Architecture",
        f"```\n{figures.architecture.replace('```', '')}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """Text that stays text in Markdown, on one line."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return "".join(f"\\{c}" if c in "\\`*_[]|#" else c for c in line)


def _recalls(figures: Figures) -> list[str]:
    if not figures.classes:
        return []
    text, rows = recalled(figures)
    return ["## Each class", text, _markdown(RECALL_HEADINGS, rows)]


def _trainings(winner: Contender) -> str:
    seeds = winner.seeds or tuple(range(len(winner.accuracies)))
    rows = [[str(seed), f"{100 * each:.2f} %"] for seed, each in zip(seeds, winner.accuracies, strict=True)]
    return _markdown(("seed", "test accuracy"), rows)


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
    p, n = figures.winner.mean, figures.test_examples
    error = (p * (1 - p) / n) ** 0.5
    return (
        f"one of the {n:,} test examples is {100 / n:.2g} points, and their choice alone gives the accuracy a standard "
        f"error of {100 * error:.2g} points"
    )


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
