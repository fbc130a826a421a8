"""A strategy from a text such as "evolution:population=20", for a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.catalogue.arguments import construct, split
from netwright.catalogue.loading import load
from netwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.core.strategy import Strategy

TRIALS = 80  # that a population is fitted to where nobody says how many there will be


def strategy(text: str, space: Space, trials: int | None = None) -> Strategy:
    """The strategy that a text names, with its options.

    text: a name with options, `module:Class` or `file.py:Class`, or a function there that makes one.
    space: that it searches.
    trials: the budget, where it is known; a population that it cannot fill is refused.

    Raises ConfigurationError for what there is not, with the nearest.
    """
    name, options = split(text)
    population = options.get("population", "")
    if trials is not None and population.isdigit() and int(population) > trials:
        raise ConfigurationError(
            f"a population of {population} cannot be filled by {trials} trials; "
            f"use --trials {population} or more, or a population of {max(2, trials // 4)}"
        )
    return construct(load("strategy", name), space, options=options)


def fitted(text: str, trials: int | None) -> str:
    """The text with the options written out that a budget gives where it is silent: a quarter of it as population."""
    name, options = split(text)
    options = {**_fitting(name, trials or TRIALS), **options}
    told = ",".join(f"{key}={value}" for key, value in options.items())
    return f"{name}:{told}" if told else name


def _fitting(name: str, trials: int) -> dict[str, str]:
    from netwright.methods.sizes import SIZES

    if name in SIZES:
        wanted = {
            "population": max(2, trials // 4),
            "sample": max(2, trials // 16),
            "explored": max(2, 2 * trials // 3),
        }
        return {option: str(wanted[option]) for option, size in SIZES[name].items() if wanted[option] < size}
    population = min(trials, max(4, min(100, trials // 4)))
    sizes = {"population": str(population), "repeats": "false"}
    if name == "evolution":
        return {"tournament": str(max(2, population // 4)), **sizes}
    if name in ("q-learning", "metaqnn", "blockqnn", "irlas"):
        return {"models": str(trials)}
    return {"genetic": sizes, "local": {"move": "first"}}.get(name, {})
