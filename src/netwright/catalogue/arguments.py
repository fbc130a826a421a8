"""Reads `name:key=value,key=value` into a name and constructor arguments of the kind that the constructor declares."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from netwright.core.configuration import Configured, bind, constructor
from netwright.core.errors import ConfigurationError, NetwrightError, nearest

PLAIN: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}


_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def parse_bytes(text: str) -> int:
    """Bytes: "4g", "512m", "1.5G", "2GiB" or a plain number; k, m, g and t are powers of 1024."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", text.lower())
    if match is None or not float(match[1]):
        raise ConfigurationError(f"the amount of memory {text!r} was not understood; expected for example 4g or 512m")
    return int(float(match[1]) * _UNITS[match[2]])


def split(text: str) -> tuple[str, dict[str, str]]:
    """A name and its options, `darts:cells=4,channels=8` -> ("darts", {"cells": "4", "channels": "8"}).

    text: in this form; commas in brackets belong to a value.

    Raises ConfigurationError for an option that is not `key=value`.
    """
    match = re.fullmatch(r"(.*?)(?::((?:\w+=.*)?))?", text, flags=re.DOTALL)
    assert match is not None
    name, options = match.group(1), match.group(2) or ""
    return name, pairs(options)


def pairs(text: str) -> dict[str, str]:
    """`key=value,key=value` as a dict.

    text: in this form; commas inside brackets or quotes belong to the value.

    Raises ConfigurationError for a piece that is not `key=value`.
    """
    found: dict[str, str] = {}
    for piece in pieces_of(text):
        key, equals, value = piece.partition("=")
        if not equals:
            raise ConfigurationError(f"option {piece!r} was not understood; expected key=value")
        found[key.strip()] = value.strip()
    return found


def pieces_of(text: str) -> list[str]:
    pieces, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += character
    return [piece for piece in pieces if piece.strip()]


def construct(cls: Callable[..., Any], *args: Any, options: Mapping[str, str]) -> Any:
    """cls(*args, **options), each option read as the kind of value that the constructor, or the function, declares.

    A function's further options, where it takes any (`**options`), are passed on as what they look like.

    cls: the class, or the function that makes one.
    options: by name, as text.
    args: given first, as they are.

    Raises ConfigurationError for unknown options, and for values that it cannot take.
    """
    parameters = constructor(cls).parameters if isinstance(cls, type) else inspect.signature(cls).parameters
    further = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    unknown = {} if further else {name: None for name in options if name not in parameters}
    if unknown and isinstance(cls, type):
        bind(cls, args, unknown)  # raises, naming the nearest option
    elif unknown:
        first, known = next(iter(unknown)), list(parameters)[len(args) :]
        raise ConfigurationError(f"{cls.__name__} has no option {first!r}{nearest(first, known)}")
    values = {
        name: read(cls, parameters[name], text) if name in parameters else _value(text, cls)
        for name, text in options.items()
    }
    try:
        return cls(*args, **values)
    except NetwrightError:
        raise
    except (TypeError, ValueError, AttributeError) as problem:
        shown = ", ".join(f"{name}={text}" for name, text in options.items())
        given = f" with {shown}" if shown else ""
        raise ConfigurationError(f"{cls.__name__} cannot be made{given}: {problem}") from problem


def called(
    function: Callable[..., Any], name: str, *args: Any, options: Mapping[str, str], fixed: Mapping[str, Any]
) -> Any:
    """function(*args, **options, **fixed), each option read as the kind of value that the function declares.

    Options that it does not name are passed on as what they look like. Raises ConfigurationError for what it refuses.
    """
    parameters = inspect.signature(function).parameters
    values = {
        key: read(function, parameters[key], text) if key in parameters else _value(text, function)
        for key, text in options.items()
    }
    try:
        return function(*args, **{**values, **fixed})
    except NetwrightError:
        raise
    except (TypeError, ValueError, AttributeError) as problem:
        raise ConfigurationError(f"recipe {name!r} cannot be made with {dict(options)}: {problem}") from problem


def read(cls: Any, parameter: inspect.Parameter, text: str) -> Any:
    """A value for this parameter: a literal, a part such as `Tournament(5)` from beside the class, or the text."""
    value: Any = _value(text, cls)
    declared = str(parameter.annotation).removeprefix("<class '").removesuffix("'>")
    if declared.startswith(("tuple", "Sequence")):
        value = _listed(text, value, cls, declared)
    expected = PLAIN.get(declared)
    if expected is not None and not (isinstance(value, expected) and (bool in expected or not isinstance(value, bool))):
        raise ConfigurationError(f"{cls.__name__} option {parameter.name}={text!r}: expected {declared}")
    return float(value) if declared == "float" else value


def _listed(text: str, value: Any, cls: Any, declared: str) -> Any:
    """The value of what is a list, or may be one: of names without quotes, `[conv,none]`, or a single one by itself.

    declared: `Sequence[str]`, `tuple[int, ...] | None` and the like. Of names "none" and "true" are names, too.
    """
    names, further = "[str" in declared, declared.partition("] | ")[2]

    def one(part: str) -> Any:
        return part.strip().strip("'\"") if names else _value(part.strip(), cls)

    bracketed = re.fullmatch(r"\s*[\[(](.*)[\])]\s*", text, flags=re.DOTALL)
    if bracketed and isinstance(value, str):
        return tuple(map(one, pieces_of(bracketed[1])))
    if bracketed or "str" in further or (value is None and "None" in further):
        return value
    return (one(text),) if names or isinstance(value, (int, float)) else value


def _value(text: str, cls: Any) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        part = _part(text, cls)
        return text if part is None else part


def _beside(cls: Any) -> dict[str, type[Configured]]:
    """The parts that are near a class or function: of its module, of its package, and beside what its module names."""
    own = vars(sys.modules[cls.__module__])
    packages = dict.fromkeys(each.__module__.rpartition(".")[0] for each in own.values() if _is_part(each))
    near = [vars(importlib.import_module(each)) for each in packages if each]
    package = cls.__module__.rpartition(".")[0]
    near += [vars(importlib.import_module(package)) if package else {}, own]
    return {name: each for names in near for name, each in names.items() if _is_part(each)}


def _is_part(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Configured)


def _part(text: str, cls: Any) -> Any:
    """The object that `Name` or `Name(literals, key=literal)` stands for among the parts beside `cls`; None if none."""
    match = re.fullmatch(r"(\w+)(?:\((.*)\))?", text.strip(), flags=re.DOTALL)
    found = _beside(cls).get(match[1]) if match else None
    if match is None or found is None:
        return None
    pieces = pieces_of(match[2] or "")
    named = {key.strip(): value for key, equals, value in (piece.partition("=") for piece in pieces) if equals}
    return found(
        *[_value(piece.strip(), cls) for piece in pieces if "=" not in piece],
        **{key: _value(value.strip(), cls) for key, value in named.items()},
    )
