"""Names of a package that are imported when they are first asked for, so that importing the package takes no time."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any


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
            from netwright.core.warning import warn

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
