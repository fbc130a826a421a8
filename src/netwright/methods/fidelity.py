"""Many candidates on a small budget, and more for the promising ones: Hyperband, ASHA, BOHB, learning curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netwright.core.decision_space import with_decisions
from netwright.predictors.curves import Pairwise, SupportVectors
from netwright.strategies.fidelity import Asha, Extrapolated, Hyperband, KernelDensity, SuccessiveHalving
from netwright.strategies.random_search import RandomSearch

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.space import Space
    from netwright.core.strategy import Strategy

__all__ = ["asha", "bohb", "hyperband", "lcranknet", "mo_asha", "performance_prediction", "successive_halving"]

PAPERS = {
    "acc_nas_perf_pred": (
        "netwright search DATA --method performance-prediction",
        "hyperparameters among what it learns from; the margin by which a network that is foretold to lose goes on",
    ),
    "hyperband": (
        "netwright search DATA --method hyperband",
        "",
    ),
    "lcranknet": (
        "netwright search DATA --method lcranknet --space nasnet",
        "its networks, in whose place a linear model stands",
    ),
    "mo_asha": ("netwright search DATA --method mo-asha --objective val_accuracy --objective params", ""),
}


SPACES = {
    "performance_prediction": "metaqnn:layers=8,filters=(8,16,32,64),dense=(64,32)",
}


def successive_halving(
    space: Space, candidates: int = 27, least: float = 1 / 27, eta: float = 3, sampler: Strategy | None = None
) -> SuccessiveHalving:
    """Successive halving (Jamieson and Talwalkar 2016): one bracket, which gives the best third three times as much.

    space: the one to search.
    candidates: how many begin.
    least: the smallest share of the full budget.
    eta: a rung keeps 1/eta of its candidates, with eta times as much for each.
    sampler: the strategy that candidates come from; by default random search.
    """
    return SuccessiveHalving(space, candidates, least, eta, sampler)


def hyperband(
    space: Space,
    least: float = 1 / 27,
    eta: float = 3,
    sampler: Strategy | None = None,
    overlapping: bool = False,
) -> Hyperband:
    """Hyperband (Li et al. 2017): brackets of successive halving, from many candidates to much for each, and again.

    space: the one to search.
    least: the smallest share of the full budget, 1 / R of the paper.
    eta: a rung keeps 1/eta of its candidates; 3 in the paper.
    sampler: the strategy that candidates come from; random search, as in the paper, by default.
    overlapping: whether the next bracket begins while workers would wait for a rung; the paper does one after another.
    """
    return Hyperband(space, least, eta, sampler, overlapping)


def asha(space: Space, least: float = 1 / 27, eta: float = 3, sampler: Strategy | None = None) -> Asha:
    """ASHA (Li et al. 2020): a trial goes on as soon as it is among the best third of its rung; no worker waits.

    space: the one to search.
    least: the smallest share of the full budget.
    eta: a trial among the best 1/eta of its rung is promoted, to eta times as much.
    sampler: the strategy that candidates come from; by default random search.
    """
    return Asha(space, least, eta, sampler)


def mo_asha(space: Space, least: float = 1 / 27, eta: float = 3, sampler: Strategy | None = None) -> Asha:
    """MO-ASHA (Schmucker et al. 2021): ASHA for several objectives, whose rungs are ordered by front and spread out.

    Give it two objectives, as `--objective val_accuracy --objective params`. Of a front those go on first that are far
    from each other, an epsilon-net (Salinas et al. 2021), which the paper found better than crowding distance, as
    `asha` has it. Ours is that each objective is scaled to 0..1 over a front.

    space: the one to search.
    least: the smallest share of the full budget.
    eta: a trial among the best 1/eta of its rung is promoted, to eta times as much; 3 in the paper, from memory.
    sampler: the strategy that candidates come from; by default random search, as in the paper.
    """
    return Asha(space, least, eta, sampler, "epsilon-net")


def bohb(
    space: DecisionSpace, least: float = 1 / 27, eta: float = 3, overlapping: bool = True, **model: Any
) -> Hyperband:
    """BOHB (Falkner et al. 2018): Hyperband whose candidates come from densities of good and of bad architectures.

    space: the one to search.
    least: the smallest share of the full budget.
    eta: a rung keeps 1/eta of its candidates.
    overlapping: whether brackets overlap, as in the paper's parallel version (section 4.2).
    model: options of `KernelDensity`.
    """
    return Hyperband(space, least, eta, KernelDensity(space, **model), overlapping)


def lcranknet(
    space: Space, look: float = 1 / 3, threshold: float = 0.55, least: int = 20, sampler: Strategy | None = None
) -> Extrapolated:
    """LCRankNet (Wistuba and Pedapati 2020): a training ends where it will hardly beat the best, learnt from pairs.

    The pairwise loss is the paper's; its convolutional network on curves and its recurrent one on architectures are a
    linear model here, and curves of other data sets are not learnt from.

    space: the one to search.
    look: the share of the training after which the curve is judged; with fewer than three epochs it never is.
    threshold: a training ends where it stays below the best with a larger probability; 0.45 to beat it in the paper.
    least: complete trainings first.
    sampler: the strategy that candidates come from; random search, as in the paper, by default.
    """
    return Extrapolated(sampler or RandomSearch(space), Pairwise(least=least), (look,), threshold)


def performance_prediction(
    space: Space, look: float = 0.25, threshold: float = 0.95, least: int = 100, sampler: Strategy | None = None
) -> Extrapolated:
    """Performance prediction (Baker et al. 2018): MetaQNN whose trainings end where their curves will not win.

    A nu-support-vector regression on the first values of a learning curve, their differences and the architecture
    foretells its end; its error in cross-validation says how sure that is. Q-learning is told the score that is
    foretold. Numbers are from memory. Published: 3.8 times as fast for MetaQNN, up to 6 times for Hyperband.

    space: the one to search; that of MetaQNN unless told otherwise, which needs decisions for Q-learning.
    look: the share of the training after which the curve is judged.
    threshold: a training ends where it stays below the best with a larger probability.
    least: complete trainings first; 100 in the paper.
    sampler: the strategy that candidates come from; MetaQNN, as in the paper, by default.
    """
    from netwright.strategies.reinforcement import QLearning

    sampler = sampler or QLearning(with_decisions(QLearning, space), window=1)
    return Extrapolated(sampler, SupportVectors(least=least), (look,), threshold)
