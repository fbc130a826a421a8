"""How well the shared weights of a recipe rank networks after so many steps, as far as it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WHERE = (
    "measured on NAS-Bench-201 with 5,000 CIFAR-10 images of 16 x 16 pixels, 4 channels, 1 cell a stage and "
    "minibatches of 16 or 32"
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Kendall's tau of shared scores with the table, mean over n searches, each scored on 100 networks.

    spread: standard deviation over the searches, None of a single one.
    above: whether the 95 % interval over the networks lies above 0 in each search.
    """

    steps: int
    tau: float
    spread: float | None
    n: int
    above: bool = False


MEASURED: Mapping[str, Sequence[Measured]] = {
    "single-path-one-shot": (
        Measured(500, -0.08, 0.10, 2),
        Measured(2_000, -0.04, 0.18, 2),
        Measured(8_000, 0.16, None, 1, above=True),
    ),
    "fairnas": (Measured(500, -0.03, None, 1),),
    "ghn": (Measured(500, 0.19, 0.07, 3),),
    "smash": (Measured(500, 0.05, 0.11, 2),),
    "gdas": (Measured(468, -0.09, 0.04, 2),),
    "darts": (Measured(468, -0.17, None, 1),),
}
"""By recipe, fewest steps first, with minibatches of 16 or 32; as `benchmarks/short_searches.py` measures it."""


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
    """The fewest measured steps after which shared weights rank better than chance; None where none of them do."""
    known = MEASURED.get(recipe.partition(":")[0], ())
    return next((each.steps for each in known if each.above), None)


def _words(each: Measured) -> str:
    spread = "" if each.spread is None else f" ± {each.spread:.2f}"
    return f"{each.tau:.2f}{spread} ({each.steps:,} steps, n = {each.n})"
