"""The names that files make public, found in their text without importing them."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

_ALL = re.compile(r"^__all__ = (\[.*?\])$", flags=re.MULTILINE | re.DOTALL)


@cache
def declared(package: str, folder: Path) -> Mapping[str, str]:
    """The names in `__all__` of a folder's files, with where they are, "package.file:name"; nothing is imported."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("[a-z]*.py")):
        for name in public(path):
            found[name] = f"{package}.{path.stem}:{name}"
    return MappingProxyType(found)


def public(path: Path) -> list[str]:
    """What the `__all__` of a file lists, which is a list of plain texts; nothing where it has none."""
    listed = _ALL.search(path.read_text(encoding="utf-8"))
    return [] if listed is None else list(ast.literal_eval(listed[1]))
