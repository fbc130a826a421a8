"""Bayesian optimisation and its kin: a predictor, an acquisition and candidates, with the papers' defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from netwright.core.errors import ConfigurationError, nearest
from netwright.predictors.encodings import Flow, Paths
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.kernels import (
    EditDistance,
    Exponential,
    Kernel,
    LinearRbf,
    Matern52,
    Otmann,
    Rbf,
    WeisfeilerLehman,
)
from netwright.strategies.bayesian.acquisition import (
    Acquisition,
    ExpectedImprovement,
    PosteriorMean,
    UpperConfidenceBound,
)
from netwright.strategies.bayesian.annealing import AnnealingTree
from netwright.strategies.bayesian.candidates import MutationsOfBest, RandomPool
from netwright.strategies.bayesian.evolved import EvolvedCandidates
from netwright.strategies.bayesian.optimization import BayesianOptimization
from netwright.strategies.bayesian.thompson import IndependentThompsonSampling
from netwright.strategies.evolution.variation import EachDecision

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.space import Space

__all__ = ["auto_keras", "bananas", "gp", "gp_nas", "nasbot", "npenas", "predictor", "semi_assessor"]

PAPERS = {
    "auto_keras": (
        "netwright search DATA --method auto-keras",
        "morphisms, by which a network goes on from its parent's weights",
    ),
    "gp_nas": (
        "netwright search DATA --method gp-nas",
        "its space of mobile blocks, the supernet and the limit on latency",
    ),
    "nasbot": (
        "netwright search DATA --method nasbot --space free-graph",
        "widths of layers in the distance between graphs",
    ),
    "neural_predictor": (
        "netwright compare --space nasbench101 --table TABLE --metric METRIC --evaluations 300 --method predictor",
        "",
    ),
    "semi_assessor": (
        "netwright compare --space nasbench101 --table TABLE --metric METRIC --evaluations 300 --method semi-assessor",
        "",
    ),
}

KERNELS: dict[str, Callable[[DecisionSpace], Kernel]] = {
    "decisions": Exponential,
    "relevance": lambda space: Exponential(space, relevance=True),
    "matern": Matern52,
    "rbf": Rbf,
    "paths": lambda space: Exponential(space, Paths(space)),
    "flow": lambda space: Matern52(space, Flow(space)),
    "linear-rbf": LinearRbf,
    "weisfeiler-lehman": WeisfeilerLehman,
    "otmann": Otmann,
    "edit-distance": EditDistance,
}
"""Kernels by the name that `gp` takes."""

RANDOM_SHARE = 3  # tenths
MOST_PATHS = 40  # of the truncated path encoding
SMALL = 300  # examples of a Gaussian process whose rounds compare many candidates, or measure each pair at length
REDRAWN = 1.875  # decisions that a mutation of BANANAS draws anew: with five options 1.5 of them change
_IMPROVEMENT = ExpectedImprovement()


def gp(
    space: DecisionSpace,
    initial: int = 10,
    batch: int = 10,
    kernel: str = "flow",
    acquisition: Acquisition = _IMPROVEMENT,
    candidates: int = 100,
) -> BayesianOptimization:
    """A Gaussian process on path statistics, expected improvement, mutations of the best: the one to begin with.

    Ten architectures a round, as in BANANAS, cost a fraction of the time of one a round, and find as much there.

    space: the one to search.
    initial: random architectures first.
    batch: architectures of each round.
    kernel: one of `KERNELS`; "decisions" costs less, and stays in a local optimum of NAS-Bench-201 more often.
    acquisition: what a candidate is worth, as `UpperConfidenceBound()`.
    candidates: how many architectures are compared in each round; three tenths of them are random ones, which lead out
        of a region that is all known: without them one search in twenty stayed in one.
    """
    if kernel not in KERNELS:
        raise ConfigurationError(f"gp has no kernel {kernel!r}{nearest(kernel, KERNELS)}")
    predictor = GaussianProcess(space, KERNELS[kernel](space))
    pool = MutationsOfBest(candidates, random=RANDOM_SHARE * candidates // 10)
    return BayesianOptimization(space, predictor, acquisition, pool, initial, batch)


def bananas(
    space: DecisionSpace,
    initial: int = 10,
    batch: int = 10,
    networks: int = 5,
    candidates: int = 100,
    parents: int | None = None,
    quick: bool = True,
) -> BayesianOptimization:
    """BANANAS (White et al. 2021) with a quicker ensemble; quick=False is the paper's, with the authors' settings.

    An ensemble of networks, independent Thompson sampling, mutations of the best: 10 random architectures, then 10 a
    round out of 100 candidates, 150 in all. All numbers are those of the authors' final code (naszilla): 1 parent, and
    up to 5 where its mutations were asked already (`get_candidates`); `networks` of 10 layers of 20 units, mean
    absolute error, batches of 32 for 150 epochs, Adam at 0.01 with moment decays 0.9 and 0.99
    (`meta_neuralnet_params`); the truncated path encoding (`encode`), see `truncated_paths`; 1.5 decisions change in a
    mutation, each with equal probability (`mutate`, NAS-Bench-201). Here scores are standardised, where the authors
    learn percentages as they are, and there are never more than 100 candidates.

    The quick form costs a tenth. Its networks have 3 layers of 32 units, learn from 50 batches under a rate that rises
    and falls, and read the statistics of `Flow`; candidates are mutations, of one decision, of the 10 best, and three
    tenths of them random architectures.

    space: the one to search.
    initial: random architectures first; 10 in the authors' code.
    batch: architectures of each round; 10 in the authors' code.
    networks: in the ensemble.
    candidates: architectures compared in each round; 100 in the authors' code.
    parents: of how many of the best the candidates are mutations; None for 1 to 5 in the paper's form, 10 in the quick.
    quick: whether it is the quick form.
    """
    from netwright.predictors.mlp import MlpEnsemble
    from netwright.predictors.mlp import quick as quick_ensemble

    if quick:
        predictor = quick_ensemble(space, Flow(space)).replace(networks=networks, steps=50)
        pool = MutationsOfBest(candidates, 10 if parents is None else parents, random=RANDOM_SHARE * candidates // 10)
    else:
        predictor = MlpEnsemble(space, truncated_paths(space), networks)
        changes = EachDecision(min(1.0, REDRAWN / max(len(space.decisions), 1)))
        pool = MutationsOfBest(candidates, 1 if parents is None else parents, changes)
    return BayesianOptimization(space, predictor, IndependentThompsonSampling(), pool, initial, batch)


def truncated_paths(space: DecisionSpace) -> Paths:
    """The path encoding without the longest paths, which are many and rare (White et al. 2021).

    As long as there are no more than 40 paths, the authors' cut: 40 paths in NAS-Bench-101, and 30, those of one and of
    two operations, in NAS-Bench-201.
    """
    longest = 1
    while Paths(space, longest).dimension < Paths(space, longest + 1).dimension <= MOST_PATHS:
        longest += 1
    return Paths(space, longest)


def nasbot(space: Space, initial: int = 10, batch: int = 5, candidates: int = 100) -> BayesianOptimization:
    """NASBOT (Kandasamy et al. 2018): a Gaussian process on OTMANN distances, expected improvement, evolved candidates.

    The paper learns after every trial; batch=1 does so, at five times the cost: each pair of architectures needs an
    optimal transport. Its layers have widths, which a space's graph does not tell. Of more than 300 architectures a
    part is learnt. `gp` with the kernel "weisfeiler-lehman" takes less time.

    space: the one to search.
    initial: random architectures first.
    batch: architectures of each round.
    candidates: architectures compared in each round.
    """
    predictor = GaussianProcess(space, Otmann(space), most=SMALL)
    return BayesianOptimization(space, predictor, ExpectedImprovement(), EvolvedCandidates(candidates), initial, batch)


def gp_nas(space: DecisionSpace, initial: int = 10, batch: int = 5, candidates: int = 1000) -> BayesianOptimization:
    """GP-NAS (Li et al. 2020): a Gaussian process with a linear and an RBF kernel on the code of the architecture.

    The paper samples by maximal mutual information to learn the kernel, and estimates on a supernet; here the kernel is
    learnt by likelihood, and random architectures are chosen by their expected improvement.

    space: the one to search.
    initial: random architectures first.
    batch: architectures of each round.
    candidates: random architectures compared in each round.
    """
    predictor = GaussianProcess(space, LinearRbf(space), most=SMALL)
    return BayesianOptimization(space, predictor, ExpectedImprovement(), RandomPool(candidates), initial, batch)


def auto_keras(space: Space, initial: int = 10, batch: int = 5, weight: float = 2.576) -> BayesianOptimization:
    """Auto-Keras (Jin et al. 2019): edit distances, the upper confidence bound, a tree search with annealing.

    The paper learns after every trial, as batch=1 does, and its code embeds the distances before its kernel is taken
    (see `EditDistance`). Of more than 300 architectures a part is learnt. `gp` takes less time.

    space: the one to search.
    initial: random architectures first.
    batch: architectures of each round.
    weight: of the deviation in the bound; 2.576 in the authors' code (unsure).
    """
    predictor = GaussianProcess(space, EditDistance(space), most=SMALL)
    return BayesianOptimization(space, predictor, UpperConfidenceBound(weight), AnnealingTree(), initial, batch)


def npenas(space: DecisionSpace, initial: int = 10, batch: int = 10, candidates: int = 100) -> BayesianOptimization:
    """NPENAS-NP (Wei et al. 2020) with another predictor: one says which of many children are evaluated.

    10 random architectures, then the 10 best predicted of 100 mutations, each of one decision, of the best a round (the
    authors' code, NPENASv1: `gin_predictor_nasbench_201`, `get_candidates`). There the best one has up to 100
    mutations, then the next, until there are 100 candidates; here each of the 10 best has as many. 150 are asked in
    all, 100 on NAS-Bench-201.

    The authors' predictor is one graph isomorphism network: 3 layers of 32, the mean over nodes, a layer of 16, dropout
    0.1, a sigmoid; squared error, 300 epochs of batches of 10, Adam at 0.005 falling as a cosine, moment decays 0 and
    0.9, weight decay 1e-4. Here it is an ensemble of small networks on paths, which learns in a small part of the time.
    Another one: BayesianOptimization(space, NeuralPredictor(space), PosteriorMean(), ...).

    space: the one to search.
    initial: random architectures first.
    batch: architectures of each round.
    candidates: mutations compared in each round.
    """
    from netwright.predictors.mlp import quick

    return BayesianOptimization(space, quick(space), PosteriorMean(), MutationsOfBest(candidates), initial, batch)


def predictor(
    space: DecisionSpace, initial: int = 172, batch: int = 128, candidates: int = 5000, epochs: int = 100
) -> BayesianOptimization:
    """The neural predictor (Wen et al. 2020): train 172 random architectures, predict many others, train the best.

    The paper predicts a whole space and evaluates the top K once; here K is `batch`, and the predictor then learns from
    these too, before the next K follow. Its network takes 2,000 steps for 200 architectures, so that small batches are
    dear; `npenas` and `bananas` take less time. It learns ranks, and its rate and decay are not those of the program it
    comes from: see `NeuralPredictor`.

    space: the one to search.
    initial: random architectures first; 172 in the paper.
    batch: architectures of each round.
    candidates: how many are predicted; all of a space that has no more.
    epochs: of the training of its network.
    """
    from netwright.predictors.neural import NeuralPredictor

    known = NeuralPredictor(space, epochs=epochs)
    return BayesianOptimization(space, known, PosteriorMean(), RandomPool(candidates), initial, batch)


def semi_assessor(
    space: DecisionSpace, initial: int = 20, batch: int = 10, candidates: int = 100, unlabelled: int = 200
) -> BayesianOptimization:
    """The semi-supervised assessor (Tang et al. 2020): evolution in which a predictor that learns from both chooses.

    The predictor embeds evaluated and other architectures, relates those that are alike, and learns scores and the
    embedding together; see `SemiSupervisedAssessor` for what is this project's choice in it. The numbers here are, too.

    space: the one to search.
    initial: random architectures first.
    batch: architectures of each round.
    candidates: mutations of the best that are compared in each round.
    unlabelled: architectures without scores that it learns from besides.
    """
    from netwright.predictors.neural import SemiSupervisedAssessor

    known = SemiSupervisedAssessor(space, unlabelled=unlabelled)
    return BayesianOptimization(space, known, PosteriorMean(), MutationsOfBest(candidates), initial, batch)
