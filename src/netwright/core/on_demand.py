"""Names of a package that are imported when they are first asked for, so that importing the package takes no time."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from netwright.core.warning import warn

_ALL = re.compile(r"^__all__ = (\[.*?\])$", flags=re.MULTILINE | re.DOTALL)


def on_demand(
    package: str, names: Mapping[str, str], now_methods: Collection[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package.

    names: each name with where it is, "module:attribute", or "module" where it is the module itself. The package's `if
        TYPE_CHECKING:` imports say the same to editors, type checkers and generators of documentation.
    now_methods: names that the package had and `methods` has now; asking for one warns.
    """

    def __getattr__(name: str) -> Any:
        if name in now_methods:
            methods = importlib.import_module(f"{package.partition('.')[0]}.methods")
            warn(f"{package}.{name} is {methods.__name__}.{name} now", DeprecationWarning)
            return getattr(methods, name)
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, attribute = names[name].partition(":")
        found = importlib.import_module(module)
        if attribute:
            found = getattr(found, attribute)
        setattr(sys.modules[package], name, found)  # so that it is looked up once
        return found

    def __dir__() -> list[str]:
        return sorted(sys.modules[package].__all__)

    return __getattr__, __dir__


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
