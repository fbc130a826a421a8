"""The methods of papers as expressions: predictor, acquisition and candidates, with the papers' defaults."""

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

if TYPE_CHECKING:
    from netwright.core.space import Space

KERNELS: dict[str, Callable[[Space], Kernel]] = {
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
_IMPROVEMENT = ExpectedImprovement()


def gp(
    space: Space,
    initial: int = 10,
    batch: int = 5,
    kernel: str = "flow",
    acquisition: Acquisition = _IMPROVEMENT,
    candidates: int = 100,
) -> BayesianOptimization:
    """A Gaussian process on path statistics, expected improvement, mutations of the best: the one to begin with.

    kernel: one of `KERNELS`; "decisions" costs less, and stays in a local optimum of NAS-Bench-201 more often. Five
    architectures a round cost a third of the time of one a round, and find as much there. candidates: how many
    architectures are compared in each round; three tenths of them are random ones, which lead out of a region that is
    all known: without them one search in twenty stayed in one.
    """
    if kernel not in KERNELS:
        raise ConfigurationError(f"gp has no kernel {kernel!r}{nearest(kernel, KERNELS)}")
    predictor = GaussianProcess(space, KERNELS[kernel](space))
    pool = MutationsOfBest(candidates, random=RANDOM_SHARE * candidates // 10)
    return BayesianOptimization(space, predictor, acquisition, pool, initial, batch)


def bananas(
    space: Space,
    initial: int = 10,
    batch: int = 10,
    networks: int = 5,
    candidates: int = 100,
    parents: int = 10,
    quick: bool = True,
) -> BayesianOptimization:
    """BANANAS (White et al. 2021) with a quicker ensemble; quick=False is the authors' setting throughout.

    An ensemble of networks, independent Thompson sampling, mutations of the 10 best: 10 random architectures, then 10 a
    round out of 100 candidates; the paper asks 150 in all. The authors' networks have 10 layers of 20 units, read the
    path encoding and learn for 150 epochs. The quick ones are smaller, learn from a fixed number of batches in a small
    part of the time, read the statistics of `Flow`, and three tenths of the candidates are random: with paths and
    mutations alone one search in six stayed in a local optimum of NAS-Bench-201.
    """
    from netwright.predictors.mlp import MlpEnsemble
    from netwright.predictors.mlp import quick as quick_ensemble

    if quick:
        predictor = quick_ensemble(space, Flow(space)).replace(networks=networks, steps=50)
    else:
        predictor = MlpEnsemble(space, networks=networks)
    pool = MutationsOfBest(candidates, parents, random=RANDOM_SHARE * candidates // 10 if quick else 0)
    return BayesianOptimization(space, predictor, IndependentThompsonSampling(), pool, initial, batch)


def nasbot(space: Space, initial: int = 10, batch: int = 5, candidates: int = 100) -> BayesianOptimization:
    """NASBOT (Kandasamy et al. 2018): a Gaussian process on OTMANN distances, expected improvement, evolved candidates.

    The paper learns after every trial; batch=1 does so, at five times the cost: each pair of architectures needs an
    optimal transport.
    """
    predictor = GaussianProcess(space, Otmann(space))
    return BayesianOptimization(space, predictor, ExpectedImprovement(), EvolvedCandidates(candidates), initial, batch)


def gp_nas(space: Space, initial: int = 10, batch: int = 5, candidates: int = 1000) -> BayesianOptimization:
    """GP-NAS (Li et al. 2020): a Gaussian process with a linear and an RBF kernel on the code of the architecture.

    The paper samples by maximal mutual information to learn the kernel, and estimates on a supernet; here the kernel
    is learnt by likelihood, and random architectures are chosen by their expected improvement.
    """
    predictor = GaussianProcess(space, LinearRbf(space))
    return BayesianOptimization(space, predictor, ExpectedImprovement(), RandomPool(candidates), initial, batch)


def auto_keras(space: Space, initial: int = 10, batch: int = 5, weight: float = 2.576) -> BayesianOptimization:
    """Auto-Keras (Jin et al. 2019): edit distances, the upper confidence bound, a tree search with annealing.

    The paper learns after every trial, as batch=1 does. weight: of the deviation in the bound; 2.576 in the authors'
    code (unsure).
    """
    predictor = GaussianProcess(space, EditDistance(space))
    return BayesianOptimization(space, predictor, UpperConfidenceBound(weight), AnnealingTree(), initial, batch)


def npenas(space: Space, initial: int = 10, batch: int = 10, candidates: int = 100) -> BayesianOptimization:
    """NPENAS-NP (Wei et al. 2020): evolution in which a predictor says which of many children are evaluated.

    10 random architectures, then the 10 best predicted of 100 mutations of the best a round; the paper asks 150. The
    paper's predictor is a graph isomorphism network; here it is an ensemble of small networks on paths, which learns
    in a small part of the time. Another one: BayesianOptimization(space, NeuralPredictor(space), PosteriorMean(), ...).
    """
    from netwright.predictors.mlp import quick

    return BayesianOptimization(space, quick(space), PosteriorMean(), MutationsOfBest(candidates), initial, batch)


def predictor(space: Space, initial: int = 172, batch: int = 20, candidates: int = 5000) -> BayesianOptimization:
    """The neural predictor (Wen et al. 2020): train 172 random architectures, predict many others, train the best.

    The paper predicts a whole space and evaluates the top K once; here the predictor then learns from these too, and
    the next 20 follow. candidates: how many are predicted; all of a space that has no more.
    """
    from netwright.predictors.neural import NeuralPredictor

    return BayesianOptimization(space, NeuralPredictor(space), PosteriorMean(), RandomPool(candidates), initial, batch)
