"""Values: dataclasses with slots that nobody changes, for what a search makes anew for every trial."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """A dataclass with slots, compared and hashed by its content, and frozen for type checkers.

    The interpreter does not guard it: a constructor that goes round its own guard takes two to five times as long,
    which was a tenth of a search over a table. `netwright.testing.check_strategy` looks whether a strategy keeps to it.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
