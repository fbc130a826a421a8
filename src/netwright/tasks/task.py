"""What a network is judged on: examples with what they ask for, split so that the final test stays unseen."""

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
from netwright.core.problem import Problem
from netwright.core.spelling import plain
from netwright.core.task import Augmentation, Data, Examples, TaskShape
from netwright.core.trees import first, mapped, tensors
from netwright.problems.classification import Classification
from netwright.tasks.mean_and_spread import mean_and_std
from netwright.tasks.resolution import resized, size_at
from netwright.tasks.splits import VALIDATION, Indices, divided, folded, ordered

_KEPT_SPLITS = 2
_KEPT_COPIES = 2  # on other devices, or at other resolutions
_CHUNK = 1 << 24  # bytes read at a time


class Task:
    """Training and test examples and what they ask for; gives a search its data without the test split.

    name: what a person calls it.
    train, test: examples in memory, see `Examples` for shapes and types.
    problem: what is asked for and how answers are judged; names of classes, in the order of the targets' numbers, stand
        for a `Classification`.
    augmentation: what is done to training images; nothing by default.
    notes: what was decided while reading, a sentence each.
    configuration: how to make the task again; None for data that exists only in memory.
    preparation: how raw examples become inputs, for the export; None where the inputs are as their user has them.
    validation: places in `train` of the examples that a search validates on, where they came with the data; None to
        split a share off.
    validation_said: where these come from, as people read it.
    vocabulary: how many different tokens there are, where examples are tokens.
    groups: a number for each example of `train`; those of one group are never on both sides of a split. None where each
        stands for itself.
    by_time: whether the examples of `train` are in the order of time, so that the last ones are validated on.
    columns: how many features each column of a table became, see `TaskShape`; nothing where there are none to tell.

    Raises DataError when the splits and what they ask for do not fit each other, or are too few to be split.
    """

    def __init__(
        self,
        name: str,
        train: Examples,
        test: Examples,
        problem: Problem | Sequence[str],
        *,
        augmentation: Augmentation = Augmentation(),  # noqa: B008 - an immutable value
        notes: Sequence[str] = (),
        configuration: Mapping[str, Any] | None = None,
        preparation: Preparation | None = None,
        validation: Sequence[int] | Indices | None = None,
        validation_said: str = "they came with the data",
        vocabulary: int = 0,
        groups: Sequence[int] | Indices | None = None,
        by_time: bool = False,
        columns: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.problem = problem if isinstance(problem, Problem) else Classification(tuple(problem))
        self.shape = TaskShape(train.shape[1:], self.problem.outputs, vocabulary, self.problem.dense, tuple(columns))
        self.groups = None if groups is None else np.asarray(groups, dtype=np.int64)
        self.by_time = by_time
        self.augmentation = augmentation
        self._notes = tuple(notes)
        self.preparation = preparation
        self._train, self._test = train, test
        self.validation = None if validation is None else np.unique(np.asarray(validation, dtype=np.int64))
        self._validation_said = validation_said
        self._configuration = None if configuration is None else dict(configuration)
        self._splits: OrderedDict[tuple[Any, ...], _Split] = OrderedDict()
        self._copies: OrderedDict[tuple[Any, ...], Examples] = OrderedDict()
        self._check()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their numbers; none where no classes are asked for."""
        return self.problem.class_names if isinstance(self.problem, Classification) else ()

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
        """Training and validation examples on a device, split with every class in both, where classes are asked for;
        never the test split.

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
            raise UserError(
                f"{self.name} has {self.shape.kind}, so there is no resolution to choose; leave resolution out"
            )
        key = (seed, str(device), validation, resolution)
        made = self._remembered(key, lambda: self._split(seed, placed(device), validation, resolution))
        return made.data(share, self.problem, self.augmentation)

    def fold_data(self, fold: int, folds: int, seed: int, device: str | torch.device = "cpu") -> Data:
        """Training and validation examples of one fold of a cross-validation, on a device; never the test split.

        fold: its number, from 0; its examples are validated on, all others are trained on.
        folds: how many there are, at least 2; each class is spread over them evenly, and groups are in one fold each.
        seed: gives the folds.

        Raises UserError where `check_folds` does, and DataError for fewer examples, or groups, than folds.
        """
        self.check_folds()
        place = placed(device)

        def make() -> _Split:
            strata = self.problem.strata(self._train.targets)
            held_out = folded(strata, folds, seed, VALIDATION, self.groups)[fold]
            return self._chosen(ordered(strata, held_out, seed, VALIDATION), held_out, place)

        return self._remembered(("fold", fold, folds, seed, str(device)), make).data(1, self.problem, self.augmentation)

    def check_folds(self) -> None:
        """Raise UserError where a cross-validation is out of place: it would train on what is later, or set apart."""
        own, change = "", "use another fidelity, such as 'epochs'"
        if self.validation is not None:
            own = f"{self.name} has validation examples of its own ({self._validation_said})"
        elif self.by_time:
            own = f"the examples of {self.name} are in the order of time, and what is later must not be trained on"
        elif self.problem.continues:
            own = f"the examples of {self.name} continue each other, so that no fold stands for itself"
        if own:
            raise UserError(f"{own}: fidelity 'folds' is not for them; {change}")

    def final_data(self, device: str | torch.device = "cpu") -> Data:
        """All training examples, with the test split held out, on a device; for the final evaluation only."""
        place = placed(device)

        def make() -> _Split:
            return _Split(self._on(self._train, place), self._on(self._test, place))

        return self._remembered(("final", str(device)), make).data(1.0, self.problem, self.augmentation)

    def measuring(self, *names: str) -> Task:
        """The same task, measuring these further metrics of its problem, too; itself where there are none of them.

        names: as the problem calls them, with or without "val_"; those that it does not know are passed over.
        """
        plain_names = [name.removeprefix("val_") for name in names]
        problem = self.problem.measuring(*(name for name in plain_names if name in self.problem.further))
        if problem is self.problem:
            return self
        other = object.__new__(type(self))
        other.__dict__ = {**self.__dict__, "problem": problem, "_splits": OrderedDict(), "_copies": OrderedDict()}
        return other

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all examples, their targets and what is asked, in hexadecimal."""
        digest = hashlib.sha256(self.problem.signature(self.shape).encode())
        for examples in (self._train, self._test):
            for stored in tensors(examples.stored):
                _digest(digest, stored, examples.places)
            for stored in tensors(examples.targets):
                digest.update(repr((tuple(stored.shape), str(stored.dtype))).encode())
                digest.update(stored.contiguous().numpy().reshape(-1).data)
            weights = examples.batch_weights(0, len(examples))
            if weights is not None:
                digest.update(b"weights" + weights.contiguous().numpy().tobytes())
        for name, numbers in (("validation", self.validation), ("groups", self.groups)):
            if numbers is not None:
                digest.update(name.encode() + numbers.tobytes())
        if self.by_time:
            digest.update(b"by time")
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
        what = f"images of {'x'.join(map(str, self.shape.input))} (channels, height, width)"
        if self.shape.is_tokens:
            kind = "windows of one text," if self.problem.continues else "texts of"
            what = f"{kind} {self.shape.input[0]:,} tokens each, {self.shape.vocabulary:,} different ones"
        elif self.shape.is_series:
            what = f"series of {self.shape.input[0]} x {self.shape.input[1]:,} (channels, times)"
        elif not self.shape.is_image:
            what = f"vectors of {self.shape.features} features"
        splits = f"splits: {self._searched()}, {len(self._test):,} for the final test"
        first_line = f"{self.name}: {len(self._train) + len(self._test):,} {what}"
        asked, *said = self.problem.describe(self._train.targets)
        lines = [*said, splits, *self._augmentation_line(), *self._notes]
        return [first_line, asked, *map(spell, lines)]

    def _searched(self) -> str:
        if self.validation is None:
            return f"{len(self._train):,} to train and validate on"
        held_out = len(self.validation)
        learnt = f"{len(self._train) - held_out:,} to train on"
        return f"{learnt}, {held_out:,} to validate on ({self._validation_said})"

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
        strata = self.problem.strata(self._train.targets)
        if self.validation is None:
            held_out, train = divided(strata, validation, seed, VALIDATION, groups=self.groups, by_time=self.by_time)
        else:
            held_out, train = self.validation, ordered(strata, self.validation, seed, VALIDATION)
        if self.problem.continues:
            train = np.sort(train)
        return self._chosen(train, held_out, device, resolution)

    def _chosen(self, train: Indices, held_out: Indices, device: torch.device, resolution: int | None = None) -> _Split:
        """A split of these places of the training examples, on a device."""
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
        lies = first(examples.stored)
        key = str(device), lies.data_ptr(), lies.shape
        stored = self._copied(key, lambda: _whole(examples, device))
        places = None if examples.places is None else examples.places.to(device)
        return Examples(stored.stored, stored.stored_targets, places, stored.stored_weights)

    def _copied(self, key: tuple[Any, ...], make: Callable[[], Examples]) -> Examples:
        """The copy made for this key, or made now; only the two used last are kept, since they hold memory."""
        found = self._copies.pop(key, None)
        while found is None and len(self._copies) >= _KEPT_COPIES:
            self._copies.popitem(last=False)
            self._splits.clear()
        self._copies[key] = found = found or make()
        return found

    def _check(self) -> None:
        for examples, which in ((self._train, "training"), (self._test, "test")):
            _check_examples(examples, self.shape, which)
            self.problem.check(examples.targets, which)
        if self.groups is not None and len(self.groups) != len(self._train):
            raise DataError(f"groups has {len(self.groups):,} numbers, but there are {len(self._train):,} examples")
        if self.validation is None:
            self.problem.require(self._train.targets, 2, "one to train on, one to validate on")
        else:
            _check_validation(self.validation, self._train, self.problem)


def _digest(digest: Any, stored: Tensor, places: Tensor | None) -> None:
    """Add the rows at these places, a part at a time."""
    count = len(stored) if places is None else len(places)
    digest.update(repr(((count, *stored.shape[1:]), str(stored.dtype))).encode())
    rows = Examples(stored, stored, places)
    step = max(1, _CHUNK * count // max(1, stored.nbytes))
    for start in range(0, count, step):
        digest.update(rows.batch(start, start + step).contiguous().numpy().reshape(-1).data)


class _Split:
    """One split on one device; it and its shares are choices from the same tensors, so that they cost no memory."""

    def __init__(self, train: Examples, held_out: Examples) -> None:
        self.train, self.held_out = train, held_out
        self._made: dict[int, Data] = {}

    def data(self, share: float, problem: Problem, augmentation: Augmentation) -> Data:
        least = problem.outputs if isinstance(problem, Classification) else 2
        count = min(len(self.train), max(least, round(share * len(self.train))))
        if count not in self._made:
            train = self.train.part(0, count)
            spread = mean_and_std(train.stored, train.places)
            self._made[count] = Data(train, self.held_out, *spread, problem, augmentation)
        return self._made[count]


def _shared(*splits: Examples) -> list[Examples]:
    """The same splits in memory that other processes can map; what two of them choose from is moved once."""
    moved: dict[int, Examples] = {}

    def move(tensor: Tensor) -> Tensor:
        return torch.from_numpy(blocks.shared(tensor.numpy()))

    for each in splits:
        if first(each.stored).data_ptr() not in moved:
            weights = None if each.stored_weights is None else move(each.stored_weights)
            trees = (mapped(move, tree) for tree in (each.stored, each.stored_targets))
            moved[first(each.stored).data_ptr()] = Examples(*trees, weights=weights)
    found = [moved[first(each.stored).data_ptr()] for each in splits]
    return [
        Examples(new.stored, new.stored_targets, old.places, new.stored_weights)
        for new, old in zip(found, splits, strict=True)
    ]


def as_places(indices: np.ndarray, device: torch.device | None = None) -> Tensor:
    """Indices as a choice of examples keeps them: in four bytes each where that is enough."""
    small = not len(indices) or int(indices.max()) < 2**31
    return torch.from_numpy(indices.astype(np.int32 if small else np.int64)).to(device)


def _whole(examples: Examples, device: torch.device) -> Examples:
    """Everything that a split chooses from, on a device."""
    weights = None if examples.stored_weights is None else examples.stored_weights.to(device)
    trees = (mapped(lambda t: t.to(device), tree) for tree in (examples.stored, examples.stored_targets))
    return Examples(*trees, weights=weights)


def _resized(examples: Examples, resolution: int, device: torch.device) -> Examples:
    weights = examples.batch_weights(0, len(examples))
    return Examples(
        resized(examples, resolution, device),
        mapped(lambda t: t.to(device), examples.targets),
        weights=None if weights is None else weights.to(device),
    )


def _check_examples(examples: Examples, shape: TaskShape, which: str) -> None:
    _check_lengths(examples, which)
    if isinstance(examples.stored, Tensor):
        _check_inputs(examples.stored, shape, which)


def _check_inputs(inputs: Tensor, shape: TaskShape, which: str) -> None:
    allowed = (torch.float32,) if shape.is_vector else (torch.uint8, torch.float32)
    if shape.is_image:
        allowed = (torch.uint8,)
    elif shape.is_tokens:
        allowed = (torch.int16, torch.int32, torch.int64)
    if inputs.dtype not in allowed:
        raise DataError(f"{which} inputs must be {' or '.join(map(str, allowed))}, found {inputs.dtype}")
    if tuple(inputs.shape[1:]) != shape.input:
        raise DataError(
            f"{which} examples have the shape {tuple(inputs.shape[1:])}, the training examples {shape.input}"
        )
    if shape.is_tokens and (int(inputs.min()) < 0 or int(inputs.max()) >= shape.vocabulary):
        raise DataError(f"{which} tokens lie outside 0..{shape.vocabulary - 1}, the numbers of the vocabulary")


def _check_validation(places: Indices, train: Examples, problem: Problem) -> None:
    if not len(places) or places[0] < 0 or places[-1] >= len(train):
        raise DataError(
            f"validation is places in train, 0 to {len(train) - 1}, found {places[:1].tolist()} to "
            f"{places[-1:].tolist()}; leave it out to split a share off"
        )
    rest = torch.from_numpy(np.delete(np.arange(len(train)), places))
    problem.require(train.choose(rest).targets, 1, "to train on, beside those of the validation split")


def _check_lengths(examples: Examples, which: str) -> None:
    counts = {len(each) for each in tensors(examples.stored)}, {len(each) for each in tensors(examples.stored_targets)}
    inputs, targets = (max(each) for each in counts)
    if any(len(each) > 1 for each in counts) or inputs != targets:
        raise DataError(f"{which}: {inputs:,} inputs but {targets:,} targets; expected one target an input")
    if not len(examples):
        raise DataError(f"the {which} split is empty")
