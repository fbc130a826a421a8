"""The largest network of a space while its channels fall out one by one (Mei et al. 2020, "AtomNAS")."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from netwright.core.architecture import Architecture, Mixture
from netwright.core.checks import part, positive, probability
from netwright.core.closest import largest
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.roles import HasAtoms
from netwright.networks.mobile_blocks import AtomicBlock
from netwright.supernets.shared_network import Cut, SharedNetwork, laid_out
from netwright.supernets.sharing import Sharing

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.objective import Constraint
    from netwright.core.strategy import Figures
    from netwright.core.task import TaskShape

PROVIDES = ("super.slim", "search.sparse_bayes")

FIXED = 0.1  # of a training step, what takes as long for a small network
WITHIN = 0.7
"""Share of the training after which a limit is kept, so that what is left is trained as it is."""


class Atoms(Sharing):
    """The weights are those of the largest network, and atomic blocks that do not pay for their cost leave it.

    An atomic block is a channel in the middle of an `AtomicBlock`. Its scale gamma of batch normalisation is pulled to
    zero by strength * c |gamma| in the loss, c being its multiply-adds divided by their mean over all. At the end of an
    epoch those leave whose scale, and the average of it, are within the threshold, and the network is smaller.

    Without a limit the strength decides how much is left. Under limits, more leave: as many as bring the network along
    a line, on a logarithmic scale, from what it costs to the limit, which is reached after 70 % of the training; so no
    strength need be found. Those leave first whose loss would change the least for what they cost, which is told by
    the slopes of scale and shift of the normalisation, (gamma dL/dgamma + beta dL/dbeta)^2 (Molchanov et al. 2019,
    equation 8), averaged as scales are.

    strength: lambda of the penalty; 1.2e-4 in the authors' program for AtomNAS-B.
    warm_up: share of the training in which it rises from zero; 25 of 350 epochs.
    threshold: of scales; 0.001.
    memory: share of the training that the average of a scale goes back; 10,000 of 219,000 steps.
    """

    shrinks = True

    def __init__(
        self, strength: float = 1.2e-4, warm_up: float = 25 / 350, threshold: float = 1e-3, memory: float = 0.046
    ) -> None:
        self.strength = positive(self, "strength", strength)
        self.warm_up = probability(self, "warm_up", warm_up)
        self.threshold, self.memory = positive(self, "threshold", threshold), part(self, "memory", memory)

    def network(
        self, space: DecisionSpace, shape: TaskShape, *, drop_path: bool, skip_dropout: bool, twice: bool
    ) -> SharedNetwork:
        return AtomicNetwork(space, shape, self)

    def mean_step(self, left: float) -> float:
        """The mean along the line that leads to a limit, and a tenth for what does not get quicker with the network."""
        left = min(left, 1.0)
        line = (1 - left) / -math.log(left) if left < 1 else 1.0
        return FIXED + (1 - FIXED) * (WITHIN * line + (1 - WITHIN) * left)


class AtomicNetwork(SharedNetwork):
    """The largest network of a space, as much as is left of it. Its parameters get smaller, and stay the same objects.

    space: with atomic blocks (`core.roles.HasAtoms`).
    shape: of the examples.
    rules: by what they leave.

    Raises ConfigurationError for a space without atomic blocks.
    """

    def __init__(self, space: DecisionSpace, shape: TaskShape, rules: Atoms) -> None:
        super().__init__()
        self._places = atoms_of(space)
        self.space, self.shape, self.rules = space, shape, rules
        self.network = space.build(largest(space), shape)
        options = {each.name: each.options for each in space.decisions}
        self._options = {name: sorted(cast("Sequence[int]", options[name])) for name in self._places}
        self._pull = _shares({name: float(macs) for name, macs in self._multiply_adds().items()}, self.counts())
        for name in self._places:
            scale = self._scale(name).detach()
            self.register_buffer(_buffer(name), torch.stack([scale.abs(), torch.zeros_like(scale)]))
        self._figures: Figures | None = None
        self._limits: Sequence[Constraint] = ()
        self._begun: Mapping[str, float] = {}

    # What is there.

    def _block(self, name: str) -> AtomicBlock:
        return cast("AtomicBlock", self.network.get_submodule(self._places[name][0]))

    def _branch(self, name: str) -> Any:
        """The branch whose channels a decision counts: widen, convolve, narrow; None where none is left."""
        branches, key = self._block(name).branches, self._places[name][1]
        return branches[key] if key in branches else None  # noqa: SIM401 - a ModuleDict has no `get`

    def _norm(self, name: str) -> nn.BatchNorm2d:
        """The normalisation behind the kernels of a branch that is there."""
        return self._branch(name)[1][1]

    def _scale(self, name: str) -> nn.Parameter:
        return self._norm(name).weight

    def _averages(self, name: str) -> Tensor:
        """Of the scales, and of how much the loss would change without a channel: (2, channels)."""
        return cast("Tensor", getattr(self, _buffer(name)))

    def _there(self) -> Iterator[str]:
        return (name for name in self._places if self._branch(name) is not None)

    def counts(self) -> dict[str, int]:
        """By decision how many channels are left."""
        return {name: 0 if self._branch(name) is None else len(self._scale(name)) for name in self._places}

    def left(self) -> Mapping[str, float]:
        return self.counts()

    def _multiply_adds(self) -> dict[str, int]:
        """By decision, those of one channel: a row, a kernel and a column."""
        sides: dict[str, tuple[int, int]] = {}
        hooks = [
            self._branch(name)[1].register_forward_hook(
                lambda _, inputs, output, name=name: sides.update(
                    {name: (inputs[0][0, 0].numel(), output[0, 0].numel())}
                )
            )
            for name in self._there()
        ]
        was = self.network.training
        with torch.no_grad():
            self.network.eval()(self.shape.example(1))
        self.network.train(was)
        for hook in hooks:
            hook.remove()
        return {name: self._of_one(name, *sides[name]) for name in self._there()}

    def _of_one(self, name: str, before: int, behind: int) -> int:
        widen, convolve, narrow = self._branch(name)
        return widen[0].in_channels * before + (convolve[0].kernel_size[0] ** 2 + narrow.out_channels) * behind

    # Running.

    def forward(self, x: Any, candidate: Architecture | Mixture) -> Any:
        if isinstance(candidate, Mixture):
            raise UserError("these weights are those of one network that gets smaller, and run no mixtures")
        self.space.require_own(candidate)
        if self._covers(candidate):
            return self.network(x)
        if torch.is_grad_enabled() and self.training:
            raise UserError("these weights train the largest network as far as it is left, not parts of it")
        return self.extract(candidate).train(self.training)(x)

    def _covers(self, architecture: Architecture) -> bool:
        """Whether an architecture has all that is left."""
        asked = architecture.decisions
        return all(cast("int", asked[name]) >= count for name, count in self.counts().items())

    def extract(self, architecture: Architecture) -> nn.Module:
        """The stand-alone network of an architecture, with the channels of the largest scales of each kernel.

        Raises UserError where it has more channels than are left.
        """
        self.space.require_own(architecture)
        place = next(self.parameters()).device
        asked = {name: cast("int", architecture.decisions[name]) for name in self._places}
        for name, count in self.counts().items():
            if asked[name] > count:
                raise UserError(f"{name} = {asked[name]}, but {count} channels of these shared weights are left")
        with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
            alone = self.space.build(architecture, self.shape).to(place)
        state = dict(self.network.state_dict())
        for name in self._there():
            for full, axis in self._tensors(name):
                if axis is not None:
                    state[full] = state[full].index_select(axis, self._strongest(name, asked[name]))
        alone.load_state_dict({name: state[name] for name in alone.state_dict()})
        return alone.train(self.training)

    def _strongest(self, name: str, count: int) -> Tensor:
        """Where so many channels of the most worth stand, in their order."""
        return self._worth(name).topk(count).indices.sort().values

    def _worth(self, name: str) -> Tensor:
        """By which channels are compared: their scales, or under limits what the loss would change for their cost."""
        strength = self._scale(name).detach().abs()
        if not self._limits:
            return strength
        change = self._averages(name)[1] / self._pull[name]
        return torch.where(strength > self.rules.threshold, change, strength - self.rules.threshold)

    def _tensors(self, name: str) -> Iterator[tuple[str, int | None]]:
        """The tensors of a branch by their names in the network, and the axis of its channels; None for none."""
        place, key = self._places[name]
        for inner, tensor in self._branch(name).state_dict().items():
            axis = None if tensor.dim() == 0 else 1 if inner == "2.weight" else 0
            yield f"{place}.branches.{key}.{inner}", axis

    # Getting smaller.

    def keep_within(self, figures: Figures, limits: Sequence[Constraint]) -> None:
        self._figures, self._limits = figures, [each for each in limits if each.relation == "<="]

    def after_step(self, pull: float, share: float, *, ends_epoch: bool, steps: int) -> Mapping[nn.Parameter, Cut]:
        """The proximal step of the penalty; at the end of an epoch, what has died leaves."""
        rising = min(1.0, share / self.rules.warm_up) if self.rules.warm_up else 1.0
        names = list(self._there())
        with torch.no_grad():
            for name in names:
                scale, reach = self._scale(name), pull * rising * self.rules.strength * self._pull[name]
                scale.copy_(scale.sign() * (scale.abs() - reach).clamp(min=0.0))
            now = [self._now(name) for name in names]
            torch._foreach_lerp_([*map(self._averages, names)], now, 1 / max(1.0, self.rules.memory * steps))  # pyright: ignore
        return self._shrunk(share) if ends_epoch or share >= 1.0 else {}

    def _now(self, name: str) -> Tensor:
        """Of which averages are taken: the scales, and by their slopes what the loss would change (2, channels)."""
        norm = self._norm(name)
        change = torch.zeros_like(norm.weight)
        for each in (norm.weight, norm.bias):
            change = change if each.grad is None else change + each * each.grad
        return torch.stack([norm.weight.abs(), change.square()])

    def _shrunk(self, share: float) -> dict[nn.Parameter, Cut]:
        """Take out what has died, and what is too much for the limits."""
        wanted = {name: self._alive(name, share) for name in self._there()}
        wanted = self._within(wanted, share)
        cuts: dict[nn.Parameter, Cut] = {}
        for name, count in wanted.items():
            if count < len(self._scale(name)):
                cuts |= self._cut(name, self._strongest(name, count))
        return cuts

    def _alive(self, name: str, share: float) -> int:
        """How many channels live; in the end those whose scale does, before also those whose average does."""
        strength = self._scale(name).detach().abs()
        if share < 1.0:
            strength = torch.maximum(strength, self._averages(name)[0])
        return self._offered(name, int((strength > self.rules.threshold).sum()))

    def _offered(self, name: str, count: int) -> int:
        """The least number that a decision offers for so many channels."""
        return next((each for each in self._options[name] if each >= count), self._options[name][-1])

    def _within(self, wanted: dict[str, int], share: float) -> dict[str, int]:
        """Fewer channels where the limits ask for it: the most of those of most worth that keep what is due by now."""
        if self._figures is None or not self._limits:
            return wanted
        if not self._begun:
            self._begun = self._figures(largest(self.space))
        if self._due(wanted, share):
            return wanted
        names = list(wanted)
        worth = [self._worth(name).topk(wanted[name]).values for name in names]
        owners = torch.cat([torch.full_like(each, i) for i, each in enumerate(worth)]).long()
        owners = owners[torch.cat(worth).argsort(stable=True)]

        def without(weakest: int) -> dict[str, int]:
            kept = torch.bincount(owners[weakest:], minlength=len(names)).tolist()
            return {n: min(wanted[n], self._offered(n, count)) for n, count in zip(names, kept, strict=True)}

        low, high = 0, len(owners)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._due(without(middle), share) else (middle, high)
        return without(high)

    def _due(self, counts: Mapping[str, int], share: float) -> bool:
        """Whether networks of so many channels cost no more than is due at this share of the training."""
        assert self._figures is not None
        found = self._figures(self.space.architecture({**dict.fromkeys(self._places, 0), **counts}))
        over = min(1.0, share / WITHIN)
        for each in self._limits:
            begun = max(self._begun[each.metric], each.limit, 1e-12)
            if found[each.metric] > begun ** (1 - over) * max(each.limit, 1e-12) ** over:
                return False
        return True

    def _cut(self, name: str, kept: Tensor) -> dict[nn.Parameter, Cut]:
        """Leave these channels of a branch alone; the parameters that became smaller, and how."""
        self.register_buffer(_buffer(name), self._averages(name).index_select(1, kept))
        if not len(kept):
            del self._block(name).branches[self._places[name][1]]
            return {}
        cuts: dict[nn.Parameter, Cut] = {}
        for full, axis in self._tensors(name):
            if axis is not None:
                tensor = self._tensor(full)
                tensor.data = laid_out(tensor.data.index_select(axis, kept), tensor.data)
                tensor.grad = None
                if isinstance(tensor, nn.Parameter):
                    cuts[tensor] = Cut(axis, kept)
        self._note_sizes(name, len(kept))
        return cuts

    def _tensor(self, full: str) -> Tensor:
        place, _, inner = full.rpartition(".")
        return getattr(self.network.get_submodule(place), inner)

    def _note_sizes(self, name: str, count: int) -> None:
        """Have the layers of a branch say of what size they are."""
        widen, convolve, narrow = self._branch(name)
        widen[0].out_channels = widen[1].num_features = count
        convolve[0].in_channels = convolve[0].out_channels = convolve[0].groups = convolve[1].num_features = count
        narrow.in_channels = count

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """As of any module; what these weights have lost, this network loses."""
        for name in list(self._there()):
            count = state_dict[_buffer(name)].shape[1]
            if count < len(self._scale(name)):
                self._cut(name, torch.arange(count, device=self._scale(name).device))
        return super().load_state_dict(state_dict, strict, assign)


def atoms_of(space: object) -> Mapping[str, tuple[str, str]]:
    """The atomic blocks of a space's networks, see `core.roles.HasAtoms`; ConfigurationError where there are none."""
    if not isinstance(space, HasAtoms):
        raise ConfigurationError(f"{space!r} has no atomic blocks; expected a space such as mobile:form=atomnas")
    return space.atoms()


def _buffer(name: str) -> str:
    """What the averages of a branch's channels are called."""
    return f"averages_{name.replace('/', '_')}"


def _shares(amounts: Mapping[str, float], counts: Mapping[str, int]) -> dict[str, float]:
    """The amounts of one channel of each branch, divided by their mean over all channels."""
    mean = sum(amounts[name] * counts[name] for name in amounts) / sum(counts[name] for name in amounts)
    return {name: amount / mean for name, amount in amounts.items()}
