"""Stages with fewer options each (Chen et al. 2019, "Progressive Differentiable Architecture Search", P-DARTS)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from netwright.core.architecture import Architecture, Mixture
from netwright.core.errors import ConfigurationError
from netwright.strategies.differentiable.shrinking import Shrinking

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.core.decision_space import DecisionSpace
    from netwright.strategies.differentiable.layout import Layout
    from netwright.strategies.differentiable.parameters import Parameters

PROVIDES = ("search.shrink_grow",)


class ProgressiveShrinking(Shrinking):
    """Search space approximation: after each stage a decision keeps its strongest options.

    Give the estimator stages of the same lengths where the weights, too, are to begin anew.

    ends: of the stages but the last, as shares of the training; of three equal ones by default.
    keep: the share of a decision's options that are kept then, soft ones included, at least 2 and one of them hard; 5
        and 3 of 8 in the paper.
    most_skips: of the result's operations, at most so many are labelled `skip`; while there are more, the one with the
        smallest weight gives way to the next strongest operation (section 3.3). None sets no limit.
    skip: the label that counts as a skip connection.
    within: with what the names of the decisions begin that count for `most_skips`, as the paper limits the normal cell;
        where there are none, all do.
    anew: whether the logits begin anew after each stage, as in the paper.
    """

    def __init__(
        self,
        ends: Sequence[float] = (1 / 3, 2 / 3),
        keep: Sequence[float] = (5 / 8, 3 / 8),
        most_skips: int | None = 2,
        skip: str = "skip_connect",
        within: str = "normal/",
        anew: bool = True,
    ) -> None:
        self.ends, self.keep = tuple(ends), tuple(keep)
        self.most_skips, self.skip, self.within = most_skips, skip, within
        self.anew = anew
        if len(self.ends) != len(self.keep) or list(self.ends) != sorted(set(self.ends)):
            raise ConfigurationError(
                f"ProgressiveShrinking: ends={ends!r}, keep={keep!r}; expected growing ends and a share kept at each"
            )
        if not all(0 < each < 1 for each in (*self.ends, *self.keep)):
            raise ConfigurationError(
                f"ProgressiveShrinking: ends={ends!r}, keep={keep!r}; expected shares above 0 and below 1"
            )

    def start(self, layout: Layout) -> dict[str, Any]:
        return {"stage": 0}

    def stage(self, share: float) -> tuple[float, float]:
        number = self._stage_at(share)
        bounds = (0.0, *self.ends, 1.0)
        return bounds[number], bounds[number + 1]

    def _stage_at(self, share: float) -> int:
        return sum(share >= end - 1e-9 for end in self.ends)

    def shrink(self, memory: dict[str, Any], parameters: Parameters, weights: Tensor, share: float) -> bool:
        due = self._stage_at(share)
        if due <= memory["stage"]:
            return False
        kept = self.keep[due - 1]
        memory["stage"] = due
        parameters.alive = self.survivors(parameters.layout, parameters.host_alive, weights, kept).to(
            parameters.alive.device
        )
        parameters.refresh()
        return self.anew

    def survivors(self, layout: Layout, alive: Tensor, weights: Tensor, kept: float) -> Tensor:
        """The options in play after a stage that keeps this share of all options of a decision."""
        result = torch.zeros_like(alive)
        for row, width in enumerate(layout.widths):
            count = min(max(2, round(kept * width)), width)
            values = weights[row].masked_fill(~alive[row], -1.0)
            best = values.topk(count).indices
            result[row, best] = True
            if not (result[row] & layout.hard[row]).any():  # a soft option alone decides nothing
                result[row, best[-1]] = False
                result[row, values.masked_fill(~layout.hard[row], -1.0).argmax()] = True
        return result & alive

    def discretize(self, space: DecisionSpace, layout: Layout, mixture: Mixture) -> Architecture:
        weights = {name: tensor.detach().cpu().clone() for name, tensor in mixture.weights.items()}
        while True:
            found = space.discretize(Mixture(weights))
            skips = self._skips(layout, found)
            if self.most_skips is None or len(skips) <= self.most_skips:
                return found
            weakest = min(skips, key=lambda name: float(weights[name][self._place(layout, name)]))
            # Below every other, so that another operation of this decision is the strongest.
            weights[weakest][self._place(layout, weakest)] = -1.0

    def _place(self, layout: Layout, name: str) -> int:
        return layout.labels[layout.places[name]].index(self.skip)

    def _skips(self, layout: Layout, found: Architecture) -> list[str]:
        """The decisions that took a skip and have something else to take."""
        labels = found.decisions
        limited = [name for name in labels if name.startswith(self.within)] or list(labels)
        return [
            name for name in limited if labels[name] == self.skip and int(layout.hard[layout.places[name]].sum()) > 1
        ]
