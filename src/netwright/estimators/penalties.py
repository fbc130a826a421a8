"""Terms that hold what a mixture's networks cost on average to a target: as published, and as a limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from netwright.core.amounts import parse_amount_of
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.objective import Constraint
from netwright.estimators.terms import LATENCY, Term, checked_metric

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.core.architecture import Architecture, Mixture
    from netwright.estimators.costs import Costs

PROVIDES = ("obj.expected_cost",)

REACH = 10.0  # what the multiplier comes to where the cost is twice its limit during the whole training
CURVATURE = 5.0  # of the part that grows with the square of what is above the limit


class _OfCost(Term):
    """A term that follows from the expected cost as a multiple of an amount."""

    metric: str
    unit: float

    def value(self, mixture: Mixture, cost: Costs) -> Tensor:
        return cost.expected(mixture)[self.metric] / self.unit

    def of(self, architecture: Architecture, cost: Costs) -> float:
        return cost.figures(architecture)[self.metric] / self.unit


class LogProduct(_OfCost):
    """The loss times alpha * log(cost) ^ beta (Wu et al. 2019, "FBNet", equation 5).

    metric: as of `ExpectedCost`.
    alpha, beta: of the paper, for microseconds of latency: 0.2 and 0.6.
    unit: the amount that counts as 1, as "1k"; costs must be above it. None for a microsecond of a latency, and a
        thousand of other metrics.
    """

    def __init__(
        self, metric: str = "macs", alpha: float = 0.2, beta: float = 0.6, unit: str | float | None = None
    ) -> None:
        self.metric = checked_metric(self, metric)
        usual = 1e-3 if metric == LATENCY else 1000
        self.unit = _amount(self, usual if unit is None else unit)
        self.alpha, self.beta = _positive(self, "alpha", alpha), _positive(self, "beta", beta)

    def joined(self, loss: Tensor, value: Tensor) -> Tensor:
        return loss * self.alpha * value.clamp(min=1 + 1e-6).log() ** self.beta


class LogSum(_OfCost):
    """The loss plus weight * log(cost), to a base (Fang et al. 2020, "DenseNAS").

    metric: as of `ExpectedCost`.
    weight, base: 0.15 and 15 in the authors' program.
    unit: the amount that counts as 1; None for a millisecond of a latency, and a million of other metrics.
    """

    def __init__(
        self, metric: str = "macs", weight: float = 0.15, base: float = 15.0, unit: str | float | None = None
    ) -> None:
        self.metric = checked_metric(self, metric)
        self.unit = _amount(self, (1 if metric == LATENCY else 1e6) if unit is None else unit)
        self.weight, self.base = _positive(self, "weight", weight), _positive(self, "base", base)

    def joined(self, loss: Tensor, value: Tensor) -> Tensor:
        return loss + self.weight * value.log() / math.log(self.base)


class Absolute(_OfCost):
    """How far the cost is from a target, as a share of it: weight * |cost / target - 1| (Bender et al. 2020, "TuNAS").

    A controller that is rewarded with the accuracy less this reaches the target whatever the accuracy is worth.

    metric: as of `ExpectedCost`.
    target: the amount to reach, as "30M".
    weight: minus the paper's beta of the reward.
    """

    def __init__(self, metric: str, target: str | float, weight: float = 0.07) -> None:
        self.metric = checked_metric(self, metric)
        self.unit = _amount(self, target)
        self.weight = _positive(self, "weight", weight)

    def joined(self, loss: Tensor, value: Tensor) -> Tensor:
        return loss + self.weight * (value - 1).abs()


class Band(_OfCost):
    """The logarithm of the cost where it leaves a band around a target (Dong and Yang 2019, "TAS", equation 5).

    Above the band its logarithm is added, below it is taken off, within it nothing happens.

    metric: as of `ExpectedCost`.
    target: the amount to reach, as "30M".
    weight: 2 in the paper.
    tolerance: half of the band's width as a share of the target, 0.05 in the paper.
    """

    def __init__(self, metric: str, target: str | float, weight: float = 2.0, tolerance: float = 0.05) -> None:
        self.metric = checked_metric(self, metric)
        self.unit = _amount(self, target)
        self.weight, self.tolerance = _positive(self, "weight", weight), _positive(self, "tolerance", tolerance)

    def joined(self, loss: Tensor, value: Tensor) -> Tensor:
        above, below = value > 1 + self.tolerance, value < 1 - self.tolerance
        return loss + self.weight * value.log() * (above.to(value) - below.to(value))


class Limit(_OfCost):
    """A limit on the expected cost, which a multiplier finds the weight for: the knob is the limit, not a weight.

    With g the expected cost as a multiple of the limit, less 1, the loss L becomes L + |L| (m g + 5 max(0, g)^2 / 2),
    where |L| is taken as a number, so that it does not matter of which size losses are. The multiplier m begins at 0
    and follows g: it grows as long as the limit is broken and shrinks, to no less than 0, while it is kept (a method of
    multipliers, as in Bertsekas 1982, section 2.2; the steps are ours).

    metric: as of `ExpectedCost`.
    limit: the amount, as "30M".
    relation: "<=" or ">=".
    """

    def __init__(self, metric: str, limit: str | float, relation: str = "<=") -> None:
        if relation not in ("<=", ">="):
            raise ConfigurationError(f"Limit: relation is {relation!r}{nearest(relation, ('<=', '>='))}")
        self.metric = checked_metric(self, metric)
        self.unit = _amount(self, limit)
        self.sign = 1.0 if relation == "<=" else -1.0
        self.multiplier, self._step = 0.0, 0.0

    @classmethod
    def of_constraint(cls, limit: Constraint) -> Limit:
        """The term for a limit of a search."""
        return cls(limit.metric, limit.limit, limit.relation)

    def joined(self, loss: Tensor, value: Tensor) -> Tensor:
        above = self.sign * (value - 1)
        added = self.multiplier * above + CURVATURE / 2 * above.clamp(min=0) ** 2
        return loss + loss.detach().abs() * added

    def begin(self, steps: int) -> None:
        self.multiplier, self._step = 0.0, REACH / max(1, steps)

    def learn(self, value: float) -> None:
        self.multiplier = max(0.0, self.multiplier + self._step * self.sign * (value - 1))

    def state_dict(self) -> Mapping[str, float]:
        return {"multiplier": self.multiplier}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        self.multiplier = state["multiplier"]


def _amount(owner: _OfCost, given: str | float) -> float:
    return _positive(owner, "amount", parse_amount_of(owner.metric, given) if isinstance(given, str) else float(given))


def _positive(owner: Term, name: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ConfigurationError(f"{type(owner).__name__}: {name} is {value!r}; expected a finite number above 0")
    return float(value)
