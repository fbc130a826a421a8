"""Evolution: aging evolution of image classifiers, and the genetic algorithm of Genetic CNN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from netwright.strategies import (
    EachDecision,
    Generational,
    GeneticAlgorithm,
    RegularizedEvolution,
    Roulette,
    UniformCrossover,
)

if TYPE_CHECKING:
    from netwright.core.space import Space

__all__ = ["amoebanet", "genetic_cnn", "regularized_evolution"]

PAPERS = {
    "genetic_cnn": (
        "netwright search DATA --method genetic-cnn --space nasbench101",
        "its space of stages: any space stands for it, and decisions cross over in place of stages",
    ),
    "regularized_evolution": ("netwright search DATA --method amoebanet", ""),
}
SPACES = {
    "amoebanet": "nasnet:cells=5,nodes=5,operations=amoebanet",
}

SIZES: Mapping[str, Mapping[str, int]] = {
    "amoebanet": {"population": 100, "sample": 25},
}
"""By the name of a method the numbers of its paper that the command line makes smaller for a small budget."""


def regularized_evolution(
    space: Space, population: int = 100, sample: int = 25, identity: float = 0.05
) -> RegularizedEvolution:
    """Regularised evolution (Real et al. 2019): the best of a sample has a child, and the oldest member dies.

    Published for AmoebaNet-A on CIFAR-10, after 20,000 networks: 3.34 ± 0.06 % test error with 3.2 M parameters.

    space: the one to search.
    population: P, how many live at once.
    sample: S, how many are drawn for a parent.
    identity: probability of asking the parent once more in place of a mutation of it.
    """
    return RegularizedEvolution(space, population, sample, identity)


def amoebanet(space: Space, population: int = 100, sample: int = 25, identity: float = 0.05) -> RegularizedEvolution:
    """AmoebaNet (Real et al. 2019): regularised evolution of cells of five nodes with eight operations.

    A mutation draws another input, or another operation, of one node of the normal or the reduction cell. Published:
    20,000 networks of 11 cells and 24 channels for 25 epochs each, 3,150 GPU days; AmoebaNet-A on CIFAR-10 with 3.2 M
    parameters: 3.34 ± 0.06 % test error. Here cells are fewer and narrower unless the space says otherwise.

    space: the one to search; on the command line NASNet's with five cells of five nodes and AmoebaNet's operations.
    population: P, how many live at once.
    sample: S, how many are drawn for a parent.
    identity: probability of asking the parent once more in place of a mutation of it.
    """
    return RegularizedEvolution(space, population, sample, identity)


def genetic_cnn(space: Space, population: int = 20, crossover: float = 0.2, mutation: float = 0.05) -> GeneticAlgorithm:
    """Genetic CNN (Xie and Yuille 2017): a roulette by score above the worst, crossover, mutation, whole generations.

    The paper encodes the connections of each stage by bits, crosses whole stages, and mutates 8 of 10 individuals by
    flipping each bit with probability 0.05. Here decisions take the place of stages and of bits, and each individual is
    mutated; a decision that is drawn anew may stay as it was. Published on CIFAR-10: 7.10 % test error.

    space: the one to search.
    population: N, how many live at once; the paper has 50 generations of them.
    crossover: probability that two parents are crossed.
    mutation: probability with which each decision is drawn anew.
    """
    return GeneticAlgorithm(
        space, population, Roulette(), UniformCrossover(crossover), EachDecision(mutation), Generational()
    )
