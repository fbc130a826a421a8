"""The space of a stored search, made again of its configuration; nothing but what is shipped is imported for it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from netwright.core.errors import NetwrightError, UserError

if TYPE_CHECKING:
    from netwright.core.space import Space

_SHIPPED = re.compile(r"(netwright\.(?:spaces\.\w+|core\.among)):(\w+)")  # module and class


def stored_space(configuration: Mapping[str, Any], identity: str = "") -> Space:
    """The space that a configuration describes, or that of the search that it describes.

    configuration: as `Configured.configuration` gives it and the store keeps it.
    identity: the `id` that the space must have; any where it is empty.

    Raises UserError where it is code of somebody's own, which is not imported, and where the space's architectures are
    others today.
    """
    why = "none of its parts says"
    for each in _described(configuration):
        try:
            space = _made(each)
        except (NetwrightError, AttributeError, TypeError, ValueError, KeyError) as problem:
            why = " ".join(str(problem).split())
            continue
        if not identity or space.id == identity:
            return space
        why = f"{space.id} is not {identity}"
    raise UserError(f"the space {identity or 'of this configuration'} cannot be made again: {why}")


def _described(configuration: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The configuration itself and those that are called a space in it, the outermost first."""
    waiting: list[tuple[str, Any]] = [("space", configuration)]
    while waiting:
        name, each = waiting.pop(0)
        if isinstance(each, Mapping):
            found = cast("Mapping[str, Any]", each)
            if name == "space" and "class" in found:
                yield found
            waiting += [(key, value) for key, value in found.items() if isinstance(value, Mapping)]


def _made(described: Mapping[str, Any]) -> Space:
    from netwright.core.space import Space

    named = _SHIPPED.fullmatch(str(described["class"]))
    if named is None:
        raise UserError(f"{described['class']} is code of somebody's own, which is not imported to look at a result")
    made = getattr(importlib.import_module(named[1]), named[2])
    if not (isinstance(made, type) and issubclass(made, Space)):
        raise UserError(f"{described['class']} is no space")
    return made(**{str(name): _argument(value) for name, value in described["arguments"].items()})


def _argument(value: Any) -> Any:
    """What JSON holds, as it was given: tuples for lists, spaces for their configurations."""
    if isinstance(value, Mapping):
        found = cast("Mapping[str, Any]", value)
        if set(found) == {"class", "arguments"}:
            return _made(found)
        return {name: _argument(each) for name, each in found.items()}
    if isinstance(value, list):
        return tuple(_argument(each) for each in cast("list[Any]", value))
    if isinstance(value, str) and re.fullmatch(r"<[\w.]+>", value):
        raise UserError(f"it was given {value[1:-1]}, which is not stored")
    return value
