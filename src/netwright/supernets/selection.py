"""What the forward pass under way asks of a supernet: shared by all its modules that leave something open."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from netwright.core.architecture import Architecture, Mixture

if TYPE_CHECKING:
    from torch import Tensor

    from netwright.core.decisions import Label

Setting = tuple["Mapping[str, Label] | None", "Mapping[str, Tensor]", "Mapping[str, tuple[int, ...]]"]


class Selection:
    """An architecture's labels in `chosen`; for a mixture None there, and its weights and active options.

    Modules read it while they run. `now` and `during` carry it over to a recomputation in the backward pass. scratch:
    what modules keep for each other during one pass.
    """

    def __init__(self) -> None:
        self.chosen: Mapping[str, Label] | None = None
        self.weights: Mapping[str, Tensor] = {}
        self.active: Mapping[str, tuple[int, ...]] = {}
        self.scratch: dict[Any, Any] = {}

    @property
    def now(self) -> Setting:
        return self.chosen, self.weights, self.active

    @contextmanager
    def during(self, setting: Setting) -> Generator[None]:
        """Inside, this is what is selected; afterwards what was before."""
        before, scratch = self.now, self.scratch
        self.scratch = {}
        self.chosen, self.weights, self.active = setting
        try:
            yield
        finally:
            self.chosen, self.weights, self.active = before
            self.scratch = scratch

    def __deepcopy__(self, memo: dict[int, object]) -> Selection:
        """A copied supernet has a selection of its own, with nothing selected."""
        copy = Selection()
        memo[id(self)] = copy
        return copy


def setting_of(candidate: Architecture | Mixture) -> Setting:
    if isinstance(candidate, Mixture):
        return None, candidate.weights, candidate.active
    return candidate.decisions, {}, {}
