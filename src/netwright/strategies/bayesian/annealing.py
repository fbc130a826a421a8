"""Candidates of a tree search with simulated annealing (Jin et al. 2019, Auto-Keras, algorithm 1)."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from math import exp
from typing import TYPE_CHECKING

from netwright.core.checks import whole_number
from netwright.core.errors import ConfigurationError
from netwright.strategies.bayesian.candidates import Candidates, Found

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.strategies.bayesian.candidates import Standing


class AnnealingTree(Candidates):
    """A* from everything evaluated so far; the candidates are all that it came across.

    The most promising node is expanded into its mutations, unless it is worse than the best by more than the
    temperature allows.

    start: the temperature at first, in units of the spread of the scores; 1 in the authors' code.
    cooling: by what the temperature is multiplied with each node; 0.9 in the authors' code.
    least: the temperature below which the search ends; 1e-4 in the authors' code.
    children: how many mutations of a node are looked at.
    """

    def __init__(self, start: float = 1.0, cooling: float = 0.9, least: float = 1e-2, children: int = 8) -> None:
        if not 0 < cooling < 1 or not 0 < least < start:
            raise ConfigurationError(
                f"AnnealingTree: start={start!r}, cooling={cooling!r}, least={least!r}; expected 0 < least < start and "
                "0 < cooling < 1"
            )
        self.start, self.cooling, self.least = start, cooling, least
        self.children = whole_number(self, "children", children)

    def propose(self, standing: Standing, rng: np.random.Generator) -> list[Architecture]:
        found, space = Found(standing), standing.space
        if space.size == 1 or not standing.ranked:
            return []
        spread = max(standing.values) - min(standing.values) or 1.0
        queue = [
            (-value, k, each) for k, (value, each) in enumerate(zip(standing.values, standing.ranked, strict=True))
        ]
        heapify(queue)
        highest, temperature, count = max(standing.values), self.start, len(queue)
        while queue and temperature > self.least:
            temperature *= self.cooling
            value, _, node = heappop(queue)
            if rng.random() >= exp(min((-value - highest) / spread / temperature, 0.0)):
                continue
            children = [child for child in (space.mutate(node, rng) for _ in range(self.children)) if found.add(child)]
            for child, score in zip(children, standing.score(children).tolist() if children else (), strict=True):
                count += 1
                highest = max(highest, score)
                heappush(queue, (-score, count, child))
        return found.architectures
