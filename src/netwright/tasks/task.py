"""What a network is judged on: examples with labels, split so that the final test stays unseen."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from netwright.core import blocks
from netwright.core.errors import DataError, UserError
from netwright.core.placing import placed
from netwright.core.preparation import Preparation
from netwright.core.spelling import plain
from netwright.core.task import Augmentation, Data, Examples, TaskShape
from netwright.tasks.class_labels import uneven
from netwright.tasks.mean_and_spread import mean_and_std
from netwright.tasks.resolution import resized, size_at
from netwright.tasks.splits import VALIDATION, Indices, ordered, require, split

_KEPT_SPLITS = 2
_KEPT_COPIES = 2  # on other devices, or at other resolutions
_CHUNK = 1 << 24  # bytes read at a time


class Task:
    """Training and test examples with their classes; gives a search its data without the test split.

    name: what a person calls it.
    train, test: examples in memory, see `Examples` for shapes and types.
    class_names: one a class, in the order of the labels' numbers.
    augmentation: what is done to training images; nothing by default.
    notes: what was decided while reading, a sentence each.
    configuration: how to make the task again; None for data that exists only in memory.
    preparation: how raw examples become inputs, for the export; None where the inputs are as their user has them.
    validation: places in `train` of the examples that a search validates on, where they came with the data; None to
        split a share off.

    Raises DataError when the splits, labels and class names do not fit each other, or a class has fewer than two
    training examples.
    """

    def __init__(
        self,
        name: str,
        train: Examples,
        test: Examples,
        class_names: Sequence[str],
        *,
        augmentation: Augmentation = Augmentation(),  # noqa: B008 - an immutable value
        notes: Sequence[str] = (),
        configuration: Mapping[str, Any] | None = None,
        preparation: Preparation | None = None,
        validation: Sequence[int] | Indices | None = None,
    ) -> None:
        self.name = name
        self.class_names = tuple(class_names)
        self.shape = TaskShape(train.shape[1:], len(self.class_names))
        self.augmentation = augmentation
        self._notes = tuple(notes)
        self.preparation = preparation
        self._train, self._test = train, test
        self.validation = None if validation is None else np.unique(np.asarray(validation, dtype=np.int64))
        self._configuration = None if configuration is None else dict(configuration)
        self._splits: OrderedDict[tuple[Any, ...], _Split] = OrderedDict()
        self._copies: OrderedDict[tuple[Any, ...], Examples] = OrderedDict()
        self._check()

    @property
    def train(self) -> Examples:
        """Everything but the test split, on the CPU; validation examples that came with the data are part of it."""
        return self._train

    @property
    def test(self) -> Examples:
        """The test split, on the CPU; only a final evaluation may look at it."""
        return self._test

    def search_data(
        self,
        seed: int,
        device: str | torch.device = "cpu",
        validation: float = 0.1,
        share: float = 1.0,
        resolution: int | None = None,
    ) -> Data:
        """Training and validation examples on a device, split with every class in both; never the test split.

        seed: gives the split.
        validation: share of the training examples to validate on, where the data came without a validation split of its
            own.
        share: how much of the remaining ones to train on; a smaller share is part of a larger one.
        resolution: pixels on the images' longer side, the original where None. Tensors are shared between calls: do not
            write to them. Raises UserError for shares outside 0..1 and a resolution for vectors.
        """
        if not 0 < share <= 1:
            raise UserError(f"share must be above 0 and at most 1, found {share!r}")
        if resolution is not None and not self.shape.is_image:
            raise UserError(f"{self.name} has vectors, so there is no resolution to choose; leave resolution out")
        key = (seed, str(device), validation, resolution)
        made = self._remembered(key, lambda: self._split(seed, placed(device), validation, resolution))
        return made.data(share, self.shape.classes, self.augmentation)

    def final_data(self, device: str | torch.device = "cpu") -> Data:
        """All training examples, with the test split held out, on a device; for the final evaluation only."""
        place = placed(device)

        def make() -> _Split:
            return _Split(self._on(self._train, place), self._on(self._test, place))

        return self._remembered(("final", str(device)), make).data(1.0, self.shape.classes, self.augmentation)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all examples, labels and class names, in hexadecimal."""
        digest = hashlib.sha256(repr((self.shape, self.class_names)).encode())
        for examples in (self._train, self._test):
            digest.update(repr((examples.shape, str(examples.stored.dtype))).encode())
            step = max(1, _CHUNK * len(examples) // max(1, examples.stored.nbytes))
            for start in range(0, len(examples), step):
                digest.update(examples.batch(start, start + step).contiguous().numpy().reshape(-1).data)
            labels = examples.labels
            digest.update(repr((tuple(labels.shape), str(labels.dtype))).encode())
            digest.update(labels.contiguous().numpy().reshape(-1).data)
        if self.validation is not None:
            digest.update(b"validation" + self.validation.tobytes())
        return digest.hexdigest()

    def configuration(self) -> dict[str, Any]:
        """How to make the task again, as JSON: `{"task": name, "arguments": {...}}`; `in_memory` where nothing can."""
        if self._configuration is None:
            return {"task": self.name, "arguments": {}, "in_memory": True}
        return dict(self._configuration)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided while reading, a sentence each."""
        return tuple(map(plain, self._notes))

    def describe(self, spell: Callable[[str], str] = plain) -> list[str]:
        """What was understood of the data, a line each.

        spell: shows a text with its options: see `core.spelling`.
        """
        counts = np.bincount(self._train.labels.numpy(), minlength=self.shape.classes)
        low, high = int(counts.argmin()), int(counts.argmax())
        what = f"images of {'x'.join(map(str, self.shape.input))} (channels, height, width)"
        if not self.shape.is_image:
            what = f"vectors of {self.shape.features} features"
        balance = f"classes: {self.shape.classes}, each with {counts[low]:,} training examples"
        if counts[low] != counts[high]:
            balance = (
                f"classes: {self.shape.classes}, from {counts[low]:,} training examples ({self.class_names[low]!r}) "
                f"to {counts[high]:,} ({self.class_names[high]!r})"
            )
        splits = f"splits: {self._searched()}, {len(self._test):,} for the final test"
        first = f"{self.name}: {len(self._train) + len(self._test):,} {what}"
        lines = [*uneven(counts, self.class_names), splits, *self._augmentation_line(), *self._notes]
        return [first, balance, *map(spell, lines)]

    def _searched(self) -> str:
        if self.validation is None:
            return f"{len(self._train):,} to train and validate on"
        held_out = len(self.validation)
        return f"{len(self._train) - held_out:,} to train on, {held_out:,} to validate on (they came with the data)"

    def _augmentation_line(self) -> list[str]:
        done = self.augmentation
        parts = ["mirrored left and right"] if done.flip else []
        parts += [f"shifted by up to {done.padding} pixels"] if done.padding else []
        parts += [f"a square of {done.cutout} pixels blanked"] if done.cutout else []
        return [f"augmentation of training images: {', '.join(parts)}"] if parts else []

    def __repr__(self) -> str:
        return f"Task({self.name!r}, {self.shape}, train={len(self._train)}, test={len(self._test)})"

    def __getstate__(self) -> dict[str, Any]:
        """All but what can be made again. What travels is first moved to memory that other processes can map."""
        self._train, self._test = _shared(self._train, self._test)
        self._splits.clear()
        # What a model is exported with is not wanted where trials run.
        return {**self.__dict__, "_splits": OrderedDict(), "_copies": OrderedDict(), "preparation": None}

    def _remembered(self, key: tuple[Any, ...], make: Callable[[], _Split]) -> _Split:
        """What was made for this key, or is now; the two used last are kept."""
        found = self._splits.pop(key, None) or make()
        self._splits[key] = found
        while len(self._splits) > _KEPT_SPLITS:
            self._splits.popitem(last=False)
        return found

    def _split(self, seed: int, device: torch.device, validation: float, resolution: int | None) -> _Split:
        labels = self._train.labels.numpy()
        if self.validation is None:
            held_out, train = split(labels, validation, seed, VALIDATION)
        else:
            held_out, train = self.validation, ordered(labels, self.validation, seed, VALIDATION)
        examples = self._on(self._train, device, self._other(resolution))
        return _Split(*(examples.choose(as_places(indices, device)) for indices in (train, held_out)))

    def _other(self, resolution: int | None) -> int | None:
        """The resolution, where it is another than that of the examples."""
        if resolution is None:
            return None
        height, width = self.shape.height, self.shape.width
        return None if size_at(height, width, resolution) == (height, width) else resolution

    def _on(self, examples: Examples, device: torch.device, resolution: int | None = None) -> Examples:
        """A split on a device, at a resolution; what all splits choose from is copied there once."""
        if resolution is not None:
            return self._copied((str(device), resolution), lambda: _resized(examples, resolution, device))
        if examples.device == device:
            return examples
        key = str(device), examples.stored.data_ptr(), examples.stored.shape
        stored = self._copied(key, lambda: _whole(examples, device))
        places = None if examples.places is None else examples.places.to(device)
        return Examples(stored.stored, stored.stored_labels, places)

    def _copied(self, key: tuple[Any, ...], make: Callable[[], Examples]) -> Examples:
        """The copy made for this key, or made now; only the two used last are kept, since they hold memory."""
        found = self._copies.pop(key, None)
        while found is None and len(self._copies) >= _KEPT_COPIES:
            self._copies.popitem(last=False)
            self._splits.clear()
        self._copies[key] = found = found or make()
        return found

    def _check(self) -> None:
        if len(set(self.class_names)) < len(self.class_names):
            raise DataError(f"class names must differ, found {', '.join(self.class_names)}")
        for examples, which in ((self._train, "training"), (self._test, "test")):
            _check_examples(examples, self.shape, which)
        labels = self._train.labels.numpy()
        if self.validation is None:
            require(labels, self.class_names, 2, "one to train on, one to validate on")
        else:
            _check_validation(self.validation, labels, self.class_names)


class _Split:
    """One split on one device; it and its shares are choices from the same tensors, so that they cost no memory."""

    def __init__(self, train: Examples, held_out: Examples) -> None:
        self.train, self.held_out = train, held_out
        self._made: dict[int, Data] = {}

    def data(self, share: float, classes: int, augmentation: Augmentation) -> Data:
        count = min(len(self.train), max(classes, round(share * len(self.train))))
        if count not in self._made:
            train = self.train.part(0, count)
            self._made[count] = Data(train, self.held_out, *mean_and_std(train.stored, train.places), augmentation)
        return self._made[count]


def _shared(*splits: Examples) -> list[Examples]:
    """The same splits in memory that other processes can map; what two of them choose from is moved once."""
    moved: dict[int, Examples] = {}
    for each in splits:
        if each.stored.data_ptr() not in moved:
            arrays = (blocks.shared(tensor.numpy()) for tensor in (each.stored, each.stored_labels))
            moved[each.stored.data_ptr()] = Examples(*map(torch.from_numpy, arrays))
    found = [moved[each.stored.data_ptr()] for each in splits]
    return [Examples(new.stored, new.stored_labels, old.places) for new, old in zip(found, splits, strict=True)]


def as_places(indices: np.ndarray, device: torch.device | None = None) -> Tensor:
    """Indices as a choice of examples keeps them: in four bytes each where that is enough."""
    small = not len(indices) or int(indices.max()) < 2**31
    return torch.from_numpy(indices.astype(np.int32 if small else np.int64)).to(device)


def _whole(examples: Examples, device: torch.device) -> Examples:
    """Everything that a split chooses from, on a device."""
    return Examples(examples.stored.to(device), examples.stored_labels.to(device))


def _resized(examples: Examples, resolution: int, device: torch.device) -> Examples:
    return Examples(resized(examples, resolution, device), examples.labels.to(device))


def _check_examples(examples: Examples, shape: TaskShape, which: str) -> None:
    inputs, labels = examples.stored, examples.labels
    expected = torch.uint8 if shape.is_image else torch.float32
    if inputs.dtype != expected or labels.dtype != torch.int64:
        raise DataError(
            f"{which} inputs must be {expected} and labels torch.int64, found {inputs.dtype} and {labels.dtype}"
        )
    if tuple(inputs.shape[1:]) != shape.input:
        raise DataError(
            f"{which} examples have the shape {tuple(inputs.shape[1:])}, the training examples {shape.input}"
        )
    _check_lengths(examples, which)
    if int(labels.min()) < 0 or int(labels.max()) >= shape.classes:
        raise DataError(
            f"{which} labels lie outside 0..{shape.classes - 1}, the numbers of the {shape.classes} classes"
        )


def _check_validation(places: Indices, labels: Indices, class_names: Sequence[str]) -> None:
    if not len(places) or places[0] < 0 or places[-1] >= len(labels):
        raise DataError(
            f"validation is places in train, 0 to {len(labels) - 1}, found {places[:1].tolist()} to "
            f"{places[-1:].tolist()}; leave it out to split a share off"
        )
    require(np.delete(labels, places), class_names, 1, "to train on, beside those of the validation split")


def _check_lengths(examples: Examples, which: str) -> None:
    inputs, labels = examples.stored, examples.stored_labels
    if len(inputs) != len(labels):
        raise DataError(f"{which}: {len(inputs):,} inputs but {len(labels):,} labels; expected one label an input")
    if not len(examples):
        raise DataError(f"the {which} split is empty")
