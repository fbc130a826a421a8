"""Uniform single-path sampling (Guo et al. 2020, "Single Path One-Shot Neural Architecture Search")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from netwright.core.space import Space
from netwright.strategies.paths.sampler import PathSampler

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace


class UniformPaths(PathSampler):
    """Each step trains one architecture, each of its decisions drawn uniformly.

    So does random search with weight sharing (Li and Talwalkar 2019).

    space: the one to search; where it has no decisions, as `sample` draws them.
    """

    needs: ClassVar[type[Space]] = Space

    def __init__(self, space: Space) -> None:
        super().__init__(cast("DecisionSpace", space))

    def step(self, rng: np.random.Generator) -> Sequence[Architecture]:
        return (self.space.sample(rng),)
