"""Monte-Carlo tree searches: AlphaX and DeepArchitect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.strategies.tree_search import MonteCarloTreeSearch

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.predictors import Predictor

__all__ = ["alphax", "deep_architect"]

PAPERS = {
    "alphax": (
        "netwright search DATA --method alphax --space nasnet",
        "weights that children take over from their parents",
    ),
    "deep_architect": (
        "netwright search DATA --method deep-architect",
        "",
    ),
}


def alphax(
    space: DecisionSpace, predictor: Predictor | None = None, cp: float = 2.0, simulations: int = 10, refit: int = 100
) -> MonteCarloTreeSearch:
    """AlphaX (Wang et al. 2018): UCT with the bound mean + 2 Cp sqrt(2 ln N / n), and a predictor in the rewards.

    The program's accuracies are not scaled; here rewards are, to 0..1.

    space: the one to search.
    predictor: the paper's meta-DNN; by default an ensemble of multilayer perceptrons.
    cp: Cp of the bound, as in the authors' program for NAS-Bench-101.
    simulations: random architectures below a walk's last node whose scores are predicted; as in that program.
    refit: trials after which the predictor is fitted each time; as in that program.
    """
    if predictor is None:
        from netwright.predictors.mlp import quick

        predictor = quick(space)
    return MonteCarloTreeSearch(space, 2 * cp, predictor=predictor, simulations=simulations, refit=refit)


def deep_architect(space: DecisionSpace, exploration: float = 1.0) -> MonteCarloTreeSearch:
    """DeepArchitect's tree search with bisection (Negrinho and Gordon 2017): ordered options are split in halves.

    The program's scores are not scaled; here rewards are, to 0..1.

    space: the one to search.
    exploration: the bonus of the authors' program.
    """
    return MonteCarloTreeSearch(space, exploration, halve="ordered")
