"""Whole batches of stored examples become normalised, augmented network input, on the device they lie on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from netwright.core.errors import DataError
from netwright.core.task import Augmentation, Data, Examples
from netwright.core.trees import first, mapped
from netwright.training.changing import Further
from netwright.training.strength import Changes


@dataclass(frozen=True, eq=False, slots=True)
class Normalisation:
    """`(x - mean) / std` a channel or feature as one product and one sum; images are first scaled to 0..1.

    Whole numbers that stand for themselves, such as tokens, become int64. Inputs under names have a part each.
    """

    scale: Tensor | None = None
    shift: Tensor | None = None
    memory_format: torch.memory_format | None = None
    parts: Mapping[str, Normalisation] | None = None

    @classmethod
    def of(cls, data: Data, device: torch.device, channels_last: bool = False) -> Self:
        """For inputs of `data` on `device`; a feature that never changes is only shifted."""
        return cls._of(data.train.stored, data.mean, data.std, device, channels_last)

    @classmethod
    def _of(cls, inputs: Any, means: Any, stds: Any, device: torch.device, channels_last: bool) -> Self:
        if isinstance(inputs, Mapping):
            parts = {
                name: cls._of(each, means[name], stds[name], device, channels_last) for name, each in inputs.items()
            }
            return cls(parts=parts)
        if means is None:
            return cls()
        shape = (1, -1, *[1] * (inputs.dim() - 2))
        mean, std = (torch.tensor(each, dtype=torch.float64).view(shape) for each in (means, stds))
        _check(means, stds, inputs)
        scale = 1 / torch.where(std > 0, std, torch.ones_like(std))
        shift = -mean * scale
        if inputs.dtype == torch.uint8:
            scale = scale / 255
        memory_format = torch.channels_last if channels_last and inputs.dim() == 4 else None
        return cls(scale.float().to(device), shift.float().to(device), memory_format)

    def __call__(self, inputs: Any) -> Any:
        """uint8 (n, channels, height, width) or float (n, features) to normalised float32 of the same shape."""
        if self.parts is not None:
            return {name: part(inputs[name]) for name, part in self.parts.items()}
        if self.scale is None or self.shift is None:
            return inputs.long()
        # A copy in any case, so the stored examples stay as they are.
        normalised = inputs.to(torch.float32, copy=True).mul_(self.scale).add_(self.shift)
        return normalised if self.memory_format is None else normalised.contiguous(memory_format=self.memory_format)


def _check(mean: Any, std: Any, inputs: Tensor) -> None:
    if len(mean) != inputs.shape[1] or len(std) != inputs.shape[1]:
        raise DataError(
            f"inputs of shape {tuple(inputs.shape)} need {inputs.shape[1]} means and standard deviations, one for each "
            f"index of the second axis; found {len(mean)} and {len(std)}"
        )


@dataclass(frozen=True, eq=False, slots=True)
class AugmentationDraws:
    """What chance decided for each place in an epoch; None where that augmentation is off.

    flip: bool (n,).
    crop: int64 (2, n), upper row and left column in the padded image.
    cutout: int64 (2, n), row and column of the square's centre.
    """

    flip: Tensor | None
    crop: Tensor | None
    cutout: Tensor | None


def draw(
    augmentation: Augmentation, examples: int, height: int, width: int, generator: torch.Generator
) -> AugmentationDraws:
    """Draws for a whole epoch of `examples` images, on the generator's device."""

    def pairs(rows: int, columns: int) -> Tensor:
        return torch.stack([_integers(extent, examples, generator) for extent in (rows, columns)])

    shifts = 2 * augmentation.padding + 1
    return AugmentationDraws(
        flip=_integers(2, examples, generator).bool() if augmentation.flip else None,
        crop=pairs(shifts, shifts) if augmentation.padding else None,
        cutout=pairs(height, width) if augmentation.cutout else None,
    )


def _integers(extent: int, examples: int, generator: torch.Generator) -> Tensor:
    return torch.randint(extent, (examples,), generator=generator, device=generator.device)


def crop(images: Tensor, padding: int, corners: Tensor, value: int = 0) -> Tensor:
    """Pads by `padding` on each side and cuts (height, width) out at `corners` (2, n): He et al. (2016).

    value: of what is padded.
    """
    height, width = images.shape[2:]
    windows = F.pad(images, (padding,) * 4, value=value).unfold(2, height, 1).unfold(3, width, 1)
    every = torch.arange(len(images), device=images.device)
    return windows[every, :, corners[0], corners[1]]


def flip(images: Tensor, flipped: Tensor) -> Tensor:
    """Mirrors left and right where `flipped` (n,) is true."""
    return torch.where(flipped[:, None, None, None], images.flip(3), images)


def cutout(images: Tensor, side: int, centres: Tensor) -> Tensor:
    """Sets a square of `side` pixels around `centres` (2, n) to zero, in place (DeVries and Taylor 2017).

    As in that paper the centre is any pixel, so at a border part of the square falls outside. On normalised
    images zero is the mean.
    """
    rows, columns = (_covered(extent, side, centre) for extent, centre in zip(images.shape[2:], centres, strict=True))
    return images.masked_fill_((rows[:, None, :, None] & columns[:, None, None, :]), 0)


def _covered(extent: int, side: int, centre: Tensor) -> Tensor:
    offset = torch.arange(extent, device=centre.device) - centre[:, None] + side // 2
    return (offset >= 0) & (offset < side)


class Batches:
    """Gives the batches of one epoch as network input: gathered, cropped, mirrored, normalised, cut out.

    order: from `epoch_order`. Everything lies on one device, and nothing waits for it.
    void: see `Problem`; targets at the images' places are cropped and mirrored with them, and void where nothing was.
    """

    def __init__(
        self,
        examples: Examples,
        order: Tensor,
        normalisation: Normalisation,
        augmentation: Augmentation,
        generator: torch.Generator,
        void: int | None = None,
    ) -> None:
        self._examples = examples.choose(order)
        self._void = void
        self.targets = self._examples.targets if void is None else None
        self._normalise, self._augmentation = normalisation, augmentation
        self._draws = AugmentationDraws(None, None, None)
        if augmentation.flip or augmentation.padding or augmentation.cutout:
            self._draws = draw(augmentation, len(order), *_extents(examples.stored), generator)
        self._further = None
        if isinstance(augmentation, Changes) and augmentation.is_further:
            self._further = Further(augmentation, (len(order), *first(examples.stored).shape[1:]), generator)

    def __call__(self, start: int, stop: int) -> tuple[Any, Any]:
        """The network's input and the targets of the places `start` to `stop` in the epoch's order."""
        draws = self._draws
        images = self._examples.batch(start, stop)
        if draws.crop is not None:
            images = crop(images, self._augmentation.padding, draws.crop[:, start:stop])
        if draws.flip is not None:
            images = flip(images, draws.flip[start:stop])
        batch, further = self._normalise(images), self._further
        if further is not None:
            batch = further.inputs(batch, start, stop)
        if draws.cutout is not None:
            batch = cutout(batch, self._augmentation.cutout, draws.cutout[:, start:stop])
        if self._void is not None:
            targets = self._moved(self._examples.batch_targets(start, stop), start, stop, self._void)
        else:
            targets = mapped(lambda each: each[start:stop], self.targets)
        return (batch, targets) if further is None else further.mix(batch, targets, start)

    def weights(self, start: int, stop: int) -> Tensor | None:
        """What the examples at these places count; None where all count alike."""
        return self._examples.batch_weights(start, stop)

    def _moved(self, targets: Tensor, start: int, stop: int, void: int) -> Tensor:
        """Targets (n, height, width) as their images were moved."""
        planes, draws = targets[:, None], self._draws
        if draws.crop is not None:
            planes = crop(planes, self._augmentation.padding, draws.crop[:, start:stop], void)
        if draws.flip is not None:
            planes = flip(planes, draws.flip[start:stop])
        if self._further is not None:
            planes = self._further.planes(planes, start, stop)
        return planes[:, 0]


def _extents(inputs: Any) -> tuple[int, int]:
    if not isinstance(inputs, Tensor) or inputs.dim() != 4:
        raise DataError("flip, padding and cutout are for images, but the examples are vectors; use Augmentation()")
    return inputs.shape[2], inputs.shape[3]
