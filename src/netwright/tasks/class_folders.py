"""What a folder of class folders holds: its splits, its classes, and the image files of each."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError
from netwright.core.wording import counted
from netwright.core.wording import listed as some_of
from netwright.tasks.decoding import shown
from netwright.tasks.raw_inputs import IMAGE_ENDINGS

TRAIN_NAMES = ("train", "training", "trainset", "trn")
TEST_NAMES = ("test", "testing", "testset", "tst")
VALIDATION_NAMES = ("val", "valid", "validation", "dev", "devel")
_LEFT_OVERS = {"__macosx", "@eadir", "thumbs", "thumbnails", "$recycle.bin", "system volume information", "lost+found"}
_LEFT_OVERS |= {"#recycle", "@recycle", "__pycache__"}
_LAYOUT = "  folder/cats/one.jpg\n  folder/cats/two.jpg\n  folder/dogs/three.jpg"
_ENDINGS = frozenset(IMAGE_ENDINGS)

ByKind = dict[tuple[str, ...], list[Path]]


@dataclass(frozen=True)
class Splits:
    """The folders of the splits; `train` is the whole folder where it has none.

    names: of the classes.
    """

    train: Path
    names: tuple[str, ...]
    validation: Path | None = None
    test: Path | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Listing:
    """The image files of one split and the class number of each."""

    files: list[Path]
    codes: NDArray[np.int64]

    def chosen(self, places: NDArray[np.int64]) -> Listing:
        return Listing([self.files[i] for i in places.tolist()], self.codes[places])


@dataclass
class Seen:
    """What is said of the files that were looked through.

    others: endings of files that are no images.

    outside: images behind links out of the folder.
    away: folders that are such links themselves.
    """

    others: Counter[str] = field(default_factory=Counter)
    dangling: list[str] = field(default_factory=list)
    outside: int = 0
    away: list[str] = field(default_factory=list)
    left_overs: Counter[str] = field(default_factory=Counter)

    def note_folder(self, folder: str, top: str) -> None:
        """Take note of a folder that is itself a link out of the one that was given.

        top: that one, as it really is.
        """
        real = os.path.realpath(folder)
        if os.path.islink(folder) and not real.startswith(top + os.sep) and real != top:
            self.away.append(f"{shown(os.path.basename(folder))}/ (to {shown(real)})")

    def notes(self) -> tuple[str, ...]:
        notes: list[str] = []
        if self.others:
            kinds = ", ".join(f"{count:,} {ending or 'without ending'}" for ending, count in self.others.most_common(4))
            notes.append(f"ignored {counted(self.others.total(), 'file')} without an ending of images ({kinds})")
        if self.left_overs:
            names = ", ".join(f"{each}/" for each in self.left_overs)
            notes.append(f"left-over folders were left out: {names}")
        if self.dangling:
            notes.append(
                f"links that lead nowhere were left out: {len(self.dangling):,}, such as {shown(self.dangling[0])}; "
                "put their files back, or remove them"
            )
        if self.away:
            notes.append(f"folders that are links out of this one were read: {some_of(self.away, 5)}")
        if self.outside:
            notes.append(
                f"{self.outside:,} images are links to files outside of this folder: they must stay where they are"
            )
        return tuple(notes)


def splits_of(folder: Path) -> Splits:
    """The splits and classes in a folder; DataError draws the expected layout where there are none.

    A folder called train, training, ... that holds class folders is the training split, whatever stands beside it;
    test and val (in any case, and by their other names) are the other splits. Further folders beside it are left out.
    Without one, all folders are classes, but for a test/ or val/ that holds folders of the same names.
    """
    inside = _folders(folder)
    by_kind: ByKind = {kind: [each for each in inside if each.name.lower() in kind] for kind in _KINDS}
    train = next((each for each in by_kind[TRAIN_NAMES] if _holds_classes(each)), None)
    if train is None:
        _refuse_splits_as_classes(folder, inside, by_kind)
        return _beside_classes(folder, inside, by_kind)
    found, notes = _held_out(by_kind)
    used = (train, *found.values())
    unused = [each.name for each in inside if each not in used and not _is_flat_split(each)]
    if unused:
        notes += (f"left out, since {train.name}/ is the training split: {', '.join(f'{each}/' for each in unused)}",)
    return Splits(train, class_folders(train), found.get(VALIDATION_NAMES), found.get(TEST_NAMES), notes)


_KINDS: tuple[tuple[str, ...], ...] = (TRAIN_NAMES, TEST_NAMES, VALIDATION_NAMES)


def _holds_classes(folder: Path) -> bool:
    count = len(_folders(folder))
    return count >= 2 or (count == 1 and not _loose(folder))


def _held_out(by_kind: ByKind) -> tuple[dict[tuple[str, ...], Path], tuple[str, ...]]:
    """The test and validation folders that hold class folders, and what is said of those that do not."""
    found: dict[tuple[str, ...], Path] = {}
    notes: tuple[str, ...] = ()
    for kind in (TEST_NAMES, VALIDATION_NAMES):
        for each in by_kind[kind]:
            if _folders(each):
                found.setdefault(kind, each)
            else:
                notes += (f"{each.name}/ was left out: it holds {_loose(each):,} images, but no class folders",)
    return found, notes


def _is_flat_split(folder: Path) -> bool:
    return folder.name.lower() in (*TEST_NAMES, *VALIDATION_NAMES) and not _folders(folder)


def _beside_classes(folder: Path, inside: list[Path], by_kind: ByKind) -> Splits:
    names = {each.name for each in inside}
    held_out = {kind: [each for each in by_kind[kind] if _names(each) & names] for kind in _KINDS[1:]}
    found, notes = _held_out({TRAIN_NAMES: [], **held_out})
    flat = [each for each in inside if _is_flat_split(each)]
    loose = _loose(folder)
    notes += (f"{loose:,} images beside the class folders were left out",) if loose else ()
    notes += tuple(
        f"{each.name}/ was left out: by its name it is a split, but it holds no class folders" for each in flat
    )
    out = {each.name for each in (*flat, *held_out[TEST_NAMES], *held_out[VALIDATION_NAMES])}
    return Splits(folder, class_folders(folder, out), found.get(VALIDATION_NAMES), found.get(TEST_NAMES), notes)


def _names(folder: Path) -> set[str]:
    return {each.name for each in _folders(folder)}


def _refuse_splits_as_classes(folder: Path, inside: list[Path], by_kind: ByKind) -> None:
    """Raise DataError where splits would be taken for classes: train/ without class folders, or none beside test/."""
    split = [each for kind in _KINDS for each in by_kind[kind]]
    is_flat = bool(by_kind[TRAIN_NAMES]) and len(split) >= 2
    if not is_flat and (len(split) < 2 or len(split) < len(inside)):
        return
    what = f"no class folders in {split[0].name}/" if is_flat else "no folder train/ beside them"
    raise DataError(
        f"{folder} holds {', '.join(f'{each.name}/' for each in split)}, which are splits by their names, but {what}; "
        f"expected at least two class folders:\n{_LAYOUT.replace('folder/', 'train/')}"
    )


def class_folders(folder: Path, left_out: set[str] = frozenset()) -> tuple[str, ...]:  # type: ignore[assignment]
    """The names of the class folders in a folder; DataError draws the layout where there are none."""
    names = tuple(each.name for each in _folders(folder) if each.name not in left_out)
    if len(names) >= 2:
        return names
    loose = _loose(folder)
    found = f"one class folder ({names[0]})" if names else "no class folders"
    found += f" but {loose:,} images beside" if loose and names else f" but {loose:,} images" if loose else ""
    is_empty = not names and not any(folder.iterdir())
    raise DataError(
        f"{folder} holds {'nothing' if is_empty else found}; expected at least two class folders:\n{_LAYOUT}"
        + _hint(folder, names)
    )


def _hint(folder: Path, names: Sequence[str]) -> str:
    if len(names) == 1 and len(_folders(folder / names[0])) >= 2:
        return f"\ndid you mean {folder / names[0]}?"
    begins = Counter(
        found[1] for each in _files(folder) if _is_image(each.name) and (found := _LABEL.match(each.name)) is not None
    )
    if 2 <= len(begins) <= 50 and min(begins.values()) >= 2:
        listed = ", ".join(f"{name} ({count:,})" for name, count in begins.most_common(3))
        return f"\nthe file names begin with {listed}: if these are the classes, put each into a folder of its own"
    return ""


_LABEL = re.compile(r"([A-Za-z]+(?:[_-][A-Za-z]+)*)[._ -]?\(?\d")


def known_classes(folder: Path, names: Sequence[str]) -> list[str]:
    """The class folders of a test or validation split; DataError names those that the training split has not."""
    present = [each.name for each in _folders(folder)]
    foreign = [name for name in present if name not in names]
    if foreign:
        raise DataError(
            f"{folder} has the classes {', '.join(foreign[:5])}, which the training folder has not: "
            + ", ".join(names[:8])
        )
    return present


def listed(folder: Path, present: Sequence[str], names: Sequence[str], top: Path, seen: Seen) -> Listing:
    """The image files of each class folder, in the order of their names; DataError names a class without images.

    top: the folder that was given; links out of it are counted in `seen`.
    """
    files: list[Path] = []
    codes: list[int] = []
    inside_of = os.path.realpath(top)
    for entry in os.scandir(folder):
        if entry.is_dir() and _is_left_over(entry.name) and not entry.name.startswith("."):
            seen.left_overs[entry.name] += 1
    seen.note_folder(str(folder), inside_of)
    for name in present:
        before = seen.others.total()
        images = sorted(_walked(str(folder / name), inside_of, seen), key=lambda path: path.split(os.sep))
        if not images:
            others = seen.others.total() - before
            held = f"holds no images but {counted(others, 'file')} of other kinds" if others else "is empty"
            raise DataError(
                f"the class folder {folder / name} {held}; add images "
                f"({', '.join(sorted(_ENDINGS))}) or remove the folder"
            )
        files += map(Path, images)
        codes += [names.index(name)] * len(images)
    return Listing(files, np.array(codes, dtype=np.int64))


def _walked(folder: str, top: str, seen: Seen, above: tuple[str, ...] = ()) -> Iterator[str]:
    """The images of a folder and of those in it; linked folders are followed, but not in circles."""
    real = os.path.realpath(folder)
    if real in above:
        return
    seen.note_folder(folder, top)
    away = not real.startswith(top + os.sep)
    for entry in os.scandir(folder):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if _is_left_over(entry.name):
                seen.left_overs[entry.name] += 1
            else:
                yield from _walked(entry.path, top, seen, (*above, real))
        elif not _is_image(entry.name):
            seen.others[os.path.splitext(entry.name)[1].lower()] += 1
        elif not entry.is_file():
            seen.dangling.append(entry.path)
        else:
            seen.outside += away or (entry.is_symlink() and not os.path.realpath(entry.path).startswith(top + os.sep))
            yield entry.path


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in _ENDINGS


def _is_left_over(name: str) -> bool:
    return name.startswith(".") or name.lower() in _LEFT_OVERS


def _folders(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.is_dir() and not _is_left_over(each.name))


def _files(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if not each.name.startswith(".") and each.is_file()]


def _loose(folder: Path) -> int:
    """How many images lie in a folder itself."""
    return sum(_is_image(each.name) for each in _files(folder))
