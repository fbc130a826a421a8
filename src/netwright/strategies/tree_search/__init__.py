"""Monte-Carlo tree search over the decisions of a space, and the two papers that are settings of it."""

from __future__ import annotations

from netwright.strategies.tree_search.papers import alphax, deep_architect
from netwright.strategies.tree_search.search import MonteCarloTreeSearch

__all__ = ["MonteCarloTreeSearch", "alphax", "deep_architect"]
