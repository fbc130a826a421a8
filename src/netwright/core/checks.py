"""Checks of plain arguments: each returns the value, or says in one sentence what it is and what was expected.

owner: whose argument it is, as an object or by name; "" where the name says enough.
name: of the argument.
none: whether None is allowed, too.
Raises ConfigurationError for anything else; True and False are no numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeGuard, TypeVar

from netwright.core.errors import ConfigurationError, shown

T = TypeVar("T")
Whole = TypeVar("Whole", bound=int | None)
Number = TypeVar("Number", bound=float | None)


def is_whole(value: object, least: int | None = None) -> TypeGuard[int]:
    """Whether the value is a whole number, of at least `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least)


def is_number(value: object) -> TypeGuard[float]:
    """Whether the value is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf


def whole_number(owner: object, name: str, value: Whole, least: int = 1, *, none: bool = False) -> Whole:
    """The value, a whole number of at least `least`."""
    right = is_whole(value, least) or (none and value is None)
    return _required(owner, name, value, right, _or_none(f"a whole number of at least {least}", none))


def positive(owner: object, name: str, value: Number, expected: str = "", *, none: bool = False) -> Number:
    """The value, a finite number above 0.

    expected: what messages ask for, by default a number above 0.
    """
    right = (is_number(value) and value > 0) or (none and value is None)
    return _required(owner, name, value, right, _or_none(expected or "a number above 0", none))


def not_negative(owner: object, name: str, value: Number) -> Number:
    """The value, a finite number of at least 0."""
    return _required(owner, name, value, is_number(value) and value >= 0, "a number of at least 0")


def probability(owner: object, name: str, value: Number) -> Number:
    """The value, from 0 to 1."""
    return _required(owner, name, value, is_number(value) and 0 <= value <= 1, "a number from 0 to 1")


def share(owner: object, name: str, value: Number) -> Number:
    """The value, above 0 and at most 1."""
    return _required(owner, name, value, is_number(value) and 0 < value <= 1, "a share above 0 and at most 1")


def part(owner: object, name: str, value: Number) -> Number:
    """The value, a share that leaves something over: above 0 and below 1."""
    return _required(owner, name, value, is_number(value) and 0 < value < 1, "a share above 0 and below 1")


def one_of(owner: object, name: str, value: T, known: Sequence[T]) -> T:
    """The value, one of those known."""
    return _required(owner, name, value, value in known, " or ".join(map(repr, known)))


def refused(owner: object, name: str, value: object, expected: str) -> ConfigurationError:
    """The error that says what an argument is, and what was expected."""
    whose = owner if isinstance(owner, str) else type(owner).__name__
    return ConfigurationError(f"{whose}{': ' if whose else ''}{name} is {shown(value)}; expected {expected}")


def _required(owner: object, name: str, value: T, right: bool, expected: str) -> T:
    if not right:
        raise refused(owner, name, value, expected)
    return value


def _or_none(expected: str, none: bool) -> str:
    return f"{expected}, or None" if none else expected
