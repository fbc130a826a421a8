"""A teacher, and a supernet that learns each of its blocks from it alone (Li et al. 2020, "DNA")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from netwright.core.architecture import Mixture
from netwright.core.checks import probability
from netwright.core.closest import largest
from netwright.core.errors import ConfigurationError, UserError
from netwright.core.roles import blocks_of
from netwright.supernets.pairing import copy_weights
from netwright.supernets.selection import setting_of
from netwright.supernets.shared_network import Cut, Lesson, SharedNetwork
from netwright.supernets.sharing import Sharing
from netwright.supernets.supernet import Supernet

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.task import TaskShape

PROVIDES = ("est.distill",)

Features = dict[str, tuple[Tensor, Tensor]]
"""By block the teacher's features before and behind it."""
LEAST = 1e-12  # by which is divided


class BlockByBlock(Sharing):
    """Each block of all networks learns to give what the same block of a teacher gives, of what the teacher gives it.

    The teacher is the largest network of the space. It is trained first, as any network is; then it rests, and each
    block of a supernet reads the teacher's features before that block and learns the teacher's features behind it. So
    blocks learn side by side, and a path through one of them is rated without the others. What stands before and behind
    the blocks is the teacher's, in all networks.

    teaching: share of the training in which the teacher is trained.
    """

    def __init__(self, teaching: float = 0.5) -> None:
        self.teaching = probability(self, "teaching", teaching)

    def mean_step(self, left: float) -> float:
        """Of blocks a step takes longer by the teacher's pass, a third of what a training step of the teacher takes."""
        return 1 + (1 - self.teaching) / 3

    def network(
        self, space: DecisionSpace, shape: TaskShape, *, drop_path: bool, skip_dropout: bool, twice: bool
    ) -> SharedNetwork:
        return BlockwiseNetwork(space, shape, self)


class BlockwiseNetwork(SharedNetwork):
    """The teacher, and beside it all options of each of its blocks.

    Until the teacher is trained, it answers for every candidate. Then a candidate is its blocks in a row, each reading
    what the one before gives; what is learnt of a minibatch is a `Lesson` for each block.

    space: whose networks are rows of blocks (`core.roles.HasBlocks`).
    shape: of the examples.
    rules: how long the teacher is trained.

    Raises ConfigurationError for a space without blocks, UserError for one whose networks cannot share weights.
    """

    taught: Tensor

    def __init__(self, space: DecisionSpace, shape: TaskShape, rules: BlockByBlock) -> None:
        super().__init__()
        self.space, self.shape, self.rules = space, shape, rules
        self.blocks = tuple(blocks_of(space))
        teacher = space.build(largest(space), shape)
        names = [name for name, _ in teacher.named_children()]
        if not isinstance(teacher, nn.Sequential) or not set(self.blocks) <= set(names) or self.blocks[0] == names[0]:
            raise ConfigurationError(
                f"{space!r} says that its networks consist of {list(self.blocks)}; expected a Sequential of layers by "
                f"name, with something before the first block, found {type(teacher).__name__} of {names}"
            )
        self.teacher = teacher
        self.student = Supernet(space, shape, affine=True)
        for name in set(names) - set(self.blocks):
            setattr(self.student.network, name, nn.Identity())  # the teacher's stands for all
        self.register_buffer("taught", torch.tensor(rules.teaching == 0))
        self._seen: tuple[Tensor, Features] | None = None
        self.register_load_state_dict_post_hook(_rests_where_it_is_taught)

    def train(self, mode: bool = True) -> Self:
        """As of any module; a teacher that rests stays in evaluation mode."""
        super().train(mode)
        if self.taught:
            self.teacher.eval()
        return self

    def after_step(self, pull: float, share: float, *, ends_epoch: bool, steps: int) -> Mapping[nn.Parameter, Cut]:
        """Let the teacher rest once it was trained for its share."""
        if not self.taught and share >= self.rules.teaching:
            self.taught.fill_(True)
            self.train(self.training)
        return {}

    def forward(self, x: Any, candidate: Architecture | Mixture) -> Any:
        if not self.taught:
            return self.teacher(x)
        with self._selected(candidate):
            for name, layer in self.teacher.named_children():
                x = self._block(name)(x) if name in self.blocks else layer(x)
        return x

    def lesson(self, x: Any, candidate: Architecture | Mixture) -> Lesson | None:
        """How far each block of a candidate is from the teacher's, once that is trained.

        Lowered is the mean squared distance as a share of the variance of the teacher's features. Told is the mean
        absolute one as a share of their standard deviation, equation 10 of the paper.
        """
        if not self.taught:
            return None
        features, losses, distances = self._features(x), {}, {}
        given: Tensor = x
        with self._selected(candidate):
            for name in self.blocks:
                before, wanted = features[name]
                given = self._block(name)(before)
                spread = wanted.float().std() + LEAST
                off = (given - wanted).float() / spread
                losses[name], distances[name] = off.square().mean(), off.detach().abs().mean()
            for layer in self._behind():
                given = layer(given)
        return Lesson(given, losses, distances)

    def extract(self, architecture: Architecture) -> nn.Module:
        """The stand-alone network of an architecture; what is not in a block is a copy of the teacher's."""
        self.space.validate(architecture)
        place = next(self.parameters()).device
        with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
            alone = self.space.build(architecture, self.shape).to(place)
        with self._selected(architecture):
            for name, layer in alone.named_children():
                if name in self.blocks:
                    copy_weights(self._block(name), layer)
                else:
                    layer.load_state_dict(self.teacher.get_submodule(name).state_dict())
        return alone.train(self.training)

    def _selected(self, candidate: Architecture | Mixture) -> Any:
        """The context in which the blocks are those of a candidate."""
        if isinstance(candidate, Mixture):
            raise UserError("these weights are learnt path by path, and run no mixtures")
        self.space.require_own(candidate)
        return self.student.selection.during(setting_of(candidate))

    def _block(self, name: str) -> nn.Module:
        return self.student.network.get_submodule(name)

    def _behind(self) -> list[nn.Module]:
        """What stands behind the last block."""
        layers = list(self.teacher.named_children())
        last = max(place for place, (name, _) in enumerate(layers) if name in self.blocks)
        return [layer for _, layer in layers[last + 1 :]]

    def _features(self, x: Tensor) -> Features:
        """By block what the teacher gives it and what it makes of that; of one minibatch for many paths once."""
        probing = not torch.is_grad_enabled()
        if probing and self._seen is not None and torch.equal(self._seen[0], x):
            return self._seen[1]
        found: Features = {}
        with torch.no_grad():
            given = x
            for name, layer in self.teacher.named_children():
                before, given = given, layer(given)
                if name in self.blocks:
                    found[name] = before, given
        self._seen = (x, found) if probing else None
        return found


def _rests_where_it_is_taught(network: nn.Module, _keys: Any) -> None:
    network.train(network.training)
