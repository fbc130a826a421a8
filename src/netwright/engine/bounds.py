"""Limits as far as they are known before anything is trained, and who knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netwright.core.objective import Constraint

if TYPE_CHECKING:
    from netwright.core.estimator import Estimator


@dataclass(frozen=True)
class Bound:
    """A limit, as far as it is known beforehand.

    limit: as the search has it. metric: by which it is known. aim, reach: shares of the limit's amount, up to which a
    network surely and perhaps keeps it.
    """

    limit: Constraint
    metric: str
    aim: float
    reach: float

    def excess(self, figures: Mapping[str, float], share: float) -> float:
        """By how much a share of the limit is missed, as a share of the limit; 0 where it is kept."""
        value, amount = figures[self.metric], share * self.limit.limit
        missed = value - amount if self.limit.relation == "<=" else self.limit.limit - value
        return max(0.0, missed) / (abs(self.limit.limit) or 1.0)


def bounds(stages: Sequence[Estimator], limits: Sequence[Constraint]) -> dict[Bound, Estimator]:
    """What the stages that know beforehand say of limits, and who says it."""
    found: dict[Bound, Estimator] = {}
    for limit in limits:
        for stage in stages:
            name = stage.foretells.get(limit.metric, limit.metric)
            if stage.analytic and name in stage.metrics:
                aim, reach = stage.room(limit) if limit.relation == "<=" else (1.0, 1.0)
                found[Bound(limit, name, aim, reach)] = stage
                break
    return found


@dataclass(frozen=True, slots=True)
class AsTold(Constraint):
    """A limit as one on what is told of it before anything is trained, as far as it may then be kept.

    asked: the limit as the search has it.
    """

    asked: Constraint = field(kw_only=True)

    def __str__(self) -> str:
        return Constraint.__str__(self.asked)


def limits_as_told(stages: Sequence[Estimator], limits: Sequence[Constraint]) -> list[AsTold]:
    """The limits, those on what is measured later as limits on what foretells it."""
    return [_as_told(stages, each) for each in limits]


def _as_told(stages: Sequence[Estimator], limit: Constraint) -> AsTold:
    for bound in bounds(stages, [limit]):
        return AsTold(bound.metric, bound.reach * limit.limit, limit.relation, asked=limit)
    return AsTold(told_by(stages, limit), limit.limit, limit.relation, asked=limit)


def told_by(stages: Sequence[Estimator], limit: Constraint) -> str:
    """The metric by which a limit is known first."""
    known = {later: name for each in stages for later, name in each.foretells.items()}
    return known.get(limit.metric, limit.metric)
