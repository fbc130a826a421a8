"""The first population: random architectures, or the simplest ones that there are, changed a little."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING

from netwright.core.checks import whole_number
from netwright.core.configuration import Configured
from netwright.core.errors import SpaceExhausted

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space


class Beginning(Configured, ABC):
    """What the first population is made of. Yours is a class with `draw`."""

    @abstractmethod
    def draw(self, space: Space, rng: np.random.Generator) -> Architecture:
        """A member of the first population."""


class Sampled(Beginning):
    """Random architectures, as the space draws them."""

    def draw(self, space: Space, rng: np.random.Generator) -> Architecture:
        return space.sample(rng)


class Simple(Beginning):
    """The simplest architectures that the space names, each after some random mutations.

    mutations: how many; 0 begins with the simplest themselves (Real et al. 2017), 1,000 nearly anywhere (Liu et al.
        2018, "Hierarchical Representations for Efficient Architecture Search").
    """

    def __init__(self, mutations: int = 0) -> None:
        self.mutations = whole_number(self, "mutations", mutations, least=0)

    def draw(self, space: Space, rng: np.random.Generator) -> Architecture:
        architecture = space.simple(rng)
        with suppress(SpaceExhausted):  # where there is nothing else
            for _ in range(self.mutations):
                architecture = space.mutate(architecture, rng)
        return architecture
