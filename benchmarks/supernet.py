"""One search step of the DARTS supernet against a plain implementation of the same mathematics, side by side.

    python benchmarks/supernet.py [--batch 16] [--steps 5] [--device cpu] [--json FILE] [--quick]
    python benchmarks/supernet.py --authors DIR     # against the authors' own code, of a checkout of quark0/darts

The plain one is written here as the published code is: contiguous tensors, each operation of each edge alone, zeros
included, every gradient computed in the validation and in the training pass. Both have 8 cells, 16 channels, 10
classes, batch normalisation after each pooling, the same weights and the same images of 32x32 pixels; both run on one
thread in float32. A first-order step is the gradient of the mixture on a validation batch, then of the weights on
a training batch, clipped, and a step of SGD. The second order is by finite differences (Liu et al. 2019, equations 7
and 8), for the plain one with every gradient in each pass or, "pruned", with those that are used. Steps alternate in
one process; shown are the medians and the ratio of neighbouring steps.

With `--authors` the other side is the network and the architect of Liu et al. as they published them, with no change
but that `.cuda()` stays where it is: `Architect.step`, then the weight step of their `train_search.py`. Both begin with
the same weights, and the differences of loss and gradients at those are shown.

Memory is the growth of a process of its own over what it held after its imports and a first small convolution, or what
CUDA allocated at most. Operations are those that PyTorch dispatches in a step, without views and allocations: about
what a GPU would be asked to launch. Those "of a GPU" are counted on the path that ours takes there.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode

import netwright as nw
from netwright.core.architecture import Mixture
from netwright.estimators.sharing.hypergradient import second_order
from netwright.supernets import Supernet
from netwright.supernets.fusion import layout

RATE, MOMENTUM, DECAY, CLIP = 0.025, 0.9, 3e-4, 5.0
ORDERS = ("first_order", "second_order", "second_order_pruned")
OPTIONS = ("max", "avg", "skip", "sep3", "sep5", "dil3", "dil5", "none")


# The plain implementation.


class Zero(nn.Module):
    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return x.mul(0.0) if self.stride == 1 else x[:, :, :: self.stride, :: self.stride].mul(0.0)


class Reduce(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs // 2, 1, 2, bias=False)
        self.second = nn.Conv2d(inputs, outputs // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(x)
        return self.norm(torch.cat([self.first(x), self.second(x[:, :, 1:, 1:])], 1))


def spread(channels: int, kernel: int, stride: int, dilation: int) -> list[nn.Module]:
    padding = dilation * (kernel // 2)
    return [
        nn.ReLU(),
        nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels, affine=False),
    ]


def option(name: str, channels: int, stride: int) -> nn.Module:
    if name == "none":
        return Zero(stride)
    if name == "skip":
        return nn.Identity() if stride == 1 else Reduce(channels, channels)
    if name in ("max", "avg"):
        pool = nn.MaxPool2d(3, stride, 1) if name == "max" else nn.AvgPool2d(3, stride, 1, count_include_pad=False)
        return nn.Sequential(pool, nn.BatchNorm2d(channels, affine=False))
    kernel = int(name[-1])
    if name.startswith("dil"):
        return nn.Sequential(*spread(channels, kernel, stride, 2))
    return nn.Sequential(*spread(channels, kernel, stride, 1), *spread(channels, kernel, 1, 1))


class Mixed(nn.Module):
    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.options = nn.ModuleList(option(name, channels, stride) for name in OPTIONS)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        return sum(weight * each(x) for weight, each in zip(weights, self.options, strict=True))  # type: ignore[return-value]


class PlainCell(nn.Module):
    def __init__(self, older: int, newer: int, channels: int, reduces: bool, after_reduction: bool) -> None:
        super().__init__()
        self.reduces = reduces
        norm = nn.BatchNorm2d(channels, affine=False)
        self.older = (
            Reduce(older, channels)
            if after_reduction
            else nn.Sequential(nn.ReLU(), nn.Conv2d(older, channels, 1, bias=False), norm)
        )
        norm = nn.BatchNorm2d(channels, affine=False)
        self.newer = nn.Sequential(nn.ReLU(), nn.Conv2d(newer, channels, 1, bias=False), norm)
        self.edges = nn.ModuleList(
            Mixed(channels, 2 if reduces and source < 2 else 1) for node in range(4) for source in range(node + 2)
        )

    def forward(self, older: Tensor, newer: Tensor, weights: Tensor) -> Tensor:
        states = [self.older(older), self.newer(newer)]
        first = 0
        for _ in range(4):
            edges = range(first, first + len(states))
            first += len(states)
            states.append(sum(self.edges[e](x, weights[e]) for e, x in zip(edges, states, strict=True)))  # type: ignore[arg-type]
        return torch.cat(states[2:], 1)


class Plain(nn.Module):
    """The network of Liu et al. (2019) for the search, its mixture included."""

    def __init__(self, cells: int, channels: int) -> None:
        super().__init__()
        width = 3 * channels
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        self.cells = nn.ModuleList()
        older, newer, after = width, width, False
        for i in range(cells):
            reduces = i in (cells // 3, 2 * cells // 3)
            channels *= 2 if reduces else 1
            self.cells.append(PlainCell(older, newer, channels, reduces, after))
            older, newer, after = newer, 4 * channels, reduces
        self.classifier = nn.Linear(newer, 10)
        self.mixture = nn.ParameterList(torch.zeros(14, len(OPTIONS)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        older = newer = self.stem(x)
        for cell in self.cells:
            older, newer = newer, cell(older, newer, self.mixture[int(cell.reduces)].softmax(-1))  # type: ignore[arg-type]
        return self.classifier(newer.mean((2, 3)))


class Contender:
    """One of the two implementations, with what a step of its search needs."""

    weights: list[nn.Parameter]
    mixture: list[Tensor]  # before the softmax
    pruned = False
    shift = 0  # columns that the mixture's options are moved by

    def loss(self, batch: int) -> Tensor:
        raise NotImplementedError

    def set_up(self, **options: Any) -> None:
        self.weight_steps = torch.optim.SGD(self.weights, RATE, MOMENTUM, weight_decay=DECAY, **options)
        self.mixture_steps = torch.optim.Adam(self.mixture, 3e-4, (0.5, 0.999), weight_decay=1e-3, **options)

    def probe(self) -> None:
        raise NotImplementedError

    def train(self) -> None:
        raise NotImplementedError

    def gradients(self, batch: int, of: list) -> tuple[Tensor, ...]:
        return torch.autograd.grad(self.loss(batch), of)

    def first_order(self) -> None:
        self.probe()
        self.train()

    def second_order(self) -> None:
        raise NotImplementedError

    def second_order_pruned(self) -> None:
        """With only the gradients that are used in the plain one, too."""
        self.pruned = True
        self.second_order()
        self.pruned = False


class PlainStep(Contender):
    def __init__(self, cells: int, channels: int, data: list[tuple[Tensor, Tensor]], device: str) -> None:
        self.network = Plain(cells, channels).to(device)
        self.data = data
        self.mixture = list(self.network.mixture)
        self.weights = [each for name, each in self.network.named_parameters() if not name.startswith("mixture")]
        self.set_up()

    def loss(self, batch: int) -> Tensor:
        images, labels = self.data[batch]
        return cross_entropy(self.network(images), labels)

    def probe(self) -> None:
        self.network.zero_grad()
        self.loss(0).backward()
        self.mixture_steps.step()

    def train(self) -> None:
        self.network.zero_grad()
        self.loss(1).backward()
        nn.utils.clip_grad_norm_(self.weights, CLIP)
        self.weight_steps.step()

    def second_order(self) -> None:
        """The gradient of the mixture after one virtual step of the weights, by three further passes.

        Each computes every gradient, as `loss.backward()` does; where `pruned`, only those that are used, as
        `torch.autograd.grad` allows.
        """
        count, before = len(self.mixture), [each.detach().clone() for each in self.weights]
        change = self.some_gradients(1, weights=True)
        with torch.no_grad():
            moved = torch._foreach_add(change, before, alpha=DECAY)
            momentum = [self.weight_steps.state[each].get("momentum_buffer") for each in self.weights]
            if momentum[0] is not None:
                torch._foreach_add_(moved, momentum, alpha=MOMENTUM)
            torch._foreach_add_(self.weights, moved, alpha=-RATE)
        both = self.gradients(0, [*self.mixture, *self.weights])
        direct, ahead = both[:count], both[count:]
        small = 0.01 / torch.stack(torch._foreach_norm(ahead)).norm()
        step = torch._foreach_mul(ahead, small)
        sides: list[tuple[Tensor, ...]] = []
        for sign in (1.0, -1.0):
            with torch.no_grad():
                torch._foreach_copy_(self.weights, torch._foreach_add(before, step, alpha=sign))
            sides.append(self.some_gradients(1, weights=False))
        with torch.no_grad():
            torch._foreach_copy_(self.weights, before)
            for each, gradient, up, down in zip(self.mixture, direct, *sides, strict=True):
                each.grad = gradient - RATE * (up - down) / (2 * small)
        self.mixture_steps.step()
        self.train()

    def some_gradients(self, batch: int, *, weights: bool) -> tuple[Tensor, ...]:
        wanted = self.weights if weights else self.mixture
        if self.pruned:
            return self.gradients(batch, [*wanted])
        count, every = len(self.mixture), self.gradients(batch, [*self.mixture, *self.weights])
        return every[count:] if weights else every[:count]


class AuthorsStep(Contender):
    """The published code, from a checkout: its network, its architect, and a weight step as its training script has it.

    Its operations run as they are written, with the gradients that they leave to be computed.
    """

    shift = 1  # "none" is its first option

    def __init__(
        self, cells: int, channels: int, data: list[tuple[Tensor, Tensor]], device: str, checkout: Path
    ) -> None:
        sys.path.insert(0, str(checkout / "cnn"))
        architect, model = importlib.import_module("architect"), importlib.import_module("model_search")
        if device == "cpu":  # it moves everything to a GPU
            Tensor.cuda = nn.Module.cuda = lambda self, *_, **__: self  # type: ignore[method-assign, assignment]
        self.network = model.Network(channels, 10, cells, nn.CrossEntropyLoss()).to(device)
        self.data = data
        self.mixture = self.network.arch_parameters()
        self.weights = list(self.network.parameters())
        rates = {"arch_learning_rate": 3e-4, "arch_weight_decay": 1e-3}
        self.architect = architect.Architect(
            self.network, argparse.Namespace(momentum=MOMENTUM, weight_decay=DECAY, **rates)
        )
        self.weight_steps = torch.optim.SGD(self.weights, RATE, MOMENTUM, weight_decay=DECAY)

    def loss(self, batch: int) -> Tensor:
        return self.network._loss(*self.data[batch])

    def probe(self) -> None:
        self._architecture_step(unrolled=False)

    def second_order(self) -> None:
        self._architecture_step(unrolled=True)
        self.train()

    def _architecture_step(self, *, unrolled: bool) -> None:
        self.architect.step(*self.data[1], *self.data[0], RATE, self.weight_steps, unrolled=unrolled)

    def train(self) -> None:
        self.weight_steps.zero_grad()
        self.loss(1).backward()
        nn.utils.clip_grad_norm_(self.weights, CLIP)
        self.weight_steps.step()


class OurStep(Contender):
    def __init__(
        self, cells: int, channels: int, data: list[tuple[Tensor, Tensor]], device: str, recompute: bool = False
    ) -> None:
        space = nw.spaces.Darts(cells=cells, channels=channels)
        shape = nw.TaskShape(tuple(data[0][0].shape[1:]), 10)
        self.network = Supernet(space, shape, normalise_pooling=True, recompute=recompute).to(device)
        layout = torch.channels_last if device == "cpu" else torch.contiguous_format
        self.data = [(images.contiguous(memory_format=layout), labels) for images, labels in data]
        self.names = [each.name for each in space.decisions if each.kind != "sources"]
        self.mixture = [torch.zeros(14, len(OPTIONS), device=device, requires_grad=True) for _ in range(2)]
        self.weights = list(self.network.parameters())
        self.set_up(fused=True)

    def loss(self, batch: int) -> Tensor:
        images, labels = self.data[batch]
        rows = [row for each in self.mixture for row in each.softmax(-1).unbind()]
        return cross_entropy(self.network(images, Mixture(dict(zip(self.names, rows, strict=True)))), labels)

    def probe(self) -> None:
        self._want(weights=False)
        self._follow(self.gradients(0, [*self.mixture]))
        self._want(weights=True)

    def second_order(self) -> None:
        """By what netwright's estimator of shared weights calls."""
        found, _ = second_order(
            *(lambda: self.loss(1), lambda: self.loss(0), self.weights, self.mixture, self._virtual_step, RATE)
        )
        self._follow(found)
        self.train()

    def _virtual_step(self, gradients: Sequence[Tensor]) -> None:
        buffers = [self.weight_steps.state[each].get("momentum_buffer") for each in self.weights]
        torch._foreach_mul_(self.weights, 1 - RATE * DECAY)
        torch._foreach_add_(self.weights, gradients, alpha=-RATE)
        if buffers[0] is not None:
            torch._foreach_add_(self.weights, buffers, alpha=-RATE * MOMENTUM)

    def _follow(self, gradients: Sequence[Tensor]) -> None:
        for each, gradient in zip(self.mixture, gradients, strict=True):
            each.grad = gradient
        self.mixture_steps.step()

    def train(self) -> None:
        self._want(mixture=False)
        self.weight_steps.zero_grad()
        self.loss(1).backward()
        nn.utils.clip_grad_norm_(self.weights, CLIP, foreach=True)
        self.weight_steps.step()
        self._want(mixture=True)

    def _want(self, weights: bool | None = None, mixture: bool | None = None) -> None:
        """Which gradients are computed."""
        for wanted, tensors in ((weights, self.weights), (mixture, self.mixture)):
            if wanted is not None:
                for each in tensors:
                    each.requires_grad_(wanted)


# Measurements.


class Count(TorchDispatchMode):
    """Counts the operations that would be launched."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if not func.is_view and not func.__name__.startswith(("empty", "new_empty", "detach", "_unsafe_view", "alias")):
            self.count += 1
        return func(*args, **(kwargs or {}))


def made(kind: str, settings: argparse.Namespace) -> Contender:
    torch.manual_seed(0)
    size, batch = (8, 2) if settings.quick else (32, settings.batch)
    data = [
        (torch.randn(batch, 3, size, size).to(settings.device), torch.randint(10, (batch,)).to(settings.device))
        for _ in range(2)
    ]
    torch.manual_seed(1)
    cells, channels = (3, 4) if settings.quick else (settings.cells, settings.channels)
    if kind == "plain" and settings.authors is not None:
        return AuthorsStep(cells, channels, data, settings.device, settings.authors)
    maker = {"plain": PlainStep, "ours": OurStep}[kind]
    return maker(cells, channels, data, settings.device)


def same_weights(plain: Contender, ours: Contender) -> None:
    with torch.no_grad():
        for source, target in zip(ours.weights, plain.weights, strict=True):
            target.copy_(source)
        for source, target in zip(ours.mixture, plain.mixture, strict=True):
            target.copy_(source.normal_(std=0.3).roll(plain.shift, 1))


def largest_difference(plain: Contender, ours: Contender) -> dict[str, float]:
    """Of the losses, and of each gradient relative to its own norm, at equal weights."""
    results = [(each.loss(0), each.gradients(0, [*each.mixture, *each.weights])) for each in (plain, ours)]
    (loss, expected), (other, found) = results
    expected = [
        *(each.roll(-plain.shift, 1) for each in expected[: len(plain.mixture)]),
        *expected[len(plain.mixture) :],
    ]
    relative = [float((a - b).norm() / b.norm().clamp_min(1e-12)) for a, b in zip(found, expected, strict=True)]
    whole = torch.cat([each.flatten() for each in expected])
    apart = torch.cat([each.flatten() for each in found]) - whole
    count = len(plain.mixture)
    return {
        "loss": abs(loss.item() - other.item()),
        "mixture gradient": max(relative[:count]),
        "weight gradient": float(apart.norm() / whole.norm()),
        "worst weight's gradient": max(relative[count:]),
    }


def seconds(step: Callable[[], None], device: str) -> float:
    """By the clock on CUDA; on a CPU, where one thread does all, by processor time, so that other work counts less."""
    if device == "cpu":
        began = time.process_time()
        step()
        return time.process_time() - began
    torch.cuda.synchronize()
    began = time.perf_counter()
    step()
    torch.cuda.synchronize()
    return time.perf_counter() - began


def times(plain: Contender, ours: Contender, order: str, settings: argparse.Namespace) -> dict[str, Any]:
    pairs: list[tuple[float, float]] = []
    for i in range(settings.steps + 1):
        pair = tuple(seconds(getattr(each, order), settings.device) for each in (plain, ours))
        if i:  # the first one warms up
            pairs.append(pair)  # type: ignore[arg-type]
    ratios = sorted(a / b for a, b in pairs)
    return {
        "plain": statistics.median(a for a, _ in pairs),
        "ours": statistics.median(b for _, b in pairs),
        "ratio": statistics.median(ratios),
        "ratios": ratios,
    }


def operations(contender: Contender, order: str) -> int:
    getattr(contender, order)()
    with Count() as counter:
        getattr(contender, order)()
    return counter.count


def operations_elsewhere(contender: Contender, order: str) -> int:
    """As `operations`, on the path that devices other than a CPU take."""
    known, layout.on_cpu = layout.on_cpu, lambda x: False
    try:
        return operations(contender, order)
    finally:
        layout.on_cpu = known


def resident(key: str) -> float:
    """MiB from /proc: VmHWM is the most that was resident so far."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) / 1024


def peak_memory(kind: str, order: str, settings: argparse.Namespace) -> float:
    """MiB that three steps take in this process, which must have done nothing else."""
    image = torch.randn(1, 3, 8, 8, device=settings.device, requires_grad=True)
    nn.functional.conv2d(image, torch.randn(4, 3, 3, 3, device=settings.device)).sum().backward()
    base = resident("VmHWM")
    contender = made(kind, settings)
    for _ in range(3):
        getattr(contender, order)()
    return torch.cuda.max_memory_allocated() / 2**20 if settings.device == "cuda" else resident("VmHWM") - base


def peak_memory_apart(kind: str, order: str, settings: argparse.Namespace) -> float:
    own = [sys.executable, __file__, "--memory-of", kind, order, "--batch", str(settings.batch)]
    own += [] if settings.authors is None else ["--authors", str(settings.authors)]
    own += ["--device", settings.device, "--cells", str(settings.cells), "--channels", str(settings.channels)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    found = subprocess.run(
        own + ["--quick"] * settings.quick, capture_output=True, text=True, check=True, env=environment
    )
    return float(found.stdout.split()[-1])


def orders(settings: argparse.Namespace) -> tuple[str, ...]:
    """The steps that both sides have: the published code computes every gradient."""
    return ORDERS if settings.authors is None else ORDERS[:2]


def measured(settings: argparse.Namespace) -> dict[str, Any]:
    plain, ours = made("plain", settings), made("ours", settings)
    same_weights(plain, ours)
    report: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if settings.device == "cuda" else platform.processor() or "cpu",
        "torch": torch.__version__,
        "batch": settings.batch,
        "plain": "plain" if settings.authors is None else "authors",
        "difference": largest_difference(plain, ours),
    }
    for order in orders(settings):
        row = times(plain, ours, order, settings)
        row["operations"] = [operations(each, order) for each in (plain, ours)]
        row["operations on a GPU"] = operations_elsewhere(ours, order)
        row["memory"] = [peak_memory_apart(kind, order, settings) for kind in ("plain", "ours")]
        report[order] = row
    return report


def show(report: dict[str, Any]) -> None:
    print(f"{report['device']}, torch {report['torch']}, batch {report['batch']}, float32, one thread")
    print("largest difference: " + ", ".join(f"{name} {value:.1e}" for name, value in report["difference"].items()))
    print(f"{'':20}{'':12}{report['plain']:>10}{'ours':>10}{'ratio':>8}")
    for order in (each for each in ORDERS if each in report):
        row = report[order]
        name = order.replace("_", " ")
        spread = f"  ({row['ratios'][0]:.2f} to {row['ratios'][-1]:.2f}, n = {len(row['ratios'])})"
        print(f"{name:20}{'seconds':12}{row['plain']:10.2f}{row['ours']:10.2f}{row['ratio']:8.2f}{spread}")
        before, now = row["operations"]
        print(f"{'':20}{'operations':12}{before:10,}{now:10,}{before / now:8.2f}")
        now = row["operations on a GPU"]
        print(f"{'':20}{'  of a GPU':12}{before:10,}{now:10,}{before / now:8.2f}")
        before, now = row["memory"]
        print(f"{'':20}{'peak MiB':12}{before:10,.0f}{now:10,.0f}{before / now:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--steps", type=int, default=5, help="steps measured of each, after one to warm up")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=["cpu", "cuda"])
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--quick", action="store_true", help="small networks: only to see that it runs")
    parser.add_argument("--authors", type=Path, metavar="DIR", help="a checkout of quark0/darts to measure against")
    parser.add_argument("--memory-of", nargs=2, help=argparse.SUPPRESS)
    settings = parser.parse_args()
    torch.set_num_threads(1)
    settings.steps = 1 if settings.quick else settings.steps
    if settings.memory_of:
        print(peak_memory(*settings.memory_of, settings))
        return
    report = measured(settings)
    show(report)
    if settings.json:
        settings.json.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
