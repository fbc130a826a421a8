"""A folder with one subfolder of images a class."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError
from netwright.core.kinds import kinds_checked
from netwright.core.preparation import Preparation
from netwright.core.room import gibibytes
from netwright.core.task import Augmentation
from netwright.problems.classification import Classification, require_each
from netwright.tasks import decoded_files, decoding, pixels
from netwright.tasks.asked import weights_of
from netwright.tasks.building import Prepared, build
from netwright.tasks.class_folders import Listing, Seen, Splits, known_classes, listed, splits_of
from netwright.tasks.decoding import JPEGS, BadImage, Header, Shape
from netwright.tasks.given_paths import existing
from netwright.tasks.portable import images
from netwright.tasks.raw_inputs import MOST_PATHS, OwnPaths, Pictures
from netwright.tasks.remaking import remakeable
from netwright.tasks.splits import limited, pick
from netwright.tasks.task import Task

_LARGEST_DEFAULT = 224
_LOOKED_AT = 200  # images from which range and background are told
_BRIGHT = 192  # what is drawn brighter than this is laid on black, not on white


@remakeable("image_folder")
@kinds_checked
def image_folder(
    path: str | os.PathLike[str],
    size: int | tuple[int, int] | None = None,
    skip_bad: bool | int | float | str = False,
    *,
    class_weights: str | Sequence[float] | None = None,
    limit: int | float | None = None,
    augmentation: Augmentation | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
    decoded: str = "auto",
) -> Task:
    """A task of a folder of class folders, or of train/, val/ and test/ folders with class folders in them.

    path: of the folder.
    size: pixels of a side, or (height, width); images are resized to cover it and cropped around the centre. By default
        the size they all have, else the middle one of their shorter sides, at most 224.
    skip_bad: leave out images that cannot be used: True for up to 1 %, a number (5) or a share ("3%", 0.03).
    class_weights: "balanced" for classes that count alike in training however many examples they have; or what an
        example of each counts.
    limit: keep a stratified part, as a number of training images or a share, and decode only that; a test split keeps
        the same share, but at least 1,000. The default augmentation mirrors, and shifts by up to an eighth of the size.
        Without test/ a share of the training images is set aside for the test; val/ is what a search validates on. Grey
        images stay grey when all are; what becomes of 16-bit, CMYK, transparent and animated images is said.
    augmentation: in place of the default one.
    test_share: of each class that is set aside, where there is no test/.
    split_seed: chooses which.
    decoded: where the decoded images are: "memory", "file" (one that is mapped, in the folder of `decoded_in`), or
        "auto": in a file where they take more than a quarter of the memory that is left and there is a folder.

    Raises UserError for a missing path and DataError where the layout or the images cannot be used (`BadFiles` lists
    them).
    """
    folder = existing(path, "folder", "a folder of class folders")
    decoding.may_skip(skip_bad, 1)
    splits = splits_of(folder)
    parts, notes = _parts(folder, splits)
    if limit is not None:
        parts, more = parts.limited(limit, split_seed)
        notes += more
    pictures = Reading(parts.files, size, skip_bad, decoded)
    shape = pictures.shape
    return build(
        folder.name,
        *parts.prepared(pictures),
        Classification(splits.names, class_weights=weights_of(class_weights)),
        augmentation=augmentation or Augmentation(flip=True, padding=max(1, min(shape[1:]) // 8)),
        notes=notes + pictures.notes,
        test_share=test_share,
        split_seed=split_seed,
        preparation=parts.preparation(pictures),
        validation=parts.validation_places(pictures),
        names=[str(each.relative_to(folder)) for each in parts.left(pictures)],
    )


def _parts(folder: Path, splits: Splits) -> tuple[Parts, tuple[str, ...]]:
    seen = Seen()
    names = splits.names
    train = listed(splits.train, names, names, folder, seen)
    require_each(train.codes, names, 2, "one to train on, one to validate on")
    validation, test = (
        None if each is None else listed(each, known_classes(each, names), names, folder, seen)
        for each in (splits.validation, splits.test)
    )
    return Parts(train, validation, test), splits.notes + seen.notes()


@dataclass(frozen=True, eq=False)
class Parts:
    """The files of each split, with what is asked for of each; they are read in one row: train, validation, test."""

    train: Listing
    validation: Listing | None
    test: Listing | None

    @property
    def files(self) -> list[Path]:
        return [file for part in (self.train, self.validation, self.test) if part is not None for file in part.files]

    def limited(self, limit: int | float, seed: int) -> tuple[Parts, tuple[str, ...]]:
        test = None if self.test is None else self.test.codes
        chosen, chosen_test, notes = limited(self.train.codes, test, limit, seed)
        held_out = self.validation
        if held_out is not None:
            share = len(chosen) / len(self.train.codes)
            held_out = held_out.chosen(pick(held_out.codes, round(len(held_out.codes) * share), seed))
        kept_test = None if self.test is None or chosen_test is None else self.test.chosen(chosen_test)
        return Parts(self.train.chosen(chosen), held_out, kept_test), notes

    def prepared(self, pictures: Reading) -> tuple[Prepared, Prepared | None]:
        """Training and validation images together, and the test images, without those that could not be used."""
        codes = np.concatenate([part.codes for part in (self.train, self.validation, self.test) if part is not None])
        count = int(pictures.good[: self._trained].sum())
        codes = codes[pictures.good]
        train = Prepared(pictures.images[:count], codes[:count])
        return train, None if self.test is None else Prepared(pictures.images[count:], codes[count:])

    @property
    def _trained(self) -> int:
        return len(self.train.files) + (0 if self.validation is None else len(self.validation.files))

    def validation_places(self, pictures: Reading) -> NDArray[np.int64] | None:
        if self.validation is None:
            return None
        first = int(pictures.good[: len(self.train.files)].sum())
        return np.arange(first, int(pictures.good[: self._trained].sum()))

    def left(self, pictures: Reading) -> list[Path]:
        return [file for file, good in zip(self.files, pictures.good, strict=True) if good]

    def preparation(self, pictures: Reading) -> Callable[[NDArray[np.int64] | None], Preparation]:
        files = self.left(pictures)
        first_test = int(pictures.good[: self._trained].sum())

        def made(places: NDArray[np.int64] | None) -> Preparation:
            test = files[first_test:] if places is None else [files[i] for i in places[:MOST_PATHS].tolist()]
            own = OwnPaths(tuple(each.absolute() for each in test[:MOST_PATHS]))
            return Pictures(pictures.shape, own, deep_scale=pictures.scale, background=pictures.background)

        return made


class Reading:
    """All headers first, then what is decided over all, then the images: damage stops before the long part.

    files: of all images.
    images: uint8 (n, channels, height, width), those that could be used; good: which these are.
    """

    def __init__(
        self,
        files: Sequence[Path],
        size: int | tuple[int, int] | None,
        skip_bad: bool | float | str,
        decoded: str = "auto",
    ) -> None:
        self.files = list(files)
        found = decoding.each(decoding.file_header, files, min(8, os.cpu_count() or 1))
        bad = {i: str(each) for i, each in enumerate(found) if isinstance(each, BadImage)}
        decoding.check_bad([(str(files[i]), reason) for i, reason in bad.items()], len(files), skip_bad)
        headers = [each for each in found if isinstance(each, Header)]
        sizes = np.array([each[:3] for each in headers], dtype=np.int64).reshape(-1, 3)
        self.shape, self.notes = common_shape(sizes, size)
        folder = decoded_files.folder_for(decoded, len(files), self.shape)
        self._decide([(file, each) for file, each in zip(files, found, strict=True) if isinstance(each, Header)])

        def one(index: int) -> NDArray[np.uint8]:
            if index in bad:
                raise BadImage(bad[index])
            if _is_plain_jpeg(files[index], found[index], self.shape):
                return decoding.jpeg_file(files[index], self.shape)
            return images.picture(files[index], self.shape, self.background, self.scale).numpy()

        threads = decoding.threads_for(int(sizes[:, 1:].prod(axis=1).max()))
        self.images, bad = self._decoded(one, files, threads, folder)
        self.notes += decoding.check_bad([(str(files[i]), bad[i]) for i in sorted(bad)], len(files), skip_bad)
        self.good = np.ones(len(files), dtype=bool)
        self.good[list(bad)] = False

    def _decoded(
        self, one: Callable[[int], NDArray[np.uint8]], files: Sequence[Path], threads: int, folder: Path | None
    ) -> tuple[NDArray[np.uint8], dict[int, str]]:
        """The images and why some cannot be used, in memory or in a file that later readings find again."""
        if folder is None:
            return decoding.decoded(one, len(files), self.shape, threads)
        key = decoded_files.key_of([*map(decoded_files.stamp, files)], self.shape, self.background, self.scale)
        decode = decoded_files.as_decode(one, threads)
        found = decoded_files.in_file(folder, key, len(files), self.shape, decode)
        self.notes += (f"decoded images are kept in {folder} ({gibibytes(found[0].nbytes)}), not in memory",)
        return found

    def _decide(self, read: Sequence[tuple[Path, Header]]) -> None:
        kinds = {kind: [file for file, each in read if kind in each.kinds] for kind in _TOLD}
        deep = [file for file, each in read if each.kinds & {"16-bit", "32-bit"}]
        self.background = _background(kinds["alpha"])
        self.scale = None
        for kind, files in kinds.items():
            if files and _TOLD[kind]:
                self.notes += (f"{len(files):,} of {len(read):,} images {_TOLD[kind]}",)
        if kinds["alpha"]:
            colour = "white" if self.background else "black (what is drawn in them is bright)"
            self.notes += (f"{len(kinds['alpha']):,} images with transparency were laid on {colour}",)
        if deep:
            scale = _deep_scale(deep, self.shape, self.background, len(deep) < len(read), not kinds["32-bit"])
            self.scale = scale.values
            self.notes += (f"{len(deep):,} of {len(read):,} images have more than 8 bits a pixel", *scale.notes)


def _is_plain_jpeg(file: Path, header: Header | BadImage, shape: Shape) -> bool:
    """Whether a file can be read as `decode_jpeg` does it: nothing to convert, to turn or to resize."""
    plain = isinstance(header, Header) and not header.kinds and header[:3] == shape
    return plain and file.suffix.lower() in JPEGS


_TOLD = {
    "16-bit": "",
    "32-bit": "",
    "alpha": "",
    "CMYK": "are CMYK and were converted to RGB",
    "animated": "are animated or hold several pages: the first was read",
}


def _background(files: Sequence[Path]) -> int:
    """Under transparent parts: white (255), or black (0) where what is drawn is nearly white itself."""

    def brightness(file: Path) -> tuple[float, float]:
        with images.opened(file) as image:
            image.draft("RGB", (64, 64))
            pixels = np.asarray(image.convert("RGBA"), dtype=np.float64)
        weights = pixels[..., 3]
        return float((pixels[..., :3].mean(axis=-1) * weights).sum()), float(weights.sum())

    found = [each for each in decoding.each(brightness, _some(files), 1) if not isinstance(each, BadImage)]
    total = sum(weight for _, weight in found)
    return 0 if total and sum(bright for bright, _ in found) / total > _BRIGHT else 255


def _deep_scale(files: Sequence[Path], shape: Shape, background: int, is_mixed: bool, is_sixteen: bool) -> pixels.Scale:
    """How values of more than 8 bits become 0..255; all of 16 bits where they are used, or beside 8-bit images."""
    whole = pixels.Scale(images.SIXTEEN_BITS, ("16-bit values 0 to 65535 were scaled to 0..255",))
    if is_sixteen and is_mixed:
        return whole
    read = decoding.each(lambda file: images.intensities(file, shape, background).numpy(), _some(files), 1)
    values = [each for each in read if not isinstance(each, BadImage)]
    if not values:
        return whole
    stack = np.stack(values)
    found = pixels.range_of(stack)
    if is_sixteen and found.spread is None and found.high > 32767:
        return whole
    if is_sixteen and found.high <= 255:
        return pixels.Scale(pixels.AS_THEY_ARE, ("16-bit values up to 255 were taken as 8-bit values",))
    return pixels.scale_of(stack, found)


def _some(files: Sequence[Path]) -> list[Path]:
    return list(files[:: max(1, len(files) // _LOOKED_AT)][:_LOOKED_AT])


def common_shape(shapes: NDArray[np.int64], size: int | tuple[int, int] | None) -> tuple[Shape, tuple[str, ...]]:
    """(channels, height, width), and what was decided, for images whose (channels, height, width) are the rows."""
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
    return (channels, height, width), notes


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
