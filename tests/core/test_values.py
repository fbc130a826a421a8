"""Values are frozen dataclasses, but for how long they take to make."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

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


def test_a_value_is_frozen_and_has_slots():
    made = Made(3)
    assert type(made) is Made and made.double == 6 and not hasattr(made, "__dict__")
    with pytest.raises(FrozenInstanceError):
        made.first = 4  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del made.first  # type: ignore[misc]
    with pytest.raises(AttributeError):
        object.__setattr__(made, "other", 1)


def test_it_compares_copies_and_shows_itself_as_a_dataclass_does():
    made = Made(3, (1, 2), last="a")
    assert made == Made(3, (), "a") != Made(3) and hash(made) == hash(Made(3, (), "a"))
    for other in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made)), replace(made)):
        assert type(other) is Made and other == made and other.rest == (1, 2)
    assert replace(made, first=4).first == 4
    assert repr(made) == repr(Plain(3, (1, 2), "a")).replace("Plain", "Made")
    assert [each.name for each in fields(made)] == ["first", "rest", "last"]
    assert str(inspect.signature(Made)) == str(inspect.signature(Plain)).replace("<factory>", "()")


def test_wrong_arguments_are_named():
    with pytest.raises(TypeError, match=r"Made.__init__\(\) missing 1 required positional argument: 'first'"):
        Made()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'second'"):
        Made(1, second=2)  # type: ignore[call-arg]
