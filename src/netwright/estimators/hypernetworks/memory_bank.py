"""Hypernetworks that see a network as reads and writes of memory banks (Brock et al. 2018, "SMASH")."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from netwright.core.checks import whole_number
from netwright.core.space import Space
from netwright.estimators.hypernetworks.banks import Operation, operations
from netwright.estimators.hypernetworks.computation import Computation, Weight
from netwright.estimators.hypernetworks.decoding import GAIN, centred, repeated, started
from netwright.estimators.hypernetworks.generated import Frame, GeneratedNetwork, Generator, Survey
from netwright.supernets.sharing import Sharing

if TYPE_CHECKING:
    from netwright.core.task import TaskShape
    from netwright.supernets.shared_network import SharedNetwork

PROVIDES = ("super.hypernet",)
SLOPE = 0.02  # of the leaky ReLU, as in the authors' program
VECTORS = 4  # of one node that are told apart
NUMBERS = 2  # channels that say how far the network has come, and how wide the layer is
NOISE = 4  # channels by which the units of one layer are told apart
REPEATS = 64  # columns of a layer after which the noise begins again


class MemoryBankHypernetwork(Sharing):
    """A convolutional network makes all weights at once from a picture of what each layer reads and writes.

    The picture has a column for each unit of channels that a layer reads, layer after layer, and a row for each unit
    that one may write. Its channels say from which bank a column is read, to which one the layer writes, and which
    layer it is. At each place the network, a dense one without pooling whose filters are divided by their norm, gives
    the weights between the two units; a kernel is then divided by the norm of each of its filters.

    unit: channels that share a row or a column; 8 in the authors' program.
    growth: channels that each layer of the dense network adds; 10 in that program.
    layers: of each of its blocks, between which the channels are halved; (8, 10, 4) in that program.
    largest: outputs of a kernel that are made, 64 in that program; larger layers repeat them, but for answers.
    """

    needs: ClassVar[type[Space]] = Space

    def __init__(self, unit: int = 8, growth: int = 10, layers: Sequence[int] = (8, 10, 4), largest: int = 64) -> None:
        self.unit = whole_number(self, "unit", unit)
        self.growth = whole_number(self, "growth", growth)
        self.layers = tuple(whole_number(self, "layers", each) for each in layers)
        self.largest = whole_number(self, "largest", largest)

    def network(
        self, space: Space, shape: TaskShape, *, drop_path: bool, skip_dropout: bool, twice: bool
    ) -> SharedNetwork:
        def make(survey: Survey) -> Generator:
            return FromBanks(survey, self.unit, self.growth, self.layers, self.largest)

        return GeneratedNetwork(space, shape, make)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the picture shows a layer with one of its kernels.

    operation: the layer.
    weight: its kernel, None for a layer without one.
    start, stop: columns.
    """

    operation: Operation
    weight: Weight | None
    start: int
    stop: int


class FromBanks(Generator):
    """Makes the weights of a network from its picture.

    The program of SMASH draws noise for each picture; here it is drawn once, so that scores are not random.

    survey: of the networks that it must be ready for.
    unit, growth, layers, largest: see `MemoryBankHypernetwork`.
    """

    noise: Tensor

    def __init__(self, survey: Survey, unit: int, growth: int, layers: Sequence[int], largest: int) -> None:
        super().__init__()
        self.unit = unit
        kernels = [each for each in survey.weights if each.is_kernel]
        largest = max(largest, survey.answers)
        self.rows = -(-min(largest, max((each.shape[0] for each in kernels), default=1)) // unit)
        lines = [operations(frame.computation) for frame in survey.frames]
        used = (bank for line in lines for each in line for bank in (each.writes, *(read for read, _ in each.reads)))
        self.banks = 1 + max(used, default=0)
        labels = sorted({each.label for line in lines for each in line})
        self.numbers = {label: number for number, label in enumerate(labels, start=1)}  # 0 is for others
        self.register_buffer("noise", torch.randn(NOISE, self.rows, REPEATS))
        self.dense = Dense(2 * self.banks + len(self.numbers) + 1 + NUMBERS + NOISE, growth, layers)
        sizes = sorted({each.kernel for each in kernels} or {(1, 1)})
        self.kernels = nn.ModuleDict(
            {_name(size): _pointwise(self.dense.outputs, self._numbers(size)) for size in sizes}
        )
        self.vectors = _pointwise(self.dense.outputs, VECTORS * unit)

    def _numbers(self, kernel: tuple[int, int]) -> int:
        return self.unit**2 * kernel[0] * kernel[1]

    def forward(self, frame: Frame) -> dict[str, Tensor]:
        columns = self.columns(frame.computation)
        if not columns:
            return {}
        features = self.dense(self.picture(columns, next(self.parameters()).device))
        return {**self._kernels(features, columns), **self._vectors(features, columns, frame.computation)}

    def columns(self, computation: Computation) -> list[Columns]:
        """Every layer in its columns, once for each of its kernels."""
        kernels: dict[int, list[Weight]] = {}
        for each in computation.weights:
            if each.is_kernel:
                kernels.setdefault(each.node, []).append(each)
        found: list[Columns] = []
        for each in operations(computation):
            for weight in kernels.get(each.node, []) if each.label != "copy" else ():
                start = found[-1].stop if found else 0
                found.append(Columns(each, weight, start, start + -(-weight.inputs // self.unit)))
            if not found or found[-1].operation is not each:
                start = found[-1].stop if found else 0
                found.append(Columns(each, None, start, start + 1))
        return found

    def picture(self, columns: Sequence[Columns], device: torch.device) -> Tensor:
        """(1, channels, rows, columns): 1 where something is so, -1 elsewhere; and noise, the same for each layer."""
        width = columns[-1].stop
        shown = torch.full((self.dense.inputs - NOISE, self.rows, width), -1.0)
        for each in columns:
            rows = self._rows(each.weight)
            place = slice(each.start, each.stop)
            for column, banks in zip(range(each.start, each.stop), self._read(each), strict=True):
                shown[[bank % self.banks for bank in banks], :rows, column] = 1.0
            label = 2 * self.banks + self.numbers.get(each.operation.label, 0)
            shown[self.banks + each.operation.writes % self.banks, :rows, place] = 1.0
            shown[label, :rows, place] = 1.0
            shown[-2, :rows, place] = 2 * each.start / width - 1
            shown[-1, :rows, place] = 2 * rows / self.rows - 1
        within = torch.tensor([k % REPEATS for each in columns for k in range(each.stop - each.start)], device=device)
        return torch.cat((shown.to(device), self.noise[:, :, within]))[None]

    def _rows(self, weight: Weight | None) -> int:
        return self.rows if weight is None else min(self.rows, -(-weight.shape[0] // self.unit))

    def _read(self, columns: Columns) -> list[list[int]]:
        """By column the banks that its channels come from: all that are read, where a kernel sees a part of each."""
        reads, count = columns.operation.reads, columns.stop - columns.start
        everything = [bank for bank, _ in reads]
        if columns.weight is None or sum(channels for _, channels in reads) != columns.weight.inputs:
            return [everything] * count
        by_channel = [bank for bank, channels in reads for _ in range(channels)]
        return [sorted(set(by_channel[self.unit * k : self.unit * (k + 1)])) for k in range(count)]

    def _kernels(self, features: Tensor, columns: Sequence[Columns]) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        groups: dict[str, list[Columns]] = {}
        for each in columns:
            if each.weight is not None:
                groups.setdefault(self._head(each.weight.kernel), []).append(each)
        for name, members in groups.items():
            places = [column for each in members for column in range(each.start, each.stop)]
            made = self.kernels[name](features[:, :, :, torch.tensor(places, device=features.device)])[0]
            for each, part in zip(members, made.split([each.stop - each.start for each in members], 2), strict=True):
                assert each.weight is not None
                found[each.weight.name] = self._kernel(part, each.weight, _size(name))
        return found

    def _head(self, kernel: tuple[int, int]) -> str:
        """The size of kernel that is made for one of this size: the same, or the largest."""
        name = _name(kernel)
        return name if name in self.kernels else max(self.kernels, key=lambda each: math.prod(_size(each)))

    def _kernel(self, made: Tensor, weight: Weight, size: tuple[int, int]) -> Tensor:
        """made: (unit * unit * height * width, rows, columns)."""
        rows, columns = self._rows(weight), made.shape[2]
        parts = made[:, :rows].view(self.unit, self.unit, *size, rows, columns)
        kernel = parts.permute(4, 0, 5, 1, 2, 3).reshape(rows * self.unit, columns * self.unit, *size)
        kernel = repeated(centred(kernel, weight.kernel), weight)
        return GAIN * F.normalize(kernel.flatten(1), dim=1).view(weight.shape)

    def _vectors(self, features: Tensor, columns: Sequence[Columns], computation: Computation) -> dict[str, Tensor]:
        """Scales and shifts, from the mean over the columns of their layer."""
        first: dict[int, Columns] = {}
        for each in columns:
            first.setdefault(each.operation.node, each)
        wanted = [each for each in computation.weights if not each.is_kernel]
        if not wanted:
            return {}
        means = [
            features[:, :, :, first[each.node].start : first[each.node].stop].mean(3)
            if each.node in first
            else features.mean(3)
            for each in wanted
        ]
        made = self.vectors(torch.cat(means)[..., None])[..., 0]  # (weights, VECTORS * unit, rows)
        made = made.view(len(wanted), VECTORS, self.unit, self.rows).transpose(2, 3).flatten(2)
        return {
            each.name: started(numbers[each.place % VECTORS], each) for each, numbers in zip(wanted, made, strict=True)
        }


class Dense(nn.Module):
    """Convolutions that each read all before them in their block; between blocks the channels are halved.

    inputs: channels of the picture.
    growth: channels that each convolution adds.
    layers: of each block.
    """

    def __init__(self, inputs: int, growth: int, layers: Sequence[int]) -> None:
        super().__init__()
        self.inputs = inputs
        self.first = DividedByNorm(inputs, 8)
        channels = inputs + 8
        self.blocks, self.between = nn.ModuleList(), nn.ModuleList()
        for count in layers:
            self.blocks.append(nn.ModuleList(DividedByNorm(channels + k * growth, growth) for k in range(count)))
            wide = channels + count * growth
            channels = max(1, wide // 2)
            self.between.append(DividedByNorm(wide, channels))
        self.outputs = channels

    def forward(self, picture: Tensor) -> Tensor:
        states = torch.cat((picture, self.first(picture)), 1)
        for block, between in zip(self.blocks, self.between, strict=True):
            for layer in block:  # pyright: ignore[reportGeneralTypeIssues]
                states = torch.cat((states, layer(F.leaky_relu(states, SLOPE))), 1)
            states = between(F.leaky_relu(states, SLOPE))
        return F.leaky_relu(states, SLOPE)


class DividedByNorm(nn.Conv2d):
    """A 3x3 convolution without bias whose filters are divided by their norm, orthogonal at first.

    inputs, outputs: channels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=False)
        nn.init.orthogonal_(self.weight)

    def forward(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return F.conv2d(x, GAIN * F.normalize(self.weight.flatten(1), dim=1).view_as(self.weight), padding=1)


def _pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, 1, bias=False)
    nn.init.normal_(layer.weight, std=1 / math.sqrt(inputs))
    return layer


def _name(kernel: tuple[int, int]) -> str:
    return f"{kernel[0]}x{kernel[1]}"


def _size(name: str) -> tuple[int, int]:
    height, _, width = name.partition("x")
    return int(height), int(width)
