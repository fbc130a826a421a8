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

    predictor: the paper's meta-DNN; by default an ensemble of multilayer perceptrons. cp, simulations, refit: as in the
    authors' program for NAS-Bench-101. Its accuracies are not scaled; here rewards are, to 0..1.
    """
    if predictor is None:
        from netwright.predictors.mlp import quick

        predictor = quick(space)
    return MonteCarloTreeSearch(space, 2 * cp, predictor=predictor, simulations=simulations, refit=refit)


def deep_architect(space: DecisionSpace, exploration: float = 1.0) -> MonteCarloTreeSearch:
    """DeepArchitect's tree search with bisection (Negrinho and Gordon 2017): ordered options are split in halves.

    exploration: the bonus of the authors' program. Its scores are not scaled; here rewards are, to 0..1.
    """
    return MonteCarloTreeSearch(space, exploration, halve="ordered")
