"""What the networks cost on average that a mixture stands for, each decision drawn by its own weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from netwright.core.decisions import INACTIVE
from netwright.core.errors import InvalidArchitecture, UserError

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.core.architecture import Mixture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Decision
    from netwright.estimators.costs import CostModel

PROVIDES = ("obj.expected_cost",)


class MeanCost:
    """The mean of what networks cost over the architectures of a space.

    An architecture's probability is the product of the shares that its active decisions' options have among the hard
    options' weights; a set of sources has the product of its sources' weights. Where every option adds its own amount,
    the mean is summed decision by decision, which is the chained estimate of DenseNAS (Fang et al. 2020) where blocks
    lead to blocks; elsewhere over all architectures of a space that is small enough.
    """

    def __init__(self, space: DecisionSpace, model: CostModel) -> None:
        """model: the cost at a point. Raises UserError where the mean is not known."""
        self._space, self._model = space, model
        parts = model.parts if _has_simple_conditions(space) else None
        self._by_option = parts is not None
        if parts is not None:
            frame, options = parts
            self._costs = [torch.tensor(each, dtype=torch.float64) for each in options]
            self._frame = torch.tensor(frame, dtype=torch.float64)
        else:
            self._sum_over_all()

    def _sum_over_all(self) -> None:
        space, most = self._space, self._model.summed
        if space.size > most:
            raise UserError(
                f"the expected cost of a mixture over {space.name} is not known: its cost is no sum over its decisions "
                f"(`additive_cost`), and of its {space.size:,} architectures at most {most:,} would be summed over"
            )
        points = list(space.decisions.completions())
        self._points = torch.tensor(points, dtype=torch.long).reshape(len(points), len(space.decisions))
        self._figures = torch.tensor([self._model(point) for point in points], dtype=torch.float64)

    def __call__(self, mixture: Mixture) -> Tensor:
        """float64 (metrics,), on the device of the mixture, with the graph of its weights."""
        shares = [shares_of(decision, mixture) for decision in self._space.decisions]
        return self._decision_by_decision(shares) if self._by_option else self._over_all(shares)

    def _decision_by_decision(self, shares: list[Tensor]) -> Tensor:
        table = self._space.decisions
        active: list[Tensor] = []
        total = self._frame.to(shares[0].device) if shares else self._frame
        for i, (decision, share) in enumerate(zip(table, shares, strict=True)):
            asked = share.new_zeros(()) if decision.conditions else share.new_ones(())
            for parent, labels in _parents(decision).items():  # of which at most one is why it is asked
                place = table.places[parent]
                chosen = [k for k, label in enumerate(table[place].options) if label in labels]
                asked = asked + active[place] * shares[place][chosen].sum()
            active.append(asked)
            total = total + asked * (share @ self._costs[i].to(share.device))
        return total

    def _over_all(self, shares: list[Tensor]) -> Tensor:
        device = shares[0].device if shares else self._figures.device
        points = self._points.to(device)
        probability = torch.ones(len(points), dtype=torch.float64, device=device)
        for i, share in enumerate(shares):
            options = points[:, i]
            probability = probability * torch.where(options == INACTIVE, 1.0, share[options.clamp(min=0)])
        return (probability @ self._figures.to(device)) / probability.sum()


def _has_simple_conditions(space: DecisionSpace) -> bool:
    """Whether each decision hangs on one other at most, or the space says that never two of those it hangs on are why
    it is asked (`exclusive_conditions`); and all may be combined at will.
    """
    alone = all(len(_parents(each)) <= 1 for each in space.decisions)
    return (alone or getattr(space, "exclusive_conditions", False)) and space.restriction() is None


def _parents(decision: Decision) -> dict[str, frozenset[object]]:
    """The decisions that it hangs on, each with the labels under which it is asked."""
    found: dict[str, frozenset[object]] = {}
    for each in decision.conditions:
        found[each.parent] = found.get(each.parent, frozenset()) | each.labels
    return found


def shares_of(decision: Decision, mixture: Mixture) -> Tensor:
    """float64 (options,): what each hard option's weight is of their sum; equal shares where all are 0."""
    weights = mixture.weights.get(decision.name)
    if decision.kind == "sources":
        found = _sets(decision, weights, mixture)
    elif weights is None:
        raise InvalidArchitecture(f"the mixture has no weights for decision {decision.name!r}")
    else:
        found = weights[: len(decision.options)].double()
    total = found.sum()
    return torch.where(total > 0, found / torch.where(total > 0, total, 1.0), 1.0 / len(decision.options))


def _sets(decision: Decision, weights: Tensor | None, mixture: Mixture) -> Tensor:
    """The product of the weights of each set's sources; 1 for all where the mixture weighs none."""
    if weights is None:
        like = next(iter(mixture.weights.values()), torch.ones(1))
        return torch.ones(len(decision.options), dtype=torch.float64, device=like.device)
    places = {source: k for k, (source, _) in enumerate(decision.edges)}
    members = [[places[source] for source in option] for option in decision.options]  # pyright: ignore
    return torch.stack([weights.double()[each].prod() for each in members])
