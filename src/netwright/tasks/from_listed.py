"""A table that names image files, and says what is asked for of each."""

from __future__ import annotations

import difflib
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netwright.core.errors import DataError, UserError, nearest
from netwright.core.kinds import kinds_checked
from netwright.core.spelling import option
from netwright.core.task import Augmentation
from netwright.core.wording import listed
from netwright.problems.regression import Regression
from netwright.tasks import decoding
from netwright.tasks.asked import Wish
from netwright.tasks.building import build
from netwright.tasks.class_folders import Listing
from netwright.tasks.column_kinds import decimal_of
from netwright.tasks.from_folder import Parts, Reading
from netwright.tasks.given_paths import existing
from netwright.tasks.grouping import numbered, times_of
from netwright.tasks.portable.cells import is_missing
from netwright.tasks.portable.rows import encoding_of
from netwright.tasks.raw_inputs import IMAGE_ENDINGS
from netwright.tasks.remaking import remakeable
from netwright.tasks.splits import limited
from netwright.tasks.tables import Table, read_table
from netwright.tasks.targets import Target, asked_like, asked_of, column_of, target_columns
from netwright.tasks.task import Task

TABLES = ("labels", "targets", "annotations", "metadata")  # names of tables that are looked for in a folder
_ENDINGS = (".csv", ".tsv")
_USUAL = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".JPG")  # where names lack their ending
_LINE = 10_000  # bytes of one, at most
_LOOKED_AT = 20  # rows, to find the column of file names
_SHOWN = 5
_ALIKE = 0.8  # of two names, from which one may stand for the other


def image_table_of(place: Path) -> Path | None:
    """The table of image files that a path is meant as: itself, or one in a folder of images; None where it is none."""
    if place.is_file():
        return place if place.suffix.lower() in _ENDINGS and _names_files(place, with_endings=True) else None
    tables = [place / f"{name}{ending}" for name in TABLES for ending in _ENDINGS]
    found = next((each for each in tables if each.is_file()), None)
    return found if found is not None and _holds_images(place) and _names_files(found) else None


def _holds_images(folder: Path) -> bool:
    """Whether images lie in the folder itself or in one folder of it, so that they are in no class folders."""
    inside = [each for each in folder.iterdir() if not each.name.startswith(".")]
    return any(map(_is_image, inside)) or len([each for each in inside if each.is_dir()]) == 1


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_ENDINGS


def _names_files(table: Path, with_endings: bool = False) -> bool:
    """Whether some cell of the first rows is the name of an image beside the table.

    with_endings: whether only names with their ending count, since a number may be the name of a file by chance.
    """
    try:
        with table.open("rb") as file:
            body = b"".join(file.readline(_LINE) for _ in range(3))
    except OSError:
        return False
    lines = body.decode(encoding_of(body), "replace").splitlines()
    cells = [cell.strip(" \"'\r\n") for line in lines for sign in ",;\t" for cell in line.split(sign)]
    names = {cell for cell in cells if cell and (not with_endings or _is_image(Path(cell)))}
    folders = _folders(table.parent) if names else []
    return any(_file(cell, folders) is not None for cell in names)


@remakeable("image_table")
@kinds_checked
def image_table(
    path: str | os.PathLike[str],
    size: int | tuple[int, int] | None = None,
    skip_bad: bool | int | float | str = False,
    *,
    target: str | int | Sequence[str] | None = None,
    test: str | os.PathLike[str] | None = None,
    validation: str | os.PathLike[str] | None = None,
    problem: str | None = None,
    loss: str | None = None,
    class_weights: str | Sequence[float] | None = None,
    separator: str | None = None,
    group_column: str | None = None,
    time_column: str | None = None,
    limit: int | float | None = None,
    augmentation: Augmentation | None = None,
    test_share: float = 0.1,
    split_seed: int = 0,
    decoded: str = "auto",
) -> Task:
    """A task of images that a table names, with what is asked for of each: a class, several labels, or numbers.

    path: of the table, or of the folder that it is in, as `labels.csv`. File names are relative to that folder or to a
        folder in it, with or without their ending.
    target: the column or columns, as of `csv`; by default the one beside the file names.
    test, validation: tables of further images, to test and to validate on, with columns of the same names; file names
        are relative to their own folders.
    size, skip_bad, limit, decoded: as of `image_folder`.
    problem, loss, class_weights, separator, group_column, time_column: as of `csv`.
    augmentation: by default that of `image_folder` for classes and labels, and none for numbers, which may change where
        an image is mirrored or shifted.
    test_share: of each class, or of the range of a number, that is set aside.
    split_seed: chooses which.

    Raises UserError for a missing path or column, and DataError, with the line, for a file that is not there.
    """
    place = _table(path)
    decoding.may_skip(skip_bad, 1)
    table = read_table(place, target=target if isinstance(target, str | int) else None)
    names = _name_column(table)
    columns = target_columns(table, _one_other(table, names) if target is None else target)
    decimal, of_decimal = decimal_of(table.sample, table.delimiter)
    asked = asked_of(table, columns, decimal, Wish(problem, loss, class_weights, separator))
    rows, notes = np.arange(len(table)), ()
    if time_column is not None:
        rows = np.argsort(times_of(table, column_of(table, time_column), decimal), kind="stable")
    if limit is not None:
        chosen, _, notes = limited(asked.strata(asked.values[rows]), None, limit, split_seed)
        rows = rows[chosen]
    own, more = Listing(_files(table, names, rows), asked.values[rows]), []
    further: dict[str, Listing | None] = {}
    for which, given in (("validation", validation), ("test", test)):
        further[which], said = (None, ()) if given is None else _further(given, table, names, asked, decimal)
        more += said
    parts = Parts(own, further["validation"], further["test"])
    pictures = Reading(parts.files, size, skip_bad, decoded)
    own_good = pictures.good[: len(rows)]
    groups = None if group_column is None else _groups(table, column_of(table, group_column))[rows[own_good]]
    places = parts.validation_places(pictures)
    if groups is not None and places is not None:
        groups = np.append(groups, np.arange(len(places)) + groups.max() + 1)
    return build(
        place.parent.name,
        *parts.prepared(pictures),
        asked.problem,
        augmentation=augmentation or _usual(asked, pictures),
        notes=(
            f"images are named by the column {table.columns[names]!r} of {table.where}",
            *(*table.notes, *of_decimal, *asked.notes, *more, *notes, *pictures.notes),
        ),
        test_share=test_share,
        split_seed=split_seed,
        preparation=parts.preparation(pictures),
        validation=places,
        names=[each.name for each in parts.left(pictures)],
        groups=groups,
        by_time=time_column is not None,
    )


def _further(
    path: str | os.PathLike[str], first: Table, names: int, asked: Target, decimal: str
) -> tuple[Listing, tuple[str, ...]]:
    """The images of a second table, and what it asks for of them; DataError for a column that it lacks."""
    table = read_table(existing(path, "file", "a table of image files"), first.delimiter, first.header)
    wanted = [first.columns[names], *asked.names]
    lacking = [name for name in wanted if name not in table.columns]
    if lacking:
        raise DataError(f"{table.where} has no column {lacking[0]!r}{nearest(lacking[0], table.columns)}")
    place, *columns = (table.columns.index(name) for name in wanted)
    values, notes = asked_like(table, columns, asked, decimal)
    return Listing(_files(table, place, np.arange(len(table))), values), notes


def _table(path: str | os.PathLike[str]) -> Path:
    place = existing(path, "any", "a table of image files, or a folder with one")
    found = place if place.is_file() else image_table_of(place)
    if found is None:
        raise UserError(
            f"{place} holds no table that names images; expected {listed([f'{name}.csv' for name in TABLES], 4)} with "
            "a column of file names"
        )
    return found


def _usual(asked: Target, pictures: Reading) -> Augmentation:
    if isinstance(asked.problem, Regression):
        return Augmentation()
    return Augmentation(flip=True, padding=max(1, min(pictures.shape[1:]) // 8))


def _groups(table: Table, column: int) -> NDArray[np.int64]:
    """A number for each row; one without a text stands for itself."""
    texts = table.cells[column].all_texts()
    return numbered([f"\0{i}" if is_missing(each) else each for i, each in enumerate(texts)], len(texts), "groups")


def _folders(folder: Path) -> list[Path]:
    """Where a table's images may lie: beside it, or in a folder there."""
    return [folder, *sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))]


def _file(name: str, folders: Sequence[Path]) -> Path | None:
    """The image of this name; None where there is none."""
    if "\0" in name or len(name) > 1000:
        return None
    endings = ("",) if Path(name).suffix.lower() in IMAGE_ENDINGS else _USUAL
    spelt = dict.fromkeys((name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))))
    names = [f"{each}{ending}" for each in spelt for ending in endings]
    try:
        return next((folder / each for folder in folders for each in names if (folder / each).is_file()), None)
    except OSError:
        return None


def _name_column(table: Table) -> int:
    """The column of file names; DataError where there is none."""
    folders = _folders(table.path.parent)
    texts = [[each for each in cells.texts[:_LOOKED_AT] if not is_missing(each)] for cells in table.cells]
    found = [sum(_file(each, folders) is not None for each in column) for column in texts]
    if max(found):
        return found.index(max(found))
    raise DataError(f"no column of {table.where} names images in {table.path.parent}: {listed(table.columns, 12)}")


def _one_other(table: Table, names: int) -> str:
    """The only column beside the file names."""
    others = [name for i, name in enumerate(table.columns) if i != names]
    if len(others) != 1:
        raise UserError(
            f"which column of {table.where} is the target? Say {option('target', others[-1] if others else 'NAME')}, "
            f"or another. Columns: {listed(others, 12)}"
        )
    return others[0]


def _files(table: Table, column: int, rows: NDArray[np.int64]) -> list[Path]:
    """The image of each row; DataError with the first lines whose image is not there."""
    folders, texts = _folders(table.path.parent), table.cells[column].all_texts()
    found = [_file(texts[row], folders) for row in rows.tolist()]
    missing = [row for row, file in zip(rows.tolist(), found, strict=True) if file is None]
    if missing:
        lines = table.lines(missing[:_SHOWN])
        shown = [f"line {line}: {texts[row]!r}" for line, row in zip(lines, sorted(missing[:_SHOWN]), strict=True)]
        there = [each.name for each in folders[0].iterdir() if _is_image(each)]
        raise DataError(
            f"{table.where} names {len(missing):,} images that are not in {table.path.parent} ({', '.join(shown)})"
            f"{_instead(texts[missing[0]], there)}"
        )
    return [each for each in found if each is not None]


def _instead(name: str, there: Sequence[str]) -> str:
    """What to do about an image that is not there: the name that is nearly its own, or to remove the row."""
    close = difflib.get_close_matches(name, there, n=1, cutoff=_ALIKE)
    if close:
        return f"; did you mean {close[0]!r}?"
    known = f"; there are {listed(sorted(there), 3)}" if there else ""
    return f"{known}; add the images, or remove the rows"
