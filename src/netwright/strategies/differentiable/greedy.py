"""Edges that are decided one after the other (Li et al. 2020, "SGAS: Sequential Greedy Architecture Search")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from netwright.core.checks import probability, whole_number
from netwright.core.errors import ConfigurationError
from netwright.strategies.differentiable.shrinking import Shrinking

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.strategies.differentiable.layout import Layout, Node
    from netwright.strategies.differentiable.parameters import Parameters

PROVIDES = ("search.shrink_grow",)


class GreedyDecisions(Shrinking):
    """In each cell, the surest edge takes its strongest operation at each date; a node's edges beyond `keep` go.

    Importance is the weight of all but the soft options; certainty is 1 minus the entropy among those, normalised;
    stability is the mean overlap with earlier distributions. Each is scaled to 0..1 among the cell's edges (equations 2
    to 6).

    A cell is what the first part of the decisions' names says. Decisions that are no edges are taken in the same way.
    Where a score is the same for all edges it does not count; in the authors' code it then counts as 0. The paper's
    growing minibatches are left out.

    criterion: 1 scores importance times certainty, 2 also stability.
    history: epochs over which criterion 2 takes stability.
    first: when the first decision falls, as a share of the training; epoch 10 of 50 in the paper.
    last: when the last decision falls, the others evenly between; epochs 10, 15, ..., 45 of 50 for 8 decisions in the
        paper.
    """

    def __init__(self, criterion: int = 1, history: int = 4, first: float = 0.2, last: float = 0.9) -> None:
        if criterion not in (1, 2):
            raise ConfigurationError(f"GreedyDecisions: criterion is {criterion!r}; expected 1 or 2")
        self.criterion = criterion
        self.history = whole_number(self, "history", history)
        self.first = probability(self, "first", first)
        self.last = probability(self, "last", last)
        if last < first:
            raise ConfigurationError(f"GreedyDecisions: first={first}, last={last}; expected first <= last")

    def start(self, layout: Layout) -> dict[str, Any]:
        return {"past": [], "taken": dict.fromkeys(cells(layout), 0)}

    def shrink(self, memory: dict[str, Any], parameters: Parameters, weights: Tensor, share: float) -> bool:
        layout = parameters.layout
        taken = dict(memory["taken"])
        for cell, rows in cells(layout).items():
            count = decisions_of(layout, rows)
            while taken[cell] < count and share >= self.date(taken[cell], count) - 1e-9:
                undecided = [row for row in rows if int(parameters.host_alive[row].sum()) > 1]
                if not undecided:
                    break
                score = self.scores(layout, rows, weights, memory["past"])
                self._decide(parameters, max(undecided, key=lambda row: score[row]), weights)
                taken[cell] += 1
        memory["taken"] = taken
        if self.criterion == 2:
            memory["past"] = [*memory["past"], distributions(layout, weights)][-self.history :]
        return False

    def date(self, number: int, count: int) -> float:
        """When the decision with this number of `count` is due, as a share of the training."""
        return self.first if count == 1 else self.first + (self.last - self.first) * number / (count - 1)

    def scores(self, layout: Layout, rows: Sequence[int], weights: Tensor, past: Sequence[Tensor]) -> dict[int, float]:
        """The selection criterion of each row of a cell."""
        chosen = torch.tensor(list(rows))
        own = distributions(layout, weights)[chosen]
        importance = (weights * layout.hard).sum(-1)[chosen]
        counts = layout.hard.sum(-1)[chosen].clamp(min=2).to(own.dtype)
        certainty = 1 + torch.special.xlogy(own, own).sum(-1) / counts.log()  # equation 4
        score = scaled(importance) * scaled(certainty)
        if self.criterion == 2 and past:
            overlap = torch.stack([torch.minimum(each[chosen], own).sum(-1) for each in past]).mean(0)
            score = score * scaled(overlap)
        return dict(zip(rows, score.tolist(), strict=True))

    def _decide(self, parameters: Parameters, row: int, weights: Tensor) -> None:
        """Take the row's strongest operation; where its node then has enough edges, the others go."""
        layout = parameters.layout
        alive = parameters.host_alive[row] & layout.hard[row]
        parameters.restrict(row, (int(weights[row].masked_fill(~alive, -1.0).argmax()),))
        node = node_of(layout, row)
        if node is None:
            return
        alive_options = parameters.host_alive.sum(1).tolist()
        rows = [each for each in node.rows if each is not None]
        if sum(alive_options[each] == 1 for each in rows) >= node.keep:
            for each in rows:
                if alive_options[each] > 1:
                    parameters.restrict(each, ())


def cells(layout: Layout) -> dict[str, list[int]]:
    """The rows of each cell's decisions, those of sources left out."""
    result: dict[str, list[int]] = {}
    for row, decision in enumerate(layout.decisions):
        if decision.kind != "sources":
            result.setdefault(decision.name.split("/")[0], []).append(row)
    return result


def decisions_of(layout: Layout, rows: Sequence[int]) -> int:
    """How many decisions a cell takes: `keep` edges of a node, and all that are no edges between sources."""
    nodes = [node for node in layout.nodes if any(row in rows for row in node.rows if row is not None)]
    edges = {row for node in nodes for row in node.rows}
    return sum(node.keep for node in nodes) + sum(row not in edges for row in rows)


def node_of(layout: Layout, row: int) -> Node | None:
    return next((node for node in layout.nodes if row in node.rows), None)


def distributions(layout: Layout, weights: Tensor) -> Tensor:
    """The weights of each row's hard options, as shares of their sum."""
    hard = weights * layout.hard
    return hard / hard.sum(-1, keepdim=True).clamp(min=1e-30)


def scaled(values: Tensor) -> Tensor:
    """To 0..1 between the least and the largest; 1 where all are equal."""
    least, most = values.min(), values.max()
    return (values - least) / (most - least) if most > least else torch.ones_like(values)
