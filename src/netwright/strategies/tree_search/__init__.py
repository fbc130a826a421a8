"""Monte-Carlo tree search over the decisions of a space."""

from __future__ import annotations

from netwright.strategies.tree_search.search import MonteCarloTreeSearch

PROVIDES = ("search.mcts",)

__all__ = ["MonteCarloTreeSearch"]
