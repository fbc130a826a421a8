"""Small spaces to check strategies on: with conditions, without, and with a single architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.core.decision_space import DecisionSpace

if TYPE_CHECKING:
    from torch import nn

    from netwright.core.choose import Choose
    from netwright.core.task import TaskShape


class Layers(DecisionSpace):
    """Up to `most` layers in a row, each of one of three widths or nothing; 4 + 16 + ... architectures."""

    most: int = 5

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        from torch import nn

        def layer(_: int) -> nn.Module:
            return choose.one("layer", {"skip": nn.Identity, "narrow": lambda: wide(2), "dense": dense})

        def wide(width: int) -> nn.Module:
            return nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, 8))

        def dense() -> nn.Module:
            return wide(choose.value("width", [8, 16]))

        body = choose.repeat("depth", 1, self.most, layer)
        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, 8), body, nn.Linear(8, shape.classes))


class Only(DecisionSpace):
    """One architecture: nothing to decide."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        from torch import nn

        return nn.Sequential(nn.Flatten(), nn.Linear(shape.features, shape.classes))
