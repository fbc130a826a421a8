"""Joins pieces of Python text into one file: imports first, each once."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ANY_IMPORT = ast.Import | ast.ImportFrom


@dataclass(frozen=True)
class Piece:
    """One piece of a file.

    imports: its import statements, a line each.
    names: what it defines at the top level.
    """

    imports: tuple[str, ...]
    names: frozenset[str]
    text: str


def piece(text: str) -> Piece:
    """A module's text without its docstring, imports, and names that are announced only (`NAME: type`)."""
    statements = ast.parse(text).body
    lines = text.splitlines()
    imports: list[str] = []
    names: set[str] = set()
    for place, statement in reversed(list(enumerate(statements))):
        if isinstance(statement, ANY_IMPORT):
            imports[:0] = _single(statement)
        if isinstance(statement, ANY_IMPORT) or _is_silent(statement, place):
            del lines[statement.lineno - 1 : statement.end_lineno]
        else:
            names |= _defined(statement)
    body = re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines).strip("\n"))
    return Piece(tuple(imports), frozenset(names), f"{body}\n" if body else "")


def _single(statement: ast.Import | ast.ImportFrom) -> list[str]:
    """One line for each imported name; of this library none, as such pieces stand in the same file."""
    if isinstance(statement, ast.Import):
        return [f"import {_named(each)}" for each in statement.names if not each.name.startswith("netwright.")]
    module = statement.module or ""
    if module == "__future__" or module.startswith("netwright."):
        return []
    return [f"from {module} import {_named(each)}" for each in statement.names]


def _named(alias: ast.alias) -> str:
    return alias.name + (f" as {alias.asname}" if alias.asname else "")


def _is_silent(statement: ast.stmt, place: int) -> bool:
    if isinstance(statement, ast.AnnAssign):
        return statement.value is None
    return place == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _defined(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return {each.id for target in targets if target for each in ast.walk(target) if isinstance(each, ast.Name)}


def imported_modules(text: str) -> set[str]:
    """The packages that a piece of Python imports anywhere, in functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def joined_imports(lines: Sequence[str], body: str, between: Callable[[Sequence[str]], str]) -> str:
    """The imports that the body uses: first those of the standard library, then those of other packages.

    between: what stands before the imports of these packages.
    """
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)} | {"importlib", "sys"}
    kept = [each for each in dict.fromkeys(("import importlib.util", "import sys", *lines)) if _bound(each) in used]
    ours, others = [], []
    for each in sorted(_gathered(kept), key=lambda line: (line.startswith("from "), line.lower())):
        (others if _package(each) in FOREIGN else ours).append(each)
    missing = between([name for name in FOREIGN if name in map(_package, others)])
    blocks = (["from __future__ import annotations"], ours, [missing], others)
    return "\n\n".join("\n".join(block) for block in blocks if block)


FOREIGN = ("numpy", "onnxruntime", "PIL", "safetensors", "torch")


def _package(line: str) -> str:
    """The package that an import statement reads from."""
    return line.split()[1].partition(".")[0]


def _bound(line: str) -> str:
    """The name that an import statement of one name gives."""
    name = line.split(" as ")[-1] if " as " in line else line.split()[-1]
    return name.partition(".")[0] if line.startswith("import ") else name


def _gathered(lines: Sequence[str]) -> list[str]:
    """`from a import b` and `from a import c` as one statement."""
    names: dict[str, list[str]] = {}
    plain: list[str] = []
    for line in lines:
        start, found, name = line.partition(" import ")
        if line.startswith("from ") and found:
            names.setdefault(start, []).append(name)
        else:
            plain.append(line)
    return plain + [f"{start} import {', '.join(sorted(found))}" for start, found in names.items()]
