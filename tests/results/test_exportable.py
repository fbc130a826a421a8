"""What cannot be exported is known before a search trains anything."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from netwright import spaces
from netwright.core.choose import Choose
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import UserError
from netwright.core.task import TaskShape
from netwright.results.exportable import check_exportable


class ByValue(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Sometimes(DecisionSpace):
    """One of its two options looks at values, and one cannot be built."""

    def network(self, choose: Choose, shape: TaskShape) -> nn.Module:
        inner = choose.one("inner", {"plain": nn.ReLU, "looks": ByValue, "broken": lambda: nn.Linear(7, 7)})
        return nn.Sequential(inner, nn.Linear(shape.features, shape.classes))


SHAPE = TaskShape((4,), 3)


def test_the_module_and_the_architecture_are_named() -> None:
    space = Sometimes()
    with pytest.raises(UserError, match=r"looks.*ByValue") as raised:
        check_exportable(space, SHAPE, space.enumerate())
    assert "\n" not in str(raised.value)


def test_networks_that_do_not_run_are_left_to_the_search() -> None:
    space = Sometimes()
    assert check_exportable(space, SHAPE, [each for each in space.enumerate() if each["inner"] != "looks"]) == 2


def test_shipped_spaces_pass_without_touching_the_generator() -> None:
    space, before = spaces.Chain(), torch.get_rng_state()
    rng = np.random.default_rng(0)
    assert check_exportable(space, TaskShape((1, 8, 8), 10), [space.sample(rng) for _ in range(3)]) >= 1
    assert torch.equal(torch.get_rng_state(), before)
