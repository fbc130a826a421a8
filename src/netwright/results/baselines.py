"""Random picks of a space, with which the network that was found there is compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from netwright.core.errors import UserError
from netwright.core.randomness import derived_seed
from netwright.core.roles import ChoosesTraining
from netwright.networks.counting import count

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.tasks.task import Task

MOST_TRIES = 1000
_PICKS = 7


def draw_picks(
    space: Space,
    winner: Architecture,
    task: Task,
    seeds: Sequence[int],
    accept: Callable[[Architecture], bool] | None = None,
) -> list[Architecture]:
    """For each seed another random architecture than the winner, that can be built and keeps the limits.

    Where the space chooses the training, too, they have that of the winner.

    Raises UserError where no such architecture is found in 1,000 draws.
    """

    def keeps(pick: Architecture) -> bool:
        try:
            return accept is None or accept(pick)
        except Exception:  # as below
            return False

    def suits(pick: Architecture) -> bool:
        return keeps(pick) and _works(space, pick, task)

    return _drawn(space, winner, seeds, suits)


def _works(space: Space, architecture: Architecture, task: Task) -> bool:
    """Whether the network can be built and takes an example, found on the meta device."""
    try:
        with torch.device("meta"):
            count(space.build(architecture, task.shape), task.shape.input)
    except Exception:  # a space of the user's own may raise anything where some of its options do not fit together
        return False
    return True


def _drawn(
    space: Space, winner: Architecture, seeds: Sequence[int], accept: Callable[[Architecture], bool]
) -> list[Architecture]:
    """Different architectures other than the winner, one a seed, each from its seed's own generator."""
    seen, chooses = {space.key(winner)}, space if isinstance(space, ChoosesTraining) else None
    found: list[Architecture] = []
    for seed in seeds:
        rng = np.random.default_rng(derived_seed(seed, _PICKS))
        for _ in range(MOST_TRIES):
            pick = space.sample(rng)
            pick = pick if chooses is None else chooses.trained_as(pick, winner)
            if space.key(pick) not in seen and accept(pick):
                break
        else:
            raise UserError(
                f"no {'further ' if found else ''}random architecture of {space.name} that works and keeps the limits "
                f"was found in {MOST_TRIES:,} draws, so there is no random pick to compare with"
            )
        seen.add(space.key(pick))
        found.append(pick)
    return found
