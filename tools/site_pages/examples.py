"""A page for each example of examples/, with its code, and one that lists them."""

from __future__ import annotations

import ast
from pathlib import Path

from site_pages.sources import ROOT

FOLDER = ROOT / "examples"


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.py"))


def pages() -> dict[str, str]:
    """The pages of all examples, by where they stand in the site."""
    return {f"examples/{path.stem}.md": _page(path) for path in files()}


def index() -> str:
    """The list of all examples."""
    rows = [f"| [{_title(path)}]({path.stem}.py) | {_said(path)} |" for path in files()]
    head = ["# Examples", "", "Each is under 40 lines, runs in seconds, and is run by the tests.", ""]
    return "\n".join([*head, "| example | what it shows |", "| --- | --- |", *rows]) + "\n"


def _page(path: Path) -> str:
    code = path.read_text(encoding="utf-8").rstrip()
    return f"# {_title(path)}\n\n`python examples/{path.name}`\n\n```python\n{code}\n```\n"


def _title(path: Path) -> str:
    return path.stem.replace("_", " ").capitalize()


def _said(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")
