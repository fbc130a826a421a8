"""Small JSON files in a folder that several machines share, perhaps over NFS: written whole, read with care.

What is here holds on to three facts about such a file system. A rename within it happens once and for one machine only,
although the answer to it may get lost. A machine may go on showing what it has cached of a folder, unless it has just
changed the folder itself. And the clocks of two machines never agree, so that no time of a file is ever looked at.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
from pathlib import Path
from typing import Any

from netwright.core.errors import UserError
from netwright.core.serial import LONGEST, parse_json


class Unreadable(Exception):
    """What lies in a shared folder is not what should lie there; the message says what was found, in one line."""


def write(folder: Path, name: str, value: Any) -> None:
    """Write a value as JSON under this name, whole or not at all, for its owner only. Raises OSError.

    No link is followed: the file is made anew under another name and takes the place of what had the name.
    """
    temporary = folder / f".{name}.{secrets.token_hex(4)}"
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(temporary, folder / name)
    except BaseException:
        remove(temporary)
        raise


def read(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises Unreadable for anything else, OSError where there is none."""
    flags = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise
    except OSError as problem:
        if path.is_symlink():
            raise Unreadable("it is a link; expected a file") from None
        raise problem
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("it is no plain file")
        if found.st_size > LONGEST:
            raise Unreadable(f"it has {found.st_size:,} bytes; at most {LONGEST:,} are read")
        content = file.read(LONGEST + 1)
    return _object(content)


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = parse_json(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise Unreadable("it is not text") from None
    except UserError as problem:
        raise Unreadable(str(problem)) from None
    if not isinstance(value, dict):
        raise Unreadable(f"it holds {type(value).__name__} in place of an object")
    return value


def names(folder: Path) -> list[str]:
    """The names in a folder as they are now, but for files that are being written. Raises OSError.

    To change the folder's own time first makes this machine ask the server anew; nobody looks at that time.
    """
    with contextlib.suppress(OSError):
        os.utime(folder)
    return sorted(name for name in os.listdir(folder) if not name.startswith("."))


def move(source: Path, target: Path) -> bool:
    """Rename; whether it is done.

    target: a name that only this caller gives.

    Where the answer of a server got lost, the second request finds nothing to rename: what counts is the target.
    """
    try:
        os.rename(source, target)
    except OSError:
        return os.path.lexists(target)
    return True


def remove(path: Path) -> None:
    """Remove a file; one that is gone already, or cannot be reached, will do."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def require_folder(path: Path) -> None:
    """Unreadable unless this is a folder itself, and no link to one."""
    try:
        mode = os.lstat(path).st_mode
    except OSError as problem:
        raise Unreadable(f"{path} cannot be reached: {problem.strerror}") from None
    if not stat.S_ISDIR(mode):
        raise Unreadable(f"{path} is no folder; links are not followed")
