"""Operations left out at random, by group (Hong et al. 2020, "DropNAS: Grouped Operation Dropout")."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from netwright.core.checks import probability
from netwright.core.configuration import Configured
from netwright.core.errors import ConfigurationError
from netwright.strategies.differentiable.binary_gates import keep_mass

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from netwright.strategies.differentiable.layout import Layout
    from netwright.strategies.differentiable.parameters import Parameters

PROVIDES = ("search.regularise_stop",)

FREE = ("none", "skip", "pool", "identity")


class GroupedDropout(Configured):
    """Each mixture leaves out every operation with probability rate^(1/n) for a group of n operations.

    The groups of a decision are its operations with and without parameters; at least one of each stays. Only decisions
    between operations are thinned out. Those left out keep their logits, and the others are moved by one number such
    that the operations left out keep their probabilities (section 3.2); weight decay is theirs alone, too.

    rate: of the formula; 3e-5, the paper's and its code's.
    free: an operation whose label contains one of these has no parameters.
    """

    def __init__(self, rate: float = 3e-5, free: tuple[str, ...] = FREE) -> None:
        self.rate = probability(self, "rate", rate)
        if rate == 1:
            raise ConfigurationError("GroupedDropout: rate is 1, which leaves nothing to draw; expected less")
        self.free = tuple(free)

    def draw(
        self, groups: tuple[Tensor, Tensor], parameters: Parameters, rng: np.random.Generator
    ) -> tuple[Tensor, dict[str, tuple[int, ...]]]:
        """Which options take part this time, as a matrix on the logits' device and by decision.

        groups: what `groups` gives.
        """
        alive = parameters.host_alive.clone()
        for group in groups:
            members = group & alive
            size = members.sum(-1, keepdim=True).clamp(min=1)
            limit = torch.tensor(self.rate, dtype=torch.float64) ** (1 / size)
            shares = _uniform(members, rng)
            kept = members & (shares >= limit)
            while (emptied := members.any(-1) & ~kept.any(-1)).any():  # drawn again until something stays
                shares = torch.where(emptied[:, None], _uniform(members, rng), shares)
                kept = members & (shares >= limit)
            alive = torch.where(members, kept, alive)
        rows: list[list[int]] = [[] for _ in parameters.layout.names]
        for row, option in alive.nonzero().tolist():
            rows[row].append(option)
        active = {name: tuple(options) for name, options in zip(parameters.layout.names, rows, strict=True)}
        return alive.to(parameters.alive.device, non_blocking=True), active

    def groups(self, layout: Layout) -> tuple[Tensor, Tensor]:
        """The operations with and those without parameters, as matrices."""
        has_none = torch.zeros_like(layout.exists)
        for row, labels in enumerate(layout.labels):
            for option, label in enumerate(labels):
                has_none[row, option] = any(word in str(label) for word in self.free)
        operations = layout.exists & layout.operations
        return operations & ~has_none, operations & has_none

    def settle(self, before: Tensor, parameters: Parameters, moving: Tensor) -> None:
        """Keep the probabilities of what was left out, once the optimiser has moved the others."""
        parameters.logits = keep_mass(before, parameters.logits, moving)


def _uniform(like: Tensor, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.random(tuple(like.shape)))
