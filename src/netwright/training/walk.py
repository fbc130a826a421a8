"""The batches that a training takes, pass after pass over its examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from netwright.core.problem import Problem, Watch
from netwright.core.trees import mapped
from netwright.training.augmentation import Batches


class Walk:
    """Goes through the examples in the order of each pass, and adds up what the network answers on the way.

    problem: says what is followed while a network is trained (`Problem.watch`).
    steps: batches in a pass.
    size: examples in each but the last.
    batches: gives those of a pass, by its number from 0.
    """

    def __init__(self, problem: Problem, steps: int, size: int, batches: Callable[[int], tuple[Batches, int]]) -> None:
        self._problem, self._steps, self._size, self._batches = problem, steps, size, batches
        self.number, self.step = 0, 0  # of the pass, and of its next batch
        self._now: Batches | None = None
        self._examples = 0  # in the order of this pass
        self._parts: list[_Part] = []

    def begin(self, number: int, step: int = 0) -> None:
        """The next batch is this one of pass `number`."""
        self.number, self.step, self._now = number, step, None
        self.note()

    def note(self) -> None:
        """From here on, what the network answers counts for a new point of the curve."""
        self._parts = []

    def next(self) -> tuple[Any, Any]:
        """The network's input and targets of the next batch; after the last one of a pass, of the first of the next."""
        if self.step == self._steps:
            self.number, self.step, self._now = self.number + 1, 0, None
        if self._now is None:
            self._now, self._examples = self._batches(self.number)
        if not self._parts or self._parts[-1].batches is not self._now:
            self._parts.append(_Part(self._problem, self._now, self.step * self._size))
        start = self.step * self._size
        self.step += 1
        return self._now(start, start + self._size)

    @property
    def weights(self) -> Tensor | None:
        """What the examples of the last batch that was given count; None where all count alike."""
        assert self._now is not None
        return self._now.weights((self.step - 1) * self._size, self.step * self._size)

    def answered(self, outputs: Tensor) -> None:
        """Take what the network answered to the last batch that was given."""
        self._parts[-1].add((self.step - 1) * self._size, min(self.step * self._size, self._examples), outputs)

    def totals(self, losses: Tensor) -> tuple[int, Tensor, dict[str, Tensor]]:
        """How many examples were answered since `note`; sums over them: of their loss, and of what is followed.

        losses: of each batch, the mean over its examples.
        """
        sizes = torch.tensor([each for part in self._parts for each in part.sizes], dtype=torch.float64)
        found: dict[str, Tensor] = {}
        for part in self._parts:
            for name, value in part.watch.totals(sum(part.sizes)).items():
                found[name] = found[name] + value if name in found else value
        return int(sizes.sum()), losses.double() @ sizes.to(losses.device), found


class _Part:
    """The batches of one pass that count for a point of the curve."""

    __slots__ = ("_start", "batches", "sizes", "watch")

    def __init__(self, problem: Problem, batches: Batches, start: int) -> None:
        self.batches, self._start = batches, start
        rest = batches.targets is not None and start > 0
        targets = mapped(lambda each: each[start:], batches.targets) if rest else batches.targets
        self.watch: Watch = problem.watch(targets)
        self.sizes: list[int] = []

    def add(self, start: int, stop: int, outputs: Tensor) -> None:
        self.watch.add(start - self._start, stop - self._start, outputs)
        self.sizes.append(stop - start)
