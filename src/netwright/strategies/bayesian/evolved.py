"""Candidates bred by evolution of the acquisition (Kandasamy et al. 2018, NASBOT)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.checks import whole_number
from netwright.core.errors import ConfigurationError
from netwright.strategies.bayesian.candidates import Candidates, Found

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.strategies.bayesian.candidates import Standing


class EvolvedCandidates(Candidates):
    """An evolutionary search for the acquisition's maximum; the candidates are all that it came across.

    It begins with the best of what was evaluated. A parent is drawn in proportion to exp(standardised acquisition) and
    changed in 1 to 5 edits.

    size: how many children altogether.
    generation: how many children between two selections.
    parents: how many live after one.
    edits: the probability of each number of edits, from 1 on; those of the authors' code.
    """

    def __init__(
        self,
        size: int = 100,
        generation: int = 20,
        parents: int = 20,
        edits: Sequence[float] = (0.5, 0.25, 0.125, 0.075, 0.05),
    ) -> None:
        self.size = whole_number(self, "size", size)
        self.generation = whole_number(self, "generation", generation)
        self.parents = whole_number(self, "parents", parents)
        self.edits = tuple(edits)
        if not self.edits or min(self.edits) < 0 or abs(sum(self.edits) - 1) > 1e-6:
            raise ConfigurationError(f"EvolvedCandidates: edits is {edits!r}; expected probabilities that sum to 1")

    def propose(self, standing: Standing, rng: np.random.Generator) -> list[Architecture]:
        found = Found(standing)
        if standing.space.size == 1 or not standing.ranked:
            return []
        pool = list(standing.ranked[: self.parents])
        scores = standing.score(pool)
        for _ in range(-(-self.size // self.generation)):
            before = len(found.by_key)
            for place in rng.choice(len(pool), self.generation, p=shares(scores)):
                found.add(self._edited(standing, pool[place], rng))
            born = found.architectures[before:]
            if born:
                pool, scores = [*pool, *born], np.concatenate((scores, standing.score(born)))
        return found.architectures

    def _edited(self, standing: Standing, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        for _ in range(1 + int(np.searchsorted(np.cumsum(self.edits)[:-1], rng.random(), side="right"))):
            architecture = standing.space.mutate(architecture, rng)
        return architecture


def shares(scores: np.ndarray) -> np.ndarray:
    """Probabilities in proportion to exp of the scores less their mean, over their deviation."""
    scale = scores.std()
    weights = np.exp((scores - scores.max()) / scale) if scale > 0 else np.ones_like(scores)
    return weights / weights.sum()
