"""Networks for their shapes alone: the layers of the real one, no values, and nothing outside is touched."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import netwright as nw
from netwright.core.shapes_only import ShapesOnly


def made() -> nn.Module:
    space = nw.spaces.NasBench201(channels=4, cells=1)
    return space.build(space.at(7_000), nw.TaskShape((3, 8, 8), 10))


def test_layers_are_those_of_the_real_network_without_values() -> None:
    with ShapesOnly():
        found = made()
    alike = [(name, each.shape, each.dtype) for name, each in made().state_dict().items()]
    assert [(name, each.shape, each.dtype) for name, each in found.state_dict().items()] == alike
    assert all(each.is_meta for each in found.state_dict().values())


def test_what_lies_elsewhere_is_initialised_as_ever() -> None:
    with ShapesOnly():
        real = nn.Linear(3, 3, device="cpu")
        nn.init.constant_(real.weight, 2.0)
        with torch.device("cpu"):
            inside = nn.Linear(2, 2)
    assert (real.weight == 2).all() and real.bias.abs().sum() > 0
    assert not inside.weight.is_meta and inside.weight.abs().sum() > 0
    assert not torch.empty(1).is_meta


class Named(TorchDispatchMode):
    """Notes the names of the operations that are carried out."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func._schema.name)
        return func(*args, **(kwargs or {}))


def test_no_weight_is_initialised() -> None:
    drawn = {"aten::uniform_", "aten::normal_", "aten::fill_"}
    with torch.device("meta"), Named() as ordinary:
        made()
    with ShapesOnly(), Named() as found:
        made()
    assert drawn & {*ordinary.names} and "aten::empty" in {each.partition(".")[0] for each in found.names}
    assert not {"aten::uniform_", "aten::normal_"} & {*found.names}


def test_no_random_number_is_drawn() -> None:
    before = torch.get_rng_state()
    with ShapesOnly():
        made()
    assert torch.equal(before, torch.get_rng_state())
