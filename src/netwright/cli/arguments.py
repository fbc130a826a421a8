"""Reads `name:key=value,key=value` into a name and constructor arguments of the kind that the constructor declares."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping
from typing import Any

from netwright.core.configuration import bind, constructor
from netwright.core.errors import ConfigurationError


def split(text: str) -> tuple[str, dict[str, str]]:
    """`darts:cells=4,channels=8` -> ("darts", {"cells": "4", "channels": "8"}); commas in brackets
    belong to a value."""
    match = re.fullmatch(r"(.*?)(?::((?:\w+=.*)?))?", text, flags=re.DOTALL)
    assert match is not None
    name, options = match.group(1), match.group(2) or ""
    return name, pairs(options)


def pairs(text: str) -> dict[str, str]:
    """`key=value,key=value` as a dict; commas inside brackets or quotes belong to the value."""
    found: dict[str, str] = {}
    for piece in _pieces(text):
        key, equals, value = piece.partition("=")
        if not equals:
            raise ConfigurationError(f"option {piece!r} was not understood; expected key=value")
        found[key.strip()] = value.strip()
    return found


def _pieces(text: str) -> list[str]:
    pieces, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += character
    return [piece for piece in pieces if piece.strip()]


def construct(cls: type[Any], *args: Any, options: Mapping[str, str]) -> Any:
    """cls(*args, **options), each option read as a Python literal of the kind that the constructor declares."""
    parameters = constructor(cls).parameters
    bind_check = {name: None for name in options if name not in parameters}
    if bind_check:
        bind(cls, args, bind_check)  # raises, naming the nearest option
    return cls(*args, **{name: read(cls, parameters[name], text) for name, text in options.items()})


def read(cls: type[Any], parameter: inspect.Parameter, text: str) -> Any:
    """A value for this parameter: a literal where it is one, otherwise the text itself."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = {"true": True, "false": False, "none": None}.get(text.lower(), text)
    declared = str(parameter.annotation)
    expected = _expected(declared)
    if expected is not None and not (isinstance(value, expected) and (bool in expected or not isinstance(value, bool))):
        raise ConfigurationError(f"{cls.__name__} option {parameter.name}={text!r}: expected {declared}")
    return float(value) if declared == "float" else value


def _expected(declared: str) -> tuple[type, ...] | None:
    """The types a plain annotation allows; None where it is not plain."""
    plain: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}
    declared = declared.removeprefix("<class '").removesuffix("'>")
    return plain.get(declared)
