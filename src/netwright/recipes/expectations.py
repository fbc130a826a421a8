"""How well the shared weights of a recipe rank networks after so many steps, as far as it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WHERE = "measured on NAS-Bench-201 with 5,000 CIFAR-10 images"
USEFUL = 0.2  # of Kendall's tau: below, the shared weights choose little better than chance


@dataclass(frozen=True, slots=True)
class Measured:
    """Kendall's tau of shared scores with the table. spread: over n searches, each of 100 networks."""

    steps: int
    tau: float
    spread: float
    n: int


MEASURED: Mapping[str, Sequence[Measured]] = {}
"""By recipe, fewest steps first; `benchmarks/short_searches.py` measures it."""


def expected(recipe: str, steps: int) -> str:
    """What to expect of a recipe ("fairnas:epochs=3") after so many steps, in a sentence; "" where it is not known."""
    known = MEASURED.get(recipe.partition(":")[0], ())
    if not known:
        return ""
    said = f"{steps:,} steps: Kendall's tau of shared weights with the truth"
    below = [each for each in known if each.steps <= steps]
    above = [each for each in known if each.steps > steps]
    if below and (below[-1].steps == steps or not above):
        beyond = "" if below[-1].steps == steps else "; not measured above"
        return f"{said} about {_words(below[-1])}{beyond}; {WHERE}"
    if not below:
        return f"{said} about {_words(above[0])}; not measured below; {WHERE}"
    return f"{said} between {_words(below[-1])} and {_words(above[0])}; {WHERE}"


def steps_needed(recipe: str) -> int | None:
    """The fewest measured steps after which shared weights rank usefully; None where none of those measured did."""
    known = MEASURED.get(recipe.partition(":")[0], ())
    return next((each.steps for each in known if each.tau - each.spread >= USEFUL), None)


def _words(each: Measured) -> str:
    return f"{each.tau:.2f} ± {each.spread:.2f} ({each.steps:,} steps, n = {each.n})"
