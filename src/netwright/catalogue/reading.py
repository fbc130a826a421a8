"""What the folders of the package hold, found in the text of their files; nothing is imported.

| kind | its names |
| --- | --- |
| method | the functions in `__all__` of the files of `methods/`, with dashes |
| search | those methods that take a space and a task and give a whole search on shared weights |
| strategy | the other methods, and the classes of `strategies/` that say how they are `called` |
| space | the classes of `spaces/` that say how they are `called` |
| estimator, predictor | the classes that their folder makes public, in small letters with dashes |
| task | the functions of `tasks/from_*.py` |
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from netwright.core.public_names import declared, public

Kind = Literal["method", "search", "strategy", "space", "estimator", "predictor", "task"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ROOM = Path(__file__).parents[1]
_CLASS = re.compile(r"^class (\w+)|^    called(?:: [\w\[\]]+)? = \"([^\"]+)\"", flags=re.MULTILINE)
_FUNCTION = re.compile(r"^def (\w+)", flags=re.MULTILINE)
_SPACES = re.compile(r"^SPACES(?:: [^=\n]+)? = (\{.*?\n\})$", flags=re.MULTILINE | re.DOTALL)
_TAKES_A_TASK = re.compile(r"^def (\w+)\(\s*space\b[^,]*,\s*task\b", flags=re.MULTILINE)


@cache
def shipped(kind: Kind) -> Mapping[str, str]:
    """The names of a kind with where each is, "module:attribute"."""
    if kind == "method":
        found = _methods()
    elif kind == "search":
        found = {name: place for name, place in _methods().items() if place in _searches()}
    elif kind == "strategy":
        others = {name: place for name, place in _methods().items() if place not in _searches()}
        found = {**dict(_called("strategies")), **others}
    elif kind == "space":
        found = dict(_called("spaces"))
    elif kind == "task":
        found = dict(_readers())
    else:
        package = f"netwright.{kind}s"
        classes = [name for name in public(ROOM / f"{kind}s/__init__.py") if name[0].isupper()]
        found = {dashed(name): f"{package}:{name}" for name in classes}
    return MappingProxyType(found)


@cache
def own_spaces() -> Mapping[str, str]:
    """The space that a method's paper has, by the method's name: what is searched where nobody names another one.

    A file of `methods/` says it as `SPACES`, from the names of its functions to texts as --space takes them.
    """
    found: dict[str, str] = {}
    for path in sorted((ROOM / "methods").glob("[a-z]*.py")):
        for said in _SPACES.findall(path.read_text(encoding="utf-8")):
            found |= {dashed(name): space for name, space in ast.literal_eval(said).items()}
    return MappingProxyType(found)


def dashed(name: str) -> str:
    """The name of a function or class on the command line: `gp_nas` -> gp-nas, `MlpEnsemble` -> mlp-ensemble."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).replace("_", "-").lower()


def _methods() -> dict[str, str]:
    return {dashed(name): place for name, place in declared("netwright.methods", ROOM / "methods").items()}


@cache
def _searches() -> frozenset[str]:
    """Where the methods are that take a task."""
    files = (ROOM / "methods").glob("[a-z]*.py")
    return frozenset(
        f"netwright.methods.{path.stem}:{name}"
        for path in files
        for name in _TAKES_A_TASK.findall(path.read_text(encoding="utf-8"))
    )


def _readers() -> Iterator[tuple[str, str]]:
    """The public functions that read data."""
    listed = public(ROOM / "tasks/__init__.py")
    for path in sorted((ROOM / "tasks").glob("from_*.py")):
        for name in _FUNCTION.findall(path.read_text(encoding="utf-8")):
            if name in listed:
                yield name, f"netwright.tasks:{name}"


def _called(folder: str) -> Iterator[tuple[str, str]]:
    """The classes of a folder, of whatever depth, that say how they are called."""
    for path in sorted((ROOM / folder).rglob("[a-z]*.py")):
        cls = ""
        for name, called in _CLASS.findall(path.read_text(encoding="utf-8")):
            cls = name or cls
            if called:
                module = ".".join(path.relative_to(ROOM).with_suffix("").parts)
                yield called, f"netwright.{module}:{cls}"
