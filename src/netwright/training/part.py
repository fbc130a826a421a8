"""A training as it was before the decay of a part, from where a continuation goes on."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from netwright.training.loop import Loop


class BeforeDecay:
    """What a training by the clock was when the decay of a part began, kept in memory.

    loop: the training, which is between two points of its curve.
    seconds: spent in all sittings until now.
    """

    def __init__(self, loop: Loop, seconds: float) -> None:
        assert loop.clock is not None
        self.seconds = seconds
        self._weights = {name: each.detach().clone() for name, each in loop.network.state_dict().items()}
        self._optimiser = copy.deepcopy(loop.optimiser.state_dict())
        average = loop.average
        self._average = None if average is None else (average.updates, [each.clone() for each in average.tensors])
        self._curve, self._metrics, self._steps = list(loop.curve), dict(loop.metrics), loop.steps_done
        self._pass, self._position = (loop.walk.number, loop.walk.step), loop.clock.position

    @torch.no_grad()
    def put_back(self, loop: Loop) -> None:
        """Make the training what it was; the best measurement stays the best, with its weights."""
        assert loop.clock is not None
        loop.network.load_state_dict(self._weights)
        loop.optimiser.load_state_dict(self._optimiser)
        if loop.average is not None and self._average is not None:
            loop.average.updates, loop.average.tensors = self._average
        loop.curve, loop.metrics, loop.steps_done = self._curve, self._metrics, self._steps
        loop.walk.begin(*self._pass)
        loop.clock.position, loop.clock.parted = self._position, False
