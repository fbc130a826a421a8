"""Portable modules as one text, for the `model.py` of an export."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType

_OWN = "netwright."


def text_of(*modules: ModuleType) -> str:
    """The imports of these modules, each once, and then what they define; imports of each other are left out."""
    imports: list[str] = []
    bodies: list[str] = []
    for module in modules:
        found, body = _divided(inspect.getsource(module))
        imports += [each for each in found if each not in imports]
        bodies.append(body.strip("\n"))
    return "\n".join(sorted(imports, key=_rank)) + "\n\n\n" + "\n\n\n".join(bodies) + "\n"


def _divided(source: str) -> tuple[list[str], str]:
    """The imports of a module, and its text behind them; both without its docstring and own imports."""
    statements = ast.parse(source).body
    imports = [each for each in statements if isinstance(each, ast.Import | ast.ImportFrom)]
    kept = [ast.unparse(each) for each in imports if not (getattr(each, "module", "") or "").startswith(_OWN)]
    end = max([each.end_lineno or 0 for each in [*imports, statements[0]]])
    return kept, "\n".join(source.splitlines()[end:])


def _rank(text: str) -> tuple[bool, str]:
    return "__future__" not in text, text
