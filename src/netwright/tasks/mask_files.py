"""What a folder of images and masks holds: its splits, and which mask belongs to which image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from netwright.core.errors import DataError
from netwright.core.wording import counted, listed
from netwright.tasks.class_folders import TEST_NAMES, TRAIN_NAMES, VALIDATION_NAMES
from netwright.tasks.decoding import shown
from netwright.tasks.raw_inputs import IMAGE_ENDINGS

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages")
MASK_FOLDERS = (
    *("masks", "mask", "labels", "label", "annotations", "annotation", "annot", "segmentation", "segmentations"),
    *("segmentationclass", "groundtruth", "ground_truth", "gt"),
)
SUFFIXES = ("mask", "masks", "label", "labels", "gt", "seg", "segmentation", "annotation", "groundtruth")
_JOINTS = "_-. "
_ENDINGS = frozenset(IMAGE_ENDINGS)
_LAYOUT = "  folder/images/one.png\n  folder/masks/one.png"


@dataclass(frozen=True)
class Pair:
    """An image and its mask."""

    image: Path
    mask: Path


@dataclass(frozen=True)
class MaskedSplits:
    """The pairs of each split, in the order of their names; those that have no folder of their own are None."""

    train: list[Pair]
    validation: list[Pair] | None = None
    test: list[Pair] | None = None
    notes: tuple[str, ...] = field(default=())


def holds_masks(folder: Path) -> bool:
    """Whether a folder has images with masks in one of the layouts that `masked_splits` reads."""
    return _place(folder) is not None or any(_place(each) is not None for each in _of_splits(folder).values())


def masked_splits(folder: Path) -> MaskedSplits:
    """The pairs in a folder; DataError draws the expected layout where there are none.

    Images lie in images/ (or imgs, JPEGImages, ...), masks of the same names in masks/ (or labels, annotations, ...);
    or each mask beside its image, as one.png and one_mask.png. There may be train/, val/ and test/ around these, or
    inside images/ and masks/.
    """
    found = {kind: _pairs(place) for kind, each in _of_splits(folder).items() if (place := _place(each)) is not None}
    whole = _place(folder)
    if not found and isinstance(whole, tuple):
        found = _inside(*whole)
    if "train" in found:
        return MaskedSplits(found["train"], found.get("validation"), found.get("test"))
    if whole is None:
        raise DataError(f"{folder} has no images with masks; expected\n{_LAYOUT}")
    return MaskedSplits(_pairs(whole), found.get("validation"), found.get("test"))


def _of_splits(folder: Path) -> dict[str, Path]:
    """The folders of splits in a folder, by kind."""
    kinds = {"train": TRAIN_NAMES, "validation": VALIDATION_NAMES, "test": TEST_NAMES}
    inside = _folders(folder)
    found = {kind: next((each for each in inside if each.name.lower() in names), None) for kind, names in kinds.items()}
    return {kind: each for kind, each in found.items() if each is not None}


def _inside(images: Path, masks: Path) -> dict[str, list[Pair]]:
    """The pairs of splits that lie inside the folders of images and of masks."""
    ours, theirs = _of_splits(images), _of_splits(masks)
    return {kind: _matched(_files(ours[kind]), _files(theirs[kind])) for kind in ours if kind in theirs}


def _place(folder: Path) -> tuple[Path, Path] | Path | None:
    """The folders of images and masks, or the folder that has both side by side; None where there is neither."""
    inside = {each.name.lower(): each for each in _folders(folder)}
    masks = next((inside[name] for name in MASK_FOLDERS if name in inside), None)
    images = next((inside[name] for name in IMAGE_FOLDERS if name in inside), None)
    if masks is not None and images is not None:
        return images, masks
    files = _files(folder, deep=False)
    names = {each.stem for each in files}
    return folder if any(_without_suffix(each) in names for each in files) else None


def _pairs(place: tuple[Path, Path] | Path) -> list[Pair]:
    if isinstance(place, tuple):
        return _matched(*(_files(each) for each in place))
    files = _files(place, deep=False)
    masks = [each for each in files if _without_suffix(each) is not None]
    return _matched([each for each in files if each not in set(masks)], masks)


def _matched(images: Sequence[Path], masks: Sequence[Path]) -> list[Pair]:
    """Each image with the mask of its name; DataError where an image has none, or a mask no image."""
    ours = _named(images, lambda file: file.stem, "images")
    theirs = _named(masks, lambda file: file.stem if file.stem in ours else _without_suffix(file) or file.stem, "masks")
    _require_partners([file for name, file in ours.items() if name not in theirs], len(ours), "image", "no mask")
    _require_partners([file for name, file in theirs.items() if name not in ours], len(theirs), "mask", "no image")
    if not ours:
        raise DataError(f"there is not one image with a mask; expected\n{_LAYOUT}")
    return [Pair(ours[name], theirs[name]) for name in sorted(ours)]


def _named(files: Sequence[Path], name: Callable[[Path], str], what: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in files:
        if name(file) in found:
            raise DataError(
                f"two {what} are called {shown(name(file))!r}: {shown(found[name(file)].name)} and {shown(file.name)}; "
                "an image and its mask have one name"
            )
        found[name(file)] = file
    return found


def _require_partners(alone: Sequence[Path], total: int, what: str, lacking: str) -> None:
    if alone:
        names = listed([shown(str(each)) for each in sorted(alone)], 3)
        has = "has" if len(alone) == 1 else "have"
        raise DataError(
            f"{len(alone):,} of {counted(total, what)} {has} {lacking}: {names}; an image and its mask have one name"
        )


def _without_suffix(file: Path) -> str | None:
    """The name of the image beside a mask such as one_mask.png; None where the name is no mask's."""
    stem = file.stem.lower()
    for suffix in SUFFIXES:
        if stem.endswith(suffix) and len(stem) > len(suffix) + 1 and stem[-len(suffix) - 1] in _JOINTS:
            return file.stem[: -len(suffix) - 1]
    return None


def _folders(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))


def _files(folder: Path, *, deep: bool = True) -> list[Path]:
    """The image files in a folder, and in those inside it where `deep`."""
    found = folder.rglob("*") if deep else folder.iterdir()
    return sorted(
        each for each in found if each.suffix.lower() in _ENDINGS and not each.name.startswith(".") and each.is_file()
    )
