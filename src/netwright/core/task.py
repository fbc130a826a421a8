"""What spaces and training know of the data: the shape of one example, the classes, and the splits as tensors."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from netwright.core.errors import UserError
from netwright.core.trees import first, mapped

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from netwright.core.problem import Problem, Tally

PLACES = {"series": "time step", "images": "pixel", "volumes": "place", "tokens": "token", "vectors": "feature"}
ONE = {"series": "a series", "images": "an image", "volumes": "a volume", "tokens": "a text", "vectors": "a vector"}
FITTING = {
    ("vectors", False): "a space for vectors, such as mlp",
    ("series", False): "the space time-series or series",
    ("series", True): "the space time-series or series",
    ("images", False): "a space such as residual, darts, nasbench201 or chain",
    ("images", True): "the space unet, unet-cells or encoder-decoder",
    ("volumes", False): "the space mlp, or one of your own",
    ("tokens", False): "the space text-classes, texts or recurrent",
    ("tokens", True): "the space texts or recurrent",
}
"""The space to use, by what examples are and whether they have an answer at each place."""


@dataclass(frozen=True, slots=True)
class TaskShape:
    """What a network takes, and how many numbers it answers with.

    input: shape of one example without the batch axis: (features,) of a vector, (channels, length) of a series,
        (channels, height, width) of an image, (channels, depth, height, width) of a volume, (length,) of tokens.
    outputs: numbers in one answer: one a class, a label, or a number that is asked for.
    vocabulary: how many different tokens there are, where examples are int64 tokens 0..vocabulary-1; 0 where they are
        numbers.
    dense: whether there is an answer at each place (pixel, time, token) of an example, (n, outputs, *places), not one
        for the whole, (n, outputs).
    columns: of the rows of a table, how many features each column became, in their order: 1 of a number, of a category
        one for each of its texts. Nothing where that is not known: each feature is then a number by itself.

    Raises UserError for a shape that is none of these, and for no outputs.
    """

    input: tuple[int, ...]
    outputs: int
    vocabulary: int = 0
    dense: bool = False
    columns: tuple[int, ...] = field(
        default=(), repr=False
    )  # says nothing that the data, and so its fingerprint, do not

    def __post_init__(self) -> None:
        if self.columns and (sum(self.columns) != self.features or min(self.columns) < 1 or len(self.input) > 1):
            raise UserError(
                f"columns of {sum(self.columns):,} features were described, but an example has the shape {self.input}"
            )
        if not 1 <= len(self.input) <= 4 or min(self.input) < 1:
            raise UserError(
                f"an example of shape {self.input} is neither a vector (features,), a series (channels, length), an "
                "image (channels, height, width) nor a volume (channels, depth, height, width)"
            )
        if self.vocabulary and len(self.input) != 1:
            raise UserError(f"examples of tokens have the shape (length,), found {self.input}")
        if self.outputs < 1:
            raise UserError(f"a network answers with at least 1 number, found outputs = {self.outputs}")

    @property
    def classes(self) -> int:
        """The outputs, where they are classes: one number for each."""
        return self.outputs

    @property
    def is_vector(self) -> bool:
        return len(self.input) == 1 and not self.vocabulary

    @property
    def is_tokens(self) -> bool:
        return self.vocabulary > 0

    @property
    def is_series(self) -> bool:
        return len(self.input) == 2

    @property
    def is_image(self) -> bool:
        return len(self.input) == 3

    @property
    def channels(self) -> int:
        """Of an image, a series or a volume."""
        return self._image()[0] if self.is_vector or self.is_tokens else self.input[0]

    @property
    def height(self) -> int:
        return self._image()[1]

    @property
    def width(self) -> int:
        return self._image()[2]

    @property
    def places(self) -> tuple[int, ...]:
        """Pixels a side of an image or volume, times of a series, or tokens; nothing of a vector."""
        return self.input if self.is_tokens else self.input[1:]

    @property
    def features(self) -> int:
        """Numbers in one example, flattened."""
        return math.prod(self.input)

    @property
    def kind(self) -> str:
        """What one example is, in a word."""
        if self.is_tokens:
            return "tokens"
        return {1: "vectors", 2: "series", 3: "images", 4: "volumes"}[len(self.input)]

    def require(self, owner: str, *kinds: str, dense: bool | None = False) -> None:
        """Raise UserError, in a space's name, unless it takes such examples; it says which space does.

        owner: what the space is called.
        kinds: those it builds networks for, each as `kind` calls it.
        dense: whether its networks answer at each place; None for both ways.
        """
        place = PLACES[self.kind]
        if self.kind not in kinds:
            *others, last = kinds
            known = f"{', '.join(others)} and {last}" if others else last
            what = f"networks for {known}{' with masks' if dense and kinds == ('images',) else ''}"
            raise UserError(f"{owner} builds {what}, but the task's examples are {self._shown}; {self._use}")
        if dense is False and self.dense:
            raise UserError(
                f"{owner} gives one answer {ONE[self.kind]}, but the task asks for one at every {place}; {self._use}"
            )
        if dense and not self.dense:
            other = ", or give each image a mask" if self.is_image else ""
            raise UserError(
                f"{owner} gives an answer for every {place}, but the task asks for one {ONE[self.kind]}; "
                f"{self._use}{other}"
            )

    @property
    def _shown(self) -> str:
        return f"vectors of {self.input[0]} features" if self.is_vector else f"{self.kind} of shape {self.input}"

    @property
    def _use(self) -> str:
        return f"use {FITTING.get((self.kind, self.dense), 'a space of your own')}"

    def head(self, channels: int) -> nn.Module:
        """What turns a network's last features into its answer.

        channels: of the features, (n, channels, *places); places may have become fewer on the way.

        Gives (n, outputs), from the mean over all places; where the answer is dense (n, outputs, *places), from a 1x1
        convolution, brought back to the places of the input. Of a vector's features (n, channels) a linear layer.
        """
        from netwright.core.heads import head

        return head(self, channels)

    def example(self, count: int, *, generator: torch.Generator | None = None) -> Tensor:
        """So many inputs with nothing in them: standard normal numbers, or any tokens, drawn on the CPU.

        count: how many.
        generator: to draw from; torch's own by default.
        """
        import torch

        if self.is_tokens:
            return torch.randint(self.vocabulary, (count, *self.input), generator=generator)
        return torch.randn((count, *self.input), generator=generator)

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> TaskShape:
        """The shape of `as_json`, or of an earlier version, which had classes only."""
        outputs = described["outputs"] if "outputs" in described else described["classes"]
        rest = {name: described[name] for name in ("vocabulary", "dense") if name in described}
        return cls(tuple(described["input"]), outputs, **rest, columns=tuple(described.get("columns", ())))

    def as_json(self) -> dict[str, Any]:
        """The shape as JSON, in the words of earlier versions where these had it."""
        columns = {"columns": list(self.columns)} if self.columns else {}
        if not self.vocabulary and not self.dense:
            return {"input": list(self.input), "classes": self.outputs, **columns}
        plain = {name: value for name, value in asdict(self).items() if name != "columns"}
        return {**plain, "input": list(self.input), **columns}

    def _image(self) -> tuple[int, ...]:
        if not self.is_image:
            raise UserError(
                f"this space builds networks for images, but the task's examples are {self._shown}; {self._use}"
            )
        return self.input


class Examples:
    """Inputs and targets of one split, on one device: all rows of some tensors, or a choice of them without a copy.

    Inputs and targets are a tensor each, or a mapping of names to tensors where an example has several.

    stored: uint8 (n, channels, height, width) with values 0..255, float32 (n, features) or (n, channels, length), or
        whole numbers (n, length) where they are tokens.
    stored_targets: as the task's `Problem` says; int64 (n,) of classes.
    stored_weights: what each row counts in the loss and the metrics, float32 (n,), 1 on average; None where all count
        alike.

    inputs, targets, weights: of the examples in their order, see the stored ones.
    places: which of the stored rows are the examples, in order: int32 or int64, on their device; None for all of them.
        Other splits may choose from the same tensors: do not write to them.
    """

    __slots__ = ("places", "stored", "stored_targets", "stored_weights")

    def __init__(self, inputs: Any, targets: Any, places: Tensor | None = None, weights: Tensor | None = None) -> None:
        self.stored, self.stored_targets, self.places = inputs, targets, places
        self.stored_weights = weights

    def __len__(self) -> int:
        return len(first(self.stored_targets) if self.places is None else self.places)

    @property
    def inputs(self) -> Any:
        """All inputs as one tensor; of a choice a copy, so that large data is better read by `batch`."""
        return self.stored if self.places is None else _chosen(self.stored, self.places)

    @property
    def targets(self) -> Any:
        """All targets; of a choice a copy."""
        return self.stored_targets if self.places is None else _chosen(self.stored_targets, self.places)

    @property
    def device(self) -> torch.device:
        return first(self.stored).device

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all inputs: (n, channels, height, width) or (n, features); of several under names the first one's."""
        return (len(self), *first(self.stored).shape[1:])

    def batch(self, start: int, stop: int) -> Any:
        """The inputs from place `start` to before `stop`: a view, or one gather."""
        return self._part(self.stored, start, stop)

    def batch_targets(self, start: int, stop: int) -> Any:
        """The targets from place `start` to before `stop`: a view, or one gather."""
        return self._part(self.stored_targets, start, stop)

    def batch_weights(self, start: int, stop: int) -> Tensor | None:
        """What the examples from place `start` to before `stop` count; None where all examples count alike."""
        return None if self.stored_weights is None else self._part(self.stored_weights, start, stop)

    def tell(self, tally: Tally, outputs: Tensor, start: int, stop: int) -> None:
        """Give a tally the answers to the examples from place `start` to before `stop`, with what these count."""
        weights, targets = self.batch_weights(start, stop), self.batch_targets(start, stop)
        if weights is None or not tally.weighs:
            tally.add(outputs, targets)
        else:
            tally.add(outputs, targets, weights)

    def _part(self, tree: Any, start: int, stop: int) -> Any:
        if self.places is None:
            return mapped(lambda each: each[start:stop], tree)
        return _chosen(tree, self.places[start:stop])

    def part(self, start: int, stop: int) -> Examples:
        """The examples from place `start` to before `stop`, without a copy of their inputs."""
        if self.places is None:
            trees = (mapped(lambda t: t[start:stop], each) for each in (self.stored, self.stored_targets))
            return Examples(*trees, weights=self.batch_weights(start, stop))
        return Examples(self.stored, self.stored_targets, self.places[start:stop], self.stored_weights)

    def choose(self, order: Tensor) -> Examples:
        """The examples at these places of this split, in this order, without a copy of their inputs."""
        places = order if self.places is None else self.places.index_select(0, order)
        return Examples(self.stored, self.stored_targets, places, self.stored_weights)

    def __reduce__(self) -> tuple[Any, ...]:
        """As arrays on the CPU, which travel without a copy where whoever reads them can map the same memory."""
        trees = self.stored, self.stored_targets, self.places, self.stored_weights
        return _received, tuple(None if each is None else mapped(lambda t: t.cpu().numpy(), each) for each in trees)

    def __repr__(self) -> str:
        return f"Examples({len(self)} of shape {self.shape[1:]})"


def _chosen(tree: Any, places: Tensor) -> Any:
    return mapped(lambda each: each.index_select(0, places), tree)


def _received(*trees: Any) -> Examples:
    """Examples as another process sent them. Memory that this one may only read serves as well: nobody writes to it."""
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return Examples(*(None if each is None else mapped(torch.as_tensor, each) for each in trees))


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
        None for inputs that are taken as they are, such as tokens; under names where the inputs have some.
    problem: what the examples ask for, and how answers are judged.
    augmentation: of the training images; None for none.
    """

    train: Examples
    held_out: Examples
    mean: Any
    std: Any
    problem: Problem
    augmentation: Augmentation = Augmentation()
