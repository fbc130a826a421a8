"""From a name to the class or function that it stands for, shipped, installed, or of the user's own."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.catalogue.reading import Kind, shipped
from netwright.core.errors import ConfigurationError, marked, nearest

if TYPE_CHECKING:
    from netwright.core.space import Space
    from netwright.core.strategy import RoundStrategy, Strategy

GROUPS = {
    "space": "netwright.spaces",
    "strategy": "netwright.strategies",
    "search": "netwright.methods",
    "method": "netwright.methods",
}
"""Entry points in which installed packages offer a kind under names of their own."""
OWN = {"space": "module:Class or file.py:Class", "strategy": "module:Class or file.py:Class"}
WORDS = {"search": "recipe"}


def names(kind: Kind) -> list[str]:
    """What there is of a kind, shipped and installed, in alphabetical order.

    kind: "space", "strategy", "search", "method" and so on.
    """
    return sorted({*shipped(kind), *_plugins(kind)})


def load(kind: Kind, name: str) -> Callable[..., Any]:
    """The class that a name stands for, or the function that makes one.

    kind: of what is looked for, "space", "strategy", "search", "method" and so on.
    name: a shipped or installed one, `module:Name` or `file.py:Name`.

    Raises ConfigurationError for an unknown name (with the nearest of all kinds) and for code that does not import.
    """
    if name in shipped(kind):
        return _imported(kind, shipped(kind)[name])
    if kind == "method" and name in shipped("strategy"):
        return load("strategy", name)
    plugins = _plugins(kind)
    if name in plugins:
        return _imported(kind, plugins[name])
    if code_named(kind, name) is not None:
        return _imported(kind, name)
    raise ConfigurationError(f"there is no {WORDS.get(kind, kind)} {name!r}{_hint(kind, name)}")


def _hint(kind: Kind, name: str) -> str:
    """What may have been meant: of this kind, or of another."""
    if kind == "strategy" and name in names("method"):
        return ": it is a whole search on shared weights"
    if kind == "search" and name in (*names("method"), *names("strategy")):
        return ": it is a strategy"
    own = OWN.get(kind, "module:function or file.py:function")
    known = [*names(kind), *(() if kind == "space" else [*names("method"), *names("strategy")])]
    return f"{nearest(name, list(dict.fromkeys(known)))} Your own: {own}."


def code_named(kind: Kind, name: str) -> str | None:
    """The module or file that `load` imports for this name; None where it is shipped, installed, or unknown.

    kind: as of `load`.
    name: as of `load`.
    """
    if name in shipped(kind) or ":" not in name or name in _plugins(kind):
        return None
    return name.rpartition(":")[0]


def own(kind: str, name: str) -> Callable[..., Any]:
    """The function or class that a person named as `module:function` or `file.py:function`.

    kind: what it stands for, in a word, for messages.
    name: as it was named.

    Raises ConfigurationError for a name of another form, and for code that does not import or lacks it.
    """
    place, colon, attribute = name.rpartition(":")
    if not colon or not place or not attribute.isidentifier():
        raise ConfigurationError(f"{kind} {name!r}: expected module:function or file.py:function")
    return _imported(kind, name)


def gives_a_search(made_by: Callable[..., Any]) -> bool:
    """Whether a method takes a task beside the space, and so gives a whole search; others give a strategy."""
    if isinstance(made_by, type):
        return False
    return list(inspect.signature(made_by).parameters)[1:2] == ["task"]


def _plugins(kind: Kind) -> dict[str, str]:
    """What installed packages offer under a name of their own, as module:Class."""
    return {point.name: point.value for point in entry_points(group=GROUPS[kind])} if kind in GROUPS else {}


def _imported(kind: Kind | str, reference: str) -> Callable[..., Any]:
    place, _, attribute = reference.rpartition(":")
    try:
        module = _from_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except FileNotFoundError:
        raise ConfigurationError(f"{kind} {reference!r}: there is no file {place}") from None
    except Exception as problem:  # a plug-in may fail in any way while it is imported; its own error is what helps
        raise ConfigurationError(
            f"{kind} {reference!r} does not import: {type(problem).__name__}: {marked(problem)}"
        ) from problem
    return _fitting(kind, reference, getattr(module, attribute, None), vars(module))


def _fitting(kind: Kind | str, reference: str, found: Any, beside: dict[str, Any]) -> Callable[..., Any]:
    """What was found, where it is of this kind; ConfigurationError otherwise."""
    if kind in ("method", "search") and isinstance(found, type) and issubclass(found, _round_strategy()):
        return _whole_search(found)
    base = _base(kind)
    if base is not None and isinstance(found, type) and issubclass(found, base):
        return found
    if inspect.isfunction(found) and kind in ("method", "search", "strategy"):
        search = gives_a_search(found)
        if kind == "method" or search == (kind == "search"):
            return _checked(found, search=search)
        sort = "a whole search of a space and a task" if search else "a strategy of a space alone"
        raise ConfigurationError(f"{kind} {reference!r}: {found.__name__} gives {sort}")
    if base is None and callable(found):
        return found
    place, _, attribute = reference.rpartition(":")
    alike = [each for each, value in beside.items() if _is_a(value, base)]
    word = "function" if base is None or kind in ("method", "search") else f"{kind} class"
    raise ConfigurationError(f"{kind} {reference!r}: {place} has no {word} {attribute!r}{nearest(attribute, alike)}")


def _base(kind: Kind | str) -> type[Space] | type[Strategy] | None:
    """The class that everything of a kind is one of."""
    if kind == "space":
        from netwright.core.space import Space

        return Space
    if kind in ("strategy", "method"):
        from netwright.core.strategy import Strategy

        return Strategy
    return None


def _round_strategy() -> type[RoundStrategy]:
    from netwright.core.strategy import RoundStrategy

    return RoundStrategy


def _whole_search(method: type[RoundStrategy]) -> Callable[..., Any]:
    """The function that searches by a class of rounds, on shared weights."""
    from netwright.methods.weight_sharing import searching

    return searching(method)


def _is_a(value: Any, base: type | None) -> bool:
    if base is None:
        return inspect.isfunction(value)
    return isinstance(value, type) and issubclass(value, base) and value is not base


def _checked(factory: Callable[..., Any], *, search: bool) -> Callable[..., Any]:
    """The function, which raises ConfigurationError unless what it makes is a strategy, or a search."""

    @functools.wraps(factory)
    def made(*args: Any, **kwargs: Any) -> Any:
        from netwright.core.strategy import Strategy
        from netwright.engine.search import Search

        found = factory(*args, **kwargs)
        expected = Search if search else Strategy
        if not isinstance(found, expected):
            raise ConfigurationError(
                f"the function {factory.__name__!r} made a {type(found).__name__}; expected a "
                f"{expected.__name__.lower()}"
            )
        return found

    return made


def _from_file(path: Path) -> Any:
    """Import a Python file that the user named on the command line; one that has not changed since only once."""
    if not path.is_file():
        raise FileNotFoundError(path)
    module = _executed(path.resolve(), path.stat().st_mtime_ns)
    sys.modules[path.stem] = module
    return module


@functools.lru_cache(maxsize=16)
def _executed(path: Path, changed: int) -> Any:
    """The module of a file. changed: when the file was."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
