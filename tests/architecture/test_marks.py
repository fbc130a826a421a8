"""An error's text keeps the marks of its options where it becomes part of another error's."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from netwright.core import errors

PACKAGE = Path(__file__).parents[2] / "src" / "netwright"
OURS = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.Told)}
OURS |= {"Exception"}  # which may be one of ours


def retold(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Lines of handlers that raise an error of ours with the text of the one that they caught, without its marks."""
    for handler in ast.walk(tree):
        if not isinstance(handler, ast.ExceptHandler) or handler.name is None or handler.type is None:
            continue
        if OURS.isdisjoint(ast.unparse(each) for each in ast.walk(handler.type)):
            continue
        for raised in (each for each in ast.walk(handler) if isinstance(each, ast.Raise) and each.exc):
            if not isinstance(raised.exc, ast.Call) or ast.unparse(raised.exc.func) not in OURS:
                continue
            for part in ast.walk(raised.exc):
                if isinstance(part, ast.FormattedValue) and ast.unparse(part.value) in (
                    handler.name,
                    f"str({handler.name})",
                ):
                    yield part.lineno, handler.name


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_an_error_that_tells_of_another_keeps_its_marks(path: Path) -> None:
    assert not list(retold(ast.parse(path.read_text())))


def test_what_loses_the_marks_is_found() -> None:
    wrong = "try:\n    pass\nexcept UserError as problem:\n    raise DataError(f'no: {problem}') from None"
    assert list(retold(ast.parse(wrong))) == [(4, "problem")]
    assert not list(retold(ast.parse(wrong.replace("{problem}", "{marked(problem)}"))))
