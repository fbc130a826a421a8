"""Paths that a user gave: what is there, and what was probably meant."""

from __future__ import annotations

import os
from pathlib import Path

from netwright.core.errors import UserError, closest
from netwright.core.wording import listed


def existing(path: str | os.PathLike[str], kind: str, what: str) -> Path:
    """The path, once it is there and of the kind "file", "folder" or "any"; UserError names its nearest sibling."""
    place = Path(os.path.expanduser(os.fspath(path)))
    if not place.exists():
        raise UserError(f"there is no {place} ({what} was expected there){_near(place)}")
    if kind == "folder" and not place.is_dir():
        raise UserError(f"{place} is a file, but {what} was expected: a folder")
    if kind == "file" and not place.is_file():
        raise UserError(f"{place} is a folder, but {what} was expected: a file{_near(place / '_')}")
    return place


def _near(place: Path) -> str:
    parent = place.parent
    while not parent.is_dir() and parent != parent.parent:
        place, parent = parent, parent.parent
    try:
        siblings = sorted(each.name for each in parent.iterdir())
    except OSError:
        return ""
    close = closest(place.name, siblings)
    if close is not None:
        return f"; did you mean {parent / close}?"
    return f"; {parent} holds: {listed(siblings, 6)}" if siblings else f"; {parent} is empty"
