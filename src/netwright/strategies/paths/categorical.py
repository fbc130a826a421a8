"""A product of categorical distributions: for each decision of a space one, drawn from where the decision is active."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.architecture import Architecture, Mixture
from netwright.core.decisions import INACTIVE
from netwright.strategies.joint import is_allowed

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Point

MOST_DRAWS = 200
SAME = 1e-9  # probabilities that differ by less do so by rounding


class Categoricals:
    """A distribution of its own over the options of each decision, uniform at first.

    Its `probabilities` are for each decision float64 (options,); soft options have none.

    space: whose decisions they are of.
    """

    def __init__(self, space: DecisionSpace) -> None:
        self.space = space
        self.probabilities = [np.full(size, 1 / size) for size in space.decisions.sizes]

    def draw(self, rng: np.random.Generator) -> Architecture:
        """A random architecture, each active decision from its own distribution, in order.

        Where decisions may not be combined at will it is drawn again until they go together; where luck does not find
        that, some of what was drawn is given up.
        """
        point: Point = ()
        for _ in range(MOST_DRAWS):
            shares = rng.random(len(self.probabilities)).tolist()
            point = self._complete([_chosen(p, share) for p, share in zip(self.probabilities, shares, strict=True)])
            if is_allowed(self.space.decisions, point):
                return self.space.from_indices(point, check=False)
        return self.space.from_indices(self.space.decisions.complete(point, rng), check=False)

    def likeliest(self, scores: Sequence[np.ndarray] | None = None) -> Architecture:
        """The architecture that takes the likeliest option of each decision.

        Of equally likely ones that with the best of `scores`, and the first where there are none. Where these may not
        be combined, the one with the largest product of probabilities that is allowed.
        """
        found: list[int] = []
        for i, p in enumerate(self.probabilities):
            best = np.flatnonzero(p > p.max() - SAME)
            found.append(int(best[0] if scores is None else best[scores[i][best].argmax()]))
        places = self.space.decisions.places
        point = self.space.decisions.allowed_or_heaviest(
            self._complete(found), lambda decision: self.probabilities[places[decision.name]].tolist()
        )
        return self.space.from_indices(point, check=False)

    def _complete(self, wanted: list[int]) -> Point:
        table = self.space.decisions
        point: list[int] = []
        for i, option in enumerate(wanted):
            point.append(option if table.active(i, point) else INACTIVE)
        return tuple(point)

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

    def state_dict(self) -> dict[str, Any]:
        """The probabilities, as what is kept with an epoch."""
        return {"probabilities": self.state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.restore(state["probabilities"])

    def state(self) -> list[list[float]]:
        return [p.tolist() for p in self.probabilities]

    def restore(self, state: list[list[float]]) -> None:
        self.probabilities = [np.array(each, dtype=np.float64) for each in state]


def _chosen(p: np.ndarray, share: float) -> int:
    """The option whose stretch of the running sum holds `share`; never one of probability 0."""
    option = int(np.searchsorted(p.cumsum(), share * p.sum(), side="right"))
    return option if option < len(p) else int(p.nonzero()[0][-1])
