"""Values compare, hash, copy and show themselves as frozen dataclasses do."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import dataclass, field, fields, replace

import pytest

from netwright.core.values import value


@value
class Made:
    """Two fields and a method."""

    first: int
    rest: tuple[int, ...] = field(default_factory=tuple, compare=False)
    last: str = "z"

    @property
    def double(self) -> int:
        return 2 * self.first


@dataclass(frozen=True, slots=True)
class Plain:
    first: int
    rest: tuple[int, ...] = field(default_factory=tuple, compare=False)
    last: str = "z"


def test_a_value_has_slots_and_nothing_else():
    made = Made(3)
    assert made.double == 6 and not hasattr(made, "__dict__")
    with pytest.raises(AttributeError):
        made.other = 1  # type: ignore[attr-defined]


def test_it_compares_copies_and_shows_itself_as_a_frozen_dataclass_does():
    made = Made(3, (1, 2), last="a")
    assert made == Made(3, (), "a") != Made(3)
    assert hash(made) == hash(Made(3, (), "a")) == hash(Plain(3, (), "a"))
    for other in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made)), replace(made)):
        assert type(other) is Made and other == made and other.rest == (1, 2)
    assert replace(made, first=4).first == 4
    assert repr(made) == repr(Plain(3, (1, 2), "a")).replace("Plain", "Made")
    assert [each.name for each in fields(made)] == ["first", "rest", "last"]
    assert str(inspect.signature(Made)) == str(inspect.signature(Plain))
