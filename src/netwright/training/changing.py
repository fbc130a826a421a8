"""Further changes of training examples, whole batches at once on their device, from draws of a whole epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from netwright.core.trees import mapped
from netwright.training.strength import Changes

UNKNOWN = 1  # the token that stands for words which are not known


@dataclass(frozen=True, eq=False, slots=True)
class Mixed:
    """The targets of a batch whose examples were mixed in pairs.

    targets: of the first of each pair.
    others: of the second.
    share: of the first, the same for all pairs of the batch.
    """

    targets: Any
    others: Any
    share: float


def mixed_loss(loss: Callable[[Any, Tensor | None], Tensor], targets: Any, weights: Tensor | None = None) -> Tensor:
    """The loss of a batch: of mixed examples, of the targets of both, each by its share (Zhang et al. 2018).

    loss: of the network's answers for given targets that count so much.
    targets: of the batch.
    weights: what each example counts, (n,); None where all count alike.
    """
    if not isinstance(targets, Mixed):
        return loss(targets, weights)
    others = None if weights is None else weights.roll(1, 0)
    return targets.share * loss(targets.targets, weights) + (1 - targets.share) * loss(targets.others, others)


class Further:
    """What chance decided for an epoch, and what is made of a batch by it.

    changes: those beyond what `Augmentation` has.
    shape: of the examples in the epoch's order, (n, ...).
    generator: on the device, from which all is drawn.
    """

    def __init__(self, changes: Changes, shape: tuple[int, ...], generator: torch.Generator) -> None:
        self._changes, self._generator = changes, generator
        self._shape = shape

        def uniform(rows: int) -> Tensor:
            return torch.rand((rows, shape[0]), generator=generator, device=generator.device)

        self._boxes = self._drawn_boxes(uniform) if changes.zoom else None
        self._shades = 2 * uniform(3) - 1 if changes.colour else None
        self._shares = self._drawn_shares() if changes.mixup else None

    def _drawn_boxes(self, uniform: Callable[[int], Tensor]) -> Tensor:
        """For each place the half extent of what is cut out, and its centre, for each axis: (axes, 2, n)."""
        axes = len(self._shape) - 2
        area = 1 - self._changes.zoom * uniform(1)[0]
        ratio = torch.exp((2 * uniform(1)[0] - 1) * np.log(4 / 3) / 2) if axes == 2 else torch.ones_like(area)
        extents = [area.pow(1 / axes) * ratio, area.pow(1 / axes) / ratio][:axes]
        found: list[Tensor] = []
        for extent in extents:
            half = extent.clamp(max=1.0)
            found.append(torch.stack([half, (1 - half) * (2 * uniform(1)[0] - 1)]))
        return torch.stack(found)

    def _drawn_shares(self) -> list[float]:
        """A share of at least one half for each place; a batch takes that of its first."""
        state = torch.randint(2**31, (1,), generator=self._generator, device=self._generator.device).item()
        drawn = np.random.default_rng(int(state)).beta(self._changes.mixup, self._changes.mixup, self._shape[0])
        return np.maximum(drawn, 1 - drawn).tolist()

    # Of a batch.

    def inputs(self, batch: Any, start: int, stop: int) -> Any:
        """Normalised inputs of the places `start` to `stop`, changed; the batch may be changed itself."""
        changes = self._changes
        if changes.words:
            return self._left_out(batch)
        if self._boxes is not None:
            batch = cut_and_resized(batch, self._boxes[:, :, start:stop])
        if self._shades is not None:
            batch = shaded(batch, changes.colour * self._shades[:, start:stop])
        if changes.noise:
            noise = torch.randn(batch.shape, generator=self._generator, device=batch.device)
            batch = batch.add_(noise, alpha=changes.noise)
        return batch

    def planes(self, targets: Tensor, start: int, stop: int) -> Tensor:
        """Targets (n, 1, height, width) as their images were cut and resized."""
        if self._boxes is None:
            return targets
        return cut_and_resized(targets.float(), self._boxes[:, :, start:stop], "nearest").to(targets.dtype)

    def mix(self, batch: Any, targets: Any, start: int) -> tuple[Any, Any]:
        """Each example mixed with the one before it in the batch, the first with the last."""
        if self._shares is None:
            return batch, targets
        share = self._shares[start]
        others = mapped(lambda each: each.roll(1, 0), targets)
        return mapped(lambda each: torch.lerp(each.roll(1, 0), each, share), batch), Mixed(targets, others, share)

    def _left_out(self, tokens: Tensor) -> Tensor:
        """Words as if they were not known; what fills short texts stays."""
        chance = torch.rand(tokens.shape, generator=self._generator, device=tokens.device)
        return torch.where((chance < self._changes.words) & (tokens > UNKNOWN), UNKNOWN, tokens)


def cut_and_resized(batch: Tensor, boxes: Tensor, mode: str = "bilinear") -> Tensor:
    """A part of each image or series, in its whole extent.

    batch: (n, channels, *places) of one or two axes.
    boxes: half extents and centres from -1 to 1, (axes, 2, n), of the last axis first.
    mode: how values between places are found.
    """
    planes = batch if batch.dim() == 4 else batch[:, :, None]
    half, centre = boxes[:, 0], boxes[:, 1]
    matrices = batch.new_zeros((len(batch), 2, 3))
    matrices[:, 0, 0], matrices[:, 0, 2] = half[0], centre[0]
    matrices[:, 1, 1] = half[1] if len(half) > 1 else 1.0
    matrices[:, 1, 2] = centre[1] if len(half) > 1 else 0.0
    size = [len(planes), *planes.shape[1:]]
    grid = F.affine_grid(matrices, size, align_corners=False)
    found = F.grid_sample(planes, grid, mode=mode, padding_mode="zeros", align_corners=False)
    if mode == "bilinear":
        found = found.contiguous(memory_format=_layout(planes))
    return found if batch.dim() == 4 else found[:, :, 0]


def _layout(images: Tensor) -> torch.memory_format:
    last = images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous()
    return torch.channels_last if last else torch.contiguous_format


def shaded(batch: Tensor, shades: Tensor) -> Tensor:
    """Images with other contrast, brightness and saturation, series of another scale; in place.

    batch: (n, channels, *places), normalised.
    shades: (3, n), by how much each of the three is more than 1, or brightness than 0.
    """
    contrast, brightness, saturation = (each.view(-1, *[1] * (batch.dim() - 1)) for each in shades)
    if batch.dim() != 4:
        return batch.mul_(1 + contrast)
    if batch.shape[1] == 3:
        grey = batch.mean(1, keepdim=True)
        batch = batch.sub_(grey).mul_(1 + saturation).add_(grey)
    middle = batch.mean((1, 2, 3), keepdim=True)
    return batch.sub_(middle).mul_(1 + contrast).add_(middle).add_(brightness)
