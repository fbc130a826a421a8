"""A folder of images and masks: a class for every pixel."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from netwright.core import blocks
from netwright.core.errors import UserError
from netwright.core.kinds import kinds_checked
from netwright.core.preparation import Preparation
from netwright.core.room import gibibytes, memory_left
from netwright.core.spelling import option
from netwright.core.task import Augmentation
from netwright.problems.dense_classification import VOID, DenseClassification
from netwright.tasks import decoding, pixels
from netwright.tasks.asked import weights_of
from netwright.tasks.building import Prepared, build
from netwright.tasks.decoding import BadImage, Header
from netwright.tasks.given_paths import existing
from netwright.tasks.mask_files import MaskedSplits, Pair, masked_splits
from netwright.tasks.mask_values import Classes, classes_of, mask_of, require_trained
from netwright.tasks.portable import images
from netwright.tasks.portable.tiles import cut, places
from netwright.tasks.raw_inputs import MOST_PATHS, MaskedPictures, OwnPaths
from netwright.tasks.remaking import remakeable
from netwright.tasks.splits import Indices, kept
from netwright.tasks.task import Task

LARGEST_WHOLE = 256  # pixels of a side up to which images of one size are taken whole
_TILES = ((1024, 128), (1 << 30, 256))  # a side up to so long is cut into tiles of this side
_LEAST_TILE = 16


@remakeable("mask_folder")
@kinds_checked
def mask_folder(
    path: str | os.PathLike[str],
    *,
    tile: int | None = None,
    ignore: int | str | None = None,
    classes: Sequence[str] | None = None,
    class_weights: str | Sequence[float] | None = None,
    dice: float = 0.0,
    skip_bad: bool | int | float | str = False,
    limit: int | float | None = None,
    augmentation: Augmentation | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
) -> Task:
    """A task of images and masks of the same names: a class for every pixel.

    path: of a folder with images/ and masks/, or with one.png and one_mask.png beside it; around or inside these there
        may be train/, val/ and test/.
    tile: pixels of a side of the tiles that images are cut into. By default images of one size up to 256x256 stay
        whole, others become tiles of 128x128, where they are larger than 1024 pixels of 256x256. Splits are of whole
        images.
    ignore: number in the masks that is not asked for; "none" for none. By default 255 beside 0, 1, 2, ...
    classes: names, in the order of the numbers in the masks.
    class_weights: what a pixel of each class counts in the loss; "balanced" has each class count alike.
    dice: share of the loss that is 1 - Dice; the rest is cross entropy.
    skip_bad: leave out images that cannot be used: True for up to 1 %, a number (5) or a share ("3%", 0.03).
    limit: keep so many images, or this share of them.
    augmentation: in place of mirroring left and right.
    test_share: of the images that is set aside, where there is no test/.
    split_seed: chooses which.

    Raises UserError for a missing path and DataError where the layout, an image or a mask cannot be used.
    """
    folder = existing(path, "folder", "a folder of images and masks")
    decoding.may_skip(skip_bad, 1)
    splits = _limited(masked_splits(folder), limit, split_seed)
    reading = Reading(splits, tile, ignore, classes, skip_bad)
    problem = DenseClassification(
        reading.classes.names, class_weights=weights_of(class_weights), dice=dice, values=reading.classes.values
    )
    return reading.task(folder.name, problem, augmentation, test_share, split_seed)


def _limited(splits: MaskedSplits, limit: int | float | None, seed: int) -> MaskedSplits:
    if limit is None:
        return splits
    share = kept(len(splits.train), limit) / len(splits.train)

    def some(pairs: list[Pair] | None) -> list[Pair] | None:
        if pairs is None:
            return None
        order = np.random.Generator(np.random.Philox(key=seed)).permutation(len(pairs))
        return [pairs[i] for i in sorted(order[: max(1, round(share * len(pairs)))].tolist())]

    train = some(splits.train)
    assert train is not None
    note = f"limit: {len(train):,} of {len(splits.train):,} images kept"
    return MaskedSplits(train, some(splits.validation), some(splits.test), (*splits.notes, note))


@dataclass(frozen=True, eq=False)
class Cut:
    """Tiles of one image.

    inputs: uint8 (tiles, channels, height, width).
    targets: uint8 (tiles, height, width), VOID where another tile answers.
    """

    inputs: NDArray[np.uint8]
    targets: NDArray[np.uint8]


def cut_pair(picture: torch.Tensor, numbers: NDArray[np.uint8], tile: tuple[int, int], margin: int) -> Cut:
    """An image (channels, height, width) and its classes (height, width) as tiles; each pixel is asked for once."""
    height, width = numbers.shape
    targets = np.full((len(list(places(height, width, tile, margin))), *tile), VOID, dtype=np.uint8)
    for target, (rows, columns) in zip(targets, places(height, width, tile, margin), strict=True):
        own = numbers[rows[1] : rows[2], columns[1] : columns[2]]
        target[rows[1] - rows[0] : rows[2] - rows[0], columns[1] - columns[0] : columns[2] - columns[0]] = own
    return Cut(cut(picture, tile, margin).numpy(), targets)


class Reading:
    """All headers and masks first, then what is decided over all, then the images: damage stops before the long part.

    Images of all splits lie in one row: train, validation, test.
    """

    def __init__(
        self,
        splits: MaskedSplits,
        tile: int | None,
        ignore: int | str | None,
        names: Sequence[str] | None,
        skip_bad: bool | float | str,
    ) -> None:
        parts = splits.train, splits.validation or [], splits.test or []
        pairs = [pair for part in parts for pair in part]
        splits_of = np.repeat(np.arange(3), [len(part) for part in parts])
        found = decoding.each(_looked_at, pairs, decoding.threads_for(1 << 18))
        bad = [
            (str(pair.mask), str(each)) for pair, each in zip(pairs, found, strict=True) if isinstance(each, BadImage)
        ]
        self.notes = (*splits.notes, *decoding.check_bad(bad, len(pairs), skip_bad))
        self.seen = [each for each in found if not isinstance(each, BadImage)]
        good = [not isinstance(each, BadImage) for each in found]
        self.pairs = [pair for pair, is_good in zip(pairs, good, strict=True) if is_good]
        self.split = splits_of[np.array(good, dtype=bool)]
        counts = sum((each.counts for each in self.seen), Counter[int]())
        self.classes: Classes = classes_of(counts, names, ignore, "the masks")
        if names is None:
            tested = self.split[: len(self.seen)] == 2
            of = [
                sum(
                    (each.counts for each, is_test in zip(self.seen, tested, strict=True) if is_test == which),
                    Counter[int](),
                )
                for which in (False, True)
            ]
            require_trained(self.classes, *of)
        self.notes += self.classes.notes
        self.has = splits.validation is not None, splits.test is not None
        self._decide(tile)

    def _decide(self, tile: int | None) -> None:
        headers = [each.header for each in self.seen]
        sizes = np.array([(each.height, each.width) for each in headers])
        self.channels = max(each.channels for each in headers)
        self.tile, self.margin, note = tiling(sizes, tile)
        self.counts = [len(list(places(each.height, each.width, self.tile, self.margin))) for each in headers]
        if note:
            self.notes += (f"{len(headers):,} images were cut into {sum(self.counts):,} {note}",)
        if self.channels == 3 and any(each.channels == 1 for each in headers):
            self.notes += (f"{sum(each.channels == 1 for each in headers):,} grey images were read as colour",)
        self.scale = self._deep_scale(headers)
        _check_memory(sum(self.counts), (self.channels + 1) * self.tile[0] * self.tile[1])

    def _deep_scale(self, headers: Sequence[Header]) -> tuple[float, ...] | None:
        """How images of more than 8 bits become 0..255."""
        deep = [i for i, each in enumerate(headers) if each.kinds & {"16-bit", "32-bit"}]
        if not deep:
            return None
        low = min(min(headers[i].height, headers[i].width) for i in deep)
        some = deep[:: max(1, len(deep) // 50)][:50]
        stack = np.stack([images.intensities(self.pairs[i].image, self._shape(i), 255).numpy() for i in some])
        scale = pixels.scale_of(stack, pixels.range_of(stack)) if low else None
        assert scale is not None
        self.notes += (f"{len(deep):,} of {len(headers):,} images have more than 8 bits a pixel", *scale.notes)
        return scale.values

    def _shape(self, i: int) -> tuple[int, int, int]:
        header = self.seen[i].header
        return self.channels, header.height, header.width

    def _cut(self, i: int) -> Cut:
        picture = images.picture(self.pairs[i].image, self._shape(i), 255, self.scale)
        return cut_pair(picture, self.classes.numbers(mask_of(self.pairs[i].mask)), self.tile, self.margin)

    def task(
        self,
        name: str,
        problem: DenseClassification,
        augmentation: Augmentation | None,
        test_share: float,
        split_seed: int,
    ) -> Task:
        """The images decoded and cut, and the task of them."""
        inputs = blocks.empty((sum(self.counts), self.channels, *self.tile), np.uint8)
        targets = blocks.empty((sum(self.counts), *self.tile), np.uint8)
        starts = np.cumsum([0, *self.counts])

        def one(i: int) -> None:
            made = self._cut(i)
            inputs[starts[i] : starts[i + 1]], targets[starts[i] : starts[i + 1]] = made.inputs, made.targets

        done = decoding.each(one, range(len(self.pairs)), decoding.threads_for(1 << 18))
        bad = [(str(self.pairs[i].image), str(each)) for i, each in enumerate(done) if isinstance(each, BadImage)]
        decoding.check_bad(bad, len(self.pairs), False)
        of_tiles = np.repeat(np.arange(len(self.pairs)), self.counts)
        split = np.repeat(self.split, self.counts)
        trained = split < 2
        is_cut = max(self.counts) > 1
        return build(
            name,
            Prepared(inputs[trained], targets[trained]),
            Prepared(inputs[~trained], targets[~trained]) if self.has[1] else None,
            problem,
            augmentation=augmentation or Augmentation(flip=True),
            notes=self.notes,
            test_share=test_share,
            split_seed=split_seed,
            validation=np.flatnonzero(split[trained] == 1) if self.has[0] else None,
            groups=of_tiles[trained] if is_cut else None,
            preparation=lambda held_out: self._preparation(of_tiles, trained, held_out),
        )

    def _preparation(self, of_tiles: Indices, trained: NDArray[np.bool_], held_out: Indices | None) -> Preparation:
        tested = of_tiles[~trained] if held_out is None else of_tiles[trained][held_out]
        chosen = list(dict.fromkeys(tested.tolist()))[:MOST_PATHS]
        return MaskedPictures(
            (self.channels, *self.tile),
            OwnPaths(tuple(self.pairs[i].image.absolute() for i in chosen)),
            tuple((self.seen[i].header.height, self.seen[i].header.width) for i in chosen),
            self.margin,
            deep_scale=self.scale,
        )


@dataclass(frozen=True)
class _Seen:
    """What is known of a pair before it is read: what the image says of itself, and the numbers in its mask."""

    header: Header
    counts: Counter[int]


def _looked_at(pair: Pair) -> _Seen:
    try:
        header = decoding.file_header(pair.image)
    except ValueError as problem:
        raise BadImage(f"its image {pair.image.name} {problem}") from None
    mask = mask_of(pair.mask)
    if mask.shape != (header.height, header.width):
        raise BadImage(f"is {mask.shape[1]}x{mask.shape[0]} pixels, its image {header.width}x{header.height}")
    values, counts = np.unique(mask, return_counts=True)
    return _Seen(header, Counter(dict(zip(values.tolist(), counts.tolist(), strict=True))))


def tiling(sizes: Indices, tile: int | None) -> tuple[tuple[int, int], int, str]:
    """Height and width of the tiles, the margin at their sides, and what is said of them; nothing of whole images.

    sizes: (n, 2), height and width of each image.
    tile: as asked for; None to choose.
    """
    height, width = sizes.max(axis=0).tolist()
    is_one_size = bool((sizes == sizes[0]).all())
    if tile is None and is_one_size and max(height, width) <= LARGEST_WHOLE:
        return (height, width), 0, ""
    if tile is not None and tile < _LEAST_TILE:
        raise UserError(f"{option('tile')} is pixels of a side, at least {_LEAST_TILE}, found {tile}")
    side = tile or _usual_tile(sizes)
    found = min(side, height), min(side, width)
    if is_one_size and found == (height, width):
        return found, 0, ""
    margin = margin_of(min(found))
    how = "that overlap; splits are of whole images"
    return found, margin, f"tiles of {found[1]}x{found[0]} pixels {how}, and {option('tile')} sets their size"


def _usual_tile(sizes: Indices) -> int:
    """As large as fits most images, and not larger than what is quick to train on."""
    shorter = int(np.median(sizes.min(axis=1)))
    side = next(tile for longest, tile in _TILES if int(np.median(sizes.max(axis=1))) <= longest)
    return max(_LEAST_TILE, min(side, shorter // _LEAST_TILE * _LEAST_TILE))


def margin_of(tile: int) -> int:
    """Pixels at a tile's sides for which a neighbour answers: an eighth of it, at most 32."""
    return min(32, tile // 8)


def _check_memory(count: int, each: int) -> None:
    left = memory_left()
    if left is not None and 1.1 * count * each > left:
        raise UserError(
            f"{count:,} tiles of {each:,} bytes need {gibibytes(int(1.1 * count * each))} of memory, and "
            f"{gibibytes(left)} are left here; choose a {option('limit')}"
        )
