"""Evolution: aging evolution of image classifiers, and the genetic algorithm of Genetic CNN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.core.roles import innermost
from netwright.spaces.genetic_cnn import GeneticCnn
from netwright.strategies import (
    AtMostOne,
    BitCrossover,
    EachDecision,
    Elitist,
    Exploitation,
    FlipEach,
    Generational,
    GeneticAlgorithm,
    GroupCrossover,
    NeutralDrift,
    NobodyDies,
    NoCrossover,
    OneDecision,
    OneKind,
    PairwiseTournament,
    RegularizedEvolution,
    Roulette,
    Simple,
    Tournament,
    TournamentOfShare,
    Uniform,
    UniformCrossover,
)

if TYPE_CHECKING:
    from netwright.core.space import Space

__all__ = [
    "amoebanet",
    "cgp_cnn",
    "genetic_cnn",
    "hierarchical",
    "large_scale_evolution",
    "miller",
    "nsga_net",
    "regularized_evolution",
]

PAPERS = {
    "cgp_cnn": (
        "netwright search DATA --method cgp-cnn",
        "its linear layer on all places, before which there is an average over them",
    ),
    "genetic_cnn": (
        "netwright search DATA --method genetic-cnn",
        "its two fully connected layers, in place of which is one behind an average over places",
    ),
    "hierarchical_evo": (
        "netwright search DATA --method hierarchical",
        "a node of each motif, which --space hierarchical has, and maps that grow wherever edges meet",
    ),
    "large_scale_evolution": ("netwright search DATA --method large-scale-evolution", ""),
    "miller_ga": ("netwright search DATA --method miller", ""),
    "nsga_net": ("netwright search DATA --method nsga-net --objective val_accuracy --objective macs", ""),
    "regularized_evolution": ("netwright search DATA --method amoebanet", ""),
}
SPACES = {
    "cgp_cnn": "cgp-grid:widths=(8,16,32),widest=128",
    "genetic_cnn": "genetic-cnn",
    "hierarchical": "hierarchical:nodes=(3,4),channels=8",
    "large_scale_evolution": "large-scale",
    "miller": "connections",
    "nsga_net": "nsga-net",
    "amoebanet": "nasnet:cells=5,nodes=5,operations=amoebanet",
}


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


def genetic_cnn(
    space: Space,
    population: int = 20,
    crossover: float = 0.2,
    exchange: float = 0.2,
    mutated: float = 0.8,
    mutation: float = 0.05,
) -> GeneticAlgorithm:
    """Genetic CNN (Xie and Yuille 2017): a roulette by score above the worst, crossover, mutation, whole generations.

    Two parents that are crossed exchange whole stages, and have one child here where the paper takes both; a child of
    one parent has its bits flipped. In another space than the paper's decisions take the place of stages and of bits:
    each is taken from either parent, and each child is mutated. Published on CIFAR-10: 7.10 % test error.

    space: the one to search.
    population: N, how many live at once; the paper has 50 generations of them.
    crossover: p_C, the probability that two parents are crossed.
    exchange: q_C, the probability with which they exchange each stage.
    mutated: p_M, the probability that a child of one parent is mutated.
    mutation: q_M, the probability with which each of its bits is flipped then.
    """
    if isinstance(innermost(space), GeneticCnn):
        parts = GroupCrossover(crossover, exchange), FlipEach(mutation, mutated)
        return GeneticAlgorithm(space, population, Roulette(), *parts, Generational(), either=True)
    decisions = UniformCrossover(crossover), EachDecision(mutation)
    return GeneticAlgorithm(space, population, Roulette(), *decisions, Generational())


def cgp_cnn(space: Space, offspring: int = 2) -> GeneticAlgorithm:
    """CGP-CNN (Suganuma et al. 2017): one parent, children whose network differs, and a parent that drifts.

    The best child takes the parent's place where it is better. Otherwise the genes drift that do not count, so that the
    next children differ from another genotype of the same network. Published on CIFAR-10: 5.98 % test error with
    residual blocks after 1,500 networks of 50 epochs; those are `--space cgp-grid:blocks=res`.

    space: the one to search; on the command line a grid of 5 by 30 with a quarter of the paper's channels. In a space
        without neutral mutations a child as good as the parent takes its place.
    offspring: lambda, children of each generation, one a GPU in the paper.
    """
    return GeneticAlgorithm(space, 1, Uniform(), NoCrossover(), OneDecision(), NeutralDrift(offspring))


def hierarchical(space: Space, population: int = 200, share: float = 0.05, mutations: int = 1_000) -> GeneticAlgorithm:
    """Hierarchical representations (Liu et al. 2018): the best of a share of all so far has a child; nobody dies.

    The first ones are identities after many mutations. Published on CIFAR-10: 3.75 ± 0.12 % test error after 7,000
    networks, 1.5 days of 200 GPUs; random search in the same space 0.3 points more.

    space: the one to search; on the command line motifs of three nodes in a cell of four, a node less each than in the
        paper, with half of its channels.
    population: how many it begins with.
    share: of all that are known, from which the best is the parent.
    mutations: of each of the first ones.
    """
    selection, beginning = TournamentOfShare(share), Simple(mutations)
    return GeneticAlgorithm(
        space, population, selection, NoCrossover(), OneDecision(), NobodyDies(), beginning=beginning
    )


def large_scale_evolution(
    space: Space, population: int = 1_000, mutations: int = 0, inherit: bool = True
) -> GeneticAlgorithm:
    """Large-scale evolution (Real et al. 2017): of two members the worse dies, and the better has a child.

    It begins with networks without layers. A child differs by one of eleven mutations, drawn alike, and begins from its
    parent's weights where shapes allow; the learning rate is inherited and mutated, too. Published on CIFAR-10 with
    25,600 steps a network and 250 workers for eleven days: 5.4 % test error with 5.4 M parameters.

    space: the one to search; on the command line "large-scale". In a space that offers no kinds of change one decision
        is changed.
    population: how many live at once.
    mutations: of each of the first ones; dozens of trials find little from no layers on, and more after 20 mutations.
    inherit: whether children begin from their parents' weights, which those who live then keep on disk.
    """
    mutation = OneKind() if space.mutations else OneDecision()
    phases = PairwiseTournament(), NoCrossover(), mutation, NobodyDies()
    return GeneticAlgorithm(space, population, *phases, beginning=Simple(mutations), inherit=inherit)


def miller(space: Space, population: int = 50, crossover: float = 0.6) -> GeneticAlgorithm:
    """Miller, Todd and Hegde (1989): a genetic algorithm draws which units are connected, back-propagation the weights.

    Parents in proportion to their score above the worst, a row of the matrix exchanged, bits flipped, whole
    generations. The paper has networks of a few units for exclusive or and the like; the probability of crossover is
    recalled and not checked.

    space: the one to search; on the command line "connections", for vectors and small images.
    population: how many live at once.
    crossover: probability that two parents are crossed.
    """
    return GeneticAlgorithm(space, population, Roulette(), UniformCrossover(crossover), OneDecision(), Generational())


def nsga_net(
    space: Space, population: int = 40, explored: int = 800, crossover: float = 0.9, mutation: float = 0.02
) -> Exploitation:
    """NSGA-Net (Lu et al. 2019): NSGA-II on bits of phases, then architectures from a Bayesian network of phases.

    Give it two objectives, as `--objective val_accuracy --objective macs`. A child has what its parents have in common,
    and about as many connections as they; at most one bit of it is flipped. Of parents and children the better half
    lives on, by front and crowding distance, for 20 generations; 10 more are drawn from how often phases stood behind
    each other. Nothing is measured twice. The figures of the search are from memory; hand-made networks, with which the
    paper may begin, are given by `WarmStart`. Published on CIFAR-10: 3.85 % test error with 3.3 M parameters after 8
    GPU days, from memory; in the authors' repository 3.73 % with 3.37 M. Their program's second space is that of cells,
    `--space nasnet:operations=nsga-net`, which they search with other crossover and mutation.

    space: the one to search; on the command line "nsga-net". In a space of other decisions than bits each is taken from
        either parent.
    population: how many live, and how many children each generation has.
    explored: trials after which the Bayesian network draws; 20 generations of 40 in the paper.
    crossover: probability that two parents are crossed.
    mutation: probability of each bit to be flipped, of which one is at most.
    """
    phases = Tournament(2), BitCrossover(crossover), AtMostOne(mutation), Elitist()
    return Exploitation(GeneticAlgorithm(space, population, *phases, repeats=False), explored)
