"""The text of portable modules, as one text for an exported model."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType

_GIVEN = "# Given by the exported file; what is here only says what they are."


def text_of(*modules: ModuleType) -> str:
    """The modules' code one after the other: all imports first, without docstrings and imports of each other.

    Values with an annotation are left out: the exported file gives them as constants.
    """
    imports: dict[str, None] = {}
    bodies: list[str] = []
    for module in modules:
        source = inspect.getsource(module)
        for node in ast.parse(source).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports[ast.unparse(node)] = None
        bodies.append(_body(source))
    return "\n".join([*sorted(each for each in imports if _is_kept(each)), "", *bodies])


def _is_kept(line: str) -> bool:
    return not line.startswith(("from __future__", "from netwright."))


def _body(source: str) -> str:
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        if _is_left_out(node):
            del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(each for each in lines if each != _GIVEN).strip("\n") + "\n\n"


def _is_left_out(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Import | ast.ImportFrom | ast.AnnAssign)
