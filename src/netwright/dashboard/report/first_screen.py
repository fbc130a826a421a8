"""What a report says first, for who decides: what was found, how sure that is, against what, at which cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwright.core.objective import Objective
from netwright.core.wording import duration, rough
from netwright.dashboard.facts import Facts, plan_of
from netwright.dashboard.wording import heading
from netwright.results.figures import Difference, Figures
from netwright.results.final_report import difference_text
from netwright.results.intervals import winner_interval
from netwright.results.metric_words import number
from netwright.results.verdict import capital

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.core.space import Space

_RAISED = str.maketrans("0123456789,", "⁰¹²³⁴⁵⁶⁷⁸⁹ ")


@dataclass(frozen=True)
class Card:
    """One figure of the first screen.

    title: what it is of.
    figure: in large letters.
    lines: what must be known beside it.
    tone: "" or how it is to be taken, as a state: completed for good, error for bad, diverged for a warning.
    """

    title: str
    figure: str
    lines: tuple[str, ...] = ()
    tone: str = ""


@dataclass(frozen=True)
class FirstScreen:
    """title: of the report. lead: the outcome in a sentence or two. cards: the figures, in order."""

    title: str
    lead: str
    cards: tuple[Card, ...]


def first_screen(
    data: RunData, facts: Facts, figures: Figures | None, space: Space | None, rate: float | None
) -> FirstScreen:
    """The first screen of a run's report.

    facts: of the run.
    figures: of its final training; None where there was none.
    space: that was searched; None where it cannot be made here.
    rate: what an hour of device time costs, in any currency.
    """
    what = figures.task if figures else plan_of(data).get("data")
    found = [*_found_finally(figures), _against(figures)] if figures else list(_found_so_far(data, facts))
    cards = (*found, _searched(data, facts, space), _cost(data, facts, figures, rate))
    title = f"A network for {what}" if what else f"A network of the space {_space_name(data)}"
    return FirstScreen(title, lead(data, facts, figures), cards)


def lead(data: RunData, facts: Facts, figures: Figures | None) -> str:
    """The outcome in a sentence or two, which claim no more than was measured."""
    if figures is None:
        return _lead_without_a_test(data, facts)
    main, winner = figures.main, figures.winner
    size = "" if winner.params is None else f" with {winner.params:,.0f} parameters"
    first = f"The network that was found{size} has a test {main.words} of {main.text(winner.mean)}."
    if figures.verdict:
        return f"{first} {figures.verdict}"
    compared = [each for each in figures.differences if each.baseline != figures.constant]
    if not compared:
        return f"{first} Whether something simpler would do as well has not been measured."
    return f"{first} {' '.join(f'It is {difference_text(each, main)}.' for each in compared[:1])}"


def _lead_without_a_test(data: RunData, facts: Facts) -> str:
    state = {
        "running": "The search is still under way",
        "failed": "The search failed",
        "interrupted": "The search was interrupted",
    }.get(data.summary.state, "")
    begun = f"{state}. " if state else ""
    if facts.best is None:
        return f"{begun}No network has completed its training."
    return (
        f"{begun}The best network has {_metric(data, data.objectives[0], facts.best)}, on the examples that the "
        "search chose it by. It has not been tested on others, so that this is more likely too good than too bad."
    )


def _metric(data: RunData, objective: Objective, place: int) -> str:
    values = data.metrics.get(objective.metric)
    score = data.scores[place, data.objectives.index(objective)]
    value = float(values[place]) if values is not None else abs(float(score))
    return f"{_called(objective.metric)} {number(objective.metric, value)}"


def _called(name: str) -> str:
    """A metric in full words."""
    return heading(f"validation_{name.removeprefix('val_')}" if name.startswith("val_") else name)


def _found_finally(figures: Figures) -> Iterator[Card]:
    main, winner, n = figures.main, figures.winner, len(figures.winner.values)
    bounds = winner_interval(figures)
    told = "not known" if bounds is None else f"{main.text(bounds[0])} to {main.text(bounds[1])}"
    examples = f"by the choice of the {figures.test_examples:,} test examples"
    trainings = (
        "one training" if n == 1 else f"mean of {n} trainings, sd {main.difference(winner.std or 0.0).lstrip('+')}"
    )
    yield Card(f"Test {main.words}", main.text(winner.mean), (f"95 % interval: {told}", examples, trainings))
    size = "not counted" if winner.params is None else f"{winner.params:,.0f}"
    macs = () if winner.macs is None else (f"{winner.macs:,.0f} multiply-adds an example",)
    kept, tone = _limits(figures)
    yield Card("Parameters", size, (*macs, kept), tone)


def _limits(figures: Figures) -> tuple[str, str]:
    """Whether the limits are kept, and how that is to be taken."""
    if figures.limits is None or not figures.limits.rows:
        return "no limits were asked for", ""
    broken = [row[0] for row in figures.limits.rows if row[-1] not in ("yes", "")]
    if broken:
        return f"does not keep {', '.join(broken)}", "error"
    return f"keeps {', '.join(row[0] for row in figures.limits.rows)}", "completed"


def _against(figures: Figures) -> Card:
    """Beside the best reference, as far as there is one."""
    compared = [each for each in figures.differences if each.baseline != figures.constant]
    if not compared:
        beside = [f"only “{figures.constant}” stands beside it"] if figures.constant else []
        missing = figures.left_out or tuple(figures.skipped)
        left = [f"not run: {', '.join(missing)}"] if missing else []
        return Card("Against references", "not measured", (*beside, *left), "diverged")
    best = max(compared, key=lambda each: -each.value if each.larger_is_better else each.value)
    others = [_short(each, figures) for each in compared if each is not best]
    word, tone = _outcome(best)
    figure = f"{figures.main.difference(best.value)}"
    return Card(f"Against {best.baseline}", figure, (f"{word}{_bounds(best, figures)}", *others[:3]), tone)


def _outcome(found: Difference) -> tuple[str, str]:
    if found.whole is None:
        return ("not told apart from it: no repetitions", "")
    if found.better:
        return "better", "completed"
    return ("worse", "error") if found.worse else ("not told apart", "")


def _bounds(found: Difference, figures: Figures) -> str:
    bounds = found.whole
    if bounds is None:
        return ""
    return f", 95 % interval {' to '.join(figures.main.difference(each).partition(' ')[0] for each in bounds)}"


def _short(found: Difference, figures: Figures) -> str:
    return f"{found.baseline}: {figures.main.difference(found.value)}, {_outcome(found)[0]}"


def _found_so_far(data: RunData, facts: Facts) -> Iterator[Card]:
    if facts.best is None:
        yield Card("Best so far", "none", ("no trial has completed",), "diverged")
        return
    objective = data.objectives[0]
    words = _metric(data, objective, facts.best)
    lines = [_metric(data, each, facts.best) for each in data.objectives[1:]]
    params = data.metrics.get("params")
    if params is not None and not math.isnan(params[facts.best]) and all(o.metric != "params" for o in data.objectives):
        lines.append(f"{params[facts.best]:,.0f} parameters")
    lines.append(f"trial {data.numbers[facts.best]}; validated, not tested")
    yield Card(f"Best {_called(objective.metric)}", words.removeprefix(f"{_called(objective.metric)} "), tuple(lines))
    if len(data.objectives) > 1:
        yield Card("Front", str(len(facts.front)), ("networks that no other beats in every objective",))


def _searched(data: RunData, facts: Facts, space: Space | None) -> Card:
    many = _size(space)
    lines = [f"of the space {_space_name(data)}{f', {many} networks' if many else ''}"]
    failed = f", {facts.failed:,} of them failed" if facts.failed else ""
    broken = facts.counts.get("infeasible", 0)
    lines.append(f"search {data.summary.state}{failed}")
    lines += [f"{broken:,} more broke a limit before training"] if broken else []
    lines += [f"{facts.epochs:,} epoch{'s' * (facts.epochs != 1)} of shared weights"] if facts.epochs else []
    return Card(
        "Networks tried", f"{facts.tried:,}", tuple(lines), "diverged" if facts.failed > facts.tried / 3 else ""
    )


def _space_name(data: RunData) -> str:
    return data.summary.space.partition("-v")[0]


def _size(space: Space | None) -> str:
    size = None if space is None else space.size
    return "" if size is None else _powers(rough(size))


def _powers(text: str) -> str:
    """With raised powers of ten."""
    before, power, after = text.partition(" x 10^")
    return before + (f" × 10{after.translate(_RAISED)}" if power else "")


def _money(value: float) -> str:
    return f"{value:,.2f}" if value >= 0.1 else f"{value:.1g}"


def _cost(data: RunData, facts: Facts, figures: Figures | None, rate: float | None) -> Card:
    finally_ = sum(each.seconds for each in (figures.winner, *figures.baselines)) if figures else 0.0
    total = facts.device_seconds + finally_
    lines = [f"search {duration(data.summary.seconds)}, its trials {duration(facts.device_seconds)} of device time"]
    lines += [f"final trainings and references {duration(finally_)}"] if figures else []
    lines += [f"about {_money(rate * total / 3600)}, at {rate:g} an hour of device time"] if rate is not None else []
    hardware = figures.hardware if figures else {}
    lines += [f"on {hardware.get('name') or hardware.get('device')}"] if hardware else []
    return Card("Device time", duration(total), tuple(capital(each) for each in lines))
