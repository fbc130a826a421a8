"""Tables and headings of the pages."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from reference_pages.docstrings import lines, parameters, prose, summary

GENERATED = "<!-- Written by `make docs` from the code; a change here is lost. -->"


def page(title: str, *blocks: str) -> str:
    return "\n\n".join([f"# {title}", GENERATED, *(each.strip() for each in blocks if each.strip())]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; empty without rows."""
    cells = [[_cell(each) for each in row] for row in rows]
    joined = [f"| {' | '.join(row)} |" for row in [list(head), ["---"] * len(head), *cells]]
    return "\n".join(joined) if cells else ""


def code(text: object) -> str:
    return f"`{text}`"


def value(given: Any) -> str:
    """A default as somebody would write it: 0.037 for 1/27, [0.1, 0.4] as it is."""
    if isinstance(given, float):
        return f"{given:.6g}"
    return re.sub(r"\d\.\d{7,}", lambda match: f"{float(match[0]):.6g}", repr(given))


def kind(parameter: inspect.Parameter) -> str:
    """The declared type, in short."""
    declared = parameter.annotation
    if declared is parameter.empty:
        return ""
    return declared if isinstance(declared, str) else getattr(declared, "__name__", str(declared))


def options(described: Callable[..., Any], skip: Sequence[str] = (), only: Sequence[str] | None = None) -> str:
    """The table of what a function or constructor takes. skip: parameters that are given elsewhere."""
    said = lines(described)
    rows = []
    for name, parameter in parameters(described).items():
        if name in skip or (only is not None and name not in only):
            continue
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = "" if parameter.default is parameter.empty else code(value(parameter.default))
        rows.append([code(stars + name), code(kind(parameter)) if kind(parameter) else "", default, said.get(name, "")])
    return table(["option", "kind", "default", "meaning"], rows)


def entry(title: str, described: Callable[..., Any], skip: Sequence[str] = (), level: int = 3) -> str:
    """A heading, the plain sentence, the options, and what else the docstring says."""
    parts = [f"{'#' * level} {title}", summary(described), options(described, skip), *prose(described)]
    return "\n\n".join(each for each in parts if each)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
