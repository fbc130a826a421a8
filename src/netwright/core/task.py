"""What spaces and training know of the data: the shape of one example, the classes, and the splits as tensors."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netwright.core.errors import UserError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class TaskShape:
    """Shape of one example without the batch axis, (channels, height, width) or (features,), and the classes.

    input: (channels, height, width) of an image, or (features,) of a vector.
    classes: how many there are.

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


class Examples:
    """Inputs and labels of one split, on one device: all rows of two tensors, or a choice of them without a copy.

    stored: uint8 (n, channels, height, width) with values 0..255, or float32 (n, features). stored_labels: int64 (n,),
    each in 0..classes-1.

    inputs: uint8 (n, channels, height, width), or float32 (n, features).
    labels: int64 (n,): the number of each one's class.
    places: which of the stored rows are the examples, in order: int32 or int64, on their device; None for all of them.
        Other splits may choose from the same tensors: do not write to them.
    """

    __slots__ = ("places", "stored", "stored_labels")

    def __init__(self, inputs: Tensor, labels: Tensor, places: Tensor | None = None) -> None:
        self.stored, self.stored_labels, self.places = inputs, labels, places

    def __len__(self) -> int:
        return len(self.stored_labels if self.places is None else self.places)

    @property
    def inputs(self) -> Tensor:
        """All inputs as one tensor; of a choice a copy, so that large data is better read by `batch`."""
        return self.stored if self.places is None else self.stored.index_select(0, self.places)

    @property
    def labels(self) -> Tensor:
        """All labels, (n,); of a choice a copy."""
        return self.stored_labels if self.places is None else self.stored_labels.index_select(0, self.places)

    @property
    def device(self) -> torch.device:
        return self.stored.device

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all inputs: (n, channels, height, width) or (n, features)."""
        return (len(self), *self.stored.shape[1:])

    def batch(self, start: int, stop: int) -> Tensor:
        """The inputs from place `start` to before `stop`: a view, or one gather."""
        if self.places is None:
            return self.stored[start:stop]
        return self.stored.index_select(0, self.places[start:stop])

    def part(self, start: int, stop: int) -> Examples:
        """The examples from place `start` to before `stop`, without a copy of their inputs."""
        if self.places is None:
            return Examples(self.stored[start:stop], self.stored_labels[start:stop])
        return Examples(self.stored, self.stored_labels, self.places[start:stop])

    def choose(self, order: Tensor) -> Examples:
        """The examples at these places of this split, in this order, without a copy of their inputs."""
        places = order if self.places is None else self.places.index_select(0, order)
        return Examples(self.stored, self.stored_labels, places)

    def __reduce__(self) -> tuple[Any, ...]:
        """As arrays on the CPU, which travel without a copy where whoever reads them can map the same memory."""
        tensors = self.stored, self.stored_labels, self.places
        return _received, tuple(None if each is None else each.cpu().numpy() for each in tensors)

    def __repr__(self) -> str:
        return f"Examples({len(self)} of shape {self.shape[1:]})"


def _received(*arrays: NDArray[Any] | None) -> Examples:
    """Examples as another process sent them. Memory that this one may only read serves as well: nobody writes to it."""
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        tensors = [None if each is None else torch.as_tensor(each) for each in arrays]
    inputs, labels, places = tensors
    assert inputs is not None and labels is not None
    return Examples(inputs, labels, places)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What may be done to an image without changing its class; the defaults do nothing.

    flip: mirror left and right with probability 1/2.
    padding: pad by so many pixels, then crop back at a random place.
    cutout: side of a square set to the mean, in pixels (DeVries and Taylor 2017).
    """

    flip: bool = False
    padding: int = 0
    cutout: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Data:
    """What one training sees: examples to train on, and examples held out to judge it by.

    During a search `held_out` is the validation split; only the final evaluation gets the test split there.

    train: to learn from.
    held_out: to measure on.
    mean, std: one number a channel (a feature, for vectors), of the training examples; images are first scaled to 0..1.
    augmentation: of the training images; None for none.
    """

    train: Examples
    held_out: Examples
    mean: tuple[float, ...]
    std: tuple[float, ...]
    augmentation: Augmentation = Augmentation()
