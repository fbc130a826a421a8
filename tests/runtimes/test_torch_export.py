"""What torch.export writes is read again and answers as its network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from netwright.core.errors import UserError
from netwright.runtimes.torch_export import write_program


def test_a_program_for_batches_of_any_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    assert write_program(network, torch.randn(2, 1, 8, 8), tmp_path / "model.pt2") < 1e-5
    assert network.training
    batch = torch.randn(5, 1, 8, 8)
    again = torch.export.load(tmp_path / "model.pt2").module()
    torch.testing.assert_close(again(batch), network.eval()(batch))


class Branches(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if float(x.sum()) > 0 else x - 1


def test_a_branch_on_values_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Branches has no form of torch\.export") as found:
        write_program(Branches(), torch.ones(2, 3), tmp_path / "model.pt2")
    assert "\n" not in str(found.value) and not list(tmp_path.iterdir())
