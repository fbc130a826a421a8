"""A product of categorical distributions: for each decision of a space one, drawn from where the decision is active."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.architecture import Architecture, Mixture
from netwright.core.decisions import INACTIVE

if TYPE_CHECKING:
    from netwright.core.decisions import Point
    from netwright.core.space import Space

SAME = 1e-9  # probabilities that differ by less do so by rounding


class Categoricals:
    """probabilities: for each decision float64 (options,), uniform at first; soft options have none."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.probabilities = [np.full(size, 1 / size) for size in space.decisions.sizes]

    def draw(self, rng: np.random.Generator) -> Architecture:
        """A random architecture, each active decision from its own distribution, in order."""
        shares = rng.random(len(self.probabilities)).tolist()
        return self._complete([_chosen(p, share) for p, share in zip(self.probabilities, shares, strict=True)])

    def likeliest(self, scores: Sequence[np.ndarray] | None = None) -> Architecture:
        """The architecture that takes the likeliest option of each decision.

        Of equally likely ones that with the best of `scores`, and the first where there are none.
        """
        found: list[int] = []
        for i, p in enumerate(self.probabilities):
            best = np.flatnonzero(p > p.max() - SAME)
            found.append(int(best[0] if scores is None else best[scores[i][best].argmax()]))
        return self._complete(found)

    def _complete(self, wanted: list[int]) -> Architecture:
        table = self.space.decisions
        point: list[int] = []
        for i, option in enumerate(wanted):
            point.append(option if table.active(i, point) else INACTIVE)
        return Architecture(self.space, tuple(point))

    def one_hot(self, i: int, point: Point) -> np.ndarray:
        """float64 (options,): the option of decision i, which must be active in this point."""
        found = np.zeros(len(self.probabilities[i]))
        found[point[i]] = 1.0
        return found

    @property
    def certainty(self) -> float:
        """The probability of the likeliest option, averaged over the decisions; 1 once all is decided."""
        return float(np.mean([p.max() for p in self.probabilities])) if self.probabilities else 1.0

    def mixture(self) -> Mixture:
        """The probabilities as weights; of the sources of a node, the probability that each is kept."""
        import torch  # not at the top, so that strategies can be named without waiting for it

        weights: dict[str, torch.Tensor] = {}
        for decision, p in zip(self.space.decisions, self.probabilities, strict=True):
            if decision.kind == "sources":
                kept = [[source in option for option in decision.options] for source, _ in decision.edges]  # pyright: ignore
                found = np.array(kept, dtype=np.float64) @ p
            else:
                found = np.concatenate([p, np.zeros(len(decision.soft))])
            weights[decision.name] = torch.from_numpy(found).float()
        return Mixture(weights)

    def state(self) -> list[list[float]]:
        return [p.tolist() for p in self.probabilities]

    def restore(self, state: list[list[float]]) -> None:
        self.probabilities = [np.array(each, dtype=np.float64) for each in state]


def _chosen(p: np.ndarray, share: float) -> int:
    """The option whose stretch of the running sum holds `share`; never one of probability 0."""
    option = int(np.searchsorted(p.cumsum(), share * p.sum(), side="right"))
    return option if option < len(p) else int(p.nonzero()[0][-1])
