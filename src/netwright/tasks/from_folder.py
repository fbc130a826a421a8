"""A folder with one subfolder of images a class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError
from netwright.core.room import gibibytes, memory_left
from netwright.core.task import Augmentation
from netwright.tasks import decoding
from netwright.tasks.building import Prepared, build
from netwright.tasks.decoding import BadImage
from netwright.tasks.paths import existing
from netwright.tasks.remaking import remakeable
from netwright.tasks.splits import limited, require
from netwright.tasks.task import Task

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
_TRAIN_NAMES = ("train", "training")
_TEST_NAMES = ("test", "testing", "val", "valid", "validation")
_LARGEST_DEFAULT = 224


@dataclass(frozen=True, eq=False)
class Listing:
    """The image files of one split and the class number of each."""

    files: list[Path]
    codes: NDArray[np.int64]
    ignored: int


@remakeable("image_folder")
def image_folder(
    path: str | os.PathLike[str],
    size: int | tuple[int, int] | None = None,
    skip_bad: bool = False,
    *,
    limit: int | float | None = None,
    augmentation: Augmentation | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
) -> Task:
    """A task of a folder of class folders, or of train/ and test/ (or val/) folders with class folders in them.

    size: pixels of a side, or (height, width); images are resized to cover it and cropped around the centre. By default
    the size they all have, else the middle one of their shorter sides, at most 224. skip_bad: leave out images that
    cannot be used, up to 1 %. limit: keep a stratified part, as a number of training images or a share, and decode
    only that; a test split keeps the same share, but at least 1,000. The default augmentation mirrors, and shifts by
    up to an eighth of the size.
    Raises UserError for a missing path and DataError where the layout or the images cannot be used (`BadFiles` lists
    them). Grey images stay grey when all are; 16-bit, floating-point and CMYK images are not converted silently.
    """
    folder = existing(path, "folder", "a folder of class folders")
    train_folder, test_folder, unused = _splits(folder)
    names = class_folders(train_folder)
    train = listed(train_folder, names)
    require(train.codes, names, 2, "one to train on, one to validate on")
    test = None if test_folder is None else listed(test_folder, _known(test_folder, names), names)
    notes = tuple(
        f"the folder {each}/ is not used: {test_folder.name}/ is the test split" for each in unused if test_folder
    )
    if train.ignored:
        notes += (f"{train.ignored:,} files that are no images by their ending were ignored",)
    if limit is not None:
        train, test, note = _limited(train, test, limit, split_seed)
        notes += note
    return _decoded(folder.name, train, test, names, notes, size, skip_bad, augmentation, test_share, split_seed)


def _decoded(
    name: str,
    train: Listing,
    test: Listing | None,
    names: Sequence[str],
    notes: tuple[str, ...],
    size: int | tuple[int, int] | None,
    skip_bad: bool,
    augmentation: Augmentation | None,
    test_share: float,
    split_seed: int,
) -> Task:
    """Read all headers, choose the common shape, decode: in this order, so that damage stops before the long part."""
    files = train.files + ([] if test is None else test.files)
    headers = decoding.each(decoding.header, files, min(8, os.cpu_count() or 1))
    bad = {i: str(found) for i, found in enumerate(headers) if isinstance(found, BadImage)}
    decoding.check_bad([(str(files[i]), reason) for i, reason in bad.items()], len(files), skip_bad)
    shapes = np.array([found for found in headers if not isinstance(found, BadImage)])
    channels, height, width, decided = common_shape(shapes, size)
    _check_memory(len(files), channels * height * width)

    def one(index: int) -> NDArray[np.uint8]:
        if index in bad:
            raise BadImage(bad[index])
        return decoding.decode(files[index], channels, (height, width))

    largest = int(shapes[:, 1:].prod(axis=1).max())
    images = decoding.each(one, range(len(files)), decoding.threads_for(largest))
    bad = {i: str(found) for i, found in enumerate(images) if isinstance(found, BadImage)}
    notes += decoding.check_bad([(str(files[i]), reason) for i, reason in bad.items()], len(files), skip_bad)
    count = len(train.files)
    shape = (channels, height, width)
    prepared = _kept(images[:count], train.codes, shape)
    held_out = None if test is None else _kept(images[count:], test.codes, shape)
    augmentation = augmentation or Augmentation(flip=True, padding=max(1, min(height, width) // 8))
    return build(
        name,
        prepared,
        held_out,
        names,
        augmentation=augmentation,
        notes=notes + decided,
        test_share=test_share,
        split_seed=split_seed,
    )


def class_folders(folder: Path) -> tuple[str, ...]:
    """The names of the class folders in a folder; DataError draws the layout where there are none."""
    entries = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    names = tuple(each.name for each in entries if each.is_dir())
    if len(names) >= 2:
        return names
    loose = sum(each.suffix.lower() in ENDINGS for each in entries if each.is_file())
    found = f"one class folder ({names[0]})" if names else "no class folders"
    found += f" but {loose:,} images beside" if loose and names else f" but {loose:,} images" if loose else ""
    raise DataError(
        f"{folder} holds {found if entries else 'nothing'}; expected at least two class folders:\n{_LAYOUT}"
    )


_LAYOUT = "  folder/cats/one.jpg\n  folder/cats/two.jpg\n  folder/dogs/three.jpg"


def listed(folder: Path, present: Sequence[str], names: Sequence[str] | None = None) -> Listing:
    """The image files of each class folder, in the order of their names; DataError names a class without images."""
    names = present if names is None else names
    files: list[Path] = []
    codes: list[int] = []
    ignored = 0
    for name in present:
        inside = [each for each in sorted((folder / name).rglob("*")) if each.is_file() and each.name[0] != "."]
        images = [each for each in inside if each.suffix.lower() in ENDINGS]
        ignored += len(inside) - len(images)
        if not images:
            found = f"{len(inside)} files of other kinds" if inside else "nothing"
            raise DataError(
                f"the class folder {folder / name} holds no images but {found}; add images "
                f"({', '.join(sorted(ENDINGS))}) or remove the folder"
            )
        files += images
        codes += [names.index(name)] * len(images)
    return Listing(files, np.array(codes, dtype=np.int64), ignored)


def common_shape(
    shapes: NDArray[np.int64], size: int | tuple[int, int] | None
) -> tuple[int, int, int, tuple[str, ...]]:
    """(channels, height, width, what was decided) for images whose (channels, height, width) are the rows."""
    if not len(shapes):
        raise DataError("not one image can be read")
    channels = int(shapes[:, 0].max())
    notes: tuple[str, ...] = ()
    grey = int((shapes[:, 0] == 1).sum())
    if channels == 3 and grey:
        notes += (f"{grey:,} grey images were read as colour",)
    height, width = _size(shapes, size)
    different = int(((shapes[:, 1] != height) | (shapes[:, 2] != width)).sum())
    if different:
        notes += (
            f"{different:,} of {len(shapes):,} images were resized to cover {height}x{width} (height x width) and "
            "cropped around the centre",
        )
    return channels, height, width, notes


def _size(shapes: NDArray[np.int64], size: int | tuple[int, int] | None) -> tuple[int, int]:
    if size is not None:
        pair = tuple(size) if isinstance(size, tuple | list) else (size, size)
        if len(pair) != 2 or not all(isinstance(each, int) and 0 < each <= 4096 for each in pair):
            raise UserError(f"size is a number of pixels up to 4096, or (height, width), found {size!r}")
        return pair
    heights, widths = shapes[:, 1], shapes[:, 2]
    same = heights.min() == heights.max() and widths.min() == widths.max()
    if same and max(heights[0], widths[0]) <= _LARGEST_DEFAULT:
        return int(heights[0]), int(widths[0])
    side = min(_LARGEST_DEFAULT, int(np.median(np.minimum(heights, widths))))
    return side, side


def _splits(folder: Path) -> tuple[Path, Path | None, list[str]]:
    """The folder of the training split, that of the test split if there is one, and the names of further splits."""
    inside = {each.name.lower(): each for each in sorted(folder.iterdir()) if each.is_dir()}
    train = next((inside[name] for name in _TRAIN_NAMES if name in inside), None)
    if train is None or not set(inside) <= {*_TRAIN_NAMES, *_TEST_NAMES}:
        return folder, None, []
    others = [inside[name] for name in _TEST_NAMES if name in inside]
    return train, others[0] if others else None, [each.name for each in others[1:]]


def _known(folder: Path, names: Sequence[str]) -> list[str]:
    present = sorted(each.name for each in folder.iterdir() if each.is_dir() and each.name[0] != ".")
    foreign = [name for name in present if name not in names]
    if foreign:
        raise DataError(
            f"{folder} has the classes {', '.join(foreign[:5])}, which the training folder has not: "
            + ", ".join(names[:8])
        )
    if not present:
        raise DataError(f"{folder} holds no class folders; expected those of the training folder:\n{_LAYOUT}")
    return present


def _limited(
    train: Listing, test: Listing | None, limit: int | float, seed: int
) -> tuple[Listing, Listing | None, tuple[str, ...]]:
    chosen, chosen_test, notes = limited(train.codes, None if test is None else test.codes, limit, seed)
    if test is not None and chosen_test is not None:
        test = Listing([test.files[i] for i in chosen_test], test.codes[chosen_test], 0)
    return Listing([train.files[i] for i in chosen], train.codes[chosen], 0), test, notes


def _kept(
    images: list[NDArray[np.uint8] | BadImage], codes: NDArray[np.int64], shape: tuple[int, int, int]
) -> Prepared:
    good = np.array([not isinstance(image, BadImage) for image in images], dtype=bool)
    return Prepared(decoding.joined(images, shape, int(good.sum())), codes[good])


def _check_memory(count: int, each: int) -> None:
    left = memory_left()
    if left is not None and 1.1 * count * each > left:
        raise UserError(
            f"{count:,} images of {each:,} bytes need {gibibytes(int(1.1 * count * each))} of memory, and "
            f"{gibibytes(left)} are left here; choose a smaller size= or a limit= (--image-size, --examples)"
        )
