"""Endless minibatches of one size, each a function of the seed and its number, so that a run can go on from any."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from netwright.core.errors import DataError
from netwright.core.problem import Problem
from netwright.core.randomness import derived_seed
from netwright.core.task import Augmentation, Examples
from netwright.training.augmentation import Batches, Normalisation
from netwright.training.batches import augmentation_generator
from netwright.training.laying import Layout


class Minibatch(NamedTuple):
    """What a network is trained or probed with in one step.

    inputs, targets: of the examples.
    weights: what each counts, (n,); None where all count alike.
    """

    inputs: Any
    targets: Any
    weights: Tensor | None = None


class Minibatches:
    """Passes over the examples, each in a new order; what does not fill a minibatch at a pass's end is left out.

    Those of a problem whose examples continue each other are laid in parallel streams, in every pass.

    Fewer examples than `size` make up one minibatch. Raises DataError for fewer than two.
    """

    def __init__(
        self,
        examples: Examples,
        problem: Problem,
        size: int,
        normalise: Normalisation,
        augmentation: Augmentation,
        seed: int,
    ) -> None:
        if len(examples) < 2:
            raise DataError(f"weight sharing needs at least 2 examples in each half of the data, found {len(examples)}")
        self.layout = Layout.of(problem, len(examples), size)
        self.size = min(self.layout.size, len(examples))
        self.in_a_pass = len(examples) // self.size
        self._examples, self._normalise, self._augmentation, self._seed = examples, normalise, augmentation, seed
        self._void = problem.void
        self._pass, self._batches = -1, None
        self._among: Tensor | None = None

    def only(self, among: Tensor | None) -> None:
        """From now on take none but these examples, in as many minibatches.

        among: which, bool (n,); None for all.
        """
        if among is not self._among:
            self._among, self._pass = among, -1

    def __call__(self, number: int) -> Minibatch:
        """Minibatch `number`, from 0."""
        which, place = divmod(number, self.in_a_pass)
        if which != self._pass or self._batches is None:
            self._batches = self._shuffled(which)
            self._pass = which
        start, stop = place * self.size, (place + 1) * self.size
        return Minibatch(*self._batches(start, stop), self._batches.weights(start, stop))

    def _shuffled(self, which: int) -> Batches:
        device = self._examples.device
        order = self.layout.order(len(self._examples), self._seed, which, device)
        if self._among is not None:
            kept = order[self._among.to(device)[order]]
            order = kept.repeat(-(-len(order) // len(kept)))[: len(order)]
        generator = augmentation_generator(self._seed, which, device)
        return Batches(self._examples, order, self._normalise, self._augmentation, generator, self._void)


def both_halves(seed: int) -> tuple[int, int]:
    """A seed for the order of the training minibatches, and one for those of validation."""
    return derived_seed(seed, 1), derived_seed(seed, 2)
