"""`netwright papers`: every paper of the list, with the command that runs it, or what is missing for that."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.cli.output import say, say_json
from netwright.core.wording import table

if TYPE_CHECKING:
    from netwright.catalogue.papers import Paper

TITLE = 60  # characters of a title that the table shows
WIDTH = 120


def list_papers(*, missing: bool, block: str | None, as_json: bool) -> None:
    """Print the papers that were asked for, how each is run or what it lacks, and which blocks are wanted most."""
    from netwright.catalogue.papers import blocks, chosen, most_wanted

    found = chosen(missing=missing, block=block)
    if as_json:
        say_json([each.as_json() for each in found])
        return
    if block is not None:
        say(_provided(block), "")
    head, *rows = table(("paper", "status", "published", "family", "title"), map(_row, found))
    say(head)
    for row, each in zip(rows, found, strict=True):
        say(row, *(f"  {line}" for line in _told(each)))
    say("", *textwrap.wrap(_counted(found), WIDTH))
    wanted = [f"{name} ({count} lack it, {alone} only it)" for name, count, alone in most_wanted(found)[:8]]
    if wanted:
        say(*textwrap.wrap(f"Most wanted of the {len(blocks())} blocks: {', '.join(wanted)}.", WIDTH))


def _row(paper: Paper) -> tuple[str, ...]:
    by = f"{paper.authors}: " if paper.authors else ""
    title = textwrap.shorten(by + paper.title, TITLE, placeholder="...")
    published = f"{paper.venue} {paper.year or ''}".strip()
    return paper.key, paper.status, published, paper.family, title


def _told(paper: Paper) -> list[str]:
    """How it is run and what is left out, or what is missing; and where its authors' program is."""
    if paper.command is None:
        told = [f"missing: {', '.join(paper.missing)}"]
    else:
        told = [paper.command, *([f"left out: {paper.left_out}"] if paper.left_out else [])]
    return [*told, *([f"authors' code: {paper.code}"] if paper.code else [])]


def _counted(found: Sequence[Paper]) -> str:
    counts = Counter(each.status for each in found)
    survey = sum(each.source == "survey" for each in found)
    besides = f", {survey} of which only the survey names" if survey else ""
    part = sum(bool(each.left_out) for each in found)
    partly = f", {part} of them without something that the paper has" if part else ""
    return f"{len(found)} papers{besides}: {counts['runs']} run{partly}; {counts['missing']} lack something."


def _provided(block: str) -> str:
    from netwright.catalogue.papers import providers

    found = providers().get(block)
    return f"{block} is missing" if found is None else f"{block} is provided by {', '.join(found)}"
