"""Which examples make up each batch of an epoch."""

from __future__ import annotations

import torch
from torch import Tensor

from netwright.core.errors import DataError
from netwright.core.randomness import derived_seed
from netwright.core.task import TaskShape

_PIXELS = 8 * 128 * 128
_ORDER, _AUGMENTATION, _LAYERS = range(3)


def usual_batch(shape: TaskShape, examples: int) -> int | None:
    """Examples in a step where each pixel has an answer, and so a loss, of its own: as many as have 131,072 pixels.

    At least 4, at most 64 and a tenth of the examples to train on; the programs of Weng et al. (2019) take 2 to 10
    images. None where examples have one answer.
    """
    if not shape.dense or not shape.is_image:
        return None
    return max(4, min(64, examples // 10, _PIXELS // (shape.height * shape.width)))


def steps_per_epoch(examples: int, batch_size: int) -> int:
    """Batches in an epoch of so many examples.

    A last batch of one example is left out, as batch normalisation cannot use it. The order is new in each
    epoch, so it is another example each time. Raises DataError for fewer than two examples.
    """
    if examples < 2:
        raise DataError(f"training needs at least 2 examples, found {examples}; give more data to the training split")
    full, rest = divmod(examples, batch_size)
    return full + (rest > 1)


def epoch_order(examples: int, seed: int, epoch: int, device: torch.device) -> Tensor:
    """The order in which an epoch takes the examples: int64 (examples,), the same on every device."""
    generator = torch.Generator().manual_seed(derived_seed(seed, epoch, _ORDER))
    return torch.randperm(examples, generator=generator).to(device, non_blocking=True)


def augmentation_generator(seed: int, epoch: int, device: torch.device) -> torch.Generator:
    """The generator, on the device, of all augmentation in one epoch."""
    return torch.Generator(device).manual_seed(derived_seed(seed, epoch, _AUGMENTATION))


def layers_seed(seed: int, epoch: int) -> int:
    """The seed of PyTorch's own generators in one epoch, from which dropout and drop path draw."""
    return derived_seed(seed, epoch, _LAYERS)
