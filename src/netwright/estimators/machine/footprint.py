"""Bytes that a network takes on a device: of its file, and of memory while it answers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from netwright.core.architecture import Architecture, Content
from netwright.core.errors import UserError
from netwright.core.estimator import Estimator
from netwright.core.roles import ChoosesTraining
from netwright.core.space import Space
from netwright.core.task import TaskShape
from netwright.core.trial import Measurement, Proposal
from netwright.networks.executed import executed
from netwright.networks.footprint import INT8, file_size, int8_size, peak_of

PROVIDES = ("obj.cost",)

REMEMBERED = 4096  # architectures


class Footprint(Estimator):
    """What a network takes on a device, found by building it on PyTorch's meta device, which allocates nothing.

    "size" is the bytes of its float32 weights in a file (`netwright.networks.footprint.file_size`), "size_int8" those
    of its weights in 8 bits (`int8_size`), "peak_memory" the most bytes of inputs, activations and outputs that must be
    held at once to answer one example in float32 (`peak_memory`), "peak_memory_int8" the same in 8 bits.

    space: of the architectures.
    shape: what one example looks like.

    Raises InvalidArchitecture for another space's architecture, and UserError for a mixture.
    """

    metrics: ClassVar[tuple[str, ...]] = ("size", "size_int8", "peak_memory", "peak_memory_int8")
    analytic = True

    def __init__(self, space: Space, shape: TaskShape | Mapping[str, Any]) -> None:
        self.space = space
        self.shape = shape if isinstance(shape, TaskShape) else TaskShape.from_json(shape)
        self._networks = space.space if isinstance(space, ChoosesTraining) else space
        self._known: OrderedDict[Content, dict[str, float]] = OrderedDict()

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Build the candidate and follow it; `seed` and the proposal's fidelity change nothing."""
        if not isinstance(proposal.candidate, Architecture):
            raise UserError("Footprint measures architectures; a mixture of all options is no network with a file")
        return Measurement(self.figures(proposal.candidate))

    def figures(self, architecture: Architecture) -> dict[str, float]:
        """The metrics of an architecture, in bytes."""
        if architecture.space is not self.space:
            self.space.validate(architecture)
        if isinstance(self.space, ChoosesTraining):
            architecture = self.space.untrained(architecture)
        found = self._known.get(architecture.content)
        if found is None:
            with torch.device("meta"):
                network = self._networks.build(architecture, self.shape)
            sizes = {"size": float(file_size(network)), "size_int8": float(int8_size(network))}
            followed = executed(network, self.shape.input)
            memory = {"peak_memory": float(peak_of(followed)), "peak_memory_int8": float(peak_of(followed, INT8))}
            found = {**sizes, **memory}
            self._known[architecture.content] = found
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return dict(found)

    def configuration(self) -> dict[str, Any]:
        """The estimator as JSON; the shape as `TaskShape.as_json` gives it, which the constructor takes too."""
        configuration = super().configuration()
        configuration["arguments"]["shape"] = self.shape.as_json()
        return configuration
