"""A part of a space: the architectures that are listed, as those of a table of published results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.graph import Graph
from netwright.core.listed import ListedTable

if TYPE_CHECKING:
    from torch import nn

    from netwright.core.choose import Choose
    from netwright.core.decisions import DecisionTable, Point
    from netwright.core.task import TaskShape

PROVIDES = ("core.space_dsl",)


class Among(DecisionSpace):
    """The architectures of `space` that are listed: only they are drawn, and each change leads to the nearest of them.

    space: of which these are a part.
    points: architectures of the space, or their points; each counts once.

    Raises ConfigurationError for none, InvalidArchitecture for what is no architecture of the space.
    """

    def __init__(self, space: DecisionSpace, points: Sequence[Architecture | Point]) -> None:
        found = dict.fromkeys(each.content if isinstance(each, Architecture) else tuple(each) for each in points)
        if not found:
            raise ConfigurationError("Among needs at least one architecture, found none")
        for point in found:
            space.decisions.check(point)
        self.space, self.points = space, tuple(found)  # pyright: ignore[reportAttributeAccessIssue]
        self._arguments["points"] = self.points

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        return self.space.network(choose, shape)

    @cached_property
    def decisions(self) -> DecisionTable:
        return ListedTable(self.space.decisions, self.points)

    @cached_property
    def name(self) -> str:
        return self.space.name

    @cached_property
    def id(self) -> str:
        """That of the whole space, whose architectures these are."""
        return self.space.id

    def _whole(self, architecture: Architecture) -> Architecture:
        self.require_own(architecture)
        return Architecture(self.space, architecture.content)

    def canonical(self, architecture: Architecture) -> Architecture:
        """As in the whole space; the representative need not be listed."""
        return Architecture(self, self.space.canonical(self._whole(architecture)).content)

    def format(self, architecture: Architecture) -> str:
        return self.space.format(self._whole(architecture))

    def parse(self, text: str) -> Architecture:
        found = Architecture(self, self.space.parse(text).content)
        self.decisions.check(found.point)
        return found

    def graph(self, architecture: Architecture) -> Graph:
        return self.space.graph(self._whole(architecture))

    def drawn(self, architecture: Architecture) -> Graph:
        return self.space.drawn(self._whole(architecture))

    def build(self, architecture: Architecture, shape: TaskShape) -> nn.Module:
        self.validate(architecture)
        return self.space.build(self._whole(architecture), shape)

    def known(self, shape: TaskShape) -> Mapping[str, Architecture]:
        """Those of the whole space that are listed."""
        listed = set(self.points)
        known = self.space.known(shape).items()
        return {name: Architecture(self, each.content) for name, each in known if each.content in listed}

    def inherit(
        self, parent_network: nn.Module, child_network: nn.Module, parent: Architecture, child: Architecture
    ) -> int:
        return self.space.inherit(parent_network, child_network, self._whole(parent), self._whole(child))

    @cached_property
    def _digest(self) -> str:
        return hashlib.sha256(json.dumps(self.points).encode()).hexdigest()[:12]

    def __repr__(self) -> str:
        return f"Among({self.space!r}, {len(self.points)} architectures, {self._digest})"
