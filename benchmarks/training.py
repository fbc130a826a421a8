"""What the training loop costs beside a loop written by hand, side by side in one process.

Candidates: an epoch of `netwright.training` (training and measuring) against a bare PyTorch loop of the same maths on
the same data, held on the device as uint8, in the same arithmetic. Naive: an epoch of training on 32x32 images against
the usual form, float32 with channels first and a DataLoader whose workers transform image by image.

    python benchmarks/training.py [--threads 1] [--rounds 9] [--only candidates|naive]

Both sides of a pair run in turn, so that what else the machine does meets both; the ratio is the median of the pairs'
ratios, with the lower and upper quartile.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

from netwright.core.task import Augmentation, Data, Examples
from netwright.problems.classification import Classification
from netwright.training import TrainingSettings, seeded
from netwright.training.augmentation import Normalisation
from netwright.training.loop import Loop
from netwright.training.optimisers import learning_rate, parameter_groups
from netwright.training.precision import choose_precision

CPU = torch.device("cpu")


def conv_bn(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class Residual(nn.Module):
    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(*modules)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


def inverted(width: int, kernel: int) -> nn.Module:
    wide = 3 * width
    return Residual(conv_bn(width, wide, 1), conv_bn(wide, wide, kernel, groups=wide), conv_bn(wide, width, 1))


def head(width: int, classes: int = 10) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)]


def tiny_convolutional() -> nn.Module:
    return nn.Sequential(conv_bn(1, 8), conv_bn(8, 8, stride=2), *head(8))


def small_chain() -> nn.Module:
    return nn.Sequential(conv_bn(1, 16), Residual(conv_bn(16, 16)), inverted(16, 5), conv_bn(16, 32, 3, 2), *head(32))


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def dense_32(width: int = 32) -> nn.Module:
    blocks: list[nn.Module] = [conv_bn(3, width)]
    for stage in range(3):
        here = width << stage
        blocks += [Residual(conv_bn(here, here), conv_bn(here, here))]
        if stage < 2:
            blocks += [conv_bn(here, 2 * here, 3, 2)]
    return nn.Sequential(*blocks, *head(width << 2))


def digits() -> Data:
    images, labels = load_digits(return_X_y=True)
    inputs = torch.tensor(images * (255 / 16)).round().to(torch.uint8).view(-1, 1, 8, 8)
    return split(inputs, torch.tensor(labels), 1400, Augmentation(padding=1))


def images_32(examples: int) -> Data:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randint(0, 256, (examples + 256, 3, 32, 32), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 10, (len(inputs),), generator=generator)
    return split(inputs, labels, examples, Augmentation(flip=True, padding=4))


def split(inputs: Tensor, labels: Tensor, train: int, augmentation: Augmentation) -> Data:
    scaled = inputs[:train].float() / 255
    mean, std = (tuple(each.tolist()) for each in (scaled.mean((0, 2, 3)), scaled.std((0, 2, 3))))
    examples, unseen = Examples(inputs[:train], labels[:train]), Examples(inputs[train:], labels[train:])
    return Data(examples, unseen, mean, std, Classification("0123456789"), augmentation)


def optimiser_of(network: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    groups = parameter_groups(network, settings.weight_decay)
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(settings.momentum, 0.999), fused=True)
    return torch.optim.SGD(groups, lr=settings.learning_rate, momentum=settings.momentum, nesterov=True, fused=True)


def ours(make: Callable[[], nn.Module], data: Data, settings: TrainingSettings) -> Callable[[int], None]:
    """Epoch number -> one epoch of the loop, with its measurement on the held-out examples."""
    network = seeded_network(make)
    example = Normalisation.of(data, CPU)(data.train.inputs[:2])
    precision = choose_precision(network, example, settings, CPU)
    precision.applied(network, CPU).__enter__()  # stays for the whole benchmark
    loop = Loop(network, data, settings, 0, CPU, precision)

    def epoch(number: int) -> None:
        loop._finish_epoch(loop.train_epoch(number, None), False, time.monotonic())

    return epoch


def bare(make: Callable[[], nn.Module], data: Data, settings: TrainingSettings) -> Callable[[int], None]:
    """The same maths as a person would write it down, in the same arithmetic."""
    network = seeded_network(make)
    precision = choose_precision(network, Normalisation.of(data, CPU)(data.train.inputs[:2]), settings, CPU)
    precision.applied(network, CPU).__enter__()
    memory_format = torch.channels_last if precision.channels_last else torch.contiguous_format
    optimiser = optimiser_of(network, settings)
    parameters = list(network.parameters())
    mean, std = (torch.tensor(each).view(1, -1, 1, 1) * 255 for each in (data.mean, data.std))
    x, y, size, pad = data.train.inputs, data.train.targets, settings.batch_size, data.augmentation.padding
    height, width = x.shape[2:]
    steps = len(x) // size + (len(x) % size > 1)

    def cast() -> object:
        return torch.autocast("cpu", torch.bfloat16) if precision.dtype == "bfloat16" else nullcontext()

    def epoch(number: int) -> None:
        network.train()
        order = torch.randperm(len(x))
        total, right = 0.0, 0
        for step in range(steps):
            index = order[step * size : (step + 1) * size]
            images, labels = x[index], y[index]
            n = len(index)
            if pad:
                windows = F.pad(images, (pad,) * 4).unfold(2, height, 1).unfold(3, width, 1)
                row, column = torch.randint(2 * pad + 1, (2, n))
                images = windows[torch.arange(n), :, row, column]
            if data.augmentation.flip:
                images = torch.where((torch.rand(n) < 0.5).view(-1, 1, 1, 1), images.flip(3), images)
            batch = ((images.float() - mean) / std).contiguous(memory_format=memory_format)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(settings, number * steps + step, settings.epochs * steps)
            with cast():
                logits = network(batch)
            loss = F.cross_entropy(logits.float(), labels)
            optimiser.zero_grad()
            loss.backward()
            if settings.gradient_clip is not None:
                nn.utils.clip_grad_norm_(parameters, settings.gradient_clip)
            optimiser.step()
            total += loss.item() * n
            right += int((logits.argmax(1) == labels).sum().item())
        network.eval()
        with torch.no_grad():
            for start in range(0, len(data.held_out), 256):
                images = data.held_out.inputs[start : start + 256]
                labels = data.held_out.targets[start : start + 256]
                batch = ((images.float() - mean) / std).contiguous(memory_format=memory_format)
                with cast():
                    logits = network(batch).float()
                total += F.cross_entropy(logits, labels, reduction="sum").item()
                right += int((logits.argmax(1) == labels).sum().item())

    return epoch


class TransformedImages(torch.utils.data.Dataset):
    """Image by image: padded crop, mirror, normalise; as a `Dataset` with transforms does it."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.mean, self.std = (torch.tensor(each).view(-1, 1, 1) for each in (data.mean, data.std))

    def __len__(self) -> int:
        return len(self.data.train)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, pad = self.data.train.inputs[index].float() / 255, self.data.augmentation.padding
        height, width = image.shape[1:]
        row, column = torch.randint(2 * pad + 1, (2,)).tolist()
        image = F.pad(image, (pad,) * 4)[:, row : row + height, column : column + width]
        if torch.rand(()) < 0.5:
            image = image.flip(2)
        return (image - self.mean) / self.std, self.data.train.targets[index]


def naive(make: Callable[[], nn.Module], data: Data, settings: TrainingSettings, workers: int) -> Callable[[int], None]:
    network = seeded_network(make)
    optimiser = torch.optim.SGD(
        network.parameters(), settings.learning_rate, momentum=settings.momentum, nesterov=True, weight_decay=5e-4
    )
    loader = torch.utils.data.DataLoader(
        TransformedImages(data), settings.batch_size, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )

    def epoch(_: int) -> None:
        network.train()
        total = 0.0
        for images, labels in loader:
            loss = F.cross_entropy(network(images), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(labels)

    return epoch


def seeded_network(make: Callable[[], nn.Module]) -> nn.Module:
    with seeded(0):
        return make()


@dataclass(frozen=True)
class Pair:
    name: str
    target: float
    first: Callable[[int], None]
    second: Callable[[int], None]


def candidate_pairs() -> Iterator[Pair]:
    short = TrainingSettings(epochs=1000)
    data = digits()
    for make in (perceptron, tiny_convolutional, small_chain):
        yield Pair(f"digits, {make.__name__}", 1.05, ours(make, data, short), bare(make, data, short))
    adamw = short.replace(optimiser="adamw", learning_rate=1e-3)
    yield Pair("digits, small_chain, adamw", 1.05, ours(small_chain, data, adamw), bare(small_chain, data, adamw))
    larger = images_32(384)
    yield Pair("32x32, dense_32", 1.05, ours(dense_32, larger, short), bare(dense_32, larger, short))


def naive_pairs(workers: int) -> Iterator[Pair]:
    settings = TrainingSettings(epochs=1000)
    data = images_32(768)
    for width in (16, 32):

        def make(width: int = width) -> nn.Module:
            return dense_32(width)

        name = f"32x32, dense_32 of width {width}, against naive with {workers} workers"
        loop = training_only(make, data, settings)
        yield Pair(name, 0.55, loop, naive(make, data, settings, workers))


def training_only(make: Callable[[], nn.Module], data: Data, settings: TrainingSettings) -> Callable[[int], None]:
    network = seeded_network(make)
    example = Normalisation.of(data, CPU)(data.train.inputs[:2])
    precision = choose_precision(network, example, settings, CPU)
    precision.applied(network, CPU).__enter__()
    loop = Loop(network, data, settings, 0, CPU, precision)
    return lambda number: loop.train_epoch(number, None) and None


def compare(pair: Pair, rounds: int) -> None:
    """Runs both in turn, the order swapped in every round, and prints the ratio of their times."""
    seconds: tuple[list[float], list[float]] = ([], [])
    sides = (pair.first, pair.second)
    for number in range(rounds + 1):
        for side in (0, 1) if number % 2 else (1, 0):
            began = time.perf_counter()
            sides[side](number)
            if number:
                seconds[side].append(time.perf_counter() - began)
    ratios = [first / second for first, second in zip(*seconds, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    first, second = (1000 * statistics.median(each) for each in seconds)
    fastest = min(seconds[0]) / min(seconds[1])
    verdict = "holds" if middle <= pair.target else "MISSED"
    print(
        f"{pair.name:58s} {first:8.1f} / {second:8.1f} ms  ratio {middle:.3f} [{low:.3f}, {high:.3f}]  "
        f"of the fastest {fastest:.3f}  target {pair.target} {verdict}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9, help="pairs for one line; cheap ones run five times as many")
    parser.add_argument("--workers", type=int, default=2, help="workers of the naive form's DataLoader")
    parser.add_argument("--only", choices=("candidates", "naive"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.threads} thread(s), {platform.machine()}; times are of one epoch")
    if options.only != "naive":
        for pair in candidate_pairs():
            compare(pair, options.rounds * (5 if "digits" in pair.name else 1))
    if options.only != "candidates":
        for pair in naive_pairs(options.workers):
            compare(pair, options.rounds)


if __name__ == "__main__":
    main()
