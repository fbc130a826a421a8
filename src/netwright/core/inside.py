"""Files in a directory that may come from anybody: what is written there stays there, whatever links lie in it.

The directory itself may be reached by links. Below it none is followed, neither as a folder on the way nor as a file.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from netwright.core.errors import UserError

NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # nor wait for somebody at a named pipe


def inside(root: Path, *names: str) -> Path:
    """root/names..., for a place to write to; UserError where one of them is a link, or no plain name.

    Nor may a folder below it be a link.
    """
    place = root
    for name in names:
        if name in ("", ".", "..") or "/" in name or os.sep in name or "\0" in name:
            raise UserError(f"{root} names a folder {name!r} of its own; expected a plain name")
        place = place / name
        refuse_link(place)
    for folder, below, _ in os.walk(place):
        for name in below:
            refuse_link(Path(folder, name))
    return place


def refuse_links(directory: Path) -> None:
    """UserError where something in a directory is a link itself."""
    for name in os.listdir(directory):
        refuse_link(directory / name)


def open_inside(path: Path, flags: int) -> int:
    """A descriptor of a file in such a directory, made for its owner only; OSError as of `os.open`.

    Raises UserError where the file is a link, has a second name elsewhere, or is no plain file.
    """
    try:
        descriptor = os.open(path, (flags & ~os.O_TRUNC) | os.O_CLOEXEC | NO_LINK, 0o600)
    except OSError as problem:
        if problem.errno in (errno.ELOOP, errno.EMLINK):
            refuse_link(path)
        raise
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        os.close(descriptor)
        what = "has another name elsewhere" if stat.S_ISREG(found.st_mode) else "is no plain file"
        raise UserError(f"{path} {what}; nothing is written to it. Remove it, and try again")
    if flags & os.O_TRUNC:
        os.ftruncate(descriptor, 0)
    return descriptor


def refuse_link(path: Path) -> None:
    """UserError where the last part of a path is a link."""
    if path.is_symlink():
        raise UserError(
            f"{path} is a link to {os.readlink(path)}; nothing is written through links in such a directory. Put the "
            "files themselves there, or make the whole directory a link"
        )
