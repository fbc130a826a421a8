"""The options of a command stand once, as the fields of a frozen dataclass: from these its signature is made."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

from netwright.catalogue.arguments import pairs

T = TypeVar("T")


@dataclass(frozen=True)
class After:
    """Marks an option that stands behind another one, or before all, with those that follow it in its class."""

    name: str = ""


@dataclass(frozen=True)
class Reads:
    """Marks an option about how data is read: the name that the reader knows it by, none for `name=value` itself."""

    name: str = ""


def taking(options: type[T]) -> Callable[[Callable[[T], None]], Callable[..., None]]:
    """Make a command of a function of these options.

    options: a dataclass whose fields are annotated as typer's parameters are; a tuple is a repeatable option.
    """

    def decorated(function: Callable[[T], None]) -> Callable[..., None]:
        hints: dict[str, Any] = {each.name: each.type for each in in_order(options)}

        @functools.wraps(function)
        def command(**given: Any) -> None:
            function(options(**{name: _given(value, hints[name]) for name, value in given.items()}))

        parameters = [_parameter(each, hints[each.name]) for each in in_order(options)]
        vars(command)["__signature__"] = inspect.Signature(parameters)
        command.__annotations__ = {each.name: each.annotation for each in parameters}
        return command

    return decorated


def in_order(options: type) -> list[Field[Any]]:
    """The fields of a dataclass that are options, each where it says that it stands."""
    found: list[Field[Any]] = []
    place = 0
    for each in (each for each in fields(options) if get_origin(each.type) is Annotated):
        for mark in _marks(each.type, After):
            place = 1 + next(k for k, other in enumerate(found) if other.name == mark.name) if mark.name else 0
        found.insert(place, each)
        place += 1
    return found


def part(options: Any, base: type) -> dict[str, Any]:
    """Of the options those that a class has, by name."""
    return {each.name: getattr(options, each.name) for each in in_order(base)}


def reading(options: Any) -> dict[str, Any]:
    """How data is read, by the names of the readers; without what was left out."""
    found = {mark.name: getattr(options, each.name) for each in fields(options) for mark in _marks(each.type, Reads)}
    further: dict[str, Any] = {}
    for text in found.pop("", None) or ():
        further |= {name: _literal(value) for name, value in pairs(text).items()}
    return further | {name: _plain(value) for name, value in found.items() if value is not None and value != ()}


def _literal(text: str) -> Any:
    """A number, list or truth value as Python writes it, else the text itself."""
    try:
        return ast.literal_eval({"true": "True", "false": "False"}.get(text, text))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _plain(value: Any) -> Any:
    """A value as a stored plan has it."""
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value


def _marks(hint: Any, kind: type[T]) -> list[T]:
    return [each for each in get_args(hint)[1:] if isinstance(each, kind)] if get_origin(hint) is Annotated else []


def _given(value: Any, hint: Any) -> Any:
    return tuple(value or ()) if _repeats(hint) else value


def _repeats(hint: Any) -> bool:
    return get_origin(get_args(hint)[0]) is tuple


def _parameter(field: Field[Any], hint: Any) -> inspect.Parameter:
    """A field as typer reads it: without our marks, and a list in place of a tuple."""
    kind, *rest = get_args(hint)
    default = inspect.Parameter.empty if field.default is MISSING else field.default
    if _repeats(hint):
        kind, default = list[str] | None, None
    rest = [each for each in rest if not isinstance(each, After | Reads)]
    annotation = Annotated[(kind, *rest)]  # pyright: ignore[reportInvalidTypeForm]
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
