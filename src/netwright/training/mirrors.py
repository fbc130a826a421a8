"""Whether images may be mirrored left and right, found out from the images themselves.

A small network learns the images as they are, for a few seconds. Mirroring leaves a class what it is where the network
still knows images that it has not seen when they are mirrored: photographs do, digits, letters and arrows do not.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netwright.core.task import Augmentation, Data, Examples
from netwright.core.trees import first
from netwright.training.evaluation import evaluate, predict
from netwright.training.randomness import seeded
from netwright.training.settings import TrainingSettings
from netwright.training.trainer import train

MOST_TRAINED, MOST_ASKED = 3_000, 1_000  # images
SIDE = 32  # pixels, to which larger images are made smaller
BATCH, STEPS, PASSES = 32, 400, 30  # of the small network's training: examples in a step, and at most so much
KEPT = 0.75  # of what the network knows above a constant answer is enough
LEARNT = 0.15  # of the way from a constant answer to a perfect one must be learnt, to ask at all


@dataclass(frozen=True)
class Mirrored:
    """What was found.

    alike: whether a mirrored image has the answer of the image; None where nothing could be learnt, or nothing asked.
    reason: one sentence for the plan; empty where nothing was asked.
    """

    alike: bool | None
    reason: str = ""


def mirrored_alike(data: Data, *, seconds: float = 4.0, steps: int = STEPS, seed: int = 0) -> Mirrored:
    """Find out whether images keep their answers when they are mirrored.

    data: with training and held-out images; masks move with their images, and are not asked about.
    seconds: after which the small network's training ends, if it has not before.
    steps: of its training at most.
    seed: of its weights and order.
    """
    inputs = first(data.train.stored)
    if data.problem.dense or not isinstance(data.train.stored, Tensor) or inputs.dim() != 4 or len(data.train) < 20:
        return Mirrored(None)
    small = _small(data, seed)
    with seeded(seed):
        network = _network(inputs.shape[1], data.problem.outputs)
    settings = TrainingSettings(
        epochs=max(1, min(PASSES, steps * BATCH // len(small.train))),
        batch_size=min(BATCH, len(small.train) // 2),
        optimiser="adamw",
        learning_rate=1e-2,
        weight_decay=1e-2,
        schedule="one_cycle",
        evaluate_every=steps,
        augmentation="light",
        flip=False,
        precision="float32",
    )
    train(network, small, settings, seed, anneal_by=time.monotonic() + seconds)
    return _judged(network, small)


def _small(data: Data, seed: int) -> Data:
    """Some of the images, made smaller; a part of them is left to be asked about where few are held out."""
    train, asked = (_shuffled(each, seed) for each in (data.train, data.held_out))
    if len(asked) < min(MOST_ASKED, len(train) // 3):
        cut = len(train) - len(train) // 3
        train, asked = train.part(0, cut), train.part(cut, len(train))
    return replace(
        data,
        train=_smaller(train.part(0, min(len(train), MOST_TRAINED))),
        held_out=_smaller(asked.part(0, min(len(asked), MOST_ASKED))),
        augmentation=Augmentation(),
    )


def _shuffled(examples: Examples, seed: int) -> Examples:
    """They may lie in the order of their classes."""
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(seed))
    return examples.choose(order.to(examples.device))


def _smaller(examples: Examples) -> Examples:
    images: Tensor = examples.inputs
    scale = max(images.shape[2:]) / SIDE
    if scale > 1:
        height, width = (max(1, round(extent / scale)) for extent in images.shape[2:])
        shrunk = F.adaptive_avg_pool2d(images.float(), (height, width))
        images = shrunk.round().to(images.dtype) if not images.is_floating_point() else shrunk
    return Examples(images, examples.targets)


def _network(channels: int, outputs: int) -> nn.Module:
    def layer(before: int, after: int, stride: int) -> list[nn.Module]:
        convolution = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        return [convolution, nn.BatchNorm2d(after), nn.ReLU()]

    layers = [*layer(channels, 16, 1), *layer(16, 32, 2), *layer(32, 32, 1), *layer(32, 64, 2)]
    end: list[nn.Module] = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(256, outputs)]
    return nn.Sequential(OrderedDict((str(i), each) for i, each in enumerate([*layers, *end])))


def _judged(network: nn.Module, data: Data) -> Mirrored:
    """What the network answers to images that it has not seen, as they are and mirrored."""
    main, asked = data.problem.main, data.held_out
    turned = Examples(asked.inputs.flip(3), asked.targets)
    own, other = (evaluate(network, each, data)[main.name] for each in (asked, turned))
    plain = _constant(data)
    best = 1.0 if main.larger_is_better else 0.0
    if (own - plain) / (best - plain or 1.0) < LEARNT:
        return Mirrored(None, "whether images may be mirrored was not found out, since little was learnt of them")
    kept = (other - plain) / (own - plain)
    said = f"{main.words} {main.text(own)} as they are, {main.text(other)} mirrored"
    lost = _lost(network, data, turned)
    if kept < KEPT or lost:
        what = "; of one class most are taken for others" if kept >= KEPT else ""
        return Mirrored(False, f"images are not mirrored, which would change their answers ({said}{what})")
    return Mirrored(True, f"images are mirrored, which does not change their answers ({said})")


def _constant(data: Data) -> float:
    """What the best answer that looks at no image comes to."""
    found = data.problem.constant(data.train.targets)
    if found is None:
        return 0.0
    tally = data.problem.tally()
    tally.add(found[1].expand(len(data.held_out), *found[1].shape).float(), data.held_out.targets)
    return tally.figures()[data.problem.main.name]


def _lost(network: nn.Module, data: Data, turned: Examples) -> bool:
    """Whether most images of a class are known as they are but not mirrored, beyond chance."""
    targets = data.held_out.targets
    if not isinstance(targets, Tensor) or targets.dim() != 1 or targets.is_floating_point():
        return False
    own, other = (predict(network, each, data).argmax(1) == targets for each in (data.held_out, turned))
    counts = torch.bincount(targets[own], minlength=data.problem.outputs).double()
    kept = torch.bincount(targets[own & other], minlength=data.problem.outputs) / counts.clamp(min=1)
    return bool((kept < 0.5 - counts.clamp(min=1).rsqrt()).any())
