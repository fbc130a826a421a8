"""The numbers in masks: as they are read, and which class each stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError
from netwright.core.spelling import option
from netwright.core.wording import listed
from netwright.problems.dense_classification import VOID
from netwright.tasks.portable import images

MOST_VALUES = 64  # more than that are no classes
LARGEST = 65_535


def mask_of(file: Path) -> NDArray[np.int32]:
    """The numbers of a mask (height, width): grey values, or the numbers of a palette; raises ValueError."""
    with images.opened(file) as image:
        if image.mode in ("RGB", "RGBA", "CMYK", "LAB", "YCbCr", "HSV", "LA"):
            return _grey(np.array(image.convert("RGB") if image.mode not in ("RGB", "RGBA", "LA") else image))
        try:
            values = np.array(image)
        except Exception as problem:
            raise ValueError(f"cannot be decoded ({str(problem)[:120]})") from None
    return whole_numbers(values)


def _grey(pixels: NDArray[Any]) -> NDArray[np.int32]:
    """A grey mask that was saved as a colour image."""
    colours = pixels if pixels.shape[2] < 3 else pixels[..., :3]
    differs = (colours[..., :1] != colours).any(axis=2) if colours.shape[2] == 3 else np.zeros(pixels.shape[:2], bool)
    if differs.any():
        place = np.argwhere(differs)[0]
        colour = tuple(colours[place[0], place[1]].tolist())
        raise ValueError(
            f"is a colour image ({int(differs.sum()):,} pixels such as {colour}); a mask holds one number a pixel: "
            "save it as a grey image or with a palette"
        )
    return pixels[..., 0].astype(np.int32)


def whole_numbers(values: NDArray[Any]) -> NDArray[np.int32]:
    """Numbers of a mask as int32; raises ValueError for fractions, negative and very large ones."""
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.round(values)).all()):
        raise ValueError("holds fractions; a mask holds one whole number a pixel")
    if values.dtype.kind not in "fbiu":
        raise ValueError(f"holds {values.dtype}; a mask holds one whole number a pixel")
    if values.size and (values.min() < 0 or values.max() > LARGEST):
        raise ValueError(f"holds numbers from {values.min():g} to {values.max():g}; expected 0 to {LARGEST}")
    return values.astype(np.int32)


@dataclass(frozen=True)
class Classes:
    """What the numbers of masks stand for.

    names: of the classes, in the order of their numbers.
    values: of the masks, one a class.
    void: values of places that are not asked for.
    notes: what was decided.
    """

    names: tuple[str, ...]
    values: tuple[int, ...]
    void: tuple[int, ...]
    notes: tuple[str, ...]

    def numbers(self, mask: NDArray[np.int32]) -> NDArray[np.uint8]:
        """The classes' numbers in place of a mask's values, VOID where nothing is asked for."""
        table = np.full(LARGEST + 1, VOID, dtype=np.uint8)
        table[list(self.values)] = np.arange(len(self.values))
        return table[mask]


def classes_of(
    counts: Mapping[int, int], names: Sequence[str] | None, ignore: int | str | Sequence[int] | None, where: str
) -> Classes:
    """The classes that the values of masks are; DataError where they can be none.

    counts: how many pixels have each value, in all masks.
    names: of the classes, in the order of their values; the values themselves where None.
    ignore: values that are not asked for; "none" for none. By default 255, where the others are 0, 1, 2, ... without a
        gap, as in PASCAL VOC and Cityscapes.
    where: what the masks are called.
    """
    values = sorted(counts)
    void, notes = _void(values, ignore)
    kept = [each for each in values if each not in void]
    if len(kept) > MOST_VALUES and names is None:
        raise DataError(
            f"{where} hold {len(kept)} different numbers ({listed(list(map(str, kept)), 6)}), more than the "
            f"{MOST_VALUES} that are taken for classes; are they JPEG images, or blurred? Save masks as PNG, with a "
            "number a class"
        )
    if len(kept) < 2:
        raise DataError(
            f"{where} hold {'the number ' + str(kept[0]) + ' alone' if kept else 'no number that is asked for'}; "
            "expected at least two, one a class"
        )
    if names is not None and len(names) != len(kept):
        raise UserError(
            f"{len(names)} names were given, {listed(list(names), 5)}, but {where} hold {len(kept)} numbers: "
            f"{listed(list(map(str, kept)), 10)}"
        )
    shown = tuple(map(str, kept if names is None else names))
    told = [str(value) if names is None else f"{value} {name!r}" for value, name in zip(kept, shown, strict=True)]
    said = f"the numbers in the masks are the classes: {listed(told, 12)}"
    return Classes(shown, tuple(kept), void, (said, *notes))


def _void(values: Sequence[int], ignore: int | str | Sequence[int] | None) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The values that are not asked for, and what is said of them."""
    if ignore is None:
        others = [each for each in values if each != VOID]
        if VOID not in values or len(others) < 2 or others != list(range(len(others))):
            return (), ()
        said = f"{VOID} in the masks is taken for 'not labelled', since the others are 0 to {len(others) - 1}"
        return (VOID,), (f"{said}; {option('ignore', 'none')} makes it a class",)
    given = _given(ignore)
    unknown = [each for each in given if each not in values]
    if unknown:
        raise UserError(
            f"{option('ignore', unknown[0])}: no mask holds it; there are {listed(list(map(str, values)), 12)}"
        )
    return given, (f"not asked for are pixels with {listed(list(map(str, given)), 5)}",) if given else ()


def _given(ignore: int | str | Sequence[int]) -> tuple[int, ...]:
    if ignore == "none":
        return ()
    parts = ignore.split(",") if isinstance(ignore, str) else [ignore] if isinstance(ignore, int) else ignore
    try:
        return tuple(sorted({int(each) for each in parts}))
    except (TypeError, ValueError):
        raise UserError(
            f"{option('ignore')} is a number in the masks (255), several, or none, found {ignore!r}"
        ) from None


def require_trained(classes: Classes, trained: Mapping[int, int], tested: Mapping[int, int]) -> None:
    """DataError where the test masks hold a class that no other mask does.

    trained, tested: how many pixels have each value.
    """
    strange = [str(each) for each in classes.values if tested.get(each) and not trained.get(each)]
    if strange:
        known = listed([str(each) for each in classes.values if trained.get(each)], 12)
        raise DataError(
            f"the test masks hold classes that the training masks do not: {listed(strange, 6)}; the training classes "
            f"are {known}"
        )
