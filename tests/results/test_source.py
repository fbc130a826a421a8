"""Networks of many kinds, written as code and made again from it."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from generated import remake, text_of
from torch import Tensor, nn

from netwright.core.building import EdgeSum
from netwright.core.errors import UserError
from netwright.core.task import TaskShape
from netwright.results.network_source import write_source

IMAGE = (3, 8, 8)


class Functional(nn.Module):
    """Own parameters and buffers, residuals, functional calls, sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1, groups=2, bias=False)
        self.scale = nn.Parameter(torch.ones(1, 6, 1, 1))
        self.register_buffer("offset", torch.full((6,), 0.3))
        self.register_buffer("table", torch.arange(4), persistent=False)
        self.constant = torch.tensor([1.0, 2.0])
        self.linear = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x))
        kept = x
        x = self.second(x) * self.scale + self.offset.view(1, -1, 1, 1)
        x = (x + kept) / math.sqrt(2)
        x = torch.cat([x.mean((2, 3)), x.amax(3).amax(2)], dim=1)
        x = x.view(x.size(0), -1) - -1.5 * (2 - x) ** 2 / self.table.sum() + self.constant.prod()
        return self.linear(x.flatten(1))


class Shapes(nn.Module):
    """Branches and loops over sizes, which the shape of the task settles; slices and unpacking."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, 3, 1) for _ in range(3)])
        self.heads = nn.ModuleDict({"class": nn.Linear(3, 3), "other head": nn.Linear(3, 2)})

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        n, c, h, w = x.shape
        if x.dim() == 4 and h > 4:
            x = x[:, :, ::2, 1:-1]
        states = [x]
        for conv in self.convs:
            states.append(conv(sum(states)))
        total = torch.stack(states, 0).mean(0)
        for i in range(c):
            total = total + total[:, i : i + 1].softmax(-1)
        x = total.reshape(n, c, -1).transpose(1, 2).mean(1)
        return self.heads["class"](x), [self.heads["other head"](x), x @ x.t() if n == w else x]


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU(inplace=True)
        self.linear = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        kept = x
        y = self.act(x)
        z = kept + 1
        z += y
        z *= 0.5
        y[:, 0] = 7.0
        return self.linear(z - kept + y * y)


class Node(nn.Module):
    def __init__(self, inputs: int, keyword: bool) -> None:
        super().__init__()
        self.linears = nn.ModuleList([nn.Linear(4, 4) for _ in range(inputs)])
        self.keyword = keyword

    def forward(self, states: Sequence[Tensor], scale: float = 1.0, *, shift: Tensor | None = None) -> Tensor:
        total = sum(linear(state) for linear, state in zip(self.linears, states, strict=True)) * scale
        if shift is not None:
            total = total + shift
        return torch.tanh(total) if len(states) > 1 else total


class Lists(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.nodes = nn.ModuleList([Node(1, False), Node(2, True), Node(3, False)])
        self.sums = EdgeSum((0, 2), (nn.Linear(4, 3), nn.Identity()))
        self.out = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        states = [x]
        states.append(self.nodes[0](states))
        states.append(self.nodes[1](states, 0.5))
        states.append(self.nodes[2](states, shift=x))
        return self.sums([states[3], x, self.out(states[1])]) + self.out(states[2])


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        block = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
        self.first = block
        self.rest = nn.Sequential(block, nn.Linear(4, 4), block)
        self.encode = nn.Linear(4, 4, bias=False)
        self.decode = nn.Linear(4, 4, bias=False)
        self.decode.weight = self.encode.weight
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.decode(self.rest(self.encode(self.first(x)))))


class Doubled(nn.Conv2d):
    """A layer of torch with another forward."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) * 2


class Renamed(nn.Conv2d):
    """A layer of torch with another constructor only."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, padding="same", padding_mode="reflect")


class Row(nn.Sequential):
    def __init__(self, channels: int) -> None:
        super().__init__(OrderedDict(conv=nn.Conv2d(3, channels, 1), norm=nn.GroupNorm(2, channels)))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.lstm = nn.LSTM(6, 5, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(10)
        self.head = nn.Linear(10, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = x.view(-1, 4, 6)
        x, _ = self.attention(x, x, x, need_weights=False)
        x, (hidden, _) = self.lstm(x)
        return self.head(self.norm(x[:, -1] + hidden.sum(0).repeat(1, 2)))


class NoiseWhenTraining(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        return x + torch.randn_like(x)


class Auxiliary(nn.Module):
    """A second head that only training sees, and modules that do nothing when predicting."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 4), NoiseWhenTraining(), nn.ReLU(), nn.Dropout(0.3), NoiseWhenTraining())
        self.noise = NoiseWhenTraining()
        self.auxiliary = nn.Linear(4, 3)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = self.noise(self.body(x))
        return (self.head(x), self.auxiliary(x)) if self.training else self.head(x)


class Strange(nn.Module):
    """Names that cannot be written after a dot, and a class whose name is another's."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module("a b", nn.Linear(4, 4))
        self.add_module("class", nn.Linear(4, 4))
        self.add_module("x'] + evil() + ['", nn.Linear(4, 4))
        self.register_parameter("it's", nn.Parameter(torch.ones(4)))
        self.again = type("Sequential", (Auxiliary,), {})()
        self.path = type("torch", (Auxiliary,), {})()

    def forward(self, x: Tensor) -> Tensor:
        for name in ("a b", "class", "x'] + evil() + ['"):
            x = getattr(self, name)(x) * getattr(self, "it's")
        return self.again(x) + self.path(x)


class Parameters(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.listed = nn.ParameterList([torch.ones(4), torch.ones(2, 4)])
        self.named = nn.ParameterDict({"bias": torch.ones(4), "odd name": torch.ones(())})
        self.register_parameter("nothing", None)

    def forward(self, x: Tensor) -> Tensor:
        return (
            F.linear(x * self.listed[0], self.listed[1], None).sum(1, keepdim=True) * self.named["odd name"]
            + (self.named["bias"][None, 1:])
        )


class Method(nn.Module):
    """A child that is used through another method than its forward."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Functional()
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x)[..., 0])

    def features(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(self.inner.first(x), 1).squeeze(2)


def every_layer() -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(3, 8, (3, 5), stride=(1, 2), padding=(1, 2), dilation=1, bias=False),
            norm=nn.BatchNorm2d(8, eps=1e-3, momentum=0.01),
            act=nn.SiLU(inplace=True),
            up=nn.ConvTranspose2d(8, 4, 2, stride=2, output_padding=1),
            group=nn.GroupNorm(2, 4, affine=False),
            gelu=nn.GELU(approximate="tanh"),
            pool=nn.MaxPool2d(2, ceil_mode=True),
            nested=nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), nn.Sequential(nn.LeakyReLU(0.2))),
            prelu=nn.PReLU(4),
            instance=nn.InstanceNorm2d(4, affine=True, track_running_stats=True),
            larger=nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            hard=nn.Hardtanh(-2.0, 2.0),
            swish=nn.Hardswish(),
            relu6=nn.ReLU6(),
            pad=nn.ZeroPad2d((1, 0, 2, 1)),
            drop=nn.Dropout2d(0.2),
            adaptive=nn.AdaptiveAvgPool2d((2, None)),
            last=nn.AdaptiveMaxPool2d(1),
            flat=nn.Flatten(),
            unflat=nn.Unflatten(1, (2, 2)),
            again=nn.Flatten(1, -1),
            layer=nn.LayerNorm(4),
            linear=nn.Linear(4, 3),
            soft=nn.LogSoftmax(dim=1),
        )
    )


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (Functional, IMAGE),
        (Shapes, IMAGE),
        (InPlace, (5,)),
        (Lists, (4,)),
        (Shared, (4,)),
        (lambda: nn.Sequential(Doubled(3, 4, 3, bias=True), nn.Flatten()), IMAGE),
        (lambda: nn.Sequential(Renamed(3), Row(4), nn.Flatten()), IMAGE),
        (lambda: Row(4), IMAGE),
        (Attention, (24,)),
        (Auxiliary, (4,)),
        (Strange, (4,)),
        (Parameters, (4,)),
        (Method, IMAGE),
        (every_layer, IMAGE),
        (lambda: nn.Linear(4, 3), (4,)),
        (nn.Sequential, (4,)),
    ],
)
def test_code_makes_the_same_network(make, shape, tmp_path: Path) -> None:
    torch.manual_seed(0)
    remake(make(), shape, tmp_path)


def test_double_precision_and_scalars_keep_their_types(tmp_path: Path) -> None:
    class Scalar(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(4, 3, dtype=torch.float64)
            self.register_buffer("count", torch.tensor(3, dtype=torch.int16))

        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x.to(torch.float64)) * self.count

    made = remake(Scalar(), (4,), tmp_path)
    assert made.state_dict()["count"].dtype == torch.int16
    assert made.linear.weight.dtype == torch.float64


def test_shared_weights_stay_shared(tmp_path: Path) -> None:
    made = remake(Shared(), (4,), tmp_path)
    assert made.rest[0] is made.first and made.rest[2] is made.first
    assert made.decode.weight is made.encode.weight


def test_what_training_alone_uses_is_left_out() -> None:
    source = write_source(Auxiliary(), torch.zeros(2, 4))
    assert source.left_out == ("auxiliary.bias", "auxiliary.weight")
    assert "Noise" not in source.code and "nn.Dropout" in source.code
    assert set(source.tensors) == {"body.0.weight", "body.0.bias", "head.weight", "head.bias"}


def test_like_modules_share_a_class() -> None:
    rows = nn.Sequential(*(Row(c) for c in (4,)), nn.Conv2d(4, 3, 1), Row(6), nn.Conv2d(6, 3, 1), Row(8))
    source = write_source(rows, torch.zeros(2, *IMAGE))
    assert len(source.classes) == 1
    assert "Row(4)" in source.code and "Row(8)" in source.code
    assert "def __init__(self, channels: int)" in source.code or "out_channels: int" in source.code


def test_many_equal_modules_are_one_line() -> None:
    source = write_source(nn.Sequential(*(nn.Linear(4, 4) for _ in range(60))), torch.zeros(2, 4))
    assert "for _ in range(60)" in source.code


class ByValue(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if x.sum() > 0:
            return x
        return -x


class TakesItem(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * float(x.mean())


@pytest.mark.parametrize("make", [ByValue, TakesItem])
def test_decisions_by_value_are_refused_with_class_and_line(make) -> None:
    with pytest.raises(UserError, match=rf"{make.__name__} \(test_source.py, line \d+\)"):
        write_source(nn.Sequential(make()), torch.zeros(2, 4))


def test_foreign_functions_and_hooks_are_refused() -> None:
    class Numpy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.from_numpy(np.asarray(x))

    with pytest.raises(UserError, match="Numpy"):
        write_source(Numpy(), torch.zeros(2, 4))
    hooked = nn.Sequential(nn.Linear(4, 4))
    hooked[0].register_forward_hook(lambda module, args, output: output * 2)
    with pytest.raises(UserError, match="hooks"):
        write_source(hooked, torch.zeros(2, 4))


def test_a_layer_changed_after_it_was_made_is_written_as_it_is_or_refused(tmp_path: Path) -> None:
    conv = nn.Conv2d(3, 4, 3)
    conv.stride = (2, 2)
    remake(nn.Sequential(conv), IMAGE, tmp_path)
    linear = nn.Linear(4, 4)
    linear.weight = nn.Parameter(torch.zeros(5, 4))
    linear.bias = nn.Parameter(torch.zeros(5))
    with pytest.raises(UserError, match="Linear"):
        write_source(nn.Sequential(linear), torch.zeros(2, 4))


def test_the_network_is_left_as_it_was() -> None:
    network = Functional().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    generator = torch.get_rng_state()
    write_source(network, torch.zeros(2, *IMAGE))
    assert torch.equal(torch.get_rng_state(), generator)
    assert network.training and not hasattr(network, "_tensor_constant0")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_same_network_gives_the_same_text() -> None:
    first, second = (text_of(write_source(Shapes(), torch.zeros(2, *IMAGE)), IMAGE) for _ in range(2))
    assert first == second


def _spaces():
    from netwright import spaces

    return {
        "NasBench201": (lambda: spaces.NasBench201(channels=4, cells=1), (3, 16, 16)),
        "Darts": (lambda: spaces.Darts(cells=3, channels=4, auxiliary=True), (3, 32, 32)),
        "NasNet": (lambda: spaces.NasNet(cells=3, channels=4), (3, 16, 16)),
        "Chain": (lambda: spaces.Chain(), (1, 8, 8)),
        "Mlp": (lambda: spaces.Mlp(), (20,)),
    }


@pytest.mark.parametrize("name", ["NasBench201", "Darts", "NasNet", "Chain", "Mlp"])
def test_every_shipped_space(name: str, tmp_path: Path) -> None:
    make, shape = _spaces()[name]
    space, rng = make(), np.random.default_rng(0)
    torch.manual_seed(0)
    for _ in range(4):
        remake(space.build(space.sample(rng), TaskShape(shape, 3)), shape, tmp_path)


def test_the_small_residual_network(tmp_path: Path) -> None:
    from netwright.networks.resnet import resnet

    remake(resnet((3, 16, 16), 3, depth=14, width=4), (3, 16, 16), tmp_path)


class OneByOne(nn.Module):
    """Makes tensors whose sizes are given one by one, some of them taken from the input."""

    def forward(self, x: Tensor) -> Tensor:
        n = x.shape[0]
        return torch.cat([x, torch.zeros(n, 1), torch.ones(n, 2, dtype=x.dtype), torch.zeros(n).unsqueeze(1)], 1)


def test_sizes_may_be_given_one_by_one(tmp_path: Path) -> None:
    make = torch.zeros
    made = remake(OneByOne(), (4,), tmp_path)
    assert torch.zeros is make
    inputs = torch.randn(5, 4)
    assert torch.equal(made(inputs), OneByOne()(inputs))
