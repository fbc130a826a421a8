"""Graph hypernetworks (Zhang et al. 2019, "Graph HyperNetworks for Neural Architecture Search")."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from netwright.core.checks import whole_number
from netwright.core.space import Space
from netwright.estimators.hypernetworks.computation import Computation, Node
from netwright.estimators.hypernetworks.decoding import Decoder
from netwright.estimators.hypernetworks.generated import Frame, GeneratedNetwork, Generator, Survey
from netwright.supernets.sharing import Sharing

if TYPE_CHECKING:
    from netwright.core.task import TaskShape
    from netwright.supernets.shared_network import SharedNetwork

PROVIDES = ("super.hypernet",)
PLACES = 8  # weights of one node that have embeddings of their own
FEATURES = 2  # numbers of a node beside its label


class GraphHypernetwork(Sharing):
    """A gated graph network looks at what a network computes, and a decoder makes each layer's weights from its node.

    Each node begins with an embedding of its layer. Messages go along the computation, then against it, node after
    node; what a node is told, it takes up by a gated recurrent unit (equations 5 to 7 of the paper).

    width: numbers of a node; 32 in the public code of Knyazev et al. (2021), the authors' being not public.
    passes: how often messages go there and back; 1 in that code.
    largest: outputs and inputs of a kernel that are made, 64 in that code; larger layers repeat them, but for answers.
    """

    needs: ClassVar[type[Space]] = Space

    def __init__(self, width: int = 32, passes: int = 1, largest: int = 64) -> None:
        self.width = whole_number(self, "width", width)
        self.passes = whole_number(self, "passes", passes)
        self.largest = whole_number(self, "largest", largest)

    def network(
        self, space: Space, shape: TaskShape, *, drop_path: bool, skip_dropout: bool, twice: bool
    ) -> SharedNetwork:
        return GeneratedNetwork(space, shape, lambda survey: FromGraph(survey, self.width, self.passes, self.largest))


class FromGraph(Generator):
    """Makes the weights of a network from its graph of layers.

    survey: of the networks that it must be ready for.
    width, passes, largest: see `GraphHypernetwork`.
    """

    def __init__(self, survey: Survey, width: int, passes: int, largest: int) -> None:
        super().__init__()
        self.passes = passes
        self.numbers = {label: number for number, label in enumerate(survey.labels, start=1)}  # 0 is for others
        self.labels = nn.Embedding(len(self.numbers) + 1, width)
        self.sizes = nn.Linear(FEATURES, width)
        self.places = nn.Embedding(PLACES, width)
        self.message = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.update = nn.GRUCell(width, width)
        self.decoder = Decoder(width, survey.weights, max(largest, survey.answers))

    def forward(self, frame: Frame) -> dict[str, Tensor]:
        weights = frame.computation.weights
        if not weights:
            return {}
        nodes = self.embedded(frame.computation)
        device = nodes.device
        owner = torch.tensor([each.node for each in weights], device=device)
        place = torch.tensor([min(each.place, PLACES - 1) for each in weights], device=device)
        return self.decoder(nodes[owner] + self.places(place), weights)

    def embedded(self, computation: Computation) -> Tensor:
        """(nodes, width): each node after all messages."""
        device = self.places.weight.device
        numbers = torch.tensor([self.numbers.get(each.label, 0) for each in computation.nodes], device=device)
        sizes = torch.tensor([_features(each) for each in computation.nodes], device=device)
        states = self.labels(numbers) + self.sizes(sizes)
        ways = [
            *_messages(computation.levels(), [each.sources for each in computation.nodes], device),
            *_messages(computation.levels(backwards=True), computation.readers, device),
        ]
        for _ in range(self.passes):
            for level, senders, receivers in ways:
                states = self._told(states, level, senders, receivers)
        return states

    def _told(self, states: Tensor, level: Tensor, senders: Tensor, receivers: Tensor) -> Tensor:
        """All states, those of this level after what they read has told them."""
        messages = self.message(states[senders])
        summed = messages.new_zeros(len(level), messages.shape[1]).index_add(0, receivers, messages)
        return states.index_copy(0, level, self.update(summed, states[level]))


def _messages(
    levels: Sequence[Sequence[int]], reads: Sequence[Sequence[int]], device: torch.device
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """By level its nodes, who tells them, and whom of the level; one tensor, in parts, since there are many levels."""
    parts: list[list[int]] = []
    for level in levels[1:]:  # those of the first are told nothing
        senders = [each for number in level for each in reads[number]]
        parts += [list(level), senders, [place for place, number in enumerate(level) for _ in reads[number]]]
    flat = torch.tensor([each for part in parts for each in part], dtype=torch.int64, device=device)
    split = iter(flat.split([len(part) for part in parts]))
    return list(zip(split, split, split, strict=True))


def _features(node: Node) -> tuple[float, float]:
    """How wide a node is, and how many it reads, so that both are about 1."""
    return math.log2(max(1, node.channels)) / 4, math.log2(1 + len(node.sources))
