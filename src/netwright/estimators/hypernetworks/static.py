"""Static hypernetworks (Ha et al. 2017, "HyperNetworks"): each layer has an embedding, which is learnt."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from netwright.core.checks import whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.inheriting import scopes
from netwright.core.space import Space
from netwright.estimators.hypernetworks.computation import Weight
from netwright.estimators.hypernetworks.decoding import Decoder
from netwright.estimators.hypernetworks.generated import KEPT, Frame, GeneratedNetwork, Generator, Survey
from netwright.supernets.sharing import Sharing

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.task import TaskShape
    from netwright.supernets.shared_network import SharedNetwork

PROVIDES = ("super.hypernet",)
ROWS = 1024  # of each of the two tables from which an embedding is summed


class StaticHypernetwork(Sharing):
    """One network makes every layer's weights from an embedding of the layer, which knows nothing of the others.

    Layers correspond from network to network where they stand in the same decision and option, elsewhere by their
    names, and have the same shape. There may be more of them than can be listed, so an embedding is the sum of two rows
    of fixed tables, chosen by where the layer stands.

    width: numbers of an embedding; 64 in the paper for residual networks.
    largest: outputs and inputs of a kernel that are made; larger layers repeat them, but for answers.
    """

    needs: ClassVar[type[Space]] = Space

    def __init__(self, width: int = 64, largest: int = 64) -> None:
        self.width = whole_number(self, "width", width)
        self.largest = whole_number(self, "largest", largest)

    def network(
        self, space: Space, shape: TaskShape, *, drop_path: bool, skip_dropout: bool, twice: bool
    ) -> SharedNetwork:
        return GeneratedNetwork(space, shape, lambda survey: FromPlaces(space, survey, self.width, self.largest))


class FromPlaces(Generator):
    """Makes the weights of a network layer by layer, from where each stands.

    space: whose networks.
    survey: of those that it must be ready for.
    width, largest: see `StaticHypernetwork`.
    """

    def __init__(self, space: Space, survey: Survey, width: int, largest: int) -> None:
        super().__init__()
        self._space = space
        self._places: OrderedDict[Architecture, dict[str, str]] = OrderedDict()
        self.tables = nn.ModuleList(nn.Embedding(ROWS, width) for _ in range(2))
        for table in self.tables:
            nn.init.normal_(table.weight, std=0.5**0.5)  # pyright: ignore[reportArgumentType]
        self.decoder = Decoder(width, survey.weights, max(largest, survey.answers))

    def forward(self, frame: Frame) -> dict[str, Tensor]:
        weights, scopes_of = frame.computation.weights, self._scopes(frame.architecture)
        if not weights:
            return {}
        keys = [f"{_place(each, scopes_of)} {each.shape}" for each in weights]
        device = self.decoder.finish.weight.device
        summed = [
            table(torch.tensor([zlib.crc32(f"{number} {key}".encode()) % ROWS for key in keys], device=device))
            for number, table in enumerate(self.tables)
        ]
        return self.decoder(summed[0] + summed[1], weights)

    def _scopes(self, architecture: Architecture) -> dict[str, str]:
        """By module what decision and option made it."""
        if architecture not in self._places:
            found = scopes(self._space, architecture) if isinstance(self._space, DecisionSpace) else {}
            self._places[architecture] = {name: f"{scope} {count}" for name, (scope, count) in found.items()}
            if len(self._places) > KEPT:
                self._places.popitem(last=False)
        return self._places[architecture]


def _place(weight: Weight, scopes_of: dict[str, str]) -> str:
    """Where a weight stands: what made the innermost module around it, and its name inside that."""
    parts = weight.name.split(".")
    for count in range(len(parts) - 1, -1, -1):
        scope = scopes_of.get(".".join(parts[:count]))
        if scope is not None:
            return f"{scope} {'.'.join(parts[count:])}"
    return weight.name
