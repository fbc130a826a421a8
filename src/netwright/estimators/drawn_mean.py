"""The mean cost of a mixture from networks that are drawn from it, where it is not known exactly."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from netwright.core.decisions import INACTIVE
from netwright.core.restricted import RestrictedTable
from netwright.estimators.costs import Amounts, Costs
from netwright.estimators.expected import shares_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Point

DRAWS = 64


class DrawnMean(Costs):
    """Costs whose mean over a mixture is exact where it is known, and elsewhere that of networks drawn from it.

    It is known, too, where what a decision adds follows from a few before it (`local_costs`).

    The mean of a few draws has no bias, nor has its gradient, which is that of the score function: each network's cost
    less the mean of the others, times the gradient of the logarithm of its probability. The same mixture draws the
    same networks.

    costs: of the networks.
    draws: how many are drawn.
    """

    def __init__(self, costs: Costs, draws: int = DRAWS) -> None:
        self.costs, self.draws = costs, draws
        self.space, self.metrics = costs.space, costs.metrics

    def figures(self, architecture: Architecture) -> Mapping[str, float]:
        return self.costs.figures(architecture)

    @property
    def knows_mean(self) -> bool:
        """Whether it is known, or can be drawn: where decisions may be combined at will."""
        if self.costs.knows_mean:
            return True
        table = getattr(self.space, "decisions", None)
        return table is not None and not isinstance(table, RestrictedTable)

    @property
    def additive(self) -> tuple[Amounts, list[list[Amounts]]] | None:
        return self.costs.additive

    def expected(self, mixture: Mixture) -> dict[str, Tensor]:
        if self.costs.knows_mean or not self.knows_mean:
            return self.costs.expected(mixture)
        space = cast("DecisionSpace", self.space)
        shares = [shares_of(decision, mixture) for decision in space.decisions]
        if self.local is not None:
            return dict(zip(self.metrics, self.local.expected(shares), strict=True))
        points = _drawn([each.detach().cpu().numpy() for each in shares], space, self.draws)
        known = {point: self.costs.figures(space.from_indices(point, check=False)) for point in dict.fromkeys(points)}
        costs = torch.tensor([[known[point][name] for name in self.metrics] for point in points], dtype=torch.float64)
        logs = _log_probabilities(points, shares)
        costs, count = costs.to(logs.device), len(points)
        mean = costs.mean(0)
        # Less the mean of the others, so that what is taken off does not depend on the network itself.
        score = (costs - mean) * count / max(1, count - 1)
        slopes = (score * (logs - logs.detach())[:, None]).mean(0)
        return dict(zip(self.metrics, mean + slopes, strict=True))


def _drawn(shares: list[np.ndarray], space: DecisionSpace, count: int) -> list[Point]:
    """Points of random networks, each active decision by its shares; the shares say where the generator begins."""
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(each).tobytes() for each in shares)).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    sums, table = [each.cumsum() for each in shares], space.decisions
    uniform = rng.random((count, len(sums)))
    columns = zip(sums, uniform.T, strict=True)
    chosen = np.stack([np.minimum(np.searchsorted(s, u * s[-1], "right"), len(s) - 1) for s, u in columns], 1)
    found: list[Point] = []
    for row in chosen.tolist():
        point: list[int] = []
        for i, option in enumerate(row):
            point.append(option if table.active(i, point) else INACTIVE)
        found.append(tuple(point))
    return found


def _log_probabilities(points: Sequence[Point], shares: list[Tensor]) -> Tensor:
    """float64 (points,), with the graph of the shares."""
    chosen = torch.tensor(points, dtype=torch.long).reshape(len(points), len(shares))
    total = torch.zeros(len(points), dtype=torch.float64, device=shares[0].device if shares else None)
    for options, share in zip(chosen.T, shares, strict=True):
        options = options.to(share.device)
        total = total + torch.where(options == INACTIVE, 1.0, share[options.clamp(min=0)]).log()
    return total
