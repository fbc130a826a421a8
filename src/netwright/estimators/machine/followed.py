"""The operations of architectures: of networks that are sums of parts, each part is followed once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from netwright.core.decision_space import DecisionSpace
from netwright.core.roles import HasCostTerms
from netwright.estimators.machine.operation_times import key_of
from netwright.networks.executed import Execution, Operation, executed

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.task import TaskShape

CHECKED = 3  # random networks, of which the parts must have the operations of the whole


class Followed:
    """Follows the networks of architectures without computing anything.

    Building a network takes tens of milliseconds, and whoever looks for one that keeps a limit on latency looks at
    hundreds. Where a space says of which parts its networks are made (`cost_terms`, see `Cost`), those are followed
    instead, and kept, unless a few networks have other operations than their parts.

    space: of the networks alone. shape: of one example. batch: examples that are answered at once.
    """

    def __init__(self, space: Space, shape: TaskShape, batch: int = 1) -> None:
        self._space, self._shape, self._batch = space, shape, batch
        self._parts: dict[Hashable, tuple[Operation, ...]] = {}
        self._adds_up: bool | None = None

    def __call__(self, architecture: Architecture) -> Execution:
        """What the architecture's network does; of one that is made of parts, its operations alone."""
        if self._adds_up is None:
            self._adds_up = self._has_parts()
        return self._of_parts(architecture) if self._adds_up else self.whole(architecture)

    def whole(self, architecture: Architecture) -> Execution:
        """By building it."""
        with torch.device("meta"):
            network = self._space.build(architecture, self._shape)
        return executed(network, self._shape.input, self._batch)

    def _of_parts(self, architecture: Architecture) -> Execution:
        space = cast("Any", self._space)
        operations = [each for term in space.cost_terms(architecture.content) for each in self.part(term)]
        return Execution(tuple(operations), torch.empty(0, device="meta"), (), ())

    def part(self, term: Hashable) -> tuple[Operation, ...]:
        """The operations of one of the parts that the space names (`cost_terms`)."""
        if term not in self._parts:
            with torch.device("meta"):
                module, shape = cast("Any", self._space).cost_part(term, self._shape)
            self._parts[term] = executed(module, shape, self._batch).operations
        return self._parts[term]

    def _has_parts(self) -> bool:
        space = self._space
        if not (isinstance(space, DecisionSpace) and isinstance(space, HasCostTerms)):
            return False
        rng = np.random.default_rng(1)
        return all(self._is_sum(space.sample(rng)) for _ in range(CHECKED))

    def _is_sum(self, architecture: Architecture) -> bool:
        try:
            parts = self._of_parts(architecture).operations
        except Exception:  # a part that cannot run by itself
            return False
        return sorted(map(key_of, parts)) == sorted(map(key_of, self.whole(architecture).operations))
