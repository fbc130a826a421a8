"""What is said first: whether a result is better than an answer that looks at nothing, and than the references."""

from __future__ import annotations

from netwright.core.problem import Metric
from netwright.results.figures import Contender, Difference, Figures

CLOSE = 1.96  # standard errors within which a result is that of an answer which looks at no input


SEARCHED = ("random pick", "random search")  # networks of the same space, which are no simpler
OF_METHOD = "network of "  # before the name of a method, one that was searched for and not handed over
SEVERAL = ("trees", "frequencies", "neighbours", "convolutions")  # what a reference ends with that is called "them"


def verdict(figures: Figures) -> str:
    """What to know before anything else, in one sentence; empty where there is nothing to set the network beside.

    A result that is no better than chance; a reference that is better by more than the interval, which to use instead;
    that the network is better than all of them; or that no difference from the best of them could be shown.
    """
    found = (_by_chance, _better, _by_search, _beside, _decided)
    return next((said for each in found if (said := each(figures))), "")


def better_one(figures: Figures) -> str | None:
    """The name of the reference that is better than the network by more than the interval, the best of them; or None.

    figures: of the finished network.
    """
    worse = [each for each in _rivals(figures) if each.worse and not _is_searched(each.baseline)]
    return max(worse, key=lambda each: abs(each.value)).baseline if worse else None


def _rivals(figures: Figures) -> list[Difference]:
    return [each for each in figures.differences if each.baseline not in ("random pick", figures.constant)]


def _better(figures: Figures) -> str:
    """The sentence of a reference that the data say is better; else empty."""
    name = better_one(figures)
    if name is None:
        return ""
    found = next(each for each in figures.differences if each.baseline == name)
    them = name.endswith(SEVERAL)
    by = _by(figures.main, found)
    return f"{capital(name)} {'are' if them else 'is'} better here by {by}: use {'them' if them else 'it'} instead."


def _is_searched(name: str) -> bool:
    return name in SEARCHED or name.startswith(OF_METHOD)


def _by_search(figures: Figures) -> str:
    """The sentence of another search whose network is better; else empty."""
    worse = [each for each in _rivals(figures) if each.worse]
    if not worse:
        return ""
    found = max(worse, key=lambda each: abs(each.value))
    who = "The network that the random search found" if found.baseline in SEARCHED else f"The {found.baseline}"
    return f"{who} is better here by {_by(figures.main, found)}: take it instead."


def _decided(figures: Figures) -> str:
    """The sentence of a network that is better than all references, or not told apart from the best; else empty."""
    rivals, main = _rivals(figures), figures.main
    if not rivals or any(each.whole is None for each in rivals):
        return ""
    open_ = [each for each in rivals if not each.better]
    closest = min(open_ or rivals, key=lambda each: each.value if main.larger_is_better else -each.value)
    name = _as_it_was(figures, closest.baseline)
    if open_:
        low, high = _oriented(main, closest)[1:]
        far = _size(main, closest.value)
        ahead = f"{far} {'ahead' if closest.ahead else 'behind'}" if far.strip("0. points") else "level"
        return (
            f"No difference from {name} that these {figures.test_examples:,} test examples could show: the "
            f"found network is {ahead} (95 % interval {low} to {high})."
        )
    if len(rivals) == 1:
        return f"The found network is better than {name} by {_by(main, closest)}."
    best = f"than the best of them, {name}"
    rest = "both references" if len(rivals) == 2 else f"all {len(rivals)} references"
    return f"The found network is better than {rest}: by {_by(main, closest)} {best}."


def _as_it_was(figures: Figures, name: str) -> str:
    """The reference's name, and in brackets what a reader must know of it, such as that the time was short for it."""
    notes = [each.note for each in figures.baselines if each.name == name and each.fixed and each.note]
    return f"{name} ({notes[0]})" if notes else name


def _by(metric: Metric, found: Difference) -> str:
    """How far apart, and between which bounds: "2.10 points (1.40 to 2.80)"."""
    _, low, high = _oriented(metric, found)
    return f"{_size(metric, found.value)} ({low.lstrip('+-')} to {high.lstrip('+-')})"


def _oriented(metric: Metric, found: Difference) -> tuple[str, str, str]:
    """The difference and its bounds, as text without unit, larger where the network is better."""
    assert found.whole is not None
    sign = 1 if metric.larger_is_better else -1
    bounds = sorted((sign * each for each in found.whole), key=abs if found.better or found.worse else None)
    return _signed(metric, sign * found.value), _signed(metric, bounds[0]), _signed(metric, bounds[1])


def _size(metric: Metric, value: float) -> str:
    return metric.difference(abs(value)).lstrip("+-")


def _signed(metric: Metric, value: float) -> str:
    return metric.difference(value).partition(" ")[0]


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
    unsure = ahead > 0 and not main.of_examples
    than = "chance" if main.of_examples else "an answer that looks at no input"
    always = (figures.constant or "always the most frequent class").replace("always ", "always naming ")
    said = (
        f"{figures.test_examples:,} test examples do not tell this network from {than}"
        if unsure
        else f"This network is no better than {than}"
    )
    return f"{said}: {_named(figures, winner)} on the test split, where {always} gives {main.text(chance)}."


def _beside(figures: Figures) -> str:
    """The sentence of a network that does no better than a reference whose interval is not known; else empty."""
    winner, main = figures.winner, figures.main
    unknown = {each.baseline for each in _rivals(figures) if each.whole is None}
    rivals = [each for each in figures.baselines if each.name in unknown]
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
