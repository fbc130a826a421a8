"""Which files would run if a module were imported, found without importing anything."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec


def files_of(place: str, *, beside: bool) -> list[str] | None:
    """The files of `package.module`, those of its packages first, or of a `.py` file; None where it is not there.

    beside: whether a module is looked for in the current folder, too. There are none of what is built into Python.
    """
    if place.endswith(".py"):
        path = os.path.realpath(place)
        return [path] if os.path.isfile(path) else None
    found: list[str] = []
    parts, folders = place.split("."), None
    with _looking_here(beside):
        for count in range(1, len(parts) + 1):
            name = ".".join(parts[:count])
            spec = _spec(name, folders)
            if spec is None and name not in sys.modules:
                return None if count == 1 else found
            if spec is not None and spec.has_location and spec.origin:
                found.append(os.path.realpath(spec.origin))
            folders = None if spec is None else spec.submodule_search_locations
    return found


def _spec(name: str, folders: Sequence[str] | None) -> ModuleSpec | None:
    """Where a module comes from: the one that is imported already, or what Python's finders say."""
    if name in sys.modules:
        return getattr(sys.modules[name], "__spec__", None)
    if "." in name and folders is None:
        return None
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec = None if find is None else find(name, folders)
        if spec is not None:
            return spec
    return None


@contextmanager
def _looking_here(here: bool) -> Generator[None]:
    folder = os.getcwd()
    if not here:
        yield
        return
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
