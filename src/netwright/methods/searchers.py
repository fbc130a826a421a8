"""One space, any searcher: the second DeepArchitect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from netwright.core.errors import ConfigurationError, nearest
from netwright.core.strategy import Strategy
from netwright.predictors.linear import Linear
from netwright.strategies.bayesian import BayesianOptimization, NowAndThenRandom, PosteriorMean, RandomPool
from netwright.strategies.evolution import RegularizedEvolution
from netwright.strategies.random_search import RandomSearch
from netwright.strategies.tree_search import MonteCarloTreeSearch

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace

__all__ = ["deep_architect2"]

PAPERS = {
    "deep_architect2": (
        "netwright search DATA --method deep-architect2:searcher=smbo",
        "its second SMBO, whose candidates come from a tree search",
    ),
}


def deep_architect2(space: DecisionSpace, searcher: str = "smbo") -> Strategy:
    """The searchers that DeepArchitect puts on any space of its language (Negrinho et al. 2019).

    The paper is a language: modules with decisions, decisions that depend on others, and modules that become others
    once theirs are taken; what searches sees only which decision comes next. A `Space` is that language here, so that
    any searcher serves. Settings are those of the authors' experiment on CIFAR-10. It compares the searchers, and has
    no single headline to quote. Left out: its second SMBO, whose candidates come from a tree search. Its ridge has a
    penalty of 1e-5 on hashed names of modules; here the penalty follows from the evidence, on one-hot decisions.

    space: the one to search.
    searcher: one of `SEARCHERS`. "random"; "evolution", a population of 100 of which the best of 25 is mutated and the
        oldest dies; "mcts", by upper bounds with the bonus 0.33, in the order of the decisions; "smbo", which asks the
        best of 512 random architectures by a ridge regression, and in one of ten turns a random one.
    """
    if searcher not in SEARCHERS:
        raise ConfigurationError(f"deep_architect2 has no searcher {searcher!r}{nearest(searcher, SEARCHERS)}")
    return SEARCHERS[searcher](space)


def _smbo(space: DecisionSpace) -> BayesianOptimization:
    candidates = NowAndThenRandom(RandomPool(512), 0.1)
    return BayesianOptimization(space, Linear(space), PosteriorMean(), candidates, initial=2, batch=1)


SEARCHERS: Mapping[str, Callable[[DecisionSpace], Strategy]] = {
    "random": RandomSearch,
    "evolution": lambda space: RegularizedEvolution(space, population=100, tournament=25),
    "mcts": lambda space: MonteCarloTreeSearch(space, 0.33, order="space"),
    "smbo": _smbo,
}
"""By the name that `deep_architect2` takes."""
