"""Terms that are added to the loss that rounds are told: what a mixture or an architecture costs, how decided it is."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch

from netwright.core.amounts import parse_amount
from netwright.core.architecture import Architecture, Mixture
from netwright.core.configuration import Configured
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.trial import Measurement

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.estimators.cost import Cost


class Term(Configured, ABC):
    """A number that follows from a candidate.

    weight: by which it is multiplied before it is added to the loss.
    """

    weight: float

    @abstractmethod
    def value(self, mixture: Mixture, cost: Cost) -> Tensor:
        """A scalar with the graph of the mixture's weights.

        cost: of the networks on the task at hand.
        """

    def of(self, architecture: Architecture, cost: Cost) -> float:
        """The same of one architecture alone; by default 0."""
        return 0.0


class ExpectedCost(Term):
    """The expected cost of the networks that a mixture stands for.

    metric: "params", "macs" or "activation_memory".
    weight: of the term.
    unit: the amount that counts as 1, as "30M"; None for the expected cost where all options weigh the same.
    """

    def __init__(self, metric: str = "macs", weight: float = 0.1, unit: str | float | None = None) -> None:
        from netwright.estimators.cost import Cost

        if metric not in Cost.metrics:
            raise ConfigurationError(f"ExpectedCost: metric is {metric!r}{nearest(metric, Cost.metrics)}")
        self.metric, self.weight = metric, _finite(self, weight)
        self.unit = parse_amount(unit) if isinstance(unit, str) else unit

    def value(self, mixture: Mixture, cost: Cost) -> Tensor:
        return cost.expected(mixture)[self.metric] / self._one(cost)

    def of(self, architecture: Architecture, cost: Cost) -> float:
        return cost.figures(architecture)[self.metric] / self._one(cost)

    def _one(self, cost: Cost) -> float:
        return cost.of_uniform[self.metric] if self.unit is None else float(self.unit)


class Entropy(Term):
    """The mean entropy of the decisions' hard weights, as a share of the largest: 1 is uniform, 0 is decided.

    weight: of the term; above 0 it drives to a decision, below 0 it keeps from one.
    """

    def __init__(self, weight: float = 0.01) -> None:
        self.weight = _finite(self, weight)

    def value(self, mixture: Mixture, cost: Cost) -> Tensor:
        found: list[Tensor] = []
        table = cost.space.decisions if isinstance(cost.space, DecisionSpace) else ()
        for decision in table:
            weights = mixture.weights.get(decision.name)
            if weights is not None and len(decision.options) > 1:
                hard = weights if decision.kind == "sources" else weights[: len(decision.options)]
                shares = hard.double().clamp(min=0)
                shares = shares / shares.sum().clamp(min=1e-30)
                found.append(-torch.xlogy(shares, shares.clamp(min=1e-30)).sum() / math.log(max(2, len(shares))))
        return torch.stack(found).mean() if found else torch.zeros((), dtype=torch.float64)


def terms_of(given: str | Sequence[Term]) -> tuple[Term, ...]:
    """The terms themselves, or what a text says: "0.1*macs+0.01*entropy". ConfigurationError for what is neither."""
    if not isinstance(given, str):
        return tuple(given)
    return tuple(_read(each.strip()) for each in given.split("+") if each.strip())


def _read(text: str) -> Term:
    from netwright.estimators.cost import Cost

    weight, _, name = text.rpartition("*")
    name, known = name.strip(), (*Cost.metrics, "entropy")
    try:
        amount = float(weight) if weight else 1.0
    except ValueError:
        raise ConfigurationError(f"term {text!r}: {weight!r} is no number; expected for example 0.1*macs") from None
    if name not in known:
        raise ConfigurationError(f"term {text!r}: nothing is called {name!r}{nearest(name, known)}")
    return Entropy(amount) if name == "entropy" else ExpectedCost(name, amount)


def with_terms(found: Measurement, candidate: Architecture | Mixture, terms: Sequence[Term], cost: Cost) -> Measurement:
    """A round's measurement, its loss and its gradient by mixture weight with the terms."""
    if isinstance(candidate, Architecture):
        total = sum(term.weight * term.of(candidate, cost) for term in terms)
        return _added(found, torch.tensor(total), found.gradient)
    asked = found.gradient or {}
    weights = {name: each.detach().requires_grad_(name in asked) for name, each in candidate.weights.items()}
    total = _total(Mixture(weights, candidate.active), terms, cost)
    gradient = dict(asked)
    if asked and total.requires_grad:
        slopes = torch.autograd.grad(total, [weights[name] for name in asked], allow_unused=True)
        for name, slope in zip(asked, slopes, strict=True):
            gradient[name] = asked[name] if slope is None else asked[name] + slope.to(asked[name])
    return _added(found, total.detach(), gradient or None)


def _added(found: Measurement, total: Tensor, gradient: Mapping[str, Tensor] | None) -> Measurement:
    metrics: dict[str, Any] = dict(found.metrics)
    loss = torch.as_tensor(metrics["loss"])
    metrics["loss"] = loss + total.to(loss)
    return Measurement(metrics, gradient, found.curve)


def _total(mixture: Mixture, terms: Sequence[Term], cost: Cost) -> Tensor:
    return cast("Tensor", sum(term.weight * term.value(mixture, cost) for term in terms))


def _finite(owner: Term, weight: float) -> float:
    if not math.isfinite(weight):
        raise ConfigurationError(f"{type(owner).__name__}: weight is {weight!r}; expected a finite number")
    return float(weight)
