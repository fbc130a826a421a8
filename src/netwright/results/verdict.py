"""What is said first: whether a result is better than an answer that looks at nothing, and than the references."""

from __future__ import annotations

from netwright.core.problem import Metric
from netwright.results.figures import Contender, Figures

CLOSE = 1.96  # standard errors within which a result is that of an answer which looks at no input


def verdict(figures: Figures) -> str:
    """What to know before anything else: a result that is no better than chance or than a reference; else empty."""
    return _by_chance(figures) or _beside(figures)


def _by_chance(figures: Figures) -> str:
    """The sentence of a network that does no better than an answer which looks at no input; else empty."""
    winner, chance, main = figures.winner, figures.chance, figures.main
    if chance is None:
        return ""
    error = figures.standard_error or 0.0
    if main.of_examples:
        error = (chance * (1 - chance) / max(1, figures.test_examples)) ** 0.5
    ahead = _ahead(main, winner.mean, chance)
    if ahead > CLOSE * error:
        return ""
    unsure = (
        "" if ahead <= 0 or main.of_examples else f"; {figures.test_examples:,} test examples do not tell them apart"
    )
    than = "chance" if main.of_examples else "an answer that looks at no input"
    always = (figures.constant or "always the most frequent class").replace("always ", "always naming ")
    return (
        f"This network is no better than {than}: {_named(figures, winner)} on the test split, where {always} gives "
        f"{main.text(chance)}{unsure}."
    )


def _beside(figures: Figures) -> str:
    """The sentence of a network that does no better than a reference; else empty."""
    winner, main = figures.winner, figures.main
    rivals = [each for each in figures.baselines if each.name not in ("random pick", figures.constant)]
    better = [each for each in rivals if _ahead(main, each.mean, winner.mean) > 0]
    if not better:
        return ""
    best = max(better, key=lambda each: _ahead(main, each.mean, 0.0))
    figures_text = f"{_named(figures, best)} on the test split against {value_text(winner, main)}"
    if _ahead(main, best.mean, winner.mean) <= (figures.standard_error or 0.0):
        return f"This network is no better than {best.name}, which has {figures_text}."
    return f"{capital(best.name)} is better than this network: {figures_text}."


def _ahead(metric: Metric, one: float, other: float) -> float:
    """By how much the one value is better than the other."""
    return one - other if metric.larger_is_better else other - one


def _named(figures: Figures, contender: Contender) -> str:
    """The value with its metric's name, where the value alone does not say what it is."""
    text = value_text(contender, figures.main)
    return text if figures.main.of_examples else f"{figures.main.words} {text}"


def value_text(contender: Contender, metric: Metric) -> str:
    """The mean in the metric that it was judged by, with its spread over seeds."""
    return metric.text(contender.mean, contender.std)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
