"""Stages of weight training: each with a schedule of its own, and with new weights or going on with those there are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netwright.core.checks import is_number
from netwright.core.errors import ConfigurationError
from netwright.core.space import Space

_OWN = ("epochs", "skip_dropout", "warm_up", "learning_rate", "goes_on", "classes")
DECAY = 0.2  # an epoch, of the dropout on skip connections (the authors' code of Chen et al. 2019)


@dataclass(frozen=True, slots=True)
class Stage:
    """So many epochs on the networks of `space`, with new weights where it is not the first, unless it goes on.

    skip_dropout: initial rate of the dropout after skip connections, and after how many epochs it begins to decay.
    learning_rate: where the schedule of the stage begins, None for that of the settings.
    goes_on: whether weights and optimiser are those of the stage before.
    classes: the share of the classes, the easiest first, on whose examples it trains and probes; an epoch has as many
        steps whatever it is.
    """

    space: Space
    epochs: int
    skip_dropout: float = 0.0
    warm_up: int = 0
    learning_rate: float | None = None
    goes_on: bool = False
    classes: float = 1.0

    def skip_dropout_in(self, epoch: int) -> float:
        """The rate in this epoch of the stage: a linear fall while only weights train, then exponential decay."""
        if epoch < self.warm_up:
            return self.skip_dropout * (self.epochs - epoch - 1) / self.epochs
        return self.skip_dropout * math.exp(-DECAY * (epoch - self.warm_up))


def stages_of(space: Space, epochs: int, described: Sequence[Mapping[str, Any]]) -> tuple[Stage, ...]:
    """The stages; one of all epochs where none is described. ConfigurationError for what a stage cannot be."""
    if not described:
        return (Stage(space, epochs),)
    found: list[Stage] = []
    for each in described:
        own = {key: each[key] for key in _OWN if key in each}
        changes = {key: value for key, value in each.items() if key not in own}
        if not isinstance(own.get("epochs"), int) or own["epochs"] < 1:
            raise ConfigurationError(f"a stage of weight training needs epochs of at least 1, found {dict(each)}")
        if not is_number(own.get("classes", 1.0)) or not 0 < own.get("classes", 1.0) <= 1:
            raise ConfigurationError(f"stage {dict(each)}: classes is a share of the classes, above 0 and at most 1")
        if own.get("goes_on") and (changes or not found):
            raise ConfigurationError(
                f"stage {dict(each)} goes on: expected a stage before it, and no change of the space"
            )
        other = space.replace(**changes) if changes else space
        if other.id != space.id:
            raise ConfigurationError(
                f"stage {dict(each)} changes the decisions of {space}; every stage must ask the same"
            )
        found.append(Stage(found[-1].space if own.get("goes_on") else other, **own))
    return tuple(found)
