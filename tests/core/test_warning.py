"""Warnings point at the person's own line."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

import pytest

import netwright as nw
from netwright.core.kinds import kinds_checked
from netwright.core.warning import warn
from netwright.store import Store
from netwright.store.room import Room

SOURCES = Path(nw.__file__).parent


def test_a_warning_points_at_the_line_that_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the constructor of a store, whose arguments are checked before it begins."""
    monkeypatch.setattr(Room, "free", lambda self: 10**6)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        line = inspect.currentframe().f_lineno + 1  # type: ignore[union-attr]
        Store(tmp_path / "p").close()
    (found,) = [each for each in said if "free for" in str(each.message)]
    assert (found.filename, found.lineno) == (__file__, line)


def test_wherever_in_here_it_arises() -> None:
    inside: Any = {"__name__": "netwright.engine.somewhere", "warn": warn, "kinds_checked": kinds_checked}
    exec("def deep(depth):\n    return deep(depth - 1) if depth else warn('said')", inside)
    with pytest.warns(UserWarning, match="said") as said:
        kinds_checked(inside["deep"])(5)
    assert said[0].filename == __file__


def test_nothing_else_here_warns() -> None:
    found = [path.name for path in SOURCES.rglob("*.py") if "warnings.warn(" in path.read_text(encoding="utf-8")]
    assert found == ["warning.py"]
