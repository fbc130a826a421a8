"""An ONNX file gives what its network gives, for batches of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from netwright.core.errors import UserError
from netwright.runtimes import NotTheSame, write_onnx
from netwright.runtimes.onnx_file import difference


def outputs(path: Path, **inputs: Tensor) -> np.ndarray:
    """What ONNX Runtime itself gives, without any code of ours."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {name: each.numpy() for name, each in inputs.items()})[0])


def test_a_convolutional_network_for_batches_of_any_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(8)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        norm,
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 5),
    )
    norm.load_state_dict(norm.state_dict() | {"running_var": torch.full((8,), 0.25)})
    network.train()

    written = write_onnx(network, torch.randn(2, 3, 12, 12), tmp_path / "model.onnx")

    assert network.training and norm.training
    assert written.inputs == ("input",) and written.output == "output"
    assert {"Conv", "Gemm", "Relu"} <= set(written.operations) and "BatchNormalization" not in written.operations
    assert written.size == written.path.stat().st_size and written.largest_difference < 1e-4
    network.eval()
    for count in (1, 7):
        batch = torch.randn(count, 3, 12, 12)
        np.testing.assert_allclose(outputs(written.path, input=batch), network(batch).detach(), atol=1e-5)


class Readers(nn.Module):
    """Two inputs under names, a recurrent layer, a transformer layer, and the batch's size in the code."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(11, 8)
        self.gru = nn.GRU(8, 8, batch_first=True, bidirectional=True)
        self.layer = nn.TransformerEncoderLayer(16, 2, 16, batch_first=True)
        self.head = nn.Linear(16 + 3, 4)

    def forward(self, x: dict[str, Tensor]) -> Tensor:
        found, _ = self.gru(self.words(x["tokens"]))
        pooled = self.layer(found).mean(1).reshape(x["tokens"].shape[0], -1)
        return self.head(torch.cat((pooled, x["numbers"]), 1))


def test_inputs_under_names_with_recurrent_and_transformer_layers(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Readers().eval()
    example = {"tokens": torch.randint(0, 11, (2, 6)), "numbers": torch.randn(2, 3)}

    written = write_onnx(network, example, tmp_path / "model.onnx")

    assert written.inputs == ("tokens", "numbers") and "GRU" in written.operations
    batch = {"tokens": torch.randint(0, 11, (5, 6)), "numbers": torch.randn(5, 3)}
    np.testing.assert_allclose(outputs(written.path, **batch), network(batch).detach(), atol=1e-5)


class Halves(nn.Module):
    """What it does depends on the values that it meets, which no file can follow."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if float(x.sum()) > 0 else x[:1].expand_as(x) - 1


@pytest.mark.slow
def test_a_branch_on_values_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Halves cannot be written as ONNX"):
        write_onnx(Halves(), torch.tensor([[-1.0], [2.0]]), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_one_example_and_different_outputs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="at least two"):
        write_onnx(nn.Linear(2, 2), torch.zeros(1, 2), tmp_path / "model.onnx")
    with pytest.raises(NotTheSame, match=r"by up to 0\.5"):
        difference(torch.tensor([[1.5, 2.0]]), torch.tensor([[1.0, 2.0]]))
    with pytest.raises(NotTheSame, match="shape"):
        difference(torch.zeros(2, 3), torch.zeros(2, 4))
    assert difference(torch.tensor([[1.00001]]), torch.tensor([[1.0]])) == pytest.approx(1e-5, rel=0.1)
