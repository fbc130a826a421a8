"""Bytes of a network as sums over its parts, so that a limit on them leads a mixture as one on parameters does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from netwright.estimators.cost_sums import Counting, model_of
from netwright.estimators.costs import Amounts, CostModel, ModelledCosts
from netwright.estimators.every_option import unwrapped
from netwright.networks.footprint import file_size, layer_sizes

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture, Content
    from netwright.core.space import Space
    from netwright.core.task import TaskShape

PROVIDES = ("obj.cost",)

SIZES = ("size", "size_int8")
NETWORKS = 24  # random ones that tell how far above a sum of parts the size of a file lies


class Sizes(ModelledCosts):
    """The bytes of a network's file, and of its weights in eight bits, known without building it where `Cost` is.

    What layers take is added up. The file names its tensors in a header, for which a layer's share depends on where it
    stands: that share is taken times the factor that just lifts the sum above 24 random networks. All else is exact.

    space: of the networks.
    shape: what one example looks like.
    """

    metrics = SIZES

    def __init__(self, space: Space, shape: TaskShape) -> None:
        self.space, self.shape = space, shape

    def figures(self, architecture: Architecture) -> dict[str, float]:
        return dict(zip(SIZES, self.model(self.content(architecture)), strict=True))

    @property
    def model(self) -> CostModel:
        return self._sizes

    @cached_property
    def _sizes(self) -> _OfParts:
        model, rng = model_of(self.networks, self.shape, BYTES), np.random.default_rng(0)
        drawn = [self.networks.sample(rng) for _ in range(NETWORKS)]
        return _OfParts(model, max(self._entries(each, *model(each.content)) for each in drawn))

    def _entries(self, architecture: Architecture, data: float, entries: float, _: float) -> float:
        """How often as long the header of the architecture's file is as the sum says."""
        with torch.device("meta"):
            return (file_size(self.networks.build(architecture, self.shape)) - data) / entries


class _OfParts:
    """The bytes of the file and in eight bits, of sums of data, of entries of a header, and of bytes in eight bits.

    factor: of the entries.
    """

    def __init__(self, model: CostModel, factor: float) -> None:
        self._model, self._factor, self.summed = model, factor, model.summed

    def __call__(self, content: Content) -> Amounts:
        return self._bytes(self._model(content))

    @property
    def parts(self) -> tuple[Amounts, list[list[Amounts]]] | None:
        found = self._model.parts
        if found is None:
            return None
        frame, decisions = found
        return self._bytes(frame), [[self._bytes(each) for each in options] for options in decisions]

    def _bytes(self, amounts: Sequence[float]) -> Amounts:
        data, entries, in_flash = amounts
        return data + self._factor * entries, in_flash


def _layers(network: nn.Module, shape: Sequence[int]) -> dict[str, tuple[int, int, int]]:
    return layer_sizes(network, unwrapped)


BYTES = Counting(_layers, "bytes of data, bytes of the file's header, bytes in eight bits", error=0.25)
