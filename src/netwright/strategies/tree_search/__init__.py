"""Monte-Carlo tree search over the decisions of a space."""

from __future__ import annotations

from netwright.strategies.tree_search.search import MonteCarloTreeSearch

__all__ = ["MonteCarloTreeSearch"]
