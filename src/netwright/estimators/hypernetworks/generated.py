"""Any network of a space on weights that another network makes: it is built, and called with these weights."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from netwright.core.architecture import Architecture, Mixture
from netwright.core.carrying import Carrying
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import UserError
from netwright.core.first_look import looks
from netwright.core.inheriting import scopes
from netwright.estimators.hypernetworks.computation import Computation, Weight, computation
from netwright.supernets.shared_network import SharedNetwork
from netwright.supernets.statistics import statistics_per_batch

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.core.task import TaskShape

SAMPLED = 32  # networks from which it is learnt what layers there are
PLACED = 4  # of them whose decisions are looked at
KEPT = 512  # frames


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A network without weights of its own, and what it computes.

    network: its parameters are on the meta device.
    computation: with the weights that are made.
    common: the names of those that are learnt as they are.
    architecture: whose network it is.
    """

    network: nn.Module
    computation: Computation
    common: tuple[str, ...]
    architecture: Architecture


@dataclass(frozen=True, slots=True)
class Survey:
    """What a hypernetwork must be ready for, from some networks of the space.

    frames: of the networks that were looked at.
    common: the parameters that all of them have alike and outside of any decision, by name.
    answers: numbers that each of them answers with, which must not be repetitions of each other.
    """

    frames: Sequence[Frame]
    common: Mapping[str, nn.Parameter]
    answers: int

    @property
    def weights(self) -> Iterator[Weight]:
        """Those that are made, of all these networks."""
        return (each for frame in self.frames for each in frame.computation.weights)

    @property
    def labels(self) -> list[str]:
        """Of all layers, each once, in alphabetical order."""
        return sorted({node.label for frame in self.frames for node in frame.computation.nodes})


class Generator(nn.Module):
    """Makes the weights of a network from what it computes."""

    def forward(self, frame: Frame) -> dict[str, Tensor]:
        """Every weight of `frame.computation` by its name. A subclass says how."""
        raise NotImplementedError


class GeneratedNetwork(SharedNetwork):
    """Runs any network of a space on the weights that a generator makes for it.

    Parameters that all networks have alike outside of any decision, such as those of a stem, are learnt as they are.
    Batch normalisations take the statistics of each batch.

    space: whose networks; it need not have decisions.
    shape: of the examples.
    make: gives the generator for what some of the networks have shown.

    Raises UserError for networks that carry a state on from batch to batch.
    """

    def __init__(self, space: Space, shape: TaskShape, make: Callable[[Survey], Generator]) -> None:
        super().__init__()
        self.space, self.shape = cast("Any", space), shape
        self.drop_path_probability = 0.0
        self._frames: OrderedDict[Any, Frame] = OrderedDict()
        self._shown: Any = None
        self._made: tuple[Architecture, dict[str, Tensor]] | None = None  # while nothing is trained
        survey = self._surveyed()
        self._own = {name: tuple(each.shape) for name, each in survey.common.items()}
        self.common = nn.ParameterDict({_key(name): each for name, each in survey.common.items()})
        self.generator = make(survey)

    def train(self, mode: bool = True) -> Self:
        self._made = None
        return super().train(mode)

    def look_at(self, inputs: Any) -> None:
        """Keep training examples, for parts of networks that look at some first."""
        self._shown = inputs
        self._frames.clear()

    def forward(self, x: Any, candidate: Architecture | Mixture) -> Any:
        if isinstance(candidate, Mixture):
            raise UserError(
                "a hypernetwork makes the weights of one architecture at a time, not of a mixture; search with a "
                "method that draws architectures, such as smash, ghn or single-path-one-shot"
            )
        self.space.require_own(candidate)
        frame = self._frame(candidate)
        for part in frame.network.modules():
            part.training = self.training
            if hasattr(part, "drop_path_probability"):  # whatever module it is, as in every training
                part.drop_path_probability = self.drop_path_probability  # pyright: ignore
        return functional_call(frame.network, self._weights(frame), (x,))

    def extract(self, architecture: Architecture) -> nn.Module:
        self.space.validate(architecture)
        frame = self._frame(architecture)
        alone = self._built(architecture)
        with torch.no_grad():
            weights = self.weights(frame)
            for name, each in alone.named_parameters():
                each.copy_(weights[name])
        return alone

    def weights(self, frame: Frame) -> dict[str, Tensor]:
        """Every parameter of the frame's network, made or learnt, by its name."""
        return {**self.generator(frame), **{name: self.common[_key(name)] for name in frame.common}}

    def _weights(self, frame: Frame) -> dict[str, Tensor]:
        """The same; while nothing is trained, a network's are made once for all batches."""
        if self.training or torch.is_grad_enabled():
            return self.weights(frame)
        if self._made is None or self._made[0] != frame.architecture:
            self._made = frame.architecture, self.weights(frame)
        return self._made[1]

    # Frames.

    def _frame(self, architecture: Architecture) -> Frame:
        found = self._frames.get(architecture)
        if found is None:
            found = self._frames[architecture] = _framed(self._built(architecture), architecture, self.shape, self._own)
            if len(self._frames) > KEPT:
                self._frames.popitem(last=False)
        else:
            self._frames.move_to_end(architecture)
        return found

    @property
    def _place(self) -> torch.device:
        return next((each.device for each in self.parameters()), torch.device("cpu"))

    def _built(self, architecture: Architecture) -> nn.Module:
        """The network with weights that nobody uses; torch's generators stay as they are."""
        place = self._place
        with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
            network = self.space.build(architecture, self.shape).to(place)
        if self._shown is not None:
            for part in looks(network):
                part.look_at(self._shown)
        return network

    def _surveyed(self) -> Survey:
        rng = np.random.default_rng(0)
        drawn = list(dict.fromkeys(self.space.sample(rng) for _ in range(SAMPLED)))
        networks = [self.space.build(each, self.shape) for each in drawn]
        _require_no_state(networks[0])
        common = _common(networks)
        for architecture, network in list(zip(drawn, networks, strict=True))[:PLACED]:
            decided = _decided(self.space, architecture, network)
            common = {name: each for name, each in common.items() if name not in decided}
        own = {name: tuple(each.shape) for name, each in common.items()}
        with torch.random.fork_rng(devices=[]):
            frames = [_framed(*pair, self.shape, own) for pair in zip(networks, drawn, strict=True)]
        return Survey(frames, common, self.shape.outputs)


def _framed(
    network: nn.Module, architecture: Architecture, shape: TaskShape, common: Mapping[str, tuple[int, ...]]
) -> Frame:
    """The frame of a network, which loses its weights."""
    statistics_per_batch(network)
    place = next((each.device for each in network.parameters()), torch.device("cpu"))
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        found = computation(network.train(), shape.example(2).to(place))
    own = tuple(each.name for each in found.weights if common.get(each.name) == each.shape)
    for part in network.modules():
        for name, each in list(part.named_parameters(recurse=False)):
            setattr(part, name, nn.Parameter(torch.empty_like(each, device="meta")))
    left = tuple(each for each in found.weights if each.name not in own)
    return Frame(network, Computation(found.nodes, left), own, architecture)


def _common(networks: Sequence[nn.Module]) -> dict[str, nn.Parameter]:
    """The first network's parameters that all have under the same name and of the same shape."""
    shapes = [{name: each.shape for name, each in network.named_parameters()} for network in networks]
    return {
        name: nn.Parameter(each.detach().clone())
        for name, each in networks[0].named_parameters()
        if all(found.get(name) == each.shape for found in shapes)
    }


def _decided(space: Any, architecture: Architecture, network: nn.Module) -> set[str]:
    """The parameters that belong to what a decision made; none are known where a space has no decisions."""
    if not isinstance(space, DecisionSpace):
        return set()
    made = tuple(f"{name}." if name else "" for name in scopes(space, architecture))
    return {name for name, _ in network.named_parameters() if name.startswith(made)}


def _require_no_state(network: nn.Module) -> None:
    if any(isinstance(each, Carrying) for each in network.modules()):
        raise UserError(
            "a hypernetwork makes no weights for networks that carry a state on from one batch to the next; "
            "single-path-one-shot and darts-rnn train such networks"
        )


def _key(name: str) -> str:
    return name.replace(".", "/")
