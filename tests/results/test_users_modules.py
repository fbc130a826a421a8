"""What people write with recurrent and transformer layers and `len(x)` becomes plain code and ONNX, for all sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from generated import import_file
from torch import Tensor, nn

from netwright.results import write_source
from netwright.runtimes import write_onnx

WIDTH = 8


class Lengths(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(64, 3)

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > 10**9:
            raise ValueError("too many")
        return self.out(x.view(len(x), -1)) / len(x[0])


class Gru(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(8, WIDTH, 2, batch_first=True, bidirectional=True, dropout=0.1)
        self.out = nn.Linear(2 * WIDTH, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.gru.flatten_parameters()
        _, hidden = self.gru(x.squeeze(1))
        return self.out(F.dropout(torch.cat([hidden[-1], hidden[-2]], 1), 0.2, self.training))


class Begun(nn.Module):
    """From a state of its own, sequence first, step by step behind that."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(8, WIDTH)
        self.cell = nn.LSTMCell(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, 3)

    def forward(self, x: Tensor) -> Tensor:
        steps, _ = self.gru(x[:, 0].transpose(0, 1), torch.zeros(1, len(x), WIDTH))
        hidden = state = torch.zeros(len(x), WIDTH, device=x.device)
        for i in range(steps.shape[0]):
            hidden, state = self.cell(steps[i], (hidden, state))
        return self.out(hidden)


class Former(nn.Module):
    """Tokens with places, what is padding left out, one token more in front."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(20, WIDTH, padding_idx=0), nn.Embedding(50, WIDTH)
        self.first = nn.Parameter(torch.randn(1, 1, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, 2, 16, activation="gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(WIDTH, 3)

    def forward(self, x: Tensor) -> Tensor:
        found = self.words(x) * math.sqrt(WIDTH) + self.places(torch.arange(x.size(1), device=x.device))
        found = torch.cat([self.first.expand(len(x), -1, -1), found], 1)
        padding = F.pad(x == 0, (1, 0))
        return self.out(self.layers(found, src_key_padding_mask=padding)[:, 0])


class Both(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pair = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
        self.out = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.pair(x[:, 0], x[:, 0]).mean(1))


class Last(nn.Module):
    def forward(self, found: tuple[Tensor, Tensor]) -> Tensor:
        return found[0][:, -1:]


class Layer(nn.TransformerEncoderLayer):
    pass


def row() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(1, 2), nn.GRU(8, 8, batch_first=True), Last(),
        Layer(8, 2, 16, batch_first=True), nn.Flatten(), nn.Linear(8, 3),
    )  # fmt: skip


PICTURES = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
TOKENS = torch.tensor([[1, 5, 7, 0], [2, 3, 4, 9], [8, 8, 0, 0], [11, 2, 6, 1]])
MADE: list[tuple[Callable[[], nn.Module], Any]] = [
    (Lengths, PICTURES), (Gru, PICTURES), (Begun, PICTURES), (Former, TOKENS), (Both, PICTURES), (row, PICTURES),
]  # fmt: skip


@pytest.mark.parametrize(("make", "example"), MADE, ids=[make.__name__ for make, _ in MADE])
def test_it_becomes_code_and_onnx(make: Callable[[], nn.Module], example: Tensor, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = make().eval()
    source = write_source(network, example)
    imports = "import math\nimport torch\nimport torch.nn.functional as F\nfrom torch import Tensor, nn\n"
    (tmp_path / "plain.py").write_text(imports + source.code)
    plain = import_file(tmp_path / "plain.py").build()
    plain.load_state_dict(source.tensors)
    with torch.no_grad():
        for batch in (example[:1], example, torch.cat([example, example])):
            torch.testing.assert_close(plain.eval()(batch), network(batch), rtol=1e-5, atol=1e-6)
    written = write_onnx(network, example, tmp_path / "model.onnx")
    assert written.largest_difference < 1e-5
