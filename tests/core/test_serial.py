from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.core.errors import UserError
from netwright.core.serial import parse_json


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NaN", "holds NaN"),
        ('{"a": [Infinity]}', "holds Infinity"),
        ("-Infinity", "holds -Infinity"),
        ("1e999", "1e999, which is too large"),
        ("-1e999", "too large"),
        ('{"a": 1, "a": 1}', "key 'a' twice"),
        ('{"b": {"a": 1, "a": 2}}', "key 'a' twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"a": 1,\n "b" 2}', "line 2 column 6"),
        ("", "line 1 column 1"),
        ("9" * 5_000, "5,000 digits, which is too large a number"),
        (" " * 10_000_001, "10,000,001 characters"),
    ],
)
def test_what_cannot_be_read_is_said(text, message):
    with pytest.raises(UserError, match=message):
        parse_json(text)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(plain)
@settings(max_examples=100, deadline=None)
def test_what_json_can_say_reads_back(value):
    assert parse_json(json.dumps(value)) == value


@given(st.text(alphabet='[]{}",:0123456789.eE+-NaIinfty \\u', max_size=30))
@settings(max_examples=300, deadline=None)
def test_anything_else_is_a_user_error(text):
    with suppress(UserError):
        parse_json(text)
