"""Terms that are added to the loss that rounds are told: what a mixture or an architecture costs, how decided it is."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from netwright.core.amounts import parse_amount_of
from netwright.core.architecture import Architecture, Mixture
from netwright.core.configuration import Configured
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, nearest
from netwright.core.trial import Measurement

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.estimators.costs import Costs

COUNTED, LATENCY = ("params", "macs", "activation_memory", "size", "size_int8"), "latency_ms"
COSTED = (*COUNTED, LATENCY)
"""What the expected cost of a mixture may be of."""


class Term(Configured, ABC):
    """A number that follows from a candidate.

    weight: by which it is multiplied before it is added to the loss.
    metric: of networks that it follows from; empty for none.
    """

    weight: float = 1.0
    metric: str = ""

    @abstractmethod
    def value(self, mixture: Mixture, cost: Costs) -> Tensor:
        """A scalar with the graph of the mixture's weights.

        cost: of the networks on the task at hand.
        """

    def of(self, architecture: Architecture, cost: Costs) -> float:
        """The same of one architecture alone; by default 0."""
        return 0.0

    def joined(self, loss: Tensor, value: Tensor) -> Tensor:
        """The loss with the term; by default the sum of both.

        loss, value: scalars, of which either may have a graph.
        """
        return loss + self.weight * value

    def begin(self, steps: int) -> None:
        """A training of so many steps begins; for terms that learn."""

    def learn(self, value: float) -> None:
        """A step of the architecture's weights was taken; for terms that learn.

        value: of the mixture.
        """

    def state_dict(self) -> Mapping[str, float]:
        """What was learnt; by default nothing."""
        return {}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Go on from what `state_dict` gave."""


class ExpectedCost(Term):
    """The expected cost of the networks that a mixture stands for.

    metric: "params", "macs", "activation_memory", "size", "size_int8" or "latency_ms".
    weight: of the term.
    unit: the amount that counts as 1, as "30M" or "5 ms"; None for the expected cost where all options weigh the same.
    """

    def __init__(self, metric: str = "macs", weight: float = 0.1, unit: str | float | None = None) -> None:
        self.metric, self.weight = checked_metric(self, metric), _finite(self, weight)
        self.unit = parse_amount_of(metric, unit) if isinstance(unit, str) else unit

    def value(self, mixture: Mixture, cost: Costs) -> Tensor:
        return cost.expected(mixture)[self.metric] / self._one(cost)

    def of(self, architecture: Architecture, cost: Costs) -> float:
        return cost.figures(architecture)[self.metric] / self._one(cost)

    def _one(self, cost: Costs) -> float:
        return cost.of_uniform[self.metric] if self.unit is None else float(self.unit)


class Entropy(Term):
    """The mean entropy of the decisions' hard weights, as a share of the largest: 1 is uniform, 0 is decided.

    weight: of the term; above 0 it drives to a decision, below 0 it keeps from one.
    """

    def __init__(self, weight: float = 0.01) -> None:
        self.weight = _finite(self, weight)

    def value(self, mixture: Mixture, cost: Costs) -> Tensor:
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
    weight, _, name = text.rpartition("*")
    name, known = name.strip(), (*COSTED, "entropy")
    try:
        amount = float(weight) if weight else 1.0
    except ValueError:
        raise ConfigurationError(f"term {text!r}: {weight!r} is no number; expected for example 0.1*macs") from None
    if name not in known:
        raise ConfigurationError(f"term {text!r}: nothing is called {name!r}{nearest(name, known)}")
    return Entropy(amount) if name == "entropy" else ExpectedCost(name, amount)


def with_terms(
    found: Measurement, candidate: Architecture | Mixture, terms: Sequence[Term], cost: Costs
) -> Measurement:
    """A round's measurement, its loss and its gradient by mixture weight with the terms, which learn from it.

    That of an architecture tells as `added` what they came to.
    """
    told = torch.as_tensor(found.metrics["loss"])
    loss = told.detach().double().requires_grad_()
    asked = found.gradient or {}
    if isinstance(candidate, Architecture):
        values = [torch.tensor(float(term.of(candidate, cost)), dtype=torch.float64) for term in terms]
        total = _joined(loss, terms, values).detach().to(told)
        changed = _changed(found, total, found.gradient)
        return Measurement({**changed.metrics, "added": total - told}, changed.gradient, changed.curve)  # pyright: ignore
    weights = {name: each.detach().requires_grad_(name in asked) for name, each in candidate.weights.items()}
    mixture = Mixture(weights, candidate.active)
    values = [term.value(mixture, cost) for term in terms]
    total = _joined(loss, terms, [each.to(loss.device) for each in values])
    gradient = _with_slopes(asked, weights, loss, total) if asked else None
    for term, value in zip(terms, values, strict=True) if asked else ():
        term.learn(float(value.detach()))
    return _changed(found, total.detach().to(told), gradient)


def _joined(loss: Tensor, terms: Sequence[Term], values: Sequence[Tensor]) -> Tensor:
    for term, value in zip(terms, values, strict=True):
        loss = term.joined(loss, value)
    return loss


def _with_slopes(
    asked: Mapping[str, Tensor], weights: Mapping[str, Tensor], loss: Tensor, total: Tensor
) -> dict[str, Tensor]:
    """The gradient of the total by mixture weight, of which that of the loss is known (the chain rule)."""
    by_loss, *slopes = torch.autograd.grad(total, [loss, *(weights[name] for name in asked)], allow_unused=True)
    share = 1.0 if by_loss is None else by_loss
    found = {name: each * share.to(each) if isinstance(share, torch.Tensor) else each for name, each in asked.items()}
    added = {name: slope.to(found[name]) for name, slope in zip(asked, slopes, strict=True) if slope is not None}
    return {name: found[name] + added[name] if name in added else found[name] for name in found}


def _changed(found: Measurement, loss: Tensor, gradient: Mapping[str, Tensor] | None) -> Measurement:
    metrics: dict[str, Any] = {**found.metrics, "loss": loss}
    return Measurement(metrics, gradient or None, found.curve)


def checked_metric(owner: Term, metric: str) -> str:
    """The metric, of which the expected cost may be; ConfigurationError for another one."""
    if metric not in COSTED:
        raise ConfigurationError(f"{type(owner).__name__}: metric is {metric!r}{nearest(metric, COSTED)}")
    return metric


def _finite(owner: Term, weight: float) -> float:
    if not math.isfinite(weight):
        raise ConfigurationError(f"{type(owner).__name__}: weight is {weight!r}; expected a finite number")
    return float(weight)
