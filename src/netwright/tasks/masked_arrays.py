"""Arrays of pictures with an array of masks: a class for every pixel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.core.errors import DataError
from netwright.core.preparation import Preparation
from netwright.core.task import Augmentation
from netwright.problems.dense_classification import DenseClassification
from netwright.tasks.building import Prepared, Raw, build, prepare
from netwright.tasks.from_masks import cut_pair, tiling
from netwright.tasks.mask_values import Classes, classes_of, require_trained, whole_numbers
from netwright.tasks.plain_numbers import as_array, numeric
from netwright.tasks.raw_inputs import MaskedPictures, Own, Pictures, own_array
from netwright.tasks.splits import Indices, kept
from netwright.tasks.task import Task


def are_masks(x: NDArray[Any], y: NDArray[Any]) -> bool:
    """Whether y is a mask for each picture of x, (n, height, width), with or without an axis of one channel."""
    sides = _without_channel(y.shape)
    return x.ndim in (3, 4) and len(sides) == 3 and sides[1:] in _sides(x.shape)


def require_sizes(x: NDArray[Any], y: NDArray[Any]) -> None:
    """DataError where y can only be masks, but of another size than the pictures of x."""
    sides = _without_channel(y.shape)
    if x.ndim not in (3, 4) or len(sides) != 3 or min(sides[1:]) < 2 or y.dtype.kind not in "biuf":
        return
    own = x.shape[1:] if x.ndim == 3 or x.shape[3] <= 4 else x.shape[2:]
    height, width = own[:2]
    raise DataError(
        f"the masks in y are {sides[2]}x{sides[1]} pixels, the images in x {width}x{height} (width x height); a mask "
        "has a number for each pixel of its image"
    )


def _without_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) == 4 and shape[1] == 1:
        return shape[0], *shape[2:]
    return shape[:3] if len(shape) == 4 and shape[3] == 1 else shape


def _sides(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """What the height and width of pictures of this shape may be."""
    return [shape[1:]] if len(shape) == 3 else [shape[2:], shape[1:3]]


@dataclass(frozen=True)
class MaskWish:
    """What is asked of masks; see `mask_folder`."""

    tile: int | None = None
    ignore: int | str | None = None
    class_weights: Any = None
    dice: float = 0.0


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Pictures as they came, and their masks' numbers."""

    pictures: NDArray[Any]
    masks: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.pictures)

    def chosen(self, places: Indices) -> _Pairs:
        return _Pairs(self.pictures[places], self.masks[places])


def masked_arrays(
    x: Any,
    y: Any,
    wish: MaskWish,
    *,
    test: Any,
    validation: Any,
    classes: Sequence[str] | None,
    groups: Indices | None,
    layout: str,
    limit: int | float | None,
    split_seed: int,
    name: str,
    notes: Sequence[str],
    augmentation: Augmentation | None,
    test_share: float,
) -> Task:
    """The task of pictures and masks in memory, see `arrays`; large pictures become tiles, see `mask_folder`."""
    given = {"": (x, y), "_val": validation, "_test": test}
    parts = {end: _pairs(pair[0], pair[1], end) for end, pair in given.items() if pair is not None}
    groups, parts, said = _limited(groups, parts, limit, split_seed)
    counts = {end: _counted(each.masks) for end, each in parts.items()}
    found = classes_of(sum(counts.values(), Counter[int]()), classes, wish.ignore, "the masks")
    if classes is None and limit is None:
        require_trained(found, counts[""] + counts.get("_val", Counter()), counts.get("_test", Counter()))
    trained = [parts[end] for end in ("", "_val") if end in parts]
    pictures, masks = [each.pictures for each in trained], [each.masks for each in trained]
    train = _Pairs(np.concatenate(pictures), np.concatenate(masks))
    problem = DenseClassification(found.names, class_weights=wish.class_weights, dice=wish.dice, values=found.values)
    made = _Tiles(train, parts.get("_test"), found, wish.tile, layout)
    first = len(parts[""])
    of_tiles = np.repeat(np.arange(len(train)), made.each)
    own = of_tiles if groups is None else np.append(groups, groups.max() + 1 + np.arange(len(train) - first))[of_tiles]
    return build(
        name,
        made.train,
        made.test,
        problem,
        augmentation=augmentation or Augmentation(flip=True),
        notes=(*notes, *said, *found.notes, *made.notes),
        test_share=test_share,
        split_seed=split_seed,
        preparation=lambda places: made.preparation(of_tiles, places),
        validation=np.flatnonzero(of_tiles >= first) if "_val" in parts else None,
        groups=own if groups is not None or made.each > 1 else None,
    )


def _pairs(x: Any, y: Any, end: str) -> _Pairs:
    """Pictures with their masks; DataError where they are not for each other."""
    pictures, masks = numeric(as_array(x, f"x{end}"), f"x{end}"), as_array(y, f"y{end}")
    if not are_masks(pictures, masks) or len(pictures) != len(masks):
        raise DataError(
            f"x{end} has the shape {pictures.shape} and y{end} {masks.shape}; masks are (n, height, width), a number a "
            "pixel of each picture"
        )
    try:
        return _Pairs(pictures, whole_numbers(masks.reshape(_without_channel(masks.shape))))
    except ValueError as problem:
        raise DataError(f"y{end} {problem}") from None


def _counted(masks: NDArray[np.int32]) -> Counter[int]:
    values, counts = np.unique(masks, return_counts=True)
    return Counter(dict(zip(values.tolist(), counts.tolist(), strict=True)))


def _limited(
    groups: Indices | None, parts: Mapping[str, _Pairs], limit: int | float | None, seed: int
) -> tuple[Indices | None, Mapping[str, _Pairs], tuple[str, ...]]:
    """The same share of each part, at random, and what is said of it."""
    if limit is None:
        return groups, parts, ()
    total = len(parts[""])
    share = kept(total, limit) / total
    chosen = {end: _some(len(each), share, seed) for end, each in parts.items()}
    said = (f"limit: {len(chosen['']):,} of {total:,} images kept",)
    groups = None if groups is None else groups[chosen[""]]
    return groups, {end: each.chosen(chosen[end]) for end, each in parts.items()}, said


def _some(count: int, share: float, seed: int) -> Indices:
    order = np.random.Generator(np.random.Philox(key=seed)).permutation(count)
    return np.sort(order[: max(1, round(share * count))])


class _Tiles:
    """Both splits cut alike. each: tiles of a picture."""

    def __init__(self, train: _Pairs, test: _Pairs | None, classes: Classes, tile: int | None, layout: str) -> None:
        raws = [None if each is None else Raw(each.pictures, np.arange(len(each))) for each in (train, test)]
        assert raws[0] is not None
        self.found = prepare(raws[0], raws[1], layout=layout)
        self.sides: tuple[int, int] = train.masks.shape[1:]  # pyright: ignore[reportAttributeAccessIssue]
        self.tile, self.margin, note = tiling(np.array([self.sides]), tile)
        self.train = self._cut(self.found.train, train, classes)
        self.test = None if self.found.test is None or test is None else self._cut(self.found.test, test, classes)
        self.each = len(self.train.codes) // len(train)
        self.notes = self.found.notes + ((f"each image was cut into {self.each:,} {note}",) if note else ())

    def _cut(self, split: Prepared, pairs: _Pairs, classes: Classes) -> Prepared:
        found = [
            cut_pair(torch.from_numpy(picture), classes.numbers(mask), self.tile, self.margin)
            for picture, mask in zip(split.inputs, pairs.masks, strict=True)
        ]
        return Prepared(
            np.concatenate([each.inputs for each in found]), np.concatenate([each.targets for each in found])
        )

    def preparation(self, of_tiles: Indices, places: Indices | None) -> Preparation:
        """For raw pictures; the test split came with the data, or is the tiles at these places."""
        whole = None if places is None else np.unique(of_tiles[places])
        raw = self.found.raw if self.found.raw_test is None else self.found.raw_test
        own: Own = own_array(raw, whole)
        pictures = self.found.preparation(own)
        assert isinstance(pictures, Pictures)
        count = len(raw) if whole is None else len(whole)
        return MaskedPictures(
            (pictures.shape[0], *self.tile),
            own,
            (self.sides,) * count,
            self.margin,
            layout=pictures.layout,
            scale=pictures.scale,
            eight_bits=pictures.eight_bits,
        )
