"""Networks of the kinds that people write: exported as code that computes the same, or refused in one line."""

from __future__ import annotations

import enum
import functools
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from generated import remake
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune

from netwright.core.errors import UserError
from netwright.results.network_source import write_source

IMAGE, VECTOR = (3, 8, 8), (12,)


class Recurrent(nn.Module):
    """One recurrent layer over parts of a vector, read out in one of several ways."""

    def __init__(self, layer: type[nn.RNNBase], readout: str = "last", **options) -> None:
        super().__init__()
        self.layer = layer(3, 8, **options)
        self.readout = readout
        self.batch_first = bool(options.get("batch_first"))

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(1, (4, 3))
        outputs, state = self.layer(x if self.batch_first else x.transpose(0, 1))
        if self.readout == "state":
            return (state[0] if isinstance(state, tuple) else state)[-1]
        return outputs[:, -1] if self.batch_first else outputs[-1]


class Cell(nn.Module):
    def __init__(self, cell: type[nn.RNNCellBase]) -> None:
        super().__init__()
        self.cell = cell(3, 6)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for part in x.split(3, dim=1):
            state = self.cell(part, state)
        return state[0] if isinstance(state, tuple) else state


class Transformer(nn.Module):
    def __init__(self, **options) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.randn(1, 4, 8))
        self.embed = nn.Linear(3, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **options)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x.unflatten(1, (4, 3))) + self.place
        return self.head(self.encoder(x).mean(1))


class TransformerOneLayer(nn.Module):
    def __init__(self, **options) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(6, 2, 16, **options)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.view(len(x), 2, 6)).flatten(1)


class TransformerDecoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.randn(1, 2, 6))
        self.layer = nn.TransformerDecoderLayer(6, 2, 8, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.query.expand(x.shape[0], -1, -1), x.reshape(-1, 2, 6)).flatten(1)


class ClassToken(nn.Module):
    """A small vision transformer with a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.register_buffer("mask", torch.triu(torch.ones(5, 5, dtype=torch.bool), 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
        found, weights = self.attention(x, x, x, attn_mask=self.mask)
        return found[:, -1] + weights.mean((1, 2)).unsqueeze(1)


class OwnAttention(nn.Module):
    """Heads by einsum and chunk, with the fused attention beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(6, 18)

    def forward(self, x: Tensor) -> Tensor:
        b = x.shape[0]
        x = x.view(b, 2, 6)
        q, k, v = (each.view(b, 2, 2, 3).transpose(1, 2) for each in self.qkv(x).chunk(3, dim=-1))
        scores = torch.einsum("bhid,bhjd->bhij", q, k) * q.shape[-1] ** -0.5
        own = torch.einsum("bhij,bhjd->bhid", scores.softmax(-1), v)
        fused = F.scaled_dot_product_attention(q, k, v)
        return (own + fused).transpose(1, 2).reshape(b, -1)


class Views(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x.view(len(x), -1)
        z = x.reshape(x.size()[0], -1).view(y.shape)
        n, *rest = x.shape
        return y + z + torch.zeros(n, y.shape[1]) + x.new_ones(x.size(0), rest[0] * rest[1] * rest[2])


class Kind(enum.IntEnum):
    SMALL = 3
    LARGE = 5


class Mode(enum.StrEnum):
    SAME = "same"
    MEAN = "mean"


class Plain(enum.Enum):
    MAX = "max"


class Enums(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, Kind.LARGE, Kind.SMALL, padding=Mode.SAME, stride=1)
        self.mode, self.kind = Mode.MEAN, Plain.MAX

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(self.conv(x), scale_factor=Kind.SMALL, mode="nearest")
        if self.mode == Mode.MEAN and self.kind is Plain.MAX:
            x = x.mean((2, 3))
        return x + Kind.LARGE


def scaled(x: Tensor, by: float, power: int = 1) -> Tensor:
    return (x * by) ** power


class Partials(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.act = functools.partial(F.leaky_relu, negative_slope=0.3)
        self.scale = functools.partial(scaled, by=0.5, power=2)
        make = functools.partial(nn.Linear, 12, bias=False)
        self.layers = nn.ModuleList([make(4), make(6)])

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.act(layer(x)) for layer in self.layers] + [self.scale(x)], dim=1)


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict(
            {"a": nn.ModuleList([nn.Linear(12, 12), nn.ReLU()]), "b.c": nn.Linear(12, 12)}
            if 0
            else {"a": nn.ModuleList([nn.Linear(12, 12), nn.ReLU()]), "b": nn.Linear(12, 12)}
        )
        self.order = ["b", "a"]

    def forward(self, x: Tensor) -> Tensor:
        for name in self.order:
            block = self.blocks[name]
            for layer in block if isinstance(block, nn.ModuleList) else [block]:
                x = layer(x)
        for name, block in self.blocks.items():
            x = x + (block(x) if name == f"{'b'}" else 0)
        return x


Pair = namedtuple("Pair", ["left", "right"])


class Two(nn.Module):
    """Tuples and dictionaries in and out."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 6)

    def forward(self, pair: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        left, right = pair
        return {"sum": self.linear(left) + right, "kept": left}


class TuplesAndDictionaries(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.two = Two()

    def forward(self, x: Tensor) -> Tensor:
        found = self.two(torch.chunk(x, 2, dim=1))
        first, second = torch.split(x, [4, 8], dim=1)
        return torch.cat([found["sum"], found["kept"], second, first], 1)


class NamedTuples(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pair = Pair(x * 2, right=x + 1)
        best = x.max(dim=1, keepdim=True)
        return pair.left - pair.right + best.values


class Outer(nn.Module):
    """Given a dataclass of options and a function; decides by attributes."""

    @dataclass(frozen=True)
    class Options:
        width: int = 5
        residual: bool = True

    def __init__(self, act: Callable[[Tensor], Tensor] = F.gelu) -> None:
        super().__init__()
        self.options = Outer.Options()
        self.linear = nn.Linear(12, 12)
        self.act = act
        self.counts = {"deep": 2}

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.counts["deep"]):
            y = self.act(self.linear(x))
            x = x + y if self.options.residual else y
        assert x.ndim == 2, f"expected vectors, found {x.shape}"
        return x[:, : self.options.width]


class Buffers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("steps", torch.arange(12.0))
        self.register_buffer("hidden", torch.full((12,), 2.0), persistent=False)
        self.free = nn.Parameter(torch.ones(2, 12))
        self.frozen = nn.Parameter(torch.ones(12), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.where(x > 0, x, self.steps * self.hidden)
        return x @ self.free.T + (x * self.frozen).sum(-1, keepdim=True)


class NormedConv(nn.Module):
    def __init__(self, wrap: Callable[[nn.Module], nn.Module]) -> None:
        super().__init__()
        self.conv = wrap(nn.Conv2d(3, 4, 3, padding=1))
        self.head = wrap(nn.Linear(4, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x).mean((2, 3)))


class Symmetric(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.triu() + x.triu(1).transpose(-1, -2)


def symmetric() -> nn.Module:
    layer = nn.Linear(12, 12)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    return nn.Sequential(layer, nn.ReLU())


def old_weight_norm(layer: nn.Module) -> nn.Module:
    with pytest.warns(FutureWarning):
        return nn.utils.weight_norm(layer)


def rows(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Flatten(), *layers)


class Inherits(nn.Linear):
    """A layer with more in it, and its own forward."""

    def __init__(self) -> None:
        super().__init__(12, 6)
        self.gain = nn.Parameter(torch.ones(6))

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias) * self.gain


class Walrus(nn.Module):
    """Locals of many kinds: comprehensions, conditional expressions, star arguments, keyword-only arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(12, 12) for _ in range(3))

    def mix(self, *parts: Tensor, weight: float = 1.0, **more: Tensor) -> Tensor:
        return sum(parts) * weight + sum(more.values())

    def forward(self, x: Tensor) -> Tensor:
        parts = [(y := layer(x)) * (0.5 if i % 2 else 2) + y for i, layer in enumerate(self.layers)]
        return self.mix(*parts, weight=0.25, extra=x)


class WholeModel(nn.Module):
    """A sub-module that is shared, called twice with other shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 3, 3, padding=1), act=nn.Mish()))
        self.again = self.body

    def forward(self, x: Tensor) -> Tensor:
        return self.again(F.avg_pool2d(self.body(x), 2)).flatten(1)


NETWORKS = {
    "gru": (lambda: Recurrent(nn.GRU, batch_first=True), VECTOR),
    "gru of two layers and directions": (lambda: Recurrent(nn.GRU, "state", num_layers=2, bidirectional=True), VECTOR),
    "lstm": (lambda: Recurrent(nn.LSTM, "state", batch_first=True), VECTOR),
    "lstm projected": (lambda: Recurrent(nn.LSTM, proj_size=4), VECTOR),
    "rnn": (lambda: Recurrent(nn.RNN, batch_first=True), VECTOR),
    "rnn of relu without bias": (lambda: Recurrent(nn.RNN, "state", nonlinearity="relu", bias=False), VECTOR),
    "gru cell": (lambda: Cell(nn.GRUCell), VECTOR),
    "lstm cell": (lambda: Cell(nn.LSTMCell), VECTOR),
    "rnn cell": (lambda: Cell(nn.RNNCell), VECTOR),
    "transformer encoder": (Transformer, VECTOR),
    "transformer encoder of gelu, norm first": (lambda: Transformer(activation="gelu", norm_first=True), VECTOR),
    "transformer activation by function": (lambda: Transformer(activation=F.silu), VECTOR),
    "transformer layer": (lambda: TransformerOneLayer(batch_first=True), VECTOR),
    "transformer layer, sequence first": (lambda: TransformerOneLayer(), VECTOR),
    "transformer layer without bias": (lambda: TransformerOneLayer(batch_first=True, bias=False), VECTOR),
    "transformer decoder layer": (TransformerDecoder, VECTOR),
    "class token and mask": (ClassToken, IMAGE),
    "own attention": (OwnAttention, VECTOR),
    "views": (Views, IMAGE),
    "enums": (Enums, IMAGE),
    "partials": (Partials, VECTOR),
    "nested containers": (Nested, VECTOR),
    "tuples and dictionaries": (TuplesAndDictionaries, VECTOR),
    "named tuples": (NamedTuples, VECTOR),
    "options and functions": (Outer, VECTOR),
    "a torch function as activation": (lambda: Outer(torch.tanh), VECTOR),
    "a module as activation": (lambda: Outer(nn.ELU()), VECTOR),
    "a lambda as activation": (lambda: Outer(lambda x: x.clamp(-1, 1) * 2), VECTOR),
    "buffers": (Buffers, VECTOR),
    "weight norm": (lambda: NormedConv(parametrizations.weight_norm), IMAGE),
    "spectral norm": (lambda: NormedConv(parametrizations.spectral_norm), IMAGE),
    "orthogonal": (lambda: rows(parametrizations.orthogonal(nn.Linear(12, 12)), nn.ReLU()), VECTOR),
    "own parametrization": (symmetric, VECTOR),
    "weight norm, old": (lambda: NormedConv(old_weight_norm), IMAGE),
    "spectral norm, old": (lambda: NormedConv(nn.utils.spectral_norm), IMAGE),
    "a layer with more": (Inherits, VECTOR),
    "locals": (Walrus, VECTOR),
    "shared": (WholeModel, IMAGE),
    "softmax over all": (lambda: rows(nn.Linear(12, 3), nn.Softmax(-1)), VECTOR),
    "bilinear upsampling": (
        lambda: nn.Sequential(nn.UpsamplingBilinear2d(scale_factor=2), nn.PixelUnshuffle(2)),
        IMAGE,
    ),
    "folds": (lambda: nn.Sequential(nn.Unfold(2, stride=2), nn.Fold((8, 8), 2, stride=2), nn.ChannelShuffle(3)), IMAGE),
    "depthwise": (
        lambda: nn.Sequential(nn.Conv2d(3, 6, 3, groups=3, padding="same", padding_mode="circular"), nn.CELU()),
        IMAGE,
    ),
    "one dimension": (
        lambda: nn.Sequential(nn.Unflatten(1, (3, 4)), nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4), nn.AvgPool1d(2)),
        VECTOR,
    ),
    "rms norm": (lambda: rows(nn.RMSNorm(12), nn.GLU(), nn.Linear(6, 3)), VECTOR),
    "local response": (
        lambda: nn.Sequential(
            nn.LocalResponseNorm(2),
            nn.FractionalMaxPool2d(2, output_size=4, _random_samples=torch.full((1, 3, 2), 0.5))
            if 0
            else nn.LPPool2d(2, 2),
        ),
        IMAGE,
    ),
    "threshold": (
        lambda: rows(nn.Linear(12, 4), nn.Threshold(0.1, 0.0)),
        VECTOR,
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_code_computes_the_same(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    make, shape = NETWORKS[name]
    remake(make(), shape, tmp_path)


class FixedBatch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.zeros(int(x.shape[0]), 12)


class OtherLayers(nn.Module):
    """A layer of torch in which another layer was put, and one whose parts differ."""

    def __init__(self, change: str) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(6, 2, 8, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        if change == "function":
            self.encoder.layers[1].activation = lambda x: x
        else:
            self.encoder.layers[1].dropout1 = nn.Dropout(0.7)

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(x.view(-1, 2, 6)).flatten(1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (FixedBatch, "FixedBatch at 0 does other things"),
        (lambda: OtherLayers("function"), "activation"),
        (lambda: OtherLayers("dropout"), "TransformerEncoder"),
    ],
)
def test_what_cannot_be_written_is_refused_in_one_line(make, words: str) -> None:
    with pytest.raises(UserError, match=words) as raised:
        write_source(nn.Sequential(make()), torch.randn(2, 12))
    assert "\n" not in str(raised.value)


def test_a_network_with_computed_weights_is_left_as_it_was(tmp_path: Path) -> None:
    network = NormedConv(parametrizations.weight_norm)
    keys = list(network.state_dict())
    remake(network, IMAGE, tmp_path)
    assert list(network.state_dict()) == keys and parametrize.is_parametrized(network.conv)
    assert network(torch.randn(2, *IMAGE)).requires_grad


def test_pruned_weights_are_written_as_they_are(tmp_path: Path) -> None:
    layer = nn.Linear(12, 6)
    prune.l1_unstructured(layer, "weight", amount=0.5)
    made = remake(nn.Sequential(layer, nn.ReLU()), VECTOR, tmp_path)
    assert int((made[0].weight == 0).sum()) == 36


def test_python_sees_tuples_and_none_as_they_are(tmp_path: Path) -> None:
    class Looks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(6, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            found = self.attention(*[x.view(-1, 2, 6)] * 3, need_weights=False)
            assert isinstance(found, tuple)
            x, weights = found
            return x.flatten(1) if weights is None else x.flatten(1) * 2

    remake(Looks(), VECTOR, tmp_path)
