"""Searches for a whole front of several objectives: NSGA-II, LEMONADE, PPP-Net, and Bayesian ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.kernels import Exponential
from netwright.strategies import EachDecision, Elitist, GeneticAlgorithm, Tournament, UniformCrossover
from netwright.strategies.bayesian.candidates import MutationsOfBest
from netwright.strategies.bayesian.optimization import BayesianOptimization
from netwright.strategies.fronts import FrontOptimization, LamarckianEvolution
from netwright.strategies.progressive import ProgressiveBeam

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.space import Space

__all__ = ["ehvi", "lemonade", "nsga2", "parego", "ppp_net"]

PAPERS = {
    "lemonade": (
        "netwright search DATA --method lemonade --objective val_accuracy --objective params",
        "exact morphisms: children keep the weights of the layers that stay, and cheap objectives of children are "
        "predicted until they are measured",
    ),
    "ppp_net": (
        "netwright search DATA --method ppp-net --space nasnet --objective val_accuracy --objective params",
        "its recurrent predictor, in whose place are perceptrons, and its cells of CondenseNet",
    ),
}

RANDOM = 30  # of 100 candidates


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


def ehvi(space: DecisionSpace, initial: int = 10, batch: int = 5, candidates: int = 100) -> FrontOptimization:
    """Expected improvement of the hypervolume (Emmerich et al. 2006), with a Gaussian process for each objective.

    Random architectures first; then in each round those of the candidates, which are mutations of the front and random
    ones, by which the front is expected to gain most, one after the other.

    space: the one to search.
    initial: random architectures first.
    batch: architectures of each round; 1 learns after each.
    candidates: how many are compared in each round; three tenths of them are random.
    """
    pool = MutationsOfBest(candidates, random=RANDOM * candidates // 100)
    predictor = GaussianProcess(space, Exponential(space))
    return FrontOptimization(space, predictor, candidates=pool, initial=initial, batch=batch)


def parego(space: DecisionSpace, initial: int = 10, batch: int = 1, candidates: int = 100) -> BayesianOptimization:
    """ParEGO (Knowles 2006): in each round all objectives are made one number, under weights that are drawn anew.

    That is the augmented Chebyshev value, on which a Gaussian process learns; its expected improvement chooses. The
    paper begins with 11 d - 1 points of a Latin hypercube for d real parameters, and searches the improvement by a
    genetic algorithm; here architectures are drawn at random, and mutations of the best are compared.

    space: the one to search.
    initial: random architectures first.
    batch: architectures of each round; 1 in the paper.
    candidates: how many are compared in each round; three tenths of them are random.
    """
    pool = MutationsOfBest(candidates, random=RANDOM * candidates // 100)
    predictor = GaussianProcess(space, Exponential(space))
    return BayesianOptimization(space, predictor, candidates=pool, initial=initial, batch=batch)


def lemonade(
    space: DecisionSpace, population: int = 20, proposed: int = 50, accepted: int = 10, inherit: bool = True
) -> LamarckianEvolution:
    """LEMONADE (Elsken et al. 2019): of many children those are trained whose cheap objectives are rare on the front.

    They begin from their parents' weights. The first objective is the costly one, the others are cheap. In the paper
    the cheap ones of all children are computed; here they are predicted from what was measured. Published on CIFAR-10:
    3.05 % test error with 4.7 M parameters, in 8 GPUs' week; the figures are from memory.

    space: the one to search.
    population: random architectures first.
    proposed: children of each generation; n_pc in the paper.
    accepted: how many of them are trained; n_ac in the paper.
    inherit: whether children begin from their parents' weights.
    """
    return LamarckianEvolution(space, population, proposed, accepted, inherit)


def ppp_net(space: DecisionSpace, beam: int = 128, candidates: int = 20_000) -> ProgressiveBeam:
    """PPP-Net (Dong et al. 2018): cells grow by a block a stage, of which those on the predicted front are trained.

    Every objective is predicted by itself; with one objective this is PNAS.

    space: the one to search.
    beam: K, how many architectures of each stage are trained; 128 in the paper, from memory.
    candidates: of more extensions than so many, a random part is ranked.
    """
    return ProgressiveBeam(space, beam, candidates=candidates, front=True)
