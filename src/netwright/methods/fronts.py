"""Searches for a whole front of several objectives: NSGA-II and its kin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from netwright.strategies import EachDecision, Elitist, GeneticAlgorithm, Tournament, UniformCrossover

if TYPE_CHECKING:
    from netwright.core.space import Space

__all__ = ["nsga2"]


def nsga2(
    space: Space,
    population: int = 20,
    crossover: float = 0.9,
    mutation: float | None = None,
    repeats: bool | Literal["equivalent"] = "equivalent",
) -> GeneticAlgorithm:
    """NSGA-II (Deb et al. 2002): better is who lies on an earlier front, then who has more room around him on it.

    Of two members drawn at random the better becomes a parent, decisions come from either of two parents, each is then
    drawn anew with a small probability, and of parents and children together the better half lives on. As in the paper
    but for two things that suit hundreds of costly evaluations: no network is measured twice, and the population is 20
    rather than 100; `population=100,repeats=True` has the paper's. With one objective the score takes the place of
    fronts.

    space: the one to search.
    population: how many live, and how many children each generation has.
    crossover: probability that two parents are crossed; 0.9 in the paper.
    mutation: probability with which each decision is drawn anew; None for 1 / number of decisions, as in the paper.
    repeats: whether a child may be measured that was measured before; "equivalent" lets those that only compute the
        same, as their time and memory may be another.
    """
    phases = Tournament(2), UniformCrossover(crossover), EachDecision(mutation), Elitist()
    return GeneticAlgorithm(space, population, *phases, repeats=repeats)
