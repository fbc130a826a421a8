"""What of a final comparison fits into the time left: the winner's training first, evidence as far as it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from netwright.core.task import Data
from netwright.training import TrainingSettings
from netwright.training.timing import pace

MARGIN = 0.95  # of the time left is planned with; evidence that turns out to fit only nearly is hurried
STRETCH = 3  # times the epochs that were wanted, at most, where time would be left over
MOST_TIMING = 0.4  # seconds for timing one network's steps


@dataclass(frozen=True)
class Cost:
    """Seconds of one final training.

    epoch: of each epoch.
    test: of the test, and whatever is done once.
    """

    epoch: float
    test: float

    def of(self, epochs: int) -> float:
        return self.epoch * epochs + self.test


def measured(
    network: nn.Module, data: Data, settings: TrainingSettings, device: str, passes: float | None = None
) -> Cost:
    """What a training of this network costs here and now, from a few warm steps; the network is changed by it.

    One training by the clock (`TrainingSettings.seconds`) counts as one epoch.

    data: everything but the test split to train on, the test split held out.
    passes: over the examples that it takes, where that is known and counts in place of how long the settings say.
    """
    found = pace(network, data, settings, device, MOST_TIMING)
    if passes is not None:
        return Cost(passes * found.epoch, found.validation)
    return Cost(found.epoch if settings.seconds is None else settings.seconds, found.validation)


def seconds_of(winner: Cost, begun: int, epochs: int, others: Sequence[Cost], slots: int) -> float:
    """What the winner's training and the first of the others take together, by so many at once."""
    own = winner.of(epochs)
    evidence = sum(each.of(begun + epochs) for each in others)
    return max(own, (own + evidence) / slots)


@dataclass(frozen=True)
class Fit:
    """How long the winner is trained, and how many of the others are expected to fit.

    copies: of the winner, trained side by side.
    """

    epochs: int
    others: int
    copies: int = 1


def fit(
    winner: Cost,
    others: Sequence[Cost],
    *,
    wanted: int,
    begun: int,
    seconds: float | None,
    slots: int = 1,
    exact: bool = False,
) -> Fit:
    """Epochs for the winner: those wanted, fewer where they do not fit, more where nothing else would use the time.

    others: the further trainings in the order of their worth; each takes as many epochs as the winner has in all.
    begun: epochs that the winner has behind it.
    seconds: the time left; None for no limit.
    exact: never more epochs than wanted. 0 epochs where not even one fits.
    """
    if seconds is None:
        return Fit(wanted, len(others))
    left = MARGIN * seconds

    def fits(epochs: int, count: int) -> bool:
        return seconds_of(winner, begun, epochs, others[:count], slots) <= left

    count = max((n for n in range(len(others) + 1) if fits(wanted, n)), default=-1)
    if count < 0:
        return Fit(max((n for n in range(wanted) if fits(n, 0)), default=0), 0)
    if exact or count == len(others):
        return Fit(wanted, count)
    return Fit(max(n for n in range(wanted, STRETCH * wanted + 1) if n == wanted or fits(n, count)), count)
