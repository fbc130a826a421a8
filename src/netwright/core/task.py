"""What spaces and training know of the data: the shape of one example, the classes, and the splits as tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwright.core.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class TaskShape:
    """Shape of one example without the batch axis, (channels, height, width) or (features,), and the classes.

    Raises UserError for a shape that is neither, and for fewer than two classes.
    """

    input: tuple[int, ...]
    classes: int

    def __post_init__(self) -> None:
        if len(self.input) not in (1, 3) or min(self.input) < 1:
            raise UserError(
                f"an example of shape {self.input} is neither an image (channels, height, width) "
                "nor a vector (features,)"
            )
        if self.classes < 2:
            raise UserError(f"a classification task needs at least 2 classes, found {self.classes}")

    @property
    def is_image(self) -> bool:
        return len(self.input) == 3

    @property
    def channels(self) -> int:
        return self._image()[0]

    @property
    def height(self) -> int:
        return self._image()[1]

    @property
    def width(self) -> int:
        return self._image()[2]

    @property
    def features(self) -> int:
        """Numbers in one example, flattened."""
        total = 1
        for extent in self.input:
            total *= extent
        return total

    def _image(self) -> tuple[int, ...]:
        if not self.is_image:
            raise UserError(
                f"this space builds networks for images, but the task's examples are vectors of {self.input[0]} "
                "features; use a space for vectors, such as mlp"
            )
        return self.input


@dataclass(frozen=True, eq=False, slots=True)
class Examples:
    """Inputs and labels of one split, on one device.

    inputs: uint8 (n, channels, height, width) with values 0..255, or float32 (n, features).
    labels: int64 (n,), each in 0..classes-1.
    """

    inputs: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What may be done to an image without changing its class; the defaults do nothing.

    flip: mirror left and right with probability 1/2. padding: pad by so many pixels, then crop back at a random
    place. cutout: side of a square set to the mean, in pixels (DeVries and Taylor 2017).
    """

    flip: bool = False
    padding: int = 0
    cutout: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Data:
    """What one training sees: examples to train on, and examples held out to judge it by.

    During a search `held_out` is the validation split; only the final evaluation gets the test split there.
    mean, std: one number a channel (a feature, for vectors), of the training examples; images are first scaled to 0..1.
    """

    train: Examples
    held_out: Examples
    mean: tuple[float, ...]
    std: tuple[float, ...]
    augmentation: Augmentation = Augmentation()
