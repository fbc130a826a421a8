"""Searches for devices with kilobytes: SpArSe by a Gaussian process of random weights, narrow spaces at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.kernels import Exponential
from netwright.strategies.bayesian.candidates import MutationsOfBest
from netwright.strategies.bayesian.optimization import BayesianOptimization
from netwright.strategies.random_search import RandomSearch

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.space import Space

__all__ = ["iot_narrow", "sparse"]

PAPERS = {
    "iot_narrow": (
        "netwright search DATA --method iot-narrow --objective val_accuracy --objective macs",
        "number types of less precision; runtimes are calibrated by a profile of the device (--latency board.csv)",
    ),
    "sparse_mcu": (
        "netwright search DATA --method sparse --objective val_accuracy --objective size --objective peak_memory",
        "pruning inside of layers, for which narrower layers stand, and morphisms of networks",
    ),
}
SPACES = {
    "iot_narrow": "mobile:form=mcu",
    "sparse": "mobile:form=mcu",
}


def iot_narrow(space: Space) -> RandomSearch:
    """Narrow spaces (Scheidegger et al. 2019): random networks of a space that was made for the device, if they fit.

    Networks are drawn uniformly from a space that was made narrow beforehand, those that break a limit on memory or on
    a calibrated runtime are left out before training, and the front of accuracy and cost is shown. Published on
    CIFAR-10: 83.45 % where the baseline in the same memory has 70.64 %.

    space: the one to search; networks for microcontrollers unless told otherwise.
    """
    return RandomSearch(space)


def sparse(space: DecisionSpace, initial: int = 20, batch: int = 1, candidates: int = 100) -> BayesianOptimization:
    """SpArSe (Fedorov et al. 2019): a Gaussian process on objectives that random weights make one number.

    In each round accuracy, size and memory are joined by weights drawn anew (Chebyshev), and of mutations of the best
    and random networks the one of the highest expected improvement is trained. The paper prunes weights while it trains
    and goes from one network to the next by morphisms; here layers become narrower as a whole. Published: up to 7.4
    times smaller networks than before at the same accuracy.

    space: the one to search; networks for microcontrollers unless told otherwise.
    initial: random architectures first; ours.
    batch: architectures of each round.
    candidates: how many are compared in each round; three tenths of them are random.
    """
    pool = MutationsOfBest(candidates, random=30 * candidates // 100)
    return BayesianOptimization(
        space, GaussianProcess(space, Exponential(space)), candidates=pool, initial=initial, batch=batch
    )
