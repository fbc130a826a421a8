"""Strictly fair sampling (Chu et al. 2019, "FairNAS", Algorithm 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netwright.core.architecture import Architecture
from netwright.core.decisions import INACTIVE
from netwright.core.errors import ConfigurationError
from netwright.core.joint_table import JointTable
from netwright.strategies.paths.sampler import PathSampler

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.decision_space import DecisionSpace
    from netwright.core.decisions import Point


class FairPaths(PathSampler):
    """Each step trains on several architectures that take every option of a decision exactly once between them.

    Their gradients are added up before the weights move. There are as many as the largest decision has options (sets of
    kept sources apart). Each decision deals its options from a shuffled deck that is made up anew once it is used up; a
    smaller decision's deck lasts for less than a step, and that of one which is not always active for more. So the
    numbers of times that two options of a decision were trained never differ by more than one.

    space: the one to search.

    Raises ConfigurationError for a space whose decisions may not be combined at will.
    """

    def __init__(self, space: DecisionSpace) -> None:
        super().__init__(space)
        if isinstance(space.decisions, JointTable):
            raise ConfigurationError(
                f"{space.name} does not allow every combination of its decisions, so that not every option can be "
                "trained equally often; single-path-one-shot draws what it allows"
            )
        choices = [each for each in space.decisions if each.kind != "sources"] or list(space.decisions)
        self.models = max((len(each.options) for each in choices), default=1)
        self._decks: list[list[int]] = [[] for _ in space.decisions]

    def step(self, rng: np.random.Generator) -> Sequence[Architecture]:
        return [self.space.from_indices(self._dealt(rng), check=False) for _ in range(self.models)]

    def _dealt(self, rng: np.random.Generator) -> Point:
        table = self.space.decisions
        point: list[int] = []
        for i, size in enumerate(table.sizes):
            if not table.active(i, point):
                point.append(INACTIVE)
                continue
            if not self._decks[i]:
                self._decks[i] = rng.permutation(size).tolist()
            point.append(self._decks[i].pop())
        return tuple(point)

    def state_dict(self) -> Mapping[str, Any]:
        return {**super().state_dict(), "decks": [list(deck) for deck in self._decks]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self._decks = [list(deck) for deck in state["decks"]]
