"""Numbers that show when a search by shared weights goes wrong, measured on the mixture it stands for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

from netwright.core.architecture import Architecture, Mixture
from netwright.core.decision_space import DecisionSpace


def entropy(mixture: Mixture) -> float:
    """Mean over the decisions of their weights' entropy, as a share of the largest: 1 is uniform, 0 is decided."""
    found: list[float] = []
    for tensor in mixture.weights.values():
        weights = [max(0.0, each) for each in tensor.detach().double().flatten().tolist()]
        total = sum(weights)
        if len(weights) > 1 and total > 0:
            shares = [each / total for each in weights if each > 0]
            found.append(-sum(share * math.log(share) for share in shares) / math.log(len(weights)))
    return sum(found) / len(found) if found else 0.0


def parameter_free(architecture: Architecture, free: Mapping[str, frozenset[str]]) -> float:
    """Share of the architecture's choices between modules that fell on one with nothing to learn; 0 without any."""
    taken = [(name, cast("str", label)) for name, label in architecture.decisions.items() if name in free]
    return sum(label in free[name] for name, label in taken) / len(taken) if taken else 0.0


def parameter_free_by_chance(space: DecisionSpace, free: Mapping[str, frozenset[str]]) -> float:
    """The same share of a random architecture, as if every decision were asked."""
    options = {decision.name: decision.options for decision in space.decisions}
    shares = [len(labels) / len(options[name]) for name, labels in free.items()]
    return sum(shares) / len(shares) if shares else 0.0
