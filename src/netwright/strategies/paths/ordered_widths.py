"""Widths chosen by what each costs in loss (Berman et al. 2020, "AOWS", Adaptive and Optimal Network Width Search)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.architecture import Mixture
from netwright.core.checks import positive, probability
from netwright.core.closest import largest, smallest
from netwright.core.decisions import INACTIVE
from netwright.strategies.paths.categorical import Categoricals
from netwright.strategies.rounds.asking import accumulate, rehearse, train
from netwright.strategies.rounds.script import Rounds

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.strategies.rounds.script import Script

PROVIDES = ("super.slim",)

SCHEDULE = ((0.25, 1.0), (0.3, 0.01), (0.5, 0.001), (1.0, 0.0005))
"""Share of the training, and the temperature there: after 5, 6, 10 and 20 of 20 epochs in the authors' program."""


class OrderedWidths(Rounds):
    """Trains the largest, the smallest and a random network a step, and scores each option by what it lost when drawn.

    Of a random network the loss beyond that of the largest one on the same minibatch, divided by its number of
    decisions, is noted for every option that it took; the score of an option is minus the average of the last such
    numbers. First networks are drawn uniformly, then by the softmax of the scores, ever colder.
    What it stands for is the network whose scores sum to the most, or under limits the one of those that keep them.

    space: the one to search, of sizes.
    adaptive: whether it draws by the scores after the warm-up (AOWS), or uniformly throughout (OWS).
    window: how many losses each average is over, as a number of steps; 100,000 images in the program.
    warm_up: share of the training in which networks are drawn uniformly; 5 of 20 epochs.
    """

    def __init__(
        self, space: DecisionSpace, adaptive: bool = True, window: float = 200.0, warm_up: float = 0.25
    ) -> None:
        self.space, self.adaptive = space, adaptive
        self.window = positive(self, "window", window)
        self.warm_up = probability(self, "warm_up", warm_up)
        self.policy = Categoricals(space)
        self.averages = [np.zeros(size) for size in space.decisions.sizes]
        self.counts = [np.zeros(size) for size in space.decisions.sizes]

    def script(self, rng: np.random.Generator) -> Script:
        """One step of three networks, and what is learnt of the random one."""
        drawn, most = self.policy.draw(rng), largest(self.space)
        reference = yield rehearse(most)
        told = yield rehearse(drawn)
        yield accumulate(most)
        yield accumulate(smallest(self.space))
        yield train(drawn)
        self.note(drawn, float(told.metrics["loss"]) - float(reference.metrics["loss"]))
        if self.adaptive and self.progress.share >= self.warm_up:
            self._adapt()

    def note(self, architecture: Architecture, lost: float) -> None:
        """What an architecture has lost against the largest one."""
        point = self.space.indices(architecture)
        active = [i for i, option in enumerate(point) if option != INACTIVE]
        for i in active:
            k = point[i]
            self.counts[i][k] = min(self.counts[i][k] + 1, self.window)
            self.averages[i][k] += (-lost / len(active) - self.averages[i][k]) / self.counts[i][k]

    def temperature(self) -> float:
        """Of the drawing, by how far the training is; straight lines between the logarithms of `SCHEDULE`."""
        shares = [share for share, _ in SCHEDULE]
        logs = [math.log(temperature) for _, temperature in SCHEDULE]
        return math.exp(float(np.interp(self.progress.share, shares, logs)))

    def _adapt(self) -> None:
        heat = self.temperature()
        self.policy.probabilities = [softmax(each / heat) for each in self.averages]

    def mixture(self) -> Mixture:
        """Weights whose logarithms differ as the scores do: the likeliest network is that of the highest sum."""
        import torch

        weights: dict[str, torch.Tensor] = {}
        for decision, scores in zip(self.space.decisions, self._scores(), strict=True):
            shares = np.concatenate([softmax(scores), np.zeros(len(decision.soft))])
            weights[decision.name] = torch.from_numpy(shares)
        return Mixture(weights)

    def _scores(self) -> Sequence[np.ndarray]:
        """Of each option; of one that was never drawn the lowest of its decision."""
        found: list[np.ndarray] = []
        for scores, counts in zip(self.averages, self.counts, strict=True):
            lowest = scores[counts > 0].min(initial=0.0)
            found.append(np.where(counts > 0, scores, lowest))
        return found

    def figures(self) -> dict[str, float]:
        return {"temperature": self.temperature(), "certainty": self.policy.certainty}


def softmax(values: np.ndarray) -> np.ndarray:
    """Shares that are in proportion to the exponentials of values (n,)."""
    powers = np.exp(values - values.max())
    return powers / powers.sum()
