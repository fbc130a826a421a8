"""Another Python that is started imports nothing from the folder that the user stands in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "netwright"


def started(tree: ast.AST) -> Iterator[tuple[int, list[str]]]:
    """Line and constant words of each list that begins with this interpreter and runs code or a module."""
    for each in ast.walk(tree):
        if isinstance(each, ast.List) and each.elts and ast.unparse(each.elts[0]) == "sys.executable":
            words = [word.value for word in each.elts if isinstance(word, ast.Constant)]
            if {"-c", "-m"} & set(words):
                yield each.lineno, words


ALL = [(path, *found) for path in sorted(PACKAGE.rglob("*.py")) for found in started(ast.parse(path.read_text()))]


def test_there_are_some() -> None:
    assert len(ALL) >= 5


@pytest.mark.parametrize(("path", "line", "words"), ALL, ids=lambda each: getattr(each, "stem", ""))
def test_an_interpreter_is_started_without_the_folder_of_the_user(path: Path, line: int, words: list[str]) -> None:
    assert "-P" in words, f"{path.name}:{line} starts {words}; a json.py in the user's folder would run"
