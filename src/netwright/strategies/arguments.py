"""Checks of what strategies are constructed with."""

from __future__ import annotations

from netwright.core.errors import ConfigurationError


def whole_number(owner: object, name: str, value: int, least: int = 1) -> int:
    """The value; ConfigurationError unless it is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(
            f"{type(owner).__name__}: {name} is {value!r}; expected a whole number of at least {least}"
        )
    return value


def probability(owner: object, name: str, value: float) -> float:
    """The value; ConfigurationError unless 0 <= value <= 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ConfigurationError(f"{type(owner).__name__}: {name} is {value!r}; expected a number from 0 to 1")
    return value


def one_of(owner: object, name: str, value: str, known: tuple[str, ...]) -> None:
    """ConfigurationError unless the value is one of those known."""
    if value not in known:
        raise ConfigurationError(
            f"{type(owner).__name__}: {name} is {value!r}; expected {' or '.join(map(repr, known))}"
        )
