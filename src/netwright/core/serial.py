"""Reads JSON that came from outside: strict, bounded, and with an error that says where."""

from __future__ import annotations

import json
from typing import Any

from netwright.core.errors import UserError

LONGEST = 10_000_000
MOST_DIGITS = 1_000  # Python itself refuses more than 4,300, with an error of its own


def parse_json(text: str) -> Any:
    """The JSON value; UserError for syntax errors, duplicate keys, NaN, infinities, deep nesting and over 10 MB."""
    if len(text) > LONGEST:
        raise UserError(f"the JSON is {len(text):,} characters long; at most {LONGEST:,} are read")
    try:
        return json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, parse_int=_whole
        )
    except json.JSONDecodeError as problem:
        raise UserError(f"not valid JSON, line {problem.lineno} column {problem.colno}: {problem.msg}") from None
    except RecursionError:
        raise UserError("the JSON is nested too deeply to be read") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise UserError(f"the JSON has the key {key!r} twice")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise UserError(f"the JSON holds {name}, which is not a number that can be used")


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise UserError(f"the JSON holds a whole number of {len(text):,} digits, which is too large a number")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise UserError(f"the JSON holds {text}, which is too large a number")
    return value
