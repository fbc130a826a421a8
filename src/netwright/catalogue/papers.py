"""The papers on architecture search that netwright is measured against: which run, by which command, what others lack.

A paper is made of blocks: a search space, a way to search, an estimator, a task and so on. Modules say what they have:
`PROVIDES` names the blocks, `PAPERS` the papers that run, each with its command and with what of it is left out.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from netwright.catalogue.reading import ROOM
from netwright.core.errors import UserError, nearest

Status = Literal["runs", "missing"]
SHORT = "a short function"  # what is missing where every block is there
_SAID = re.compile(r"^(PROVIDES|PAPERS)(?:: [^=\n]+)? = ((?:\(.*?\)|\{.*?\n\}))$", flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper of the list, one that only the survey names (source "survey"), or a further one of the same kind.

    authors, venue, year: empty and None where they are not known for certain.
    family: what it searches by, as "gradient" or "evolution".
    code: the address of the authors' program; empty where there is none.
    blocks: needed for what the paper mainly does.
    optional: for what it does besides.
    """

    key: str
    title: str
    authors: str
    venue: str
    year: int | None
    family: str
    code: str
    source: Literal["list", "survey", "further"]
    blocks: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def command(self) -> str | None:
        """The command that runs it, with DATA, TABLE or RUN for what is the user's; None where there is none."""
        return commands().get(self.key, (None, ""))[0]

    @property
    def left_out(self) -> str:
        """What the command does without, of what the paper does; empty where it runs whole."""
        return commands().get(self.key, (None, ""))[1]

    @property
    def missing(self) -> tuple[str, ...]:
        """What it lacks to be run: blocks that nothing provides, or a short function where all of them are there."""
        if self.command is not None:
            return ()
        return tuple(each for each in self.blocks if each not in providers()) or (SHORT,)

    @property
    def status(self) -> Status:
        """Whether a command runs it."""
        return "missing" if self.command is None else "runs"

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data, with what is worked out."""
        told: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        told |= {"blocks": list(self.blocks), "optional": list(self.optional)}
        worked_out: dict[str, Any] = {"status": self.status, "command": self.command, "left_out": self.left_out}
        return {**told, **worked_out, "missing": list(self.missing)}


@cache
def papers() -> tuple[Paper, ...]:
    """All papers, by key."""
    text = (Path(__file__).parent / "papers.json").read_text(encoding="utf-8")
    return tuple(
        Paper(**{**each, "blocks": tuple(each["blocks"]), "optional": tuple(each["optional"])})
        for each in json.loads(text)
    )


@cache
def blocks() -> tuple[str, ...]:
    """The name of every block that a paper needs, in alphabetical order."""
    return tuple(sorted({block for each in papers() for block in each.blocks}))


@cache
def providers() -> Mapping[str, tuple[str, ...]]:
    """By which modules each block is provided; a block that is not named is missing."""
    found: dict[str, tuple[str, ...]] = {}
    for module, name, said in _said():
        if name == "PROVIDES":
            for block in said:
                found[block] = (*found.get(block, ()), module)
    return MappingProxyType(found)


@cache
def commands() -> Mapping[str, tuple[str, str]]:
    """The papers that run: by key the command, and what is left out."""
    found: dict[str, tuple[str, str]] = {}
    for _, name, said in _said():
        if name == "PAPERS":
            found |= said
    return MappingProxyType(found)


def _said() -> Iterator[tuple[str, str, Any]]:
    """What modules say they provide: module, name of the constant, its value; nothing is imported."""
    for path in sorted(ROOM.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "PROVIDES" not in text and "PAPERS" not in text:
            continue
        parts = path.relative_to(ROOM).with_suffix("").parts
        module = ".".join(("netwright", *(parts[:-1] if parts[-1] == "__init__" else parts)))
        for name, value in _SAID.findall(text):
            yield module, name, ast.literal_eval(value)


def chosen(*, missing: bool = False, block: str | None = None) -> list[Paper]:
    """The papers that cannot be run yet where `missing`, and those that need a block where one is named.

    Raises UserError for a block that does not exist.
    """
    if block is not None and block not in blocks():
        raise UserError(f"there is no block {block!r}{nearest(block, blocks())}")
    return [
        each
        for each in papers()
        if (not missing or each.status == "missing") and (block is None or block in each.blocks)
    ]


def most_wanted(among: Sequence[Paper]) -> list[tuple[str, int, int]]:
    """The missing blocks of these papers: name, how many papers lack it, and how many lack nothing else.

    The block that most papers lack comes first.
    """
    lacking = Counter(block for each in among for block in each.missing if block != SHORT)
    last = Counter(each.missing[0] for each in among if len(each.missing) == 1)
    return [(block, count, last[block]) for block, count in sorted(lacking.items(), key=lambda x: (-x[1], x[0]))]
