"""Files of tests have names of their own: without packages around them, two of one name cannot be collected."""

from __future__ import annotations

from collections import Counter
from pathlib import Path


def test_no_two_files_of_tests_have_one_name() -> None:
    names = Counter(each.name for each in Path(__file__).parents[1].rglob("*.py") if each.name != "conftest.py")
    assert not [name for name, count in names.items() if count > 1]
