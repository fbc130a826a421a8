"""Checks of plain arguments let through what they say and tell of everything else in one sentence."""

from __future__ import annotations

import math

import pytest

from netwright.core import checks
from netwright.core.errors import ConfigurationError

WRONG = [True, "3", None, math.nan, math.inf, [1]]


@pytest.mark.parametrize(
    ("check", "right", "wrong", "expected"),
    [
        (checks.whole_number, [1, 10**9], [0, -1, 1.0, *WRONG], "a whole number of at least 1"),
        (checks.positive, [1, 1e-9, 10**400], [0, -1.0, *WRONG], "a number above 0"),
        (checks.not_negative, [0, 0.0, 2], [-1e-9, *WRONG], "a number of at least 0"),
        (checks.probability, [0, 0.5, 1], [-0.1, 1.1, *WRONG], "a number from 0 to 1"),
        (checks.share, [1e-9, 1], [0, 1.1, *WRONG], "a share above 0 and at most 1"),
        (checks.part, [1e-9, 0.99], [0, 1, *WRONG], "a share above 0 and below 1"),
    ],
)
def test_numbers(check, right, wrong, expected: str) -> None:
    for value in right:
        assert check("Tree", "depth", value) == value
    for value in wrong:
        with pytest.raises(ConfigurationError) as found:
            check("Tree", "depth", value)
        assert str(found.value) == f"Tree: depth is {value!r}; expected {expected}"


def test_none_is_let_through_where_it_is_allowed() -> None:
    assert checks.whole_number("", "most", None, 2, none=True) is None
    with pytest.raises(ConfigurationError, match=r"^most is 1; expected a whole number of at least 2, or None$"):
        checks.whole_number("", "most", 1, 2, none=True)
    with pytest.raises(ConfigurationError, match=r"^ConfigurationError: rate is 0; expected a rate, or None$"):
        checks.positive(ConfigurationError(), "rate", 0, "a rate", none=True)


def test_words() -> None:
    assert checks.one_of("", "kind", "a", ("a", "b")) == "a"
    with pytest.raises(ConfigurationError, match=r"^kind is 'c'; expected 'a' or 'b'$"):
        checks.one_of("", "kind", "c", ("a", "b"))
