"""A space of a table whose networks nobody builds: names of decisions, and what each may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, UserError, shown

if TYPE_CHECKING:
    from netwright.core.choose import Choose
    from netwright.core.task import TaskShape

PROVIDES = ("est.tabular",)


class Tabular(DecisionSpace):
    """Every combination of the options, as of a table with a column for each decision: {"width": [8, 16], "op": ["a"]}.

    decisions: the options of each, by name; one with a single option is no decision. No network can be built of it:
        measure with `Table`, or with your own function.

    Raises ConfigurationError for no decisions, and for options that are not at least one, all different.
    """

    def __init__(self, decisions: Mapping[str, Sequence[Any]]) -> None:
        if not isinstance(decisions, Mapping) or not decisions:
            raise ConfigurationError(
                f"Tabular: expected a mapping from names to options, as {{'width': [8, 16]}}; found {shown(decisions)}"
            )
        for name, options in decisions.items():
            listed = isinstance(options, Sequence) and not isinstance(options, str)
            if not listed or not options or len(set(options)) < len(options):
                raise ConfigurationError(
                    f"Tabular: {name!r} has the options {shown(options)}; expected a list of different ones"
                )
        self.options = {  # pyright: ignore[reportAttributeAccessIssue]
            str(name): tuple(options) for name, options in decisions.items()
        }
        self._arguments["decisions"] = self.options

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        for name, options in self.options.items():
            choose.value(name, options)
        return nn.Identity()

    def build(self, architecture: Architecture, shape: TaskShape) -> nn.Module:
        raise UserError("Tabular names the decisions of a table and builds no networks; measure with Table instead")
