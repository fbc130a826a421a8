"""`netwright papers`: every paper of the list, and whether netwright can run it."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from netwright.cli.output import say, say_json
from netwright.core.wording import table

if TYPE_CHECKING:
    from netwright.catalogue.papers import Paper

TITLE = 60  # characters of a title that the table shows


def list_papers(*, missing: bool, block: str | None, as_json: bool) -> None:
    """Print the papers that were asked for, what each lacks, and which blocks are wanted most."""
    from netwright.catalogue.papers import blocks, chosen, most_wanted

    found = chosen(missing=missing, block=block)
    if as_json:
        say_json(
            [{**asdict(each), "status": each.status, "recipe": each.recipe, "missing": each.missing} for each in found]
        )
        return
    if block is not None:
        say(_provided(block), "")
    say(*table(("paper", "status", "recipe", "title", "missing blocks"), map(_row, found)))
    say("", _counted(found))
    wanted = [f"{name} ({count} lack it, {alone} only it)" for name, count, alone in most_wanted(found)[:8]]
    if wanted:
        say(*textwrap.wrap(f"Most wanted of the {len(blocks())} blocks: {', '.join(wanted)}.", 120))


def _row(paper: Paper) -> tuple[str, ...]:
    by = f"{paper.authors} {paper.year}: " if paper.authors else ""
    title = textwrap.shorten(by + paper.title, TITLE, placeholder="...") if paper.title else ""
    return paper.key, paper.status, paper.recipe or "", title, ", ".join(paper.missing)


def _counted(found: Sequence[Paper]) -> str:
    counts = Counter(each.status for each in found)
    survey = sum(each.source == "survey" for each in found)
    besides = f", {survey} of which only the survey names" if survey else ""
    part = sum(each.status == "recipe" and bool(each.missing) for each in found)
    without = f" ({part} of them without a block that the paper has too)" if part else ""
    return (
        f"{len(found)} papers{besides}: {counts['recipe']} have a recipe{without}, {counts['possible']} more can be "
        f"put together from what is there, {counts['missing']} lack something."
    )


def _provided(block: str) -> str:
    from netwright.catalogue.papers import PROVIDERS

    provider = PROVIDERS.get(block)
    return f"{block} is missing" if provider is None else f"{block} is {provider.replace(':', '.')}"
