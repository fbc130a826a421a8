"""How examples are laid out in batches: in a new order each epoch, or side by side where they continue each other.

Examples that continue each other, such as the windows of a text (`Problem.continues`), are laid in parallel streams:
of n windows in S streams of K each, batch k holds windows k, K + k, 2K + k, ..., so that batch k + 1 continues it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from netwright.core.carrying import FEWEST, STREAMS, Stream
from netwright.core.problem import Problem
from netwright.core.task import Examples
from netwright.training.batches import epoch_order, steps_per_epoch

_LEAST_TRAINED = 4
_LEAST_JUDGED = 3  # streams, of which then two at least are left in the last batch, for batch normalisation


@dataclass(frozen=True, slots=True)
class Layout:
    """Batches of training.

    size: examples in each but the last.
    steps: batches in an epoch.
    continues: whether each batch continues the one before.
    """

    size: int
    steps: int
    continues: bool = False

    @classmethod
    def of(cls, problem: Problem, examples: int, batch_size: int) -> Layout:
        """For so many examples in batches of this size, or a little less where that leaves fewer windows over.

        Raises DataError for fewer than two examples.
        """
        steps = steps_per_epoch(examples, batch_size)
        if not problem.continues:
            return cls(batch_size, steps)
        most = max(2, min(batch_size, examples // _LEAST_TRAINED))  # for batch normalisation
        size = max(range(most // 2 + 1, most + 1), key=lambda size: (size * (examples // size), size))
        return cls(size, examples // size, True)

    def order(self, examples: int, seed: int, epoch: int, device: torch.device, repeats: int = 1) -> Tensor:
        """The order in which an epoch takes the examples: int64, the same on every device.

        repeats: how often each of them comes, one after the other; an epoch then takes a part of them (Hoffer et al.
            2020).
        """
        if not self.continues:
            order = epoch_order(examples, seed, epoch, device)
            return order if repeats == 1 else order[: -(-examples // repeats)].repeat_interleave(repeats)[:examples]
        return torch.arange(self.size * self.steps, device=device).view(self.size, self.steps).T.reshape(-1)


@dataclass(frozen=True, eq=False, slots=True)
class Judged:
    """Examples as they are judged, batch by batch.

    examples: in the order of the batches.
    bounds: where each batch begins, and where the last one ends.
    order: the place of each of them among the examples that were given; None for their own order.
    """

    examples: Examples
    bounds: tuple[int, ...]
    order: Tensor | None = None

    @classmethod
    def of(cls, problem: Problem, examples: Examples, batch_size: int) -> Judged:
        """All examples once, in batches of this size; those that continue each other in at most 32 streams."""
        count = len(examples)
        if not problem.continues:
            return cls(examples, (*range(0, count, batch_size), count))
        streams = max(min(_LEAST_JUDGED, count), min(STREAMS, count // FEWEST))
        length = -(-count // streams)
        batches = [torch.arange(start, count, length) for start in range(length)]
        order = torch.cat(batches).to(examples.device)
        bounds = torch.tensor([0, *map(len, batches)]).cumsum(0).tolist()
        return cls(examples.choose(order), tuple(bounds), order)

    def batches(self) -> Iterator[tuple[int, int]]:
        """Where each batch begins and ends."""
        return zip(self.bounds, self.bounds[1:], strict=False)

    def stream(self, network: nn.Module) -> Stream:
        """The series of these batches, in which a network carries nothing where they do not continue each other."""
        return Stream(network if self.order is not None else nn.Identity())

    def put_back(self, answers: Tensor) -> Tensor:
        """The answers to all examples, given in the order of the batches, in the order of the examples."""
        if self.order is None:
            return answers
        there = torch.empty_like(answers)
        there[self.order] = answers
        return there
