"""The text of portable modules, as one text for an exported model."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Collection
from types import ModuleType

_GIVEN = "# Given by the exported file; what is here only says what they are."


def text_of(*modules: ModuleType) -> str:
    """The modules' code one after the other: all imports first, without docstrings and imports of each other.

    Values with an annotation are left out: the exported file gives them as constants. A function that several of the
    modules define is that of the last one.
    """
    imports: dict[str, None] = {}
    bodies: list[str] = []
    later: set[str] = set()
    for module in reversed(modules):
        source = inspect.getsource(module)
        nodes = ast.parse(source).body
        imports |= dict.fromkeys(ast.unparse(each) for each in nodes if isinstance(each, ast.Import | ast.ImportFrom))
        bodies.insert(0, _body(source, later))
        later |= {each.name for each in nodes if isinstance(each, ast.FunctionDef)}
    return "\n".join([*sorted(each for each in imports if _is_kept(each)), "", *bodies])


def _is_kept(line: str) -> bool:
    return not line.startswith(("from __future__", "from netwright."))


def _body(source: str, replaced: Collection[str]) -> str:
    """A module's own code, without the functions that are replaced."""
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        if _is_left_out(node) or (isinstance(node, ast.FunctionDef) and node.name in replaced):
            del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(each for each in lines if each != _GIVEN).strip("\n") + "\n\n"


def _is_left_out(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Import | ast.ImportFrom | ast.AnnAssign)
