"""Pages of docs/ that the navigation of mkdocs.yml does not name are added to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

LEFT = ("decisions/0", "pictures/")  # reached from their index


def completed(navigation: list[Any], folder: str) -> list[Any]:
    """The navigation with every page: new ones of docs/ stand under "More" of the guides.

    navigation: as mkdocs.yml has it.
    folder: docs/.
    """
    named = set(pages(navigation))
    there = sorted(str(path.relative_to(folder).as_posix()) for path in Path(folder).rglob("*.md"))
    left = [each for each in there if each not in named and not each.startswith(LEFT)]
    if left:
        guides = next(entry["Guides"] for entry in navigation if "Guides" in entry)
        guides.append({"More": left})
    return navigation


def pages(navigation: Any) -> Iterator[str]:
    """The pages that a navigation names."""
    if isinstance(navigation, str):
        yield navigation
    for each in navigation.values() if isinstance(navigation, dict) else navigation if _list(navigation) else ():
        yield from pages(each)


def _list(given: Any) -> bool:
    return isinstance(given, list)
