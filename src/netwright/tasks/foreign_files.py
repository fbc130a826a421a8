"""Files that are something else than their name says: what they are by their first bytes, and what to do with them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from netwright.core.errors import DataError

_AS_CSV = "save what it holds as CSV"
_BINARY = {
    b"PK\x03\x04": ("a zip archive, such as an Excel workbook", "save the sheet as CSV, or unpack the archive"),
    b"\xd0\xcf\x11\xe0": ("an old office document, such as an Excel workbook", "save the sheet as CSV"),
    b"\x1f\x8b": ("packed by gzip", "unpack it first"),
    b"BZh": ("packed by bzip2", "unpack it first"),
    b"\xfd7zXZ": ("packed by xz", "unpack it first"),
    b"PAR1": ("a Parquet file", _AS_CSV),
    b"ARROW1": ("a Feather file", _AS_CSV),
    b"\x89HDF": ("an HDF5 file", "save its arrays as .npz, with x and y"),
    b"MATLAB 5": ("a MATLAB file", "save its arrays as .npz, with x and y"),
    b"\x93NUMPY": ("a single array (.npy)", "save it with what is asked for as .npz, with x and y"),
    b"%PDF": ("a PDF document", _AS_CSV),
    b"\x89PNG": ("a PNG image", "images lie in a folder a class, or beside a table that names them"),
    b"\xff\xd8\xff": ("a JPEG image", "images lie in a folder a class, or beside a table that names them"),
    b"SQLite format 3": ("an SQLite database", _AS_CSV),
    b"version https://git-lfs": ("a pointer of Git LFS, not the file itself", "fetch it: git lfs pull"),
}
_TEXT = {
    b"<": ("a web page or XML", _AS_CSV),
    b'{"': ("JSON", _AS_CSV),
    b"[{": ("JSON", _AS_CSV),
    b"@relation": ("an ARFF file", "write a line with the columns' names, and the rows of @data behind it, as CSV"),
}
_LOOKED_AT = 200  # bytes


def foreign(place: Path, is_table: bool = False) -> str:
    """What a file is by its first bytes, and what to do: "is a zip archive, ...; unpack it"; nothing where unknown.

    place: of the file.
    is_table: whether rows of columns are expected, so that other texts are foreign, too.
    """
    with place.open("rb") as file:
        first = file.read(_LOOKED_AT)
    plain = first.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    found = [known for begins, known in _BINARY.items() if first.startswith(begins)]
    found += [known for begins, known in _TEXT.items() if is_table and plain.startswith(begins)]
    return f"is {found[0][0]}; {found[0][1]}" if found else ""


def refuse_foreign(places: Iterable[Path], is_table: bool) -> None:
    """DataError for a file that is something else than a text, or than a table; files that are not there are passed."""
    for place in places:
        what = foreign(place, is_table) if place.is_file() else ""
        if what:
            raise DataError(f"{place} {what}")
