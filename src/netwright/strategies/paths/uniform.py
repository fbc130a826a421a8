"""Uniform single-path sampling (Guo et al. 2020, "Single Path One-Shot Neural Architecture Search")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.strategies.paths.sampler import PathSampler

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture


class UniformPaths(PathSampler):
    """Each step trains one architecture, each of its decisions drawn uniformly.

    So does random search with weight sharing (Li and Talwalkar 2019).

    space: the one to search.
    """

    def step(self, rng: np.random.Generator) -> Sequence[Architecture]:
        return (self.space.sample(rng),)
